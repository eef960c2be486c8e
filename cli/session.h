// SPDX-License-Identifier: Apache-2.0
// What every subcommand that opens a model has in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/interpreter.h"

namespace cygnet::cli {

/// The flags about models that subcommands share.
struct ModelFlags {
  std::string model;               ///< path
  std::string signature;           ///< empty: the main subgraph
  std::string limits = "default";  ///< a name of Limits::from_name
  int threads = 1;
  bool reference = false;
  bool no_fuse = false;
  std::string weights_cache;  ///< path; empty: none
};

/// Opens and checks a model. Throws Failure.
std::unique_ptr<Model> load_model(const ModelFlags& flags);

/// A model and an interpreter of it, which is not allocated yet. Throws Failure.
class Session {
 public:
  explicit Session(const ModelFlags& flags);

  Interpreter& interpreter() { return interpreter_; }
  const Model& model() const { return *model_; }
  const std::string& path() const { return path_; }
  /// Gives inputs their shapes' memory. Throws Failure.
  void allocate();
  /// Resets variables and runs once; the wall time in seconds. Throws Failure.
  double invoke();

 private:
  std::string path_;
  std::unique_ptr<Model> model_;
  Interpreter interpreter_;
};

/// Names by which the user knows the inputs or outputs: the signature's, else the tensors'; where
/// that is empty or was taken before, "input0", "output1" …
std::vector<std::string> input_names(const Interpreter& interpreter);
std::vector<std::string> output_names(const Interpreter& interpreter);

}  // namespace cygnet::cli
