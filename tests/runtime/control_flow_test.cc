// SPDX-License-Identifier: Apache-2.0
// WHILE and IF: subgraphs that a node calls, with shapes that stay and shapes that change.
#include "runtime/control_flow.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "base/memory.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "support/model_builder.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Floats = std::vector<float>;

// A model with its bytes, and an interpreter over it that has its memory.
struct Net {
  TestImage image;
  Model model;
  Interpreter interpreter;
  Status status;  ///< of load, create, allocate

  explicit Net(TestImage bytes, const Limits& limits = Limits::standard(),
               const InterpreterOptions& options = {.poison = true})
      : image(std::move(bytes)) {
    status = Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(),
                                {.limits = limits}, &model);
    if (status.ok()) status = interpreter.create(model, options);
    if (status.ok()) status = interpreter.allocate();
  }
  template <class T>
  void write(int i, const std::vector<T>& v) {
    const Status written = interpreter.write_input(i, v.data(), v.size() * sizeof(T));
    ASSERT_TRUE(written.ok()) << written.message();
  }
  void run() {
    ASSERT_TRUE(status.ok()) << status.message();
    const Status ran = interpreter.invoke();
    ASSERT_TRUE(ran.ok()) << ran.message();
  }
  template <class T = float>
  std::vector<T> read(int i = 0) const {
    std::vector<T> v(interpreter.output(i).bytes / sizeof(T));
    EXPECT_TRUE(interpreter.read_output(i, v.data(), v.size() * sizeof(T)).ok());
    return v;
  }
};

bool says(const Status& status, const std::string& words) {
  return std::string(status.message()).find(words) != std::string::npos;
}

void add(ModelBuilder& b, int x, int y, int to) {
  b.op(Op::ADD, {x, y}, {to}, schema::CreateAddOptions(b.fbb()));
}
void mul(ModelBuilder& b, int x, int y, int to) {
  b.op(Op::MUL, {x, y}, {to}, schema::CreateMulOptions(b.fbb()));
}
void loop(ModelBuilder& b, std::vector<int> from, std::vector<int> to, int condition, int body) {
  b.op(Op::WHILE, std::move(from), std::move(to),
       schema::CreateWhileOptions(b.fbb(), condition, body));
}
void branch(ModelBuilder& b, std::vector<int> from, std::vector<int> to, int yes, int no) {
  b.op(Op::IF, std::move(from), std::move(to), schema::CreateIfOptions(b.fbb(), yes, no));
}

// A subgraph (i, x) → i < turns.
int counting_condition(ModelBuilder& b, int turns, std::vector<int32_t> shape) {
  const int graph = b.add_subgraph("condition");
  const int i = b.input({}, Type::int32);
  b.input(std::move(shape));
  b.op(Op::LESS, {i, b.constant<int32_t>({}, {turns})}, {b.output({}, Type::boolean)},
       schema::CreateLessOptions(b.fbb()));
  return graph;
}

enum class Body { doubles, grows };

// A subgraph (i, x) → (i + 1, 2x) or (i + 1, [x, x]).
int counting_body(ModelBuilder& b, Body body, std::vector<int32_t> shape) {
  const int graph = b.add_subgraph("body");
  const int i = b.input({}, Type::int32);
  const int x = b.input(shape);
  add(b, i, b.constant<int32_t>({}, {1}), b.output({}, Type::int32));
  if (body == Body::doubles)
    mul(b, x, b.constant<float>({}, {2}), b.output(shape));
  else
    b.op(Op::CONCATENATION, {x, x}, {b.output(shape)},
         schema::CreateConcatenationOptions(b.fbb(), 0));
  return graph;
}

// (i, x) runs from i to `turns`, then y = the last x + 1.
TestImage counting_model(int turns, Body body, std::vector<int32_t> shape) {
  ModelBuilder b;
  const int condition = counting_condition(b, turns, shape);
  const int step = counting_body(b, body, shape);
  b.use_subgraph(0);
  const int i = b.input({}, Type::int32), x = b.input(shape);
  const int last_i = b.output({}, Type::int32), last_x = b.output(shape);
  const int y = b.output(shape);
  loop(b, {i, x}, {last_i, last_x}, condition, step);
  add(b, last_x, b.constant<float>({}, {1}), y);
  return b.finish();
}

