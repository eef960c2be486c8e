// SPDX-License-Identifier: Apache-2.0
// STRING tensors: inputs that a caller writes, constants, results whose size invoke finds, loops.
#include "graph/strings.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/memory.h"
#include "ops/builtin_ops.h"
#include "ops/strings.h"
#include "runtime/interpreter.h"
#include "support/model_builder.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Texts = std::vector<std::string>;

std::vector<uint8_t> packed(const Texts& texts) {
  const auto count = static_cast<int64_t>(texts.size());
  const auto at = [&](int64_t i) -> std::string_view { return texts[static_cast<size_t>(i)]; };
  std::vector<uint8_t> bytes(static_cast<size_t>(strings_bytes(count, at)));
  put_strings(bytes.data(), count, at);
  return bytes;
}

Texts unpacked(const Tensor& tensor) {
  const Strings strings(tensor);
  Texts texts;
  for (int64_t i = 0; i < strings.count(); ++i) texts.emplace_back(strings[i]);
  return texts;
}

// A custom operator: every string twice over, "ab" → "abab".
Status twice_infer(OpContext& op) {
  return op.set_output(0, op.input(0).shape);
}
Status twice_invoke(OpContext& op) {
  static char text[64];
  const Strings in(op.input(0));
  return ops::write_strings(op, 0, in.count(), [&](int64_t i) {
    const std::string_view from = in[i].substr(0, sizeof(text) / 2);
    std::memcpy(text, from.data(), from.size());
    std::memcpy(text + from.size(), from.data(), from.size());
    return std::string_view(text, 2 * from.size());
  });
}
constexpr OpDef kTwice = {.name = "Twice", .infer = twice_infer, .invoke = twice_invoke};
const OpDef* const kCustom[] = {&kTwice};

struct Net {
  TestImage image;
  Model model;
  Interpreter interpreter;
  Status status;

  explicit Net(TestImage bytes, const Limits& limits = Limits::standard())
      : image(std::move(bytes)) {
    OpRegistry registry = builtin_ops();
    registry.custom = kCustom;
    status = Model::from_memory({image.data(), image.size()}, "m.tflite", registry,
                                {.limits = limits}, &model);
    if (status.ok()) status = interpreter.create(model, {.poison = true});
    if (status.ok()) status = interpreter.allocate();
  }
  Status write(int i, const Texts& texts) {
    const std::vector<uint8_t> bytes = packed(texts);
    return interpreter.write_input(i, bytes.data(), bytes.size());
  }
  Texts read(int i = 0) const { return unpacked(interpreter.output(i)); }
};

bool says(const Status& status, const std::string& words) {
  return std::string(status.message()).find(words) != std::string::npos;
}

// x [2, 2] → Twice → [4], and x as it is.
TestImage reshaping_model() {
  ModelBuilder b;
  const int x = b.input({2, 2}, Type::string), y = b.add_tensor({2, 2}, Type::string);
  b.custom_op("Twice", {x}, {y});
  b.op(Op::RESHAPE, {y, b.constant<int32_t>({1}, {-1})}, {b.output({4}, Type::string)},
       schema::CreateReshapeOptions(b.fbb()));
  return b.finish();
}

TEST(Strings, ReadsAndWritesTheLayout) {
  const Texts texts = {"", "a", std::string("\0b", 2), "", "longer than the others"};
  const std::vector<uint8_t> bytes = packed(texts);
  const Strings strings(bytes.data(), bytes.size());
  ASSERT_EQ(strings.count(), 5);
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(strings[static_cast<int64_t>(i)], texts[i]);
  EXPECT_EQ(strings[-1], "");
  EXPECT_EQ(strings[5], "");
  EXPECT_TRUE(verify_strings(bytes.data(), bytes.size(), 5).ok());
  EXPECT_EQ(Strings(nullptr, 0).count(), 0);
}

