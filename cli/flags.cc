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

}  // namespace cygnet::cli
