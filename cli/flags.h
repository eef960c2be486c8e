// SPDX-License-Identifier: Apache-2.0
// The command line: what declares the flags of each subcommand. main.cc and flags*.cc are the only
// units that include CLI11, which takes seconds to compile.
#pragma once

#include "cli/commands.h"
#include "cli/samples.h"

namespace CLI {
class App;
}

namespace cygnet::cli {

/// The model's path, and the bounds on it.
void add_model_flags(CLI::App* command, ModelFlags* flags);
/// How a model runs.
void add_run_flags(CLI::App* command, ModelFlags* flags);
/// --mean and --std.
void add_normalization(CLI::App* command, Normalization* normalization);
/// Where samples come from: --data, --raw and what goes with them.
void add_sample_flags(CLI::App* command, SampleFlags* flags);

/// What `quantize` and `convert --quantize` take.
void add_quantize_flags(CLI::App* command, QuantizeFlags* flags);

/// Each adds its subcommand.
void add_inspect(CLI::App* app, InspectFlags* flags);
void add_run(CLI::App* app, RunFlags* flags);
void add_bench(CLI::App* app, BenchFlags* flags);
void add_classify(CLI::App* app, ClassifyFlags* flags);
void add_segment(CLI::App* app, SegmentFlags* flags);
void add_convert(CLI::App* app, ConvertFlags* flags);
void add_quantize(CLI::App* app, ConvertFlags* flags);
void add_freeze(CLI::App* app, FreezeFlags* flags);
void add_compare(CLI::App* app, CompareFlags* flags);

}  // namespace cygnet::cli