TEST(While, RunsItsTurns) {
  Net net(counting_model(5, Body::doubles, {2}));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int repeat = 0; repeat < 3; ++repeat) {
    net.write<int32_t>(0, {0});
    net.write<float>(1, {1, -3});
    net.run();
    EXPECT_EQ(net.read<int32_t>(0), std::vector<int32_t>{5});
    EXPECT_EQ(net.read(1), (Floats{32, -96}));
    EXPECT_EQ(net.read(2), (Floats{33, -95}));
  }
  net.write<int32_t>(0, {4});
  net.run();
  EXPECT_EQ(net.read(1), (Floats{2, -6}));
}

TEST(While, NoTurnPassesTheInputsOn) {
  for (Body body : {Body::doubles, Body::grows}) {
    Net net(counting_model(5, body, {2}));
    ASSERT_TRUE(net.status.ok()) << net.status.message();
    net.write<int32_t>(0, {7});
    net.write<float>(1, {1, -3});
    net.run();
    EXPECT_EQ(net.read<int32_t>(0), std::vector<int32_t>{7});
    EXPECT_EQ(net.read(1), (Floats{1, -3}));
    EXPECT_EQ(net.read(2), (Floats{2, -2}));
  }
}

TEST(While, ShapesThatChange) {
  Net net(counting_model(3, Body::grows, {1}));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int start : {0, 2, 3, 1}) {
    net.write<int32_t>(0, {start});
    net.write<float>(1, {2});
    net.run();
    EXPECT_EQ(net.read(1), Floats(size_t{1} << (3 - start), 2)) << start;
    EXPECT_EQ(net.read(2), Floats(size_t{1} << (3 - start), 3)) << start;
  }
}

TEST(While, ResizedInput) {
  Net net(counting_model(2, Body::doubles, {1}));
  ASSERT_TRUE(net.interpreter.resize_input(1, {3}).ok());
  net.status = net.interpreter.allocate();
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  net.write<int32_t>(0, {0});
  net.write<float>(1, {1, 2, 3});
  net.run();
  EXPECT_EQ(net.read(1), (Floats{4, 8, 12}));
}

TEST(While, FedByShapesThatChange) {
  ModelBuilder b;
  const int grow_condition = counting_condition(b, 2, {1}),
            grow = counting_body(b, Body::grows, {1});
  const int condition = counting_condition(b, 4, {1}), step = counting_body(b, Body::doubles, {1});
  b.use_subgraph(0);
  const int i = b.input({}, Type::int32), x = b.input({1});
  const int i1 = b.add_tensor({}, Type::int32), x1 = b.add_tensor({1}, Type::float32);
  loop(b, {i, x}, {i1, x1}, grow_condition, grow);
  loop(b, {i1, x1}, {b.output({}, Type::int32), b.output({1})}, condition, step);
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  net.write<int32_t>(0, {0});
  net.write<float>(1, {1});
  net.run();
  EXPECT_EQ(net.read(1), (Floats{4, 4, 4, 4}));
  net.write<int32_t>(0, {1});
  net.run();
  EXPECT_EQ(net.read(1), (Floats{4, 4}));
}

