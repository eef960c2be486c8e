// SPDX-License-Identifier: Apache-2.0
#include "runtime/interpreter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ops/builtin_ops.h"
#include "support/model_builder.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// A model with its bytes, and an interpreter over it.
struct Net {
  TestImage image;
  Model model;
  Interpreter interpreter;

  explicit Net(TestImage bytes, const InterpreterOptions& options = {},
               const Limits& limits = Limits::standard())
      : image(std::move(bytes)) {
    const Status status = Model::from_memory({image.data(), image.size()}, "m.tflite",
                                             builtin_ops(), {.limits = limits}, &model);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(interpreter.create(model, options).ok());
  }
  void write(int i, const std::vector<float>& v) {
    ASSERT_TRUE(interpreter.write_input(i, v.data(), v.size() * sizeof(float)).ok());
  }
  std::vector<float> read(int i = 0) const {
    std::vector<float> v(interpreter.output(i).bytes / sizeof(float));
    EXPECT_TRUE(interpreter.read_output(i, v.data(), v.size() * sizeof(float)).ok());
    return v;
  }
};

bool says(const Status& status, const std::string& words) {
  return std::string(status.message()).find(words) != std::string::npos;
}

// relu(x) + x, with a batch that may be chosen.
TestImage batch_model() {
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

TEST(Interpreter, RunsAndIsFoundByName) {
  Net net(batch_model());
  EXPECT_EQ(net.interpreter.find_input("in"), 0);
  EXPECT_EQ(net.interpreter.find_input("t0"), 0);
  EXPECT_EQ(net.interpreter.find_input("nothing"), -1);
  EXPECT_EQ(net.interpreter.output_name(0), "out");
  ASSERT_TRUE(net.interpreter.allocate().ok());
  net.write(0, {-1, 2, 3});
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(), (std::vector<float>{-1, 4, 6}));
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(), (std::vector<float>{-1, 4, 6})) << "the input is still there";
}

TEST(Interpreter, Signatures) {
  Net net(batch_model());
  Interpreter other;
  EXPECT_TRUE(other.create_for_signature(net.model, {}, "serve").ok());
  const Status status = other.create_for_signature(net.model, {}, "nope");
  EXPECT_TRUE(says(status, "no signature \"nope\"; the model has: serve")) << status.message();
  EXPECT_FALSE(other.create(net.model, {}, 1).ok());
}

TEST(RuleX1, OrderOfCalls) {
  Interpreter fresh;
  EXPECT_TRUE(says(fresh.allocate(), "X1"));
  EXPECT_TRUE(says(fresh.invoke(), "X1"));
  Net net(batch_model());
  float v[3] = {};
  EXPECT_TRUE(says(net.interpreter.invoke(), "X1: invoke before allocate"));
  EXPECT_TRUE(says(net.interpreter.write_input(0, v, sizeof(v)), "X1"));
  EXPECT_TRUE(says(net.interpreter.read_output(0, v, sizeof(v)), "X1"));
  EXPECT_TRUE(says(net.interpreter.reset_variables(), "X1"));
  EXPECT_EQ(net.interpreter.input_data(0), nullptr);
}

TEST(RuleX2, SizesAndIndices) {
  Net net(batch_model());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  float v[4] = {};
  EXPECT_TRUE(says(net.interpreter.write_input(0, v, 16),
                   "X2: input \"in\": expected 12 bytes (FLOAT32 [1,3]), got 16"));
  EXPECT_TRUE(says(net.interpreter.read_output(0, v, 8), "X2: output \"out\": expected 12 bytes"));
  EXPECT_TRUE(says(net.interpreter.write_input(1, v, 12), "X2"));
  EXPECT_TRUE(says(net.interpreter.write_input(-1, v, 12), "X2"));
  EXPECT_TRUE(says(net.interpreter.read_output(7, v, 12), "X2"));
}

TEST(RuleP2, Resize) {
  Net net(batch_model());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  EXPECT_TRUE(says(net.interpreter.resize_input(0, {2, 4}),
                   "P2: input \"in\": expected shape [-1,3] (-1: any), got [2,4]"));
  EXPECT_TRUE(says(net.interpreter.resize_input(0, {3}), "P2"));
  EXPECT_TRUE(says(net.interpreter.resize_input(0, {-1, 3}), "T2"));
  EXPECT_TRUE(says(net.interpreter.resize_input(5, {1, 3}), "P2"));
  EXPECT_TRUE(net.interpreter.allocated()) << "a refused resize changes nothing";
  ASSERT_TRUE(net.interpreter.resize_input(0, {2, 3}).ok());
  EXPECT_TRUE(says(net.interpreter.invoke(), "X1"));
  ASSERT_TRUE(net.interpreter.allocate().ok());
  net.write(0, {1, 2, 3, -4, 5, 6});
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(), (std::vector<float>{2, 4, 6, -4, 10, 12}));
}

