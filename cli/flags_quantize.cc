// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/flags.h"

namespace cygnet::cli {
namespace {

constexpr const char* kQuantizeExamples =
    "Examples:\n"
    "  cygnet quantize model.tflite -o small.tflite --data pictures/ --mean 127.5 --std 127.5\n"
    "  cygnet quantize model.keras -o small.tflite --data samples.npz --io int8\n"
    "  cygnet quantize model.tflite -o small.tflite --mode dynamic\n"
    "  cygnet quantize model.tflite -o small.tflite --data samples.npz --labels classes.npy "
    "--max-drop 1%\n"
    "  cygnet quantize model.tflite --data part1/ --save-statistics part1.stats\n"
    "  cygnet quantize model.tflite -o small.tflite --statistics part1.stats,part2.stats\n\n"
    "Stores a float network in fewer bits and shows what that cost. Modes:\n"
    "  int8     integers throughout; needs samples of what the network will see\n"
    "  int16x8  16-bit activations, 8-bit weights; needs samples\n"
    "  dynamic  8-bit weights, activations quantized while it runs\n"
    "  int4     4-bit weights of convolutions and fully connected layers, otherwise as dynamic\n"
    "  float16  16-bit floats as weights";

void add_what_stays(CLI::App* command, QuantizeFlags* flags) {
  command
      ->add_option("--keep-float", flags->keep_float,
                   "Layers that stay float, by names of their results: head/*,block_3_add")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--keep-float-ops", flags->keep_float_kinds,
                   "Operators that stay float: SOFTMAX,MUL")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--max-drop", flags->max_drop,
                      "Keep as few layers float as that the accuracy (without labels: the share of "
                      "rows with the same class) drops by at most this: 1%");
}

}  // namespace

void add_quantize_flags(CLI::App* command, QuantizeFlags* flags) {
  add_sample_flags(command, &flags->samples);
  command
      ->add_option("--ranges", flags->ranges,
                   "How ranges are found: minmax, moving-average, percentile, kl, mse, auto (auto)")
      ->check(CLI::IsMember({"minmax", "moving-average", "percentile", "kl", "mse", "auto"}));
  command->add_option("--percentile", flags->percentile, "Of values that stay in range (99.999)")
      ->check(CLI::Range(50.0, 100.0));
  const auto types = CLI::IsMember({"float", "int8", "uint8", "int16"});
  command->add_option("--io", flags->io, "Type of inputs and outputs (float)")->check(types);
  command->add_option("--input-type", flags->input_type, "Type of inputs")->check(types);
  command->add_option("--output-type", flags->output_type, "Type of outputs")->check(types);
  command->add_option("--weights", flags->weights, "Of mode int8: int4 for smaller weights (int8)")
      ->check(CLI::IsMember({"int4", "int8"}));
  command->add_flag("--per-tensor", flags->per_tensor, "One scale for all weights of a layer");
  command
      ->add_option("--least-elements", flags->least_elements,
                   "Of modes dynamic and int4: smaller weights stay float (1024)")
      ->check(CLI::NonNegativeNumber);
  add_what_stays(command, flags);
  const auto extra = CLI::IsMember({"off", "on", "measured"});
  command
      ->add_option("--bias-correction", flags->bias_correction,
                   "Take off what rounding weights adds on average: off, on, or if it helps")
      ->check(extra);
  command
      ->add_option("--equalization", flags->equalization,
                   "Even out channels between layers: off, on, or if it helps")
      ->check(extra);
  command->add_option("--save-statistics", flags->save_statistics,
                      "A file for what calibration saw; without -o nothing else is done");
  command
      ->add_option("--statistics,--merge", flags->statistics,
                   "Files that --save-statistics wrote: used together, and with --data")
      ->delimiter(',');
  command
      ->add_option("--measure", flags->measured_samples,
                   "At most so many samples to measure errors on (32)")
      ->check(CLI::PositiveNumber);
  command->add_flag("!--no-times", flags->times, "Don't measure which layers become slower");
  command->add_option("--threads", flags->threads, "Samples at the same time (1)")
      ->check(CLI::Range(1, 1024));
}

void add_quantize(CLI::App* app, ConvertFlags* flags) {
  CLI::App* command =
      app->add_subcommand("quantize", "Store a network in fewer bits, and show what that costs");
  command->footer(kQuantizeExamples);
  command->add_option("SOURCE", flags->source, "A .tflite file, or what convert takes")->required();
  command->add_option("-o,--output", flags->output, "The .tflite file to write");
  flags->quantize.mode = "int8";
  command
      ->add_option("--mode", flags->quantize.mode, "int8, int16x8, dynamic, int4, float16 (int8)")
      ->check(CLI::IsMember({"int8", "int16x8", "dynamic", "int4", "float16"}));
  add_quantize_flags(command, &flags->quantize);
  command->add_option("--report", flags->report, "A JSON file with what was done");
  command->add_option("--limits", flags->limits, "Bounds on what the source may ask for")
      ->check(CLI::IsMember({"default", "untrusted"}));
  command->add_flag("--json", flags->json, "Print JSON");
}

}  // namespace cygnet::cli