// Outside (i, x): x goes through a loop of 2 turns, then is halved where its sum is above 20.
TEST(While, NestedWithABranch) {
  ModelBuilder b;
  const int inner_condition = counting_condition(b, 2, {2});
  const int inner_body = counting_body(b, Body::doubles, {2});
  const int yes = b.add_subgraph("yes");
  mul(b, b.input({2}), b.constant<float>({}, {0.5f}), b.output({2}));
  const int no = b.add_subgraph("no");
  const int same = b.input({2});
  b.graph().outputs = {same};
  const int condition = counting_condition(b, 3, {2});
  const int body = b.add_subgraph("body");
  {
    const int i = b.input({}, Type::int32), x = b.input({2});
    const int next = b.output({}, Type::int32), result = b.output({2});
    add(b, i, b.constant<int32_t>({}, {1}), next);
    const int ignored = b.add_tensor({}, Type::int32), inner = b.add_tensor({2}, Type::float32);
    loop(b, {b.constant<int32_t>({}, {0}), x}, {ignored, inner}, inner_condition, inner_body);
    const int sum = b.add_tensor({}, Type::float32), above = b.add_tensor({}, Type::boolean);
    b.op(Op::SUM, {inner, b.constant<int32_t>({1}, {0})}, {sum},
         schema::CreateReducerOptions(b.fbb(), false));
    b.op(Op::GREATER, {sum, b.constant<float>({}, {20})}, {above},
         schema::CreateGreaterOptions(b.fbb()));
    branch(b, {above, inner}, {result}, yes, no);
  }
  b.use_subgraph(0);
  const int i = b.input({}, Type::int32), x = b.input({2});
  loop(b, {i, x}, {b.output({}, Type::int32), b.output({2})}, condition, body);
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int repeat = 0; repeat < 2; ++repeat) {
    net.write<int32_t>(0, {0});
    net.write<float>(1, {1, 2});
    net.run();
    // 1,2 → 4,8 (12) → 16,32 (48): 8,16 → 32,64 (96): 16,32
    EXPECT_EQ(net.read(1), (Floats{16, 32}));
  }
}

// c, x → c ? [x, x] : x; the branches' results have shapes of their own.
TestImage branch_model(bool grows) {
  ModelBuilder b;
  const int yes = b.add_subgraph("yes");
  {
    const int x = b.input({2}), y = b.output({2});
    if (grows)
      b.op(Op::CONCATENATION, {x, x}, {y}, schema::CreateConcatenationOptions(b.fbb(), 0));
    else
      add(b, x, x, y);
  }
  const int no = b.add_subgraph("no");
  b.op(Op::NEG, {b.input({2})}, {b.output({2})}, schema::CreateNegOptions(b.fbb()));
  b.use_subgraph(0);
  const int c = b.input({1}, Type::boolean), x = b.input({2}), y = b.add_tensor({2}, Type::float32);
  branch(b, {c, x}, {y}, yes, no);
  b.op(Op::RELU, {y}, {b.output({2})});
  return b.finish();
}

TEST(If, TakesABranch) {
  Net net(branch_model(false));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int repeat = 0; repeat < 2; ++repeat) {
    net.write<uint8_t>(0, {1});
    net.write<float>(1, {3, -2});
    net.run();
    EXPECT_EQ(net.read(), (Floats{6, 0}));
    net.write<uint8_t>(0, {0});
    net.run();
    EXPECT_EQ(net.read(), (Floats{0, 2}));
  }
}

TEST(If, BranchesOfDifferentShapes) {
  Net net(branch_model(true));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int repeat = 0; repeat < 2; ++repeat) {
    net.write<uint8_t>(0, {1});
    net.write<float>(1, {3, -2});
    net.run();
    EXPECT_EQ(net.read(), (Floats{3, 0, 3, 0}));
    net.write<uint8_t>(0, {0});
    net.run();
    EXPECT_EQ(net.read(), (Floats{0, 2}));
  }
}

TEST(If, AConditionOfTwoElementsIsRefused) {
  ModelBuilder b;
  const int yes = b.add_subgraph("yes");
  b.graph().outputs = {b.input({2})};
  b.use_subgraph(0);
  const int c = b.input({2}, Type::boolean), x = b.input({2});
  branch(b, {c, x}, {b.output({2})}, yes, yes);
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  const Status status = net.interpreter.invoke();
  EXPECT_TRUE(says(status, "IF")) << status.message();
  EXPECT_TRUE(says(status, "condition: expected 1 element, got shape [2]")) << status.message();
}