TEST(RuleP2, FailedAllocationLeavesNothingAllocated) {
  Limits limits = Limits::standard();
  limits.memory_bytes = 4096;
  Net net(batch_model(), {}, limits);
  ASSERT_TRUE(net.interpreter.allocate().ok());
  ASSERT_TRUE(net.interpreter.resize_input(0, {100000, 3}).ok());
  const Status status = net.interpreter.allocate();
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_TRUE(says(status, "P1")) << status.message();
  EXPECT_FALSE(net.interpreter.allocated());
  EXPECT_TRUE(says(net.interpreter.invoke(), "X1"));
  ASSERT_TRUE(net.interpreter.resize_input(0, {1, 3}).ok());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  net.write(0, {1, 1, 1});
  EXPECT_TRUE(net.interpreter.invoke().ok());
}

size_t largest_request = 0;
bool note_request(size_t bytes) {
  largest_request = std::max(largest_request, bytes);
  return true;
}

TEST(RuleP1, LimitIsCheckedBeforeMemoryIsTaken) {
  Limits limits = Limits::standard();
  limits.memory_bytes = 1 << 20;
  Net net(batch_model(), {}, limits);
  ASSERT_TRUE(net.interpreter.resize_input(0, {10'000'000, 3}).ok());
  largest_request = 0;
  base::set_allocation_hook(note_request);
  const Status status = net.interpreter.allocate();
  base::set_allocation_hook(nullptr);
  EXPECT_TRUE(says(status, "limit memory_bytes (1048576)")) << status.message();
  EXPECT_LT(largest_request, size_t{1} << 20);
}

// x reshaped to a shape that is known only in the run, then doubled.
TestImage dynamic_model() {
  ModelBuilder b;
  const int x = b.input({2, 6});
  const int shape = b.input({2}, Type::int32);
  const int r = b.add_tensor({2, 6}, Type::float32);
  const int y = b.output({2, 6});
  b.op(Op::RESHAPE, {x, shape}, {r});
  b.op(Op::ADD, {r, r}, {y}, schema::CreateAddOptions(b.fbb()));
  return b.finish();
}

TEST(DynamicTensors, ShapesFollowTheRun) {
  Net net(dynamic_model());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  net.write(0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  for (const std::vector<int32_t>& shape :
       std::vector<std::vector<int32_t>>{{3, 4}, {12, 1}, {1, -1}}) {
    ASSERT_TRUE(net.interpreter.write_input(1, shape.data(), 8).ok());
    ASSERT_TRUE(net.interpreter.invoke().ok());
    EXPECT_EQ(net.interpreter.output(0).shape, (Shape{shape[0], shape[1] == -1 ? 12 : shape[1]}));
    EXPECT_EQ(net.read()[11], 22);
  }
}

TEST(RuleP3, EachReshapeIsChecked) {
  Net net(dynamic_model());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  const int32_t wrong[2] = {5, 5}, right[2] = {4, 3};
  ASSERT_TRUE(net.interpreter.write_input(1, wrong, 8).ok());
  EXPECT_FALSE(net.interpreter.invoke().ok());
  ASSERT_TRUE(net.interpreter.write_input(1, right, 8).ok());
  EXPECT_TRUE(net.interpreter.invoke().ok());
  Limits limits = Limits::standard();
  limits.memory_bytes = 700;  // the arena's 2 blocks of 128, and one buffer
  Net small(dynamic_model(), {}, limits);
  ASSERT_TRUE(small.interpreter.allocate().ok());
  ASSERT_TRUE(small.interpreter.write_input(1, right, 8).ok());
  limits.memory_bytes = 300;
  Net smaller(dynamic_model(), {}, limits);
  ASSERT_TRUE(smaller.interpreter.allocate().ok());
  ASSERT_TRUE(smaller.interpreter.write_input(1, right, 8).ok());
  const Status status = smaller.interpreter.invoke();
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_TRUE(says(status, "dynamic tensor")) << status.message();
}

TEST(Limits, WorkAndTime) {
  ModelBuilder b;
  const int x = b.input({1, 64, 64, 64});
  const int w = b.constant<float>({64, 3, 3, 64}, std::vector<float>(64 * 9 * 64, 0.01f));
  int t = x;
  for (int i = 0; i < 40; ++i) {
    const int y =
        i == 39 ? b.output({1, 64, 64, 64}) : b.add_tensor({1, 64, 64, 64}, Type::float32);
    b.op(Op::CONV_2D, {t, w}, {y},
         schema::CreateConv2DOptions(b.fbb(), schema::Padding::SAME, 1, 1));
    t = y;
  }
  const TestImage image = b.finish();
  Limits limits = Limits::standard();
  limits.macs = 1'000'000;
  Net few(image, {}, limits);
  const Status status = few.interpreter.allocate();
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_TRUE(says(status, "limit macs (1000000)")) << status.message();
  limits = Limits::standard();
  limits.invoke_ms = 1;
  Net hurried(image, {.reference = true}, limits);
  ASSERT_TRUE(hurried.interpreter.allocate().ok());
  const Status late = hurried.interpreter.invoke();
  EXPECT_EQ(late.code(), Code::cancelled);
  EXPECT_TRUE(says(late, "limit invoke_ms (1 ms)")) << late.message();
  std::atomic<bool> cancel{false};
  Net cancelled(image, {.reference = true, .cancel = &cancel});
  ASSERT_TRUE(cancelled.interpreter.allocate().ok());
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    cancel = true;
  });
  EXPECT_TRUE(says(cancelled.interpreter.invoke(), "cancelled by the caller"));
  canceller.join();
}

