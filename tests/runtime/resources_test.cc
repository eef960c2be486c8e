// SPDX-License-Identifier: Apache-2.0
// Resource variables, hash tables and initializers.
#include "graph/resources.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/memory.h"
#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Floats = std::vector<float>;

int handle(ModelBuilder& b, const std::string& name, const std::string& container = "") {
  const int h = b.add_tensor({}, Type::resource);
  b.op(Op::VAR_HANDLE, {}, {h},
       schema::CreateVarHandleOptionsDirect(b.fbb(), container.c_str(), name.c_str()));
  return h;
}

void assign(ModelBuilder& b, int h, int value) {
  b.op(Op::ASSIGN_VARIABLE, {h, value}, {}, schema::CreateAssignVariableOptions(b.fbb()));
}

void read_variable(ModelBuilder& b, int h, int to) {
  b.op(Op::READ_VARIABLE, {h}, {to}, schema::CreateReadVariableOptions(b.fbb()));
}

void call_once(ModelBuilder& b, int graph) {
  b.op(Op::CALL_ONCE, {}, {}, schema::CreateCallOnceOptions(b.fbb(), graph));
}

// sum = sum + x, sum starts as `start`; y = sum.
TestImage accumulator(const Floats& start) {
  ModelBuilder b;
  const int init = b.add_subgraph("init");
  assign(b, handle(b, "sum"), b.constant<float>({static_cast<int32_t>(start.size())}, start));
  b.use_subgraph(0);
  const auto n = static_cast<int32_t>(start.size());
  const int x = b.input({n});
  call_once(b, init);
  const int h = handle(b, "sum"), old = b.add_tensor({n}, Type::float32), sum = b.output({n});
  read_variable(b, h, old);
  b.op(Op::ADD, {old, x}, {sum}, schema::CreateAddOptions(b.fbb()));
  assign(b, h, sum);
  b.signature("add", {{"x", static_cast<uint32_t>(x)}}, {{"y", static_cast<uint32_t>(sum)}});
  const int get = b.add_subgraph("get");
  const int value = b.output({n});
  read_variable(b, handle(b, "sum"), value);
  b.signature("get", {}, {{"value", static_cast<uint32_t>(value)}}, static_cast<uint32_t>(get));
  return b.finish();
}

TEST(Variables, LiveAsLongAsTheInterpreter) {
  Net net(accumulator({1, 2}));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  write<float>(net.interpreter, 0, {10, 20});
  EXPECT_OK(net.run());
  EXPECT_EQ(read<float>(net.interpreter), (Floats{11, 22}));
  EXPECT_OK(net.run());
  EXPECT_EQ(read<float>(net.interpreter), (Floats{21, 42}));
  EXPECT_OK(net.interpreter.reset_variables());
  EXPECT_OK(net.interpreter.allocate());
  write<float>(net.interpreter, 0, {1, 1});
  EXPECT_OK(net.run());
  EXPECT_EQ(read<float>(net.interpreter), (Floats{22, 43}));
  EXPECT_OK(net.interpreter.create(net.model, {}));
  EXPECT_OK(net.interpreter.allocate());
  write<float>(net.interpreter, 0, {0, 0});
  EXPECT_OK(net.run());
  EXPECT_EQ(read<float>(net.interpreter), (Floats{1, 2}));
}

TEST(Variables, AreSharedBySignatures) {
  Net net(accumulator({1, 2}));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  Interpreter get;
  EXPECT_OK(get.create_for_signature(net.model, {}, "get"));
  EXPECT_OK(get.share_resources(net.interpreter));
  EXPECT_OK(get.allocate());
  const Status early = get.invoke();
  EXPECT_TRUE(says(early, "variable \"sum\" is read before it is assigned")) << early.message();
  write<float>(net.interpreter, 0, {5, 5});
  EXPECT_OK(net.run());
  EXPECT_OK(get.invoke());
  EXPECT_EQ(read<float>(get), (Floats{6, 7}));
  EXPECT_FALSE(get.share_resources(net.interpreter).ok()) << "after allocate";
  Net other(accumulator({1, 2}));
  Interpreter stranger;
  EXPECT_FALSE(stranger.share_resources(net.interpreter).ok()) << "before create";
  EXPECT_OK(stranger.create(other.model, {}));
  EXPECT_FALSE(stranger.share_resources(net.interpreter).ok()) << "another model";
}