TEST(While, AConditionOfTwoElementsIsRefused) {
  ModelBuilder b;
  const int condition = b.add_subgraph("condition");
  const int x = b.input({2});
  b.op(Op::LESS, {x, x}, {b.output({2}, Type::boolean)}, schema::CreateLessOptions(b.fbb()));
  const int body = b.add_subgraph("body");
  b.graph().outputs = {b.input({2})};
  b.use_subgraph(0);
  loop(b, {b.input({2})}, {b.output({2})}, condition, body);
  Net net(b.finish());
  const Status status = net.status.ok() ? net.interpreter.invoke() : std::move(net.status);
  EXPECT_TRUE(says(status, "condition: expected 1 element, got shape [2]")) << status.message();
}

TEST(While, LimitOfTurns) {
  Limits limits = Limits::standard();
  limits.loop_iterations = 5;
  for (int turns : {5, 6}) {
    Net net(counting_model(turns, Body::doubles, {2}), limits);
    ASSERT_TRUE(net.status.ok()) << net.status.message();
    const Status status = net.interpreter.invoke();
    EXPECT_EQ(status.ok(), turns == 5) << status.message();
    if (turns == 6) {
      EXPECT_EQ(status.code(), Code::limit);
      EXPECT_TRUE(says(status, "limit loop_iterations (5)")) << status.message();
      net.write<int32_t>(0, {3});
      net.run();
      EXPECT_EQ(net.read<int32_t>(0), std::vector<int32_t>{6});
    }
  }
}

// while (true) x = x
TestImage endless_model() {
  ModelBuilder b;
  const int condition = b.add_subgraph("condition");
  b.input({2});
  b.graph().outputs = {b.constant_bytes({}, Type::boolean, {1})};
  const int body = b.add_subgraph("body");
  b.graph().outputs = {b.input({2})};
  b.use_subgraph(0);
  const int x = b.input({2});
  loop(b, {x}, {b.output({2})}, condition, body);
  return b.finish();
}

TEST(While, EndlessLoopMeetsTheTimeLimit) {
  Limits limits = Limits::standard();
  limits.invoke_ms = 20;
  Net net(endless_model(), limits);
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  const Status status = net.interpreter.invoke();
  EXPECT_EQ(status.code(), Code::cancelled);
  EXPECT_TRUE(says(status, "limit invoke_ms (20 ms) reached")) << status.message();
}

TEST(While, EndlessLoopIsCancelled) {
  std::atomic<bool> cancel{false};
  Net net(endless_model(), Limits::standard(), {.cancel = &cancel});
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  cancel = true;
  EXPECT_EQ(net.interpreter.invoke().code(), Code::cancelled);
}

TEST(While, GrowthMeetsTheMemoryLimit) {
  Limits limits = Limits::standard();
  limits.memory_bytes = 1 << 20;
  Net net(counting_model(30, Body::grows, {1}), limits);
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  const Status status = net.interpreter.invoke();
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_TRUE(says(status, "exceeds limit memory_bytes")) << status.message();
  net.write<int32_t>(0, {28});
  net.run();
  EXPECT_EQ(net.read(1).size(), 4u);
}

// Each level calls the one below four times: a small file that asks for 4^20 plans.
TEST(If, CallsThatMultiplyMeetTheMemoryLimit) {
  ModelBuilder b;
  int below = b.add_subgraph("lowest");
  b.input({}, Type::boolean);
  b.graph().outputs = {b.graph().inputs[0]};
  for (int level = 0; level < 20; ++level) {
    const int graph = b.add_subgraph("level");
    const int c = b.input({}, Type::boolean), d = b.add_tensor({}, Type::boolean);
    branch(b, {c, c}, {d}, below, below);
    branch(b, {d, d}, {b.output({}, Type::boolean)}, below, below);
    below = graph;
  }
  b.use_subgraph(0);
  const int c = b.input({}, Type::boolean);
  branch(b, {c, c}, {b.output({}, Type::boolean)}, below, below);
  Limits limits = Limits::standard();
  limits.memory_bytes = 4 << 20;
  Net net(b.finish(), limits);
  EXPECT_EQ(net.status.code(), Code::limit) << net.status.message();
  EXPECT_TRUE(says(net.status, "memory_bytes")) << net.status.message();
}