TEST(Strings, NoByteLeadsOutside) {
  const std::vector<uint8_t> good = packed({"ab", "c", "def"});
  for (size_t at = 0; at < 20; ++at)
    for (int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::vector<uint8_t> bytes = good;
      bytes[at] = static_cast<uint8_t>(value);
      const Strings strings(bytes.data(), bytes.size());
      for (int64_t i = -1; i <= strings.count(); ++i) {
        const std::string_view text = strings[i];
        if (text.empty()) continue;
        EXPECT_GE(text.data(), reinterpret_cast<const char*>(bytes.data()));
        EXPECT_LE(text.data() + text.size(),
                  reinterpret_cast<const char*>(bytes.data()) + bytes.size());
      }
    }
}

TEST(Strings, OfAnySizeGoThroughAModel) {
  Net net(reshaping_model());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(), Texts(4)) << "inputs begin empty";
  for (const Texts& texts : {Texts{"ab", "", "c", "def"}, Texts{"a longer one", "b", "c", "d"},
                             Texts{"", "", "", "x"}}) {
    ASSERT_TRUE(net.write(0, texts).ok());
    const Status ran = net.interpreter.invoke();
    ASSERT_TRUE(ran.ok()) << ran.message();
    Texts expected;
    for (const std::string& text : texts) expected.push_back(text + text);
    EXPECT_EQ(net.read(), expected);
    EXPECT_EQ(net.interpreter.output(0).shape, (Shape{4}));
    const size_t bytes = net.interpreter.output(0).bytes;
    std::vector<uint8_t> copy(bytes);
    EXPECT_TRUE(net.interpreter.read_output(0, copy.data(), bytes).ok());
    EXPECT_EQ(copy, packed(expected));
    EXPECT_FALSE(net.interpreter.read_output(0, copy.data(), bytes - 1).ok());
  }
}

TEST(Strings, ConstantsAndResizedInputs) {
  ModelBuilder b;
  const int x = b.input({1}, Type::string);
  b.tensor(x).signature = {-1};
  b.custom_op("Twice", {x}, {b.output({1}, Type::string)});
  b.op(Op::EXPAND_DIMS, {b.constant_strings({2}, {"p", "qr"}), b.constant<int32_t>({}, {0})},
       {b.output({1, 2}, Type::string)}, schema::CreateExpandDimsOptions(b.fbb()));
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int n : {3, 0, 1}) {
    ASSERT_TRUE(net.interpreter.resize_input(0, {n}).ok());
    ASSERT_TRUE(net.interpreter.allocate().ok());
    ASSERT_TRUE(net.write(0, Texts(static_cast<size_t>(n), "z")).ok());
    ASSERT_TRUE(net.interpreter.invoke().ok());
    EXPECT_EQ(net.read(0), Texts(static_cast<size_t>(n), "zz"));
    EXPECT_EQ(net.read(1), (Texts{"p", "qr"}));
  }
}

// while (i < 3) x = Twice(x)
TEST(Strings, AsLoopVariablesAndThroughABranch) {
  ModelBuilder b;
  const int condition = b.add_subgraph("condition");
  {
    const int i = b.input({}, Type::int32);
    b.input({2}, Type::string);
    b.op(Op::LESS, {i, b.constant<int32_t>({}, {3})}, {b.output({}, Type::boolean)},
         schema::CreateLessOptions(b.fbb()));
  }
  const int body = b.add_subgraph("body");
  {
    const int i = b.input({}, Type::int32), x = b.input({2}, Type::string);
    b.op(Op::ADD, {i, b.constant<int32_t>({}, {1})}, {b.output({}, Type::int32)},
         schema::CreateAddOptions(b.fbb()));
    b.custom_op("Twice", {x}, {b.output({2}, Type::string)});
  }
  const int yes = b.add_subgraph("yes");
  b.graph().outputs = {b.input({2}, Type::string)};
  const int no = b.add_subgraph("no");
  b.input({2}, Type::string);
  b.graph().outputs = {b.constant_strings({2}, {"no", ""})};
  b.use_subgraph(0);
  const int c = b.input({}, Type::boolean), i = b.input({}, Type::int32),
            x = b.input({2}, Type::string);
  const int last = b.output({2}, Type::string);
  b.op(Op::WHILE, {i, x}, {b.add_tensor({}, Type::int32), last},
       schema::CreateWhileOptions(b.fbb(), condition, body));
  b.op(Op::IF, {c, last}, {b.output({2}, Type::string)}, schema::CreateIfOptions(b.fbb(), yes, no));
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (uint8_t taken : {uint8_t{1}, uint8_t{0}}) {
    for (int32_t start : {2, 0, 5}) {
      ASSERT_TRUE(net.interpreter.write_input(0, &taken, 1).ok());
      ASSERT_TRUE(net.interpreter.write_input(1, &start, 4).ok());
      ASSERT_TRUE(net.write(2, {"ab", ""}).ok());
      const Status ran = net.interpreter.invoke();
      ASSERT_TRUE(ran.ok()) << ran.message();
      std::string text = "ab";
      for (int turn = start; turn < 3; ++turn) text += text;
      EXPECT_EQ(net.read(0), (Texts{text, ""}));
      EXPECT_EQ(net.read(1), taken != 0 ? (Texts{text, ""}) : (Texts{"no", ""}));
    }
  }
}