// x → a variable → y; the shape and the values are x's.
TestImage copying_model(Type type) {
  ModelBuilder b;
  const int x = b.input({1, 2}, type);
  b.tensor(x).signature = {-1, -1};
  const int h = handle(b, "v", "c"), other = handle(b, "v");
  assign(b, other, b.constant<int64_t>({}, {7}));
  assign(b, h, x);
  read_variable(b, h, b.output({1, 2}, type));
  read_variable(b, other, b.output({}, Type::int64));
  return b.finish();
}

TEST(Variables, ChangeTheirShape) {
  Net net(copying_model(Type::int16));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (const Shape& shape : {Shape{2, 3}, Shape{0, 4}, Shape{1, 1}, Shape{5, 2}}) {
    EXPECT_OK(net.interpreter.resize_input(0, shape));
    EXPECT_OK(net.interpreter.allocate());
    std::vector<int16_t> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int16_t>(i + 3);
    write(net.interpreter, 0, values);
    EXPECT_OK(net.run());
    EXPECT_EQ(net.interpreter.output(0).shape, shape);
    EXPECT_EQ(read<int16_t>(net.interpreter), values);
    EXPECT_EQ(read<int64_t>(net.interpreter, 1), std::vector<int64_t>{7}) << "another container";
  }
}

TEST(Variables, HoldStrings) {
  Net net(copying_model(Type::string));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (const Texts& texts : {Texts{"a", ""}, Texts{"", "something longer"}, Texts{"", ""}}) {
    write_texts(net.interpreter, 0, texts);
    EXPECT_OK(net.run());
    EXPECT_EQ(read_texts(net.interpreter), texts);
  }
}

TEST(RuleT10, AVariableKeepsItsType) {
  ModelBuilder b;
  const int x = b.input({2});
  const int h = handle(b, "v");
  assign(b, h, x);
  assign(b, h, b.constant<int32_t>({2}, {1, 2}));
  read_variable(b, h, b.output({2}));
  Net net(b.finish());
  const Status status = net.run();
  EXPECT_TRUE(says(status, "T10: input 1: expected type FLOAT32 as the variable has, got INT32"))
      << status.message();
}

TEST(RuleT10, AVariableIsReadAsWhatItIs) {
  ModelBuilder b;
  const int x = b.input({2});
  const int h = handle(b, "v");
  assign(b, h, x);
  read_variable(b, h, b.output({2}, Type::int32));
  Net net(b.finish());
  const Status status = net.run();
  EXPECT_TRUE(says(status, "T10: output 0: expected type FLOAT32")) << status.message();
}

TEST(RuleT10, HandlesThatACallerMadeUp) {
  ModelBuilder b;
  const int h = b.input({1}, Type::resource), x = b.input({2});
  handle(b, "v");
  assign(b, h, x);
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int32_t made_up : {0, 1, 3, 4, -1, INT32_MAX, INT32_MIN}) {
    write<int32_t>(net.interpreter, 0, {made_up});
    const Status status = net.run();
    EXPECT_TRUE(says(status, "T10: input 0: expected the handle of a variable")) << made_up;
  }
}

int table(ModelBuilder& b, int id, Type key, Type value) {
  const int h = b.add_tensor({1}, Type::resource);
  b.op(Op::HASHTABLE, {}, {h},
       schema::CreateHashtableOptions(b.fbb(), id, static_cast<schema::TensorType>(key),
                                      static_cast<schema::TensorType>(value)));
  return h;
}

void fill_table(ModelBuilder& b, int h, int keys, int values) {
  b.op(Op::HASHTABLE_IMPORT, {h, keys, values}, {}, schema::CreateHashtableImportOptions(b.fbb()));
}

void find(ModelBuilder& b, int h, int keys, int standard, int to) {
  b.op(Op::HASHTABLE_FIND, {h, keys, standard}, {to}, schema::CreateHashtableFindOptions(b.fbb()));
}

