// SPDX-License-Identifier: Apache-2.0
// Tests of passes: runs a draft before and after and compares.
//
//   Draft draft;
//   Editor e(draft, builtin_ops());
//   ... e.set_outputs({y});
//   EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 2);
//   EXPECT_EQ(operators(draft), (Names{"CONV_2D"}));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "edit/editor.h"
#include "format/model.h"
#include "ops/builtin_ops.h"
#include "passes/pass.h"
#include "runtime/interpreter.h"

namespace cygnet::test {

using Names = std::vector<std::string>;

/// `n` floats in [low, high), the same for the same seed.
inline std::vector<float> random_floats(int64_t n, uint32_t seed, float low = -1, float high = 1) {
  std::mt19937 engine(seed);
  std::vector<float> result(static_cast<size_t>(n));
  for (float& v : result) v = low + (high - low) * static_cast<float>(engine() >> 8) * 0x1p-24f;
  return result;
}

/// A float constant of random elements in [low, high).
inline int32_t random_constant(Editor& e, const Shape& shape, uint32_t seed,
                               std::string_view name = "constant", float low = -1, float high = 1) {
  return e.constant<float>(shape, random_floats(shape.elements(), seed, low, high), name);
}

/// What an output held after a run.
struct DraftOutput {
  std::string name;
  Type type = Type::float32;
  Shape shape;
  std::vector<double> values;
};

/// The elements of a tensor of floats, integers or booleans.
inline std::vector<double> values_of(const Tensor& t) {
  std::vector<double> result;
  const auto read = [&]<class T>(T) {
    for (int64_t i = 0; i < t.shape.elements(); ++i)
      result.push_back(static_cast<double>(t.as<T>()[i]));
  };
  switch (t.type) {
    case Type::float32:
      read(float{});
      break;
    case Type::int64:
      read(int64_t{});
      break;
    case Type::int32:
      read(int32_t{});
      break;
    case Type::int16:
      read(int16_t{});
      break;
    case Type::int8:
      read(int8_t{});
      break;
    case Type::uint8:
      read(uint8_t{});
      break;
    case Type::boolean:
      read(bool{});
      break;
    default:
      ADD_FAILURE() << "output of type " << type_name(t.type);
  }
  return result;
}

/// Fills an input: floats in [−2, 2), integers in [0, 3).
inline void fill_input(Interpreter& interpreter, int i, uint32_t seed) {
  const Tensor& t = interpreter.input(i);
  void* data = interpreter.input_data(i);
  const std::vector<float> random = random_floats(t.shape.elements(), seed, -2, 2);
  const auto write = [&]<class T>(T) {
    for (size_t k = 0; k < random.size(); ++k)
      static_cast<T*>(data)[k] = static_cast<T>(std::abs(static_cast<int>(random[k] * 1.5f)));
  };
  switch (t.type) {
    case Type::float32:
      std::memcpy(data, random.data(), random.size() * sizeof(float));
      break;
    case Type::int64:
      write(int64_t{});
      break;
    case Type::int32:
      write(int32_t{});
      break;
    case Type::int8:
      write(int8_t{});
      break;
    case Type::uint8:
      write(uint8_t{});
      break;
    case Type::boolean:
      write(bool{});
      break;
    default:
      FAIL() << "input of type " << type_name(t.type);
  }
}

/// Runs the main subgraph on inputs made from the seed; dimensions that the draft leaves free are
/// `batch`. No outputs after an error, which fails the test.
inline std::vector<DraftOutput> run_draft(const Draft& draft, int32_t batch = 1,
                                          uint32_t seed = 1) {
  Graph copy = draft.graph;
  Model model;
  Interpreter interpreter;
  const auto good = [](const Status& status) {
    EXPECT_TRUE(status.ok()) << status.message();
    return status.ok();
  };
  if (!good(Model::from_graph(std::move(copy), "draft", Limits::standard(), &model))) return {};
  if (!good(interpreter.create(model, {.reference = true}))) return {};
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const GraphTensor& t = model.graph().subgraphs[0].tensors[model.graph().subgraphs[0].inputs[i]];
    if (!t.has_signature) continue;
    Shape shape = t.signature;
    for (int d = 0; d < shape.rank; ++d)
      if (shape[d] < 0) shape[d] = batch;
    if (!good(interpreter.resize_input(i, shape))) return {};
  }
  if (!good(interpreter.allocate())) return {};
  for (int i = 0; i < interpreter.inputs(); ++i)
    fill_input(interpreter, i, seed + static_cast<uint32_t>(i));
  if (!good(interpreter.invoke())) return {};
  std::vector<DraftOutput> outputs;
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const Tensor& t = interpreter.output(i);
    outputs.push_back({std::string(interpreter.output_name(i)), t.type, t.shape, values_of(t)});
  }
  return outputs;
}

/// Same names, types, shapes; elements within `tolerance` of the largest of the tensor.
inline void expect_same(const std::vector<DraftOutput>& a, const std::vector<DraftOutput>& b,
                        double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  ASSERT_FALSE(a.empty());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].type, b[i].type);
    ASSERT_EQ(a[i].shape, b[i].shape)
        << shape_text(a[i].shape).text << " before, " << shape_text(b[i].shape).text << " after";
    double largest = 0;
    for (double v : a[i].values)
      if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
    for (size_t k = 0; k < a[i].values.size(); ++k) {
      const double x = a[i].values[k], y = b[i].values[k];
      if (x == y || (std::isnan(x) && std::isnan(y))) continue;
      ASSERT_LE(std::abs(x - y), tolerance * largest)
          << "output " << i << " (" << a[i].name << "), element " << k << ": " << x << " before, "
          << y << " after";
    }
  }
}

/// The operators of the main subgraph in execution order.
inline Names operators(const Draft& draft) {
  Names names;
  for (const Node& n : draft.graph.subgraphs[0].nodes) names.emplace_back(n.name);
  return names;
}

/// Runs the named passes (all: none named) to their fixed point. The outputs must stay, with batch
/// 1 and 3. Returns how many rewrites there were.
inline int optimize(Draft& draft, const std::set<std::string>& passes = {},
                    double tolerance = 1e-5) {
  PassOptions options;
  if (!passes.empty())
    for (const Pass& pass : all_passes())
      if (!passes.contains(pass.name)) options.disabled.insert(pass.name);
  for (const std::string& name : passes)
    EXPECT_TRUE(std::any_of(all_passes().begin(), all_passes().end(),
                            [&](const Pass& p) { return p.name == name; }))
        << "there is no pass " << name;
  const std::vector<DraftOutput> before = run_draft(draft, 1), batch = run_draft(draft, 3);
  int rewrites = 0;
  try {
    for (const PassReport& report : run_passes(draft, builtin_ops(), options))
      rewrites += report.rewrites;
  } catch (const Failure& failure) {
    ADD_FAILURE() << failure.what();
    return -1;
  }
  expect_same(before, run_draft(draft, 1), tolerance);
  expect_same(batch, run_draft(draft, 3), tolerance);
  return rewrites;
}

}  // namespace cygnet::test
