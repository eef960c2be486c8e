// SPDX-License-Identifier: Apache-2.0
// What the tests of the loader's rules share: a small valid model, and the check that an edit of it
// is refused with the rule's id.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "format/model.h"
#include "ops/builtin_ops.h"
#include "support/model_builder.h"

namespace cygnet::test {

using Op = schema::BuiltinOperator;
/// What a test changes in a model before it is written.
using Edit = std::function<void(ModelBuilder&)>;

/// Loads an image under the name "m.tflite".
inline Status load(const TestImage& image, const Limits& limits = Limits::standard()) {
  Model model;
  return Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(),
                            {.limits = limits}, &model);
}

/// x [1,2] (tensor 0) + constant (1) → y (2), a signature, metadata.
inline void base_model(ModelBuilder& b) {
  const int x = b.input({1, 2});
  const int c = b.constant<float>({1, 2}, {1, 2});
  const int y = b.output({1, 2});
  b.op(Op::ADD, {x, c}, {y}, schema::CreateAddOptions(b.fbb()));
  b.signature("main", {{"x", static_cast<uint32_t>(x)}}, {{"y", static_cast<uint32_t>(y)}});
}

/// Loads `base` after `edit`.
inline Status load_edited(const std::function<void(ModelBuilder&)>& base, const Edit& edit,
                          const Limits& limits = Limits::standard()) {
  ModelBuilder b;
  base(b);
  edit(b);
  return load(b.finish(), limits);
}

/// The base is accepted, the edited model refused with all the words.
inline void expect_refused(const std::function<void(ModelBuilder&)>& base, const Edit& edit,
                           const std::vector<std::string>& words,
                           const Limits& limits = Limits::standard()) {
  const Status good = load_edited(
      base, [](ModelBuilder&) {}, Limits::standard());
  EXPECT_TRUE(good.ok()) << good.message();
  const Status bad = load_edited(base, edit, limits);
  ASSERT_FALSE(bad.ok()) << "expected to be refused: " << words[0];
  const std::string message = bad.message();
  EXPECT_EQ(message.rfind("m.tflite: ", 0), 0u) << message;
  for (const std::string& word : words)
    EXPECT_NE(message.find(word), std::string::npos) << word << " is not in: " << message;
}

/// As expect_refused, of base_model.
inline void refused(const Edit& edit, const std::vector<std::string>& words) {
  expect_refused(base_model, edit, words);
}

}  // namespace cygnet::test
