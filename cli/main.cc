// SPDX-License-Identifier: Apache-2.0
// The program `cygnet`. The only unit that includes CLI11, which takes seconds to compile.
//
// Exit codes: 0 done; 1 the input or the request was at fault, said in one message on standard
// error; 2 usage.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <new>
#include <set>
#include <sstream>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"

namespace cygnet::cli {
namespace {

constexpr int kDone = 0;
constexpr int kFault = 1;
constexpr int kUsage = 2;

constexpr const char* kAbout =
    "Cygnet converts trained networks to TensorFlow Lite models and runs them.\n\n"
    "Examples:\n"
    "  cygnet convert saved_model/ -o model.tflite\n"
    "  cygnet freeze saved_model/ -o frozen.pb\n"
    "  cygnet inspect model.tflite\n"
    "  cygnet run model.tflite --random 1 --outputs out.npz\n"
    "  cygnet bench model.tflite --layers\n"
    "  cygnet classify mobilenet.tflite cat.jpg --labels imagenet.txt\n"
    "  cygnet segment selfie.tflite me.jpg -o out.png --background blur\n\n"
    "'cygnet COMMAND --help' tells more.";

constexpr const char* kInspectExamples =
    "Examples:\n"
    "  cygnet inspect model.tflite\n"
    "  cygnet inspect model.tflite --json > model.json\n\n"
    "Shows inputs, outputs, signatures and operators with their shapes, types, multiply-adds and\n"
    "weights, the memory that a run takes, and what this build can't run.";

constexpr const char* kRunExamples =
    "Examples:\n"
    "  cygnet run model.tflite --random 1\n"
    "  cygnet run model.tflite --inputs in.npz --outputs out.npz\n"
    "  cygnet run model.tflite --inputs in.npz --labels classes.npy\n"
    "  cygnet run model.tflite --inputs in.npz --signature serving_default --threads 4\n\n"
    "Keys of .npz files are the signature's names, or the tensors' names where there is no\n"
    "signature; an input may also have the key 'in:NAME' (keys 'out:NAME' are then passed over). "
    "A\n"
    ".npy file does for a model with one input or output.";

constexpr const char* kBenchExamples =
    "Examples:\n"
    "  cygnet bench model.tflite\n"
    "  cygnet bench model.tflite --layers --threads 2\n"
    "  cygnet bench model.tflite --stdin\n\n"
    "Runs the model on random inputs and shows the least and the median time, its multiply-adds\n"
    "and how many operations a second that is (two for each multiply-add). --layers shows the "
    "same\n"
    "for each operator. --stdin prints 'ready BUILD_MS FIRST_MS' and then answers each line 'run "
    "N'\n"
    "with a line of N times in microseconds, each WALL:CPU, until a line 'quit' or the end: for\n"
    "programs that compare engines in turn.";

constexpr const char* kClassifyExamples =
    "Examples:\n"
    "  cygnet classify mobilenet.tflite cat.jpg dog.png --labels imagenet.txt\n"
    "  cygnet classify model.tflite cat.jpg --top 1 --json\n"
    "  cygnet classify model.tflite cat.jpg --mean 123.7,116.3,103.5 --std 58.4,57.1,57.4\n\n"
    "JPEG, PNG and BMP pictures are stretched to the model's size. 8-bit inputs get their bytes,\n"
    "floating-point inputs the values mapped to -1..1; --mean and --std give (byte - MEAN) / STD.";

constexpr const char* kSegmentExamples =
    "Examples:\n"
    "  cygnet segment deeplab.tflite bird.jpg -o bird.png --labels voc.txt\n"
    "  cygnet segment selfie.tflite me.jpg -o out.png --background blur\n"
    "  cygnet segment selfie.tflite me.jpg -o out.png --background beach.jpg --mask mask.png\n\n"
    "Class maps are painted over the picture in the Pascal VOC colours, portraits are cut out. "
    "Floating-\n"
    "point inputs get values of 0..1 for portraits, of -1..1 for class maps, or what --mean and "
    "--std\n"
    "say.";

void add_model_flags(CLI::App* command, ModelFlags* flags) {
  command->add_option("MODEL", flags->model, "A .tflite file")->required();
  command
      ->add_option("--limits", flags->limits,
                   "Bounds on what the model may ask for: default or untrusted")
      ->check(CLI::IsMember({"default", "untrusted"}));
}

void add_run_flags(CLI::App* command, ModelFlags* flags) {
  command->add_option("--threads", flags->threads, "Threads to run on (1)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--reference", flags->reference,
                    "Plain loops with the format's reference arithmetic");
  command->add_option("--weights-cache", flags->weights_cache,
                      "File that packed weights are taken from, or written to: a quicker start");
  command->add_flag("--no-fuse", flags->no_fuse,
                    "Each operator alone, none fused into another: the same results");
}

void add_normalization(CLI::App* command, Normalization* normalization) {
  command->add_option("--mean", normalization->mean, "What to subtract from bytes: one or three")
      ->delimiter(',');
  command->add_option("--std", normalization->std, "What to divide by then: one or three")
      ->delimiter(',');
}

/// The flags of all subcommands.
struct Flags {
  InspectFlags inspect;
  RunFlags run;
  BenchFlags bench;
  ClassifyFlags classify;
  SegmentFlags segment;
  ConvertFlags convert;
  FreezeFlags freeze;
};

void add_inspect(CLI::App* app, InspectFlags* flags) {
  CLI::App* command = app->add_subcommand("inspect", "Show what is in a model and what it costs");
  command->footer(kInspectExamples);
  add_model_flags(command, &flags->model);
  command->add_option("--signature", flags->model.signature, "Which signature's subgraph to show");
  command->add_flag("--json", flags->json, "Print JSON");
}

void add_run(CLI::App* app, RunFlags* flags) {
  CLI::App* command = app->add_subcommand("run", "Run a model on arrays");
  command->footer(kRunExamples);
  add_model_flags(command, &flags->model);
  CLI::Option_group* source = command->add_option_group("inputs");
  source->add_option("--inputs", flags->inputs, "An .npz (or .npy) file with the inputs")
      ->check([](const std::string& path) {
        return path.empty() ? std::string("the path is empty") : std::string();
      });
  source->add_option("--random", flags->seed, "Random inputs from this seed");
  source->require_option(1);
  command->add_option("--outputs", flags->outputs, "The .npz (or .npy) file to write");
  command->add_option("--labels", flags->labels,
                      "An .npy file: the right class of each row of the first output");
  command->add_option("--signature", flags->model.signature, "Which signature to run");
  add_run_flags(command, &flags->model);
  command->add_option("--repeat", flags->repeat, "Run this often and show the median time (1)")
      ->check(CLI::Range(1, 1000000));
  command->add_flag("--json", flags->json, "Print JSON");
}

void add_bench(CLI::App* app, BenchFlags* flags) {
  CLI::App* command = app->add_subcommand("bench", "Time a model, and its operators");
  command->footer(kBenchExamples);
  add_model_flags(command, &flags->model);
  command->add_option("--signature", flags->model.signature, "Which signature to run");
  add_run_flags(command, &flags->model);
  CLI::Option* runs =
      command->add_option("--runs", flags->runs, "How often to run (about a second long)")
          ->check(CLI::Range(1, 1000000));
  CLI::Option* layers =
      command->add_flag("--layers", flags->layers, "Show each operator's time too");
  CLI::Option* json = command->add_flag("--json", flags->json, "Print JSON");
  command->add_flag("--stdin", flags->from_stdin, "Run when lines of standard input say so")
      ->excludes(runs)
      ->excludes(layers)
      ->excludes(json);
}

void add_classify(CLI::App* app, ClassifyFlags* flags) {
  CLI::App* command = app->add_subcommand("classify", "Name what pictures show");
  command->footer(kClassifyExamples);
  add_model_flags(command, &flags->model);
  command->add_option("IMAGE", flags->images, "JPEG, PNG or BMP pictures")->required();
  command->add_option("--labels", flags->labels, "A text file with a label a line");
  command->add_option("--top", flags->top, "How many classes to show (5)")
      ->check(CLI::Range(1, 1000000));
  add_normalization(command, &flags->normalization);
  add_run_flags(command, &flags->model);
  command->add_flag("--json", flags->json, "Print JSON");
}

void add_segment(CLI::App* app, SegmentFlags* flags) {
  CLI::App* command = app->add_subcommand("segment", "Draw a class map, or cut out a portrait");
  command->footer(kSegmentExamples);
  add_model_flags(command, &flags->model);
  command->add_option("IMAGE", flags->image, "A JPEG, PNG or BMP picture")->required();
  CLI::Option_group* results = command->add_option_group("results");
  results->add_option("-o,--output", flags->output, "The PNG picture to write");
  results->add_option("--mask", flags->mask,
                      "The PNG mask to write: the foreground as grey, or the class numbers");
  results->require_option(1, 2);
  command->add_option("--background", flags->background,
                      "Behind the cut-out: blur, transparent, #RRGGBB, black, white, green or a "
                      "picture (portraits: blur)");
  command->add_option("--opacity", flags->opacity, "Of the class colours, 0 to 1 (0.6)")
      ->check(CLI::Range(0.0f, 1.0f));
  command->add_option("--labels", flags->labels, "A text file with a label a line");
  add_normalization(command, &flags->normalization);
  add_run_flags(command, &flags->model);
  command->add_flag("--json", flags->json, "Print JSON");
}

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
  add_old_convert_flags(command, flags);
}

constexpr const char* kFreezeExamples =
    "Examples:\n"
    "  cygnet freeze saved_model/ -o frozen.pb\n"
    "  cygnet freeze model.meta -o frozen.pb --output-nodes softmax\n\n"
    "Writes a GraphDef in which variables are constants, function calls are replaced by what they\n"
    "compute, and nothing is left that only training needs. TensorFlow reads it.";

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

/// A message may have lines below its first: lists of operators or layers.
int complain(const char* message) {
  std::istringstream lines(message);
  const char* before = "cygnet: ";
  for (std::string line; std::getline(lines, line); before = "")
    std::fprintf(stderr, "%s%s\n", before, printable(line).c_str());
  return kFault;
}

/// Runs one subcommand and turns what it throws into a message.
int guarded(const std::function<void()>& command) {
  try {
    command();
    std::cout.flush();
    return std::cout.good() ? kDone : complain("cannot write to standard output");
  } catch (const Failure& failure) {
    return complain(failure.what());
  } catch (const std::bad_alloc&) {
    return complain("out of memory");
  } catch (const std::exception& error) {
    return complain(text("internal error: ", error.what()).c_str());
  }
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "cygnet";
  for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
  std::string message = printable(error.what());
  std::fprintf(stderr, "cygnet: %s\nSee '%s --help'.\n", message.c_str(), command.c_str());
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  // A file that grows beyond the process's limit is then a write that fails, which is said.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app{kAbout, "cygnet"};
  app.set_version_flag("--version", "cygnet " CYGNET_VERSION);
  app.require_subcommand(1);
  Flags flags;
  add_inspect(&app, &flags.inspect);
  add_run(&app, &flags.run);
  add_bench(&app, &flags.bench);
  add_classify(&app, &flags.classify);
  add_segment(&app, &flags.segment);
  add_convert(&app, &flags.convert);
  add_freeze(&app, &flags.freeze);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    return guarded([] {});
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  return guarded([&] {
    if (app.got_subcommand("inspect")) inspect(flags.inspect);
    if (app.got_subcommand("run")) run(flags.run);
    if (app.got_subcommand("bench")) bench(flags.bench);
    if (app.got_subcommand("classify")) classify(flags.classify);
    if (app.got_subcommand("segment")) segment(flags.segment);
    if (app.got_subcommand("convert")) convert(flags.convert);
    if (app.got_subcommand("freeze")) freeze(flags.freeze);
  });
}

}  // namespace cygnet::cli

int main(int argc, char** argv) {
  return cygnet::cli::main(argc, argv);
}