// A loop whose body is an LSTM of one cell: its state goes on from turn to turn, and from run to
// run until it is reset.
TEST(While, VariablesOfTheBodyAreReset) {
  ModelBuilder b;
  const int condition = counting_condition(b, 3, {1, 1, 1});
  const int body = b.add_subgraph("body");
  {
    const int i = b.input({}, Type::int32), x = b.input({1, 1, 1});
    add(b, i, b.constant<int32_t>({}, {1}), b.output({}, Type::int32));
    std::vector<int> operands{x};
    for (int k = 1; k <= 8; ++k) operands.push_back(b.constant<float>({1, 1}, {0.5f}));
    for (int k = 9; k <= 11; ++k) operands.push_back(-1);
    for (int k = 12; k <= 15; ++k) operands.push_back(b.constant<float>({1}, {0.1f}));
    for (int k = 16; k <= 17; ++k) operands.push_back(-1);
    for (int k = 18; k <= 19; ++k) operands.push_back(b.variable({1, 1}));
    b.op(Op::UNIDIRECTIONAL_SEQUENCE_LSTM, operands, {b.output({1, 1, 1})},
         schema::CreateUnidirectionalSequenceLSTMOptions(b.fbb(),
                                                         schema::ActivationFunctionType::TANH));
  }
  b.use_subgraph(0);
  const int i = b.input({}, Type::int32), x = b.input({1, 1, 1});
  loop(b, {i, x}, {b.output({}, Type::int32), b.output({1, 1, 1})}, condition, body);
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  EXPECT_EQ(net.interpreter.plan().macs, 8) << "of one turn";
  const auto run = [&] {
    net.write<int32_t>(0, {0});
    net.write<float>(1, {0.7f});
    net.run();
    return net.read(1)[0];
  };
  double x64 = 0.7f, h = 0, c = 0;
  for (int turn = 0; turn < 3; ++turn) {
    const double z = 0.5 * x64 + 0.5 * h + 0.1f, s = 1 / (1 + std::exp(-z));
    c = s * c + s * std::tanh(z);
    h = s * std::tanh(c);
    x64 = h;
  }
  const float first = run();
  EXPECT_NEAR(first, h, 1e-6);
  EXPECT_NE(run(), first);
  ASSERT_TRUE(net.interpreter.reset_variables().ok());
  EXPECT_EQ(run(), first);
}

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> failing{-1};
bool count_and_fail(size_t) {
  return allocations.fetch_add(1) != failing.load();
}

TEST(While, TurnsTakeNoMemory) {
  Net net(counting_model(5, Body::doubles, {2}));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  failing = -1;
  allocations = 0;
  base::set_allocation_hook(count_and_fail);
  const Status status = net.interpreter.invoke();
  base::set_allocation_hook(nullptr);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(allocations.load(), 0);
}

TEST(RuleP4, AnyFailedAllocationOfALoopIsAStatus) {
  for (Body body : {Body::doubles, Body::grows}) {
    const TestImage image = counting_model(3, body, {2});
    const auto run_once = [&]() -> Status {
      Model model;
      CYGNET_TRY(
          Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(), {}, &model));
      Interpreter interpreter;
      CYGNET_TRY(interpreter.create(model, {}));
      CYGNET_TRY(interpreter.allocate());
      Status status = interpreter.invoke();
      // A run that failed leaves an interpreter that can go on.
      if (!status.ok() && failing >= 0) {
        EXPECT_TRUE(interpreter.reset_variables().ok());
        const Status again = interpreter.invoke();
        EXPECT_TRUE(again.ok()) << again.message();
      }
      return status;
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
      EXPECT_EQ(status.code(), Code::out_of_memory)
          << k << " of " << all << ": " << status.message();
    }
    base::set_allocation_hook(nullptr);
    failing = -1;
  }
}

}  // namespace
}  // namespace cygnet::test
