// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/flags.h"

namespace cygnet::cli {
namespace {

constexpr const char* kCompareExamples =
    "Examples:\n"
    "  cygnet compare float.tflite int8.tflite --data pictures/\n"
    "  cygnet compare float.tflite int8.tflite --data rows.npz --html report.html\n"
    "  cygnet compare before.tflite after.tflite --random 1 --sort sqnr\n"
    "  cygnet compare a.tflite b.tflite --data pictures/ --labels folders --json\n\n"
    "Runs both on the same samples and shows, for each tensor that both compute, how far B's\n"
    "values lie from A's, the first layer that goes wrong by itself, and how long both take for\n"
    "each layer. 'own dB' is the SQNR of B's layer alone, when it reads A's values.";

}  // namespace

void add_compare(CLI::App* app, CompareFlags* flags) {
  CLI::App* command =
      app->add_subcommand("compare", "Show how far two models lie from each other, layer by layer");
  command->footer(kCompareExamples);
  command->add_option("A", flags->model_a, "A .tflite file: what is right")->required();
  command->add_option("B", flags->model_b, "A .tflite file: what is compared with it")->required();
  command
      ->add_option("--limits", flags->limits,
                   "Bounds on what the models may ask for: default or untrusted")
      ->check(CLI::IsMember({"default", "untrusted"}));
  add_sample_flags(command, &flags->samples);
  command
      ->add_option("--random", flags->seed,
                   "Eight random samples from this seed, where there are no data (0)")
      ->excludes(command->get_option("--data"))
      ->excludes(command->get_option("--raw"));
  command
      ->add_option("--threads", flags->threads,
                   "Samples run at the same time; threads of a run that is timed (1)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--no-times", flags->no_times, "Don't measure how long layers take");
  command
      ->add_option("--sort", flags->sort,
                   "Order of the table: order (of running), sqnr, own, error or time")
      ->check(CLI::IsMember({"order", "sqnr", "own", "error", "time"}));
  command->add_option("--html", flags->html, "A page with plots to write");
  command->add_flag("--json", flags->json, "Print JSON");
}

}  // namespace cygnet::cli
