// SPDX-License-Identifier: Apache-2.0
// A model in memory with an interpreter over it, and its values as vectors.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graph/strings.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "support/model_builder.h"

namespace cygnet::test {

using Texts = std::vector<std::string>;

/// Whether an error's message has these words.
inline bool says(const Status& status, const std::string& words) {
  return std::string(status.message()).find(words) != std::string::npos;
}

/// `status`: of load, create, allocate.
struct Net {
  TestImage image;
  Model model;
  Interpreter interpreter;
  Status status;

  explicit Net(TestImage bytes, const Limits& limits = Limits::standard())
      : image(std::move(bytes)) {
    status = Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(),
                                {.limits = limits}, &model);
    if (status.ok()) status = interpreter.create(model, {.poison = true});
    if (status.ok()) status = interpreter.allocate();
  }
  Status run() { return status.ok() ? interpreter.invoke() : Status::error(Code::internal, "!"); }
};

template <class T>
void write(Interpreter& net, int i, const std::vector<T>& v) {
  const Status written = net.write_input(i, v.data(), v.size() * sizeof(T));
  ASSERT_TRUE(written.ok()) << written.message();
}

inline void write_texts(Interpreter& net, int i, const Texts& texts) {
  const auto n = static_cast<int64_t>(texts.size());
  const auto at = [&](int64_t k) -> std::string_view { return texts[static_cast<size_t>(k)]; };
  std::vector<uint8_t> bytes(static_cast<size_t>(strings_bytes(n, at)));
  put_strings(bytes.data(), n, at);
  write(net, i, bytes);
}

template <class T>
std::vector<T> read(const Interpreter& net, int i = 0) {
  std::vector<T> v(net.output(i).bytes / sizeof(T));
  EXPECT_TRUE(net.read_output(i, v.data(), v.size() * sizeof(T)).ok());
  return v;
}

inline Texts read_texts(const Interpreter& net, int i = 0) {
  const Strings strings(net.output(i));
  Texts texts;
  for (int64_t k = 0; k < strings.count(); ++k) texts.emplace_back(strings[k]);
  return texts;
}

/// Expects a Status without error.
#define EXPECT_OK(expression)                               \
  do {                                                      \
    const ::cygnet::Status test_status = (expression);      \
    EXPECT_TRUE(test_status.ok()) << test_status.message(); \
  } while (false)

}  // namespace cygnet::test
