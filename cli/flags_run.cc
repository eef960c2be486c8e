// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/flags.h"

namespace cygnet::cli {
namespace {

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

}  // namespace

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

}  // namespace cygnet::cli