TEST(RuleT6, WhatACallerWritesIsChecked) {
  Net net(reshaping_model());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  const Status few = net.write(0, {"a", "b"});
  EXPECT_EQ(few.code(), Code::invalid_argument);
  EXPECT_TRUE(says(few, "T6: expected 4 strings, got 2")) << few.message();
  std::vector<uint8_t> bytes = packed({"a", "b", "c", "d"});
  EXPECT_TRUE(says(net.interpreter.write_input(0, bytes.data(), 7), "T6"));
  EXPECT_TRUE(says(net.interpreter.write_input(0, bytes.data(), bytes.size() - 1), "T6"));
  EXPECT_TRUE(says(net.interpreter.write_input(0, bytes.data(), 0), "T6"));
  bytes[8] = 200;
  EXPECT_TRUE(says(net.interpreter.write_input(0, bytes.data(), bytes.size()), "T6"));
}

TEST(RuleT1, AVariableOfStrings) {
  ModelBuilder b;
  b.variable({2}, Type::string);
  const int x = b.input({1});
  b.op(Op::NEG, {x}, {b.output({1})}, schema::CreateNegOptions(b.fbb()));
  Net net(b.finish());
  EXPECT_EQ(net.status.code(), Code::unsupported);
  EXPECT_TRUE(says(net.status, "T1")) << net.status.message();
}

TEST(RuleP1, StringsMeetTheMemoryLimit) {
  Limits limits = Limits::standard();
  limits.memory_bytes = 1 << 20;
  Net net(reshaping_model(), limits);
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  const Status refused = net.write(0, {std::string(2 << 20, 'a'), "", "", ""});
  EXPECT_EQ(refused.code(), Code::limit);
  EXPECT_TRUE(says(refused, "memory_bytes")) << refused.message();
  EXPECT_TRUE(net.interpreter.invoke().ok());
  ASSERT_TRUE(net.write(0, {"a", "b", "c", "d"}).ok());
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(), (Texts{"aa", "bb", "cc", "dd"}));
}

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> failing{-1};
bool count_and_fail(size_t) {
  return allocations.fetch_add(1) != failing.load();
}

TEST(RuleP4, AnyFailedAllocationIsAStatus) {
  const TestImage image = reshaping_model();
  OpRegistry registry = builtin_ops();
  registry.custom = kCustom;
  const std::vector<uint8_t> bytes = packed({"abc", "d", "", "e"});
  const auto run_once = [&]() -> Status {
    Model model;
    CYGNET_TRY(Model::from_memory({image.data(), image.size()}, "m.tflite", registry, {}, &model));
    Interpreter interpreter;
    CYGNET_TRY(interpreter.create(model, {}));
    CYGNET_TRY(interpreter.allocate());
    CYGNET_TRY(interpreter.write_input(0, bytes.data(), bytes.size()));
    return interpreter.invoke();
  };
  failing = -1;
  allocations = 0;
  base::set_allocation_hook(count_and_fail);
  const Status good = run_once();
  EXPECT_TRUE(good.ok()) << good.message();
  const int64_t all = allocations;
  for (int64_t k = 0; k < all; ++k) {
    failing = k;
    allocations = 0;
    const Status status = run_once();
    EXPECT_EQ(status.code(), Code::out_of_memory) << k << ": " << status.message();
  }
  base::set_allocation_hook(nullptr);
  failing = -1;
}

}  // namespace
}  // namespace cygnet::test