void size(ModelBuilder& b, int h, int to) {
  b.op(Op::HASHTABLE_SIZE, {h}, {to}, schema::CreateHashtableSizeOptions(b.fbb()));
}

// words → numbers and numbers → words, filled by an initializer.
TestImage dictionary() {
  ModelBuilder b;
  const int init = b.add_subgraph("init");
  {
    const int words = b.constant_strings({4}, {"one", "", "three", "one"});
    const int numbers = b.constant<int64_t>({4}, {1, 0, 3, 100});
    fill_table(b, table(b, 5, Type::string, Type::int64), words, numbers);
    fill_table(b, table(b, 6, Type::int64, Type::string), numbers, words);
  }
  b.use_subgraph(0);
  const int words = b.input({2, 2}, Type::string), numbers = b.input({3}, Type::int64);
  call_once(b, init);
  const int to_number = table(b, 5, Type::string, Type::int64);
  const int to_word = table(b, 6, Type::int64, Type::string);
  find(b, to_number, words, b.constant<int64_t>({}, {-1}), b.output({2, 2}, Type::int64));
  find(b, to_word, numbers, b.constant_strings({1}, {"?"}), b.output({3}, Type::string));
  size(b, to_number, b.output({1}, Type::int64));
  size(b, to_word, b.output({1}, Type::int64));
  return b.finish();
}

TEST(HashTables, FindBothWays) {
  Net net(dictionary());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int repeat = 0; repeat < 2; ++repeat) {
    write_texts(net.interpreter, 0, {"three", "four", "", "one"});
    write<int64_t>(net.interpreter, 1, {100, INT64_MIN, 0});
    EXPECT_OK(net.run());
    EXPECT_EQ(read<int64_t>(net.interpreter), (std::vector<int64_t>{3, -1, 0, 1}));
    EXPECT_EQ(read_texts(net.interpreter, 1), (Texts{"one", "?", ""}));
    EXPECT_EQ(read<int64_t>(net.interpreter, 2), std::vector<int64_t>{3}) << "\"one\" counts once";
    EXPECT_EQ(read<int64_t>(net.interpreter, 3), std::vector<int64_t>{4});
  }
}

TEST(HashTables, StayAsTheyWereFilled) {
  ModelBuilder b;
  const int keys = b.input({2}, Type::int64);
  const int h = table(b, 0, Type::int64, Type::string);
  fill_table(b, h, keys, b.constant_strings({2}, {"a", "b"}));
  find(b, h, b.constant<int64_t>({2}, {1, 2}), b.constant_strings({}, {"-"}),
       b.output({2}, Type::string));
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (const std::vector<int64_t>& values : {std::vector<int64_t>{2, 5}, {1, 2}}) {
    write(net.interpreter, 0, values);
    EXPECT_OK(net.run());
    EXPECT_EQ(read_texts(net.interpreter), (Texts{"-", "a"}));
  }
}

TEST(HashTables, BeforeTheyAreFilled) {
  ModelBuilder b;
  const int keys = b.input({2}, Type::int64);
  const int h = table(b, 3, Type::int64, Type::string);
  size(b, h, b.output({1}, Type::int64));
  find(b, h, keys, b.constant_strings({}, {"-"}), b.output({2}, Type::string));
  Net net(b.finish());
  const Status status = net.run();
  EXPECT_TRUE(says(status, "hash table 3 is used before it is filled")) << status.message();
}

// A model whose table operators do not fit each other; `what` chooses how.
TestImage misfit(int what) {
  ModelBuilder b;
  const int keys = b.input({2}, what == 0 ? Type::int32 : Type::int64);
  const int h =
      table(b, 0, what == 1 ? Type::int64 : Type::string, what == 2 ? Type::float32 : Type::int64);
  const bool reversed = what != 4;
  const int other =
      reversed ? table(b, 1, Type::int64, Type::string) : table(b, 0, Type::int64, Type::string);
  const int values =
      b.constant_strings({what == 3 ? 1 : 2}, what == 3 ? Texts{"a"} : Texts{"a", "b"});
  fill_table(b, what == 5 ? h : other, keys, values);
  const int standard =
      what == 6 ? b.constant_strings({2}, {"a", "b"}) : b.constant_strings({}, {"a"});
  find(b, other, keys, standard, b.output({2}, what == 7 ? Type::int64 : Type::string));
  size(b, other, b.output({1}, what == 8 ? Type::int32 : Type::int64));
  return b.finish();
}

