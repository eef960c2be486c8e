// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

#include "cli/failure.h"
#include "cli/output.h"
#include "ops/builtin_ops.h"

namespace cygnet::cli {
namespace {

std::vector<std::string> distinct(std::vector<std::string> names, const char* kind) {
  for (size_t i = 0; i < names.size(); ++i) {
    bool taken = std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i),
                           names[i]) != names.begin() + static_cast<std::ptrdiff_t>(i);
    if (names[i].empty() || taken) names[i] = text(kind, i);
  }
  return names;
}

}  // namespace

std::unique_ptr<Model> load_model(const ModelFlags& flags) {
  LoadOptions options;
  if (!Limits::from_name(flags.limits, &options.limits)) {
    throw Failure(text("no limits are called '", flags.limits, "'; there are: default, untrusted"));
  }
  auto model = std::make_unique<Model>();
  check(Model::load(flags.model.c_str(), builtin_ops(), options, model.get()));
  return model;
}

Session::Session(const ModelFlags& flags) : path_(flags.model), model_(load_model(flags)) {
  InterpreterOptions options;
  options.threads = flags.threads;
  options.reference = flags.reference;
  options.fuse = !flags.no_fuse;
  if (!flags.weights_cache.empty()) options.weights_cache = flags.weights_cache.c_str();
  if (flags.signature.empty()) {
    check(interpreter_.create(*model_, options));
  } else {
    check(interpreter_.create_for_signature(*model_, options, flags.signature));
  }
}

void Session::allocate() {
  check(interpreter_.allocate());
  const Status& cached = interpreter_.cache_status();
  if (!cached.ok()) std::cerr << "cygnet: warning: " << printable(cached.message()) << '\n';
}

double Session::invoke() {
  check(interpreter_.reset_variables());
  auto start = std::chrono::steady_clock::now();
  check(interpreter_.invoke());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<std::string> input_names(const Interpreter& interpreter) {
  std::vector<std::string> names;
  for (int i = 0; i < interpreter.inputs(); ++i) names.emplace_back(interpreter.input_name(i));
  return distinct(std::move(names), "input");
}

std::vector<std::string> output_names(const Interpreter& interpreter) {
  std::vector<std::string> names;
  for (int i = 0; i < interpreter.outputs(); ++i) names.emplace_back(interpreter.output_name(i));
  return distinct(std::move(names), "output");
}

}  // namespace cygnet::cli
