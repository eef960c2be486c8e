// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <CLI/CLI.hpp>

namespace cygnet::cli {

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

void add_sample_flags(CLI::App* command, SampleFlags* flags) {
  const char* group = "Samples";
  CLI::Option* data = command
                          ->add_option("--data", flags->data,
                                       "A picture, an .npz or .npy file, or a folder of either")
                          ->group(group);
  CLI::Option* raw =
      command->add_option("--raw", flags->raw, "A file of raw records, or a folder of such files")
          ->excludes(data)
          ->group(group);
  command->add_option("--record-type", flags->record_type, "Of --raw's elements (float32)")
      ->check(CLI::IsMember({"float32", "uint8", "int8", "int32"}))
      ->needs(raw)
      ->group(group);
  command->add_option("--samples", flags->count, "Take at most so many, evenly spread (all)")
      ->check(CLI::Range(size_t{1}, size_t{1} << 40))
      ->group(group);
  command
      ->add_option("--labels", flags->labels,
                   "The right classes: an .npy file, a text file of 'NAME CLASS' or 'CLASS' lines, "
                   "or 'folders'")
      ->group(group);
  command
      ->add_option("--masks", flags->masks,
                   "A folder of class maps for segmentation: PNG files with the pictures' names")
      ->needs(data)
      ->group(group);
  CLI::Option* range = command
                           ->add_option("--range", flags->range,
                                        "What pixels become: 0..1, -1..1 or 0..255 (floating-point "
                                        "inputs: -1..1)")
                           ->check(CLI::IsMember({"0..1", "-1..1", "0..255"}))
                           ->group(group);
  const auto numbers = [&](const char* name, std::vector<float>* values, const char* help) {
    command->add_option(name, *values, help)->delimiter(',')->excludes(range)->group(group);
  };
  numbers("--mean", &flags->normalization.mean, "What to subtract from bytes: one or three");
  numbers("--std", &flags->normalization.std, "What to divide by then: one or three");
}

}  // namespace cygnet::cli
