// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <set>

#include "cli/flags.h"

namespace cygnet::cli {
namespace {

constexpr const char* kConvertExamples =
    "Examples:\n"
    "  cygnet convert saved_model/ -o model.tflite\n"
    "  cygnet convert frozen.pb -o model.tflite --inputs image:1x224x224x3 --outputs "
    "probabilities\n"
    "  cygnet convert model.keras -o model.tflite --verify recorded.npz --report report.json\n\n"
    "Reads what training wrote (SavedModel, frozen or unfrozen graph, Keras .h5 and .keras,\n"
    ".tflite), makes the inference graph and writes it as .tflite. --verify runs the result on\n"
    "recorded inputs ('in:NAME') and compares with recorded outputs ('out:NAME').";

/// What tflite_convert and toco take besides; only what asks for nothing else is let through.
void add_old_convert_flags(CLI::App* command, ConvertFlags* flags) {
  const char* group = "Of tflite_convert's and toco's command line";
  const auto take = [&](const char* names, const char* help, std::set<std::string> values) {
    command
        ->add_option_function<std::string>(
            names, [](const std::string&) {}, help)
        ->check(CLI::IsMember(std::move(values)))
        ->group(group);
  };
  command
      ->add_option("--saved_model_dir,--graph_def_file,--keras_model_file,--input_file",
                   flags->source, "SOURCE")
      ->excludes("SOURCE")
      ->group(group);
  command
      ->add_option("--input_shapes,--input_shape", flags->shapes,
                   "Shapes of --input_arrays: 1,224,224,3:1,10")
      ->group(group);
  take("--output_format", "TFLITE, nothing else", {"TFLITE"});
  take("--input_format", "Is seen from SOURCE itself", {"TENSORFLOW_GRAPHDEF", "TFLITE"});
  take("--inference_type", "FLOAT, nothing else", {"FLOAT"});
  take("--inference_input_type,--input_data_type,--input_data_types", "FLOAT, nothing else",
       {"FLOAT"});
  command
      ->add_option_function<std::string>(
          "--mean_values,--mean_value,--std_dev_values,--std_dev_value,--std_value",
          [](const std::string&) {}, "Of quantized inputs; FLOAT has none")
      ->take_last()
      ->group(group);
  command
      ->add_flag_function(
          "--enable_v1_converter,--experimental_new_converter,"
          "--change_concat_input_ranges,--drop_control_dependency",
          [](int64_t) {}, "Without effect")
      ->group(group);
}

constexpr const char* kFreezeExamples =
    "Examples:\n"
    "  cygnet freeze saved_model/ -o frozen.pb\n"
    "  cygnet freeze model.meta -o frozen.pb --output-nodes softmax\n\n"
    "Writes a GraphDef in which variables are constants, function calls are replaced by what they\n"
    "compute, and nothing is left that only training needs. TensorFlow reads it.";

}  // namespace

void add_convert(CLI::App* app, ConvertFlags* flags) {
  CLI::App* command = app->add_subcommand("convert", "Turn a trained network into a .tflite file");
  command->footer(kConvertExamples);
  const auto list = [&](const char* names, std::vector<std::string>* values, const char* help) {
    command->add_option(names, *values, help)->delimiter(',')->allow_extra_args(false);
  };
  command->add_option("SOURCE", flags->source, "A file or a SavedModel folder");
  command->add_option("-o,--output,--output_file", flags->output, "The .tflite file to write")
      ->required();
  list("--inputs,--input_arrays,--input_array", &flags->inputs,
       "Input tensors, with shapes if you like: image:1x224x224x3,mask");
  list("--outputs,--output_arrays,--output_array", &flags->outputs, "Output tensors");
  command->add_option("--signature,--saved_model_signature_key", flags->signature,
                      "Which signature of a SavedModel");
  list("--tags,--saved_model_tag_set", &flags->tags, "Tags of the SavedModel's graph");
  command->add_option("--checkpoint", flags->checkpoint, "Prefix of the variables' files");
  command
      ->add_option("--atrous", flags->atrous,
                   "Stride with dilation: what TensorFlow computes (tf) or the mathematics (true)")
      ->check(CLI::IsMember({"tf", "true"}));
  command->add_flag("--allow-custom,--allow_custom_ops", flags->allow_custom,
                    "Keep operators that have no counterpart as custom operators");
  command->add_flag("--unroll", flags->unroll, "Unroll loops whose number of turns is known");
  command->add_flag("--no-optimize", flags->no_optimize, "Write the graph as it was read");
  list("--passes", &flags->passes, "Passes to leave out: -fold-constants,...");
  command->add_option("--verify", flags->verify, "An .npz file with recorded inputs and outputs");
  command
      ->add_option("--tolerance", flags->tolerance,
                   "Largest difference that --verify takes, of the output's range (1e-4)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--report", flags->report, "A JSON file with what was done");
  command->add_option("--limits", flags->limits, "Bounds on what the source may ask for")
      ->check(CLI::IsMember({"default", "untrusted"}));
  command->add_flag("--json", flags->json, "Print JSON");
  command
      ->add_option("--quantize", flags->quantize.mode,
                   "Fewer bits: int8, int16x8, dynamic, int4, float16; cygnet quantize --help")
      ->check(CLI::IsMember({"int8", "int16x8", "dynamic", "int4", "float16"}));
  add_quantize_flags(command, &flags->quantize);
  add_old_convert_flags(command, flags);
}

void add_freeze(CLI::App* app, FreezeFlags* flags) {
  CLI::App* command =
      app->add_subcommand("freeze", "Write a graph with its variables as constants");
  command->footer(kFreezeExamples);
  command->add_option("SOURCE", flags->source, "A SavedModel folder, .pb, .pbtxt or .meta file")
      ->required();
  command->add_option("-o,--output", flags->output, "The .pb file to write")->required();
  command
      ->add_option("--output-nodes,--outputs", flags->outputs,
                   "What the graph computes: nodes, or names of the signature")
      ->delimiter(',');
  command->add_option("--signature", flags->signature, "Which signature of a SavedModel");
  command->add_option("--tags", flags->tags, "Tags of the SavedModel's graph")->delimiter(',');
  command->add_option("--checkpoint", flags->checkpoint, "Prefix of the variables' files");
  command->add_flag("--json", flags->json, "Print JSON");
}

}  // namespace cygnet::cli
