// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "cygnet/custom_op.h"
#include "cygnet/cygnet.hpp"
#include "support/model_builder.h"

extern "C" int c_api_program(const void* data, size_t bytes);

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

TestImage sum_model() {
  ModelBuilder b;
  const int x = b.input({1, 3});
  b.tensor(x).signature = {-1, 3};
  const int r = b.add_tensor({1, 3}, Type::float32);
  const int y = b.output({1, 3});
  b.op(Op::RELU, {x}, {r});
  b.op(Op::ADD, {r, x}, {y}, schema::CreateAddOptions(b.fbb()));
  b.signature("serve", {{"in", 0}}, {{"out", 2}});
  return b.finish();
}

TEST(CApi, FromC) {
  const TestImage image = sum_model();
  EXPECT_EQ(c_api_program(image.data(), image.size()), 0);
}

TEST(CppApi, RunsAModel) {
  const TestImage image = sum_model();
  api::Model model;
  const api::Error missing = model.load("/nonexistent/net.tflite");
  EXPECT_TRUE(missing);
  EXPECT_EQ(missing.code(), CYGNET_IO);
  EXPECT_NE(missing.message().find("/nonexistent/net.tflite"), std::string::npos);
  ASSERT_FALSE(model.load_memory(image.data(), image.size()));
  api::Interpreter net;
  ASSERT_FALSE(net.create(model, 2, "serve"));
  ASSERT_FALSE(net.allocate());
  const float x[3] = {1, -2, 3};
  float y[3] = {};
  EXPECT_TRUE(net.write(0, x, 2));
  EXPECT_FALSE(net.write(net.find_input("in"), x, 3));
  EXPECT_FALSE(net.invoke());
  EXPECT_FALSE(net.read(net.find_output("out"), y, 3));
  EXPECT_EQ(y[0], 2);
  EXPECT_EQ(y[1], -2);
  EXPECT_EQ(net.output(0).dims[1], 3);
  EXPECT_EQ(net.inputs() + net.outputs(), 2);
  EXPECT_GT(net.arena_bytes(), 0u);
  const int32_t dims[2] = {4, 3};
  EXPECT_FALSE(net.resize(0, dims, 2));
  EXPECT_FALSE(net.allocate());
  net.cancel();
  EXPECT_EQ(net.invoke().code(), CYGNET_CANCELLED);
}

TEST(CppApi, StringsGoInAndOut) {
  ModelBuilder b;
  const int x = b.input({2}, Type::string), n = b.input({1});
  b.op(Op::EXPAND_DIMS, {x, b.constant<int32_t>({}, {0})}, {b.output({1, 2}, Type::string)},
       schema::CreateExpandDimsOptions(b.fbb()));
  b.op(Op::NEG, {n}, {b.output({1})}, schema::CreateNegOptions(b.fbb()));
  const TestImage image = b.finish();
  api::Model model;
  ASSERT_FALSE(model.load_memory(image.data(), image.size()));
  api::Interpreter net;
  ASSERT_FALSE(net.create(model));
  EXPECT_TRUE(net.write_strings(0, {"a", "b"})) << "before allocate";
  ASSERT_FALSE(net.allocate());
  const std::vector<std::string> texts = {std::string("a\0b", 3), "longer"};
  EXPECT_FALSE(net.write_strings(0, texts));
  EXPECT_FALSE(net.invoke());
  EXPECT_EQ(net.read_strings(0), texts);
  EXPECT_TRUE(net.read_strings(1).empty()) << "numbers";
  const api::Error few = net.write_strings(0, {"a"});
  EXPECT_EQ(few.code(), CYGNET_INVALID_ARGUMENT);
  EXPECT_NE(few.message().find("T6: expected 2 strings, got 1"), std::string::npos);
  EXPECT_TRUE(net.write_strings(1, {"a"})) << "an input of numbers";
  const char* const list[] = {"ends here", nullptr};
  EXPECT_EQ(cygnet_interpreter_write_strings(net.get(), 0, list, nullptr, 2), CYGNET_OK);
  EXPECT_EQ(cygnet_interpreter_write_strings(net.get(), 0, nullptr, nullptr, 2),
            CYGNET_INVALID_ARGUMENT);
  EXPECT_FALSE(net.invoke());
  EXPECT_EQ(net.read_strings(0), (std::vector<std::string>{"ends here", ""}));
  const cygnet_tensor tensor = net.output(0);
  size_t length = 0;
  EXPECT_EQ(cygnet_tensor_string(&tensor, 2, &length), nullptr);
  EXPECT_EQ(cygnet_tensor_string(nullptr, 0, &length), nullptr);
}

