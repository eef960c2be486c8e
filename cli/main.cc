// SPDX-License-Identifier: Apache-2.0
// The program `cygnet`. Its flags are in flags_*.cc.
//
// Exit codes: 0 done; 1 the input or the request was at fault, said in one message on standard
// error; 2 usage.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <new>
#include <sstream>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/flags.h"
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
    "  cygnet quantize model.tflite -o small.tflite --data pictures/\n"
    "  cygnet freeze saved_model/ -o frozen.pb\n"
    "  cygnet inspect model.tflite\n"
    "  cygnet run model.tflite --random 1 --outputs out.npz\n"
    "  cygnet bench model.tflite --layers\n"
    "  cygnet classify mobilenet.tflite cat.jpg --labels imagenet.txt\n"
    "  cygnet segment selfie.tflite me.jpg -o out.png --background blur\n"
    "  cygnet compare float.tflite int8.tflite --data pictures/ --html report.html\n\n"
    "'cygnet COMMAND --help' tells more.";

/// The flags of all subcommands.
struct Flags {
  InspectFlags inspect;
  RunFlags run;
  BenchFlags bench;
  ClassifyFlags classify;
  SegmentFlags segment;
  ConvertFlags convert, quantize;
  FreezeFlags freeze;
  CompareFlags compare;
};

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
  add_quantize(&app, &flags.quantize);
  add_freeze(&app, &flags.freeze);
  add_compare(&app, &flags.compare);
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
    if (app.got_subcommand("quantize")) convert(flags.quantize);
    if (app.got_subcommand("freeze")) freeze(flags.freeze);
    if (app.got_subcommand("compare")) compare(flags.compare);
  });
}

}  // namespace cygnet::cli

int main(int argc, char** argv) {
  return cygnet::cli::main(argc, argv);
}