TEST(RuleO, HashTablesThatDoNotFit) {
  const char* const words[] = {
      "input 1 and input 2: expected types INT64 and STRING",
      "key_dtype and value_dtype: expected types INT64 and STRING",
      "key_dtype and value_dtype: expected types INT64 and STRING",
      "input 2: expected shape [2], got [1]",
      "T10: hash table 0: expected types STRING to INT64 as before, got INT64 to STRING",
      "T10: expected types STRING and INT64 as the table has, got INT64 and STRING",
      "input 2: expected 1 elements, got [2]",
      "input 1 and output 0: expected types INT64 and STRING",
      "output 0: expected type INT64, got INT32",
  };
  for (int what = 0; what < 9; ++what) {
    Net net(misfit(what));
    const Status status = net.status.ok() ? net.run() : std::move(net.status);
    EXPECT_TRUE(says(status, words[what])) << what << ": " << status.message();
  }
  EXPECT_OK(Net(misfit(9)).run());
}

TEST(RuleT10, AHandleOfTheOtherKind) {
  // In one subgraph the loader sees it.
  ModelBuilder b;
  const int x = b.input({1});
  assign(b, table(b, 0, Type::int64, Type::string), x);
  EXPECT_TRUE(says(Net(b.finish()).status, "T10"));
  // Through a call the run does.
  ModelBuilder c;
  const int yes = c.add_subgraph("yes");
  {
    const int h = c.input({1}, Type::resource);
    size(c, h, c.output({1}, Type::int64));
  }
  c.use_subgraph(0);
  const int condition = c.input({}, Type::boolean);
  const int v = handle(c, "v");
  c.op(Op::IF, {condition, v}, {c.output({1}, Type::int64)},
       schema::CreateIfOptions(c.fbb(), yes, yes));
  Net net(c.finish());
  const Status status = net.run();
  EXPECT_TRUE(says(status, "T10: input 0: expected the handle of a hash table"))
      << status.message();
}

TEST(CallOnce, RunsAgainAfterItFailed) {
  ModelBuilder b;
  const int init = b.add_subgraph("init");
  read_variable(b, handle(b, "v"), b.add_tensor({}, Type::float32));
  b.use_subgraph(0);
  const int x = b.input({1});
  call_once(b, init);
  assign(b, handle(b, "v"), x);
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  for (int repeat = 0; repeat < 2; ++repeat) {
    const Status status = net.run();
    EXPECT_TRUE(says(status, "read before it is assigned")) << status.message();
  }
}

TEST(RuleG6, AnInitializerWithAnInput) {
  ModelBuilder b;
  const int init = b.add_subgraph("init");
  b.input({1});
  b.use_subgraph(0);
  b.input({1});
  call_once(b, init);
  EXPECT_TRUE(says(Net(b.finish()).status, "G6")) << "refused by the loader";
}

TEST(RuleP1, AVariableMeetsTheMemoryLimit) {
  Limits limits = Limits::standard();
  limits.memory_bytes = 1 << 20;
  ModelBuilder b;
  const int x = b.input({1});
  b.tensor(x).signature = {-1};
  for (int k = 0; k < 8; ++k) assign(b, handle(b, std::string(1, static_cast<char>('a' + k))), x);
  Net net(b.finish(), limits);
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  EXPECT_OK(net.run());
  EXPECT_OK(net.interpreter.resize_input(0, {40'000}));
  EXPECT_OK(net.interpreter.allocate());
  const Status status = net.run();
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_TRUE(says(status, "memory_bytes")) << status.message();
}

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> failing{-1};
bool count_and_fail(size_t) {
  return allocations.fetch_add(1) != failing.load();
}

TEST(RuleP4, AnyFailedAllocationIsAStatus) {
  for (const TestImage& image : {accumulator({1, 2}), dictionary()}) {
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