TEST(Folding, ConstantOperatorsRunOnce) {
  ModelBuilder b;
  const int x = b.input({1, 2});
  const int half = b.constant_bytes({1, 2}, Type::float16, {0x00, 0x3c, 0x00, 0x40});  // 1, 2
  const int c = b.add_tensor({1, 2}, Type::float32);
  b.op(Op::DEQUANTIZE, {half}, {c});
  b.op(Op::ADD, {x, c}, {b.output({1, 2})}, schema::CreateAddOptions(b.fbb()));
  Net net(b.finish());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  EXPECT_EQ(net.interpreter.plan().steps.size(), 1u);
  net.write(0, {10, 20});
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(), (std::vector<float>{11, 22}));
}

// a = relu(x); b = relu(a); y = a + b. `a` is read after b is made.
TEST(RuleG7, InPlaceOnlyWhereNobodyReadsLater) {
  const auto build = [] {
    ModelBuilder b;
    const int x = b.input({1, 4});
    const int a = b.add_tensor({1, 4}, Type::float32), c = b.add_tensor({1, 4}, Type::float32);
    const int y = b.output({1, 4});
    b.op(Op::RELU, {x}, {a});
    b.op(Op::LOGISTIC, {a}, {c});
    b.op(Op::ADD, {a, c}, {y}, schema::CreateAddOptions(b.fbb()));
    return b.finish();
  };
  Net net(build());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  const auto& tensors = net.interpreter.plan().tensors;
  EXPECT_NE(tensors[1].data, tensors[0].data) << "a subgraph's input is not overwritten";
  EXPECT_NE(tensors[2].data, tensors[1].data) << "a is read later";
  EXPECT_EQ(tensors[3].data, tensors[1].data) << "nobody reads a after the sum";
  net.write(0, {-1, 0, 1, 2});
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_FLOAT_EQ(net.read()[0], 0.5f);
  EXPECT_FLOAT_EQ(net.read()[3], 2.0f + 1.0f / (1.0f + std::exp(-2.0f)));
  Net kept(build(), {.keep_tensors = true});
  ASSERT_TRUE(kept.interpreter.allocate().ok());
  EXPECT_NE(kept.interpreter.plan().tensors[3].data, kept.interpreter.plan().tensors[1].data);
}

TEST(Sharing, ViewsAreTheSameMemory) {
  ModelBuilder b;
  const int x = b.input({2, 3});
  const int a = b.add_tensor({2, 3}, Type::float32), v = b.add_tensor({3, 2}, Type::float32);
  const int y = b.output({3, 2}), z = b.output({2, 3});
  b.op(Op::RELU, {x}, {a});
  b.op(Op::RESHAPE, {a, b.constant<int32_t>({2}, {3, 2})}, {v});
  b.op(Op::LOGISTIC, {v}, {y});
  b.op(Op::ADD, {a, a}, {z}, schema::CreateAddOptions(b.fbb()));
  Net net(b.finish(), {.fuse = false});
  ASSERT_TRUE(net.interpreter.allocate().ok());
  const auto& tensors = net.interpreter.plan().tensors;
  EXPECT_EQ(tensors[1].data, tensors[2].data);
  EXPECT_NE(tensors[3].data, tensors[2].data) << "a is read later, through its other name";
  net.write(0, {1, 2, 3, 4, 5, 6});
  ASSERT_TRUE(net.interpreter.invoke().ok());
  EXPECT_EQ(net.read(1), (std::vector<float>{2, 4, 6, 8, 10, 12}));
}

TEST(Interpreter, ManyOverOneModelInManyThreads) {
  Net net(batch_model());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Interpreter mine;
      if (!mine.create(net.model, {.threads = 1 + t % 2}).ok() || !mine.allocate().ok()) ++wrong;
      for (int i = 0; i < 50; ++i) {
        const float v[3] = {static_cast<float>(i), -1, static_cast<float>(t)};
        float out[3];
        if (!mine.write_input(0, v, 12).ok() || !mine.invoke().ok() ||
            !mine.read_output(0, out, 12).ok())
          ++wrong;
        if (out[0] != 2 * v[0] || out[1] != -1 || out[2] != 2 * v[2]) ++wrong;
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace cygnet::test