// set: v = x; get: y = v.
TEST(CppApi, SignaturesShareVariables) {
  ModelBuilder b;
  const auto handle = [&] {
    const int h = b.add_tensor({}, Type::resource);
    b.op(Op::VAR_HANDLE, {}, {h}, schema::CreateVarHandleOptionsDirect(b.fbb(), "", "v"));
    return h;
  };
  const int x = b.input({2});
  b.op(Op::ASSIGN_VARIABLE, {handle(), x}, {}, schema::CreateAssignVariableOptions(b.fbb()));
  const int get_graph = b.add_subgraph("get");
  const int y = b.output({2});
  b.op(Op::READ_VARIABLE, {handle()}, {y}, schema::CreateReadVariableOptions(b.fbb()));
  b.signature("set", {{"x", static_cast<uint32_t>(x)}}, {});
  b.signature("get", {}, {{"y", static_cast<uint32_t>(y)}}, static_cast<uint32_t>(get_graph));
  const TestImage image = b.finish();
  api::Model model;
  ASSERT_FALSE(model.load_memory(image.data(), image.size()));
  api::Interpreter get;
  {
    api::Interpreter set;
    ASSERT_FALSE(set.create(model, 1, "set"));
    cygnet_interpreter_options options{};
    options.struct_size = sizeof(options);
    options.signature = "get";
    options.resources_of = set.get();
    ASSERT_FALSE(get.create(model, options));
    ASSERT_FALSE(set.allocate());
    ASSERT_FALSE(get.allocate());
    const float values[2] = {3, 4};
    EXPECT_FALSE(set.write(0, values, 2));
    EXPECT_TRUE(get.invoke()) << "not assigned yet";
    EXPECT_FALSE(set.invoke());
  }
  EXPECT_FALSE(get.invoke());
  float read[2] = {};
  EXPECT_FALSE(get.read(0, read, 2));
  EXPECT_EQ(read[0], 3);
  EXPECT_EQ(read[1], 4);
}

// ---- A user's own operator: y = x · factor, the factor in its options

Status scale_infer(OpContext& op) {
  if (op.input(0).type != Type::float32)
    return bad_model("input 0: expected type FLOAT32, got %s", type_name(op.input(0).type));
  if (op.custom_options().size() != sizeof(float))
    return bad_model("expected 4 bytes of options, got %zu", op.custom_options().size());
  return op.set_output(0, op.input(0).shape);
}

Status scale_invoke(OpContext& op) {
  float factor;
  std::memcpy(&factor, op.custom_options().data(), sizeof(factor));
  const float* x = op.input(0).as<float>();
  float* y = op.output(0).as<float>();
  for (int64_t i = 0; i < op.input(0).shape.elements(); ++i) y[i] = x[i] * factor;
  return {};
}

constexpr OpDef kScale = {.name = "my.scale", .infer = scale_infer, .invoke = scale_invoke};

TestImage scale_model(std::vector<uint8_t> options) {
  ModelBuilder b;
  const int x = b.input({4});
  b.custom_op("my.scale", {x}, {b.output({4})}, std::move(options));
  return b.finish();
}

std::vector<uint8_t> bytes_of(float factor) {
  std::vector<uint8_t> bytes(sizeof(factor));
  std::memcpy(bytes.data(), &factor, sizeof(factor));
  return bytes;
}

// Loads, allocates and runs with the operator registered.
std::string run_scale(const TestImage& image, bool untrusted, bool registered, float* y) {
  const void* ops[] = {&kScale};
  cygnet_model_options options{};
  options.struct_size = sizeof(options);
  options.untrusted = untrusted ? 1 : 0;
  options.custom_ops = ops;
  options.custom_op_count = registered ? 1 : 0;
  api::Model model;
  api::Interpreter net;
  if (auto e = model.load_memory(image.data(), image.size(), &options)) return e.message();
  if (auto e = net.create(model)) return e.message();
  if (auto e = net.allocate()) return e.message();
  const float x[4] = {1, 2, 3, 4};
  if (auto e = net.write(0, x, 4)) return e.message();
  if (auto e = net.invoke()) return e.message();
  if (auto e = net.read(0, y, 4)) return e.message();
  return "";
}

TEST(CustomOperators, RunLikeBuiltins) {
  float y[4] = {};
  EXPECT_EQ(run_scale(scale_model(bytes_of(2.5f)), false, true, y), "");
  EXPECT_EQ(y[3], 10);
  EXPECT_NE(run_scale(scale_model({1, 2}), false, true, y)
                .find("my.scale (output \"t1\"): expected 4 bytes of options, got 2"),
            std::string::npos)
      << run_scale(scale_model({1, 2}), false, true, y);
}

TEST(CustomOperators, UnregisteredOrUntrustedAreRefusedByName) {
  float y[4] = {};
  EXPECT_NE(run_scale(scale_model(bytes_of(2)), false, false, y)
                .find("does not have these operators: my.scale"),
            std::string::npos);
  EXPECT_NE(run_scale(scale_model(bytes_of(2)), true, true, y)
                .find("does not have these operators: my.scale"),
            std::string::npos);
}

}  // namespace
}  // namespace cygnet::test
