// SPDX-License-Identifier: Apache-2.0
// Every rule G of the loader: a model that breaks just this rule is refused with the rule's id, the
// same model unbroken is accepted.
#include "format/rule_checks.h"

namespace cygnet::test {
namespace {

TEST(RuleG1, TensorIndices) {
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = 50; },
          {"G1: subgraph 0 operator 0 ADD: input 1: expected a tensor index of 0 to 2, got 50"});
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = -2; }, {"G1", "got -2"});
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = -1; }, {"G1", "input 1", "not optional"});
  refused([](ModelBuilder& b) { b.last_op().outputs[0] = -1; }, {"G1", "output 0"});
  refused([](ModelBuilder& b) { b.last_op().intermediates = {9}; }, {"G1", "intermediate 0"});
  refused(
      [](ModelBuilder& b) {
        b.graph().inputs[0] = 9;
        b.signatures.clear();
      },
      {"G1: subgraph 0: input 0", "got 9"});
  refused(
      [](ModelBuilder& b) {
        b.graph().outputs[0] = -5;
        b.signatures.clear();
      },
      {"G1: subgraph 0: output 0", "got -5"});
}

TEST(RuleG2, OperandCounts) {
  refused([](ModelBuilder& b) { b.last_op().inputs.pop_back(); },
          {"G2", "expected 2 inputs, got 1"});
  refused([](ModelBuilder& b) { b.last_op().inputs.push_back(0); },
          {"G2", "expected 2 inputs, got 3"});
  refused(
      [](ModelBuilder& b) {
        b.last_op().outputs.clear();
        b.graph().outputs.clear();
        b.signatures.clear();
      },
      {"G2", "expected 1 outputs, got 0"});
}

TEST(RuleG3, Producers) {
  refused(
      [](ModelBuilder& b) {
        b.last_op().inputs[1] = b.add_tensor({1, 2}, Type::float32);
      },
      {"G3", "has no value yet"});
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = 2; }, {"G3", "has no value yet"});
  refused([](ModelBuilder& b) { b.last_op().outputs[0] = 1; }, {"G3", "a constant"});
  refused([](ModelBuilder& b) { b.last_op().outputs[0] = 0; }, {"G3", "an input of the subgraph"});
  refused(
      [](ModelBuilder& b) {
        b.op(Op::ADD, {0, 1}, {2}, schema::CreateAddOptions(b.fbb()));
      },
      {"G3", "operator 1", "already the result"});
}

TEST(RuleG4, SubgraphInputsAndOutputs) {
  refused([](ModelBuilder& b) { b.graph().inputs.push_back(1); },
          {"G4", "tensor 1", "non-constant"});
  refused([](ModelBuilder& b) { b.graph().inputs.push_back(0); }, {"G4", "each tensor once"});
  refused([](ModelBuilder& b) { b.graph().outputs.push_back(b.add_tensor({1}, Type::float32)); },
          {"G4", "nothing produces"});
}

void lstm_like_model(ModelBuilder& b) {
  // MUL reads no state; a variable that nothing reads is legal.
  base_model(b);
  b.variable({1, 2});
}

TEST(RuleG5, Variables) {
  expect_refused(lstm_like_model, [](ModelBuilder& b) { b.last_op().inputs[1] = 3; },
                 {"G5", "expected a non-variable tensor"});
  expect_refused(
      lstm_like_model,
      [](ModelBuilder& b) { b.tensor(3).buffer = b.add_buffer(std::vector<uint8_t>(8)); },
      {"G5", "constant data"});
}

// ADD sets a variable, tensor 3.
void set_variable(ModelBuilder& b) {
  b.op(Op::ADD, {0, 1}, {3}, schema::CreateAddOptions(b.fbb()));
}

TEST(RuleG5, VariablesThatAnOperatorSets) {
  const Status good = load_edited(lstm_like_model, set_variable);
  EXPECT_TRUE(good.ok()) << good.message();
  expect_refused(lstm_like_model, [](ModelBuilder& b) { set_variable(b), set_variable(b); },
                 {"G3", "already the result"});
  expect_refused(lstm_like_model,
                 [](ModelBuilder& b) {
                   set_variable(b);
                   b.op(Op::ADD, {0, 3}, {b.add_tensor({1, 2}, Type::float32)},
                        schema::CreateAddOptions(b.fbb()));
                 },
                 {"G5", "expected a non-variable tensor"});
  expect_refused(lstm_like_model,
                 [](ModelBuilder& b) {
                   set_variable(b);
                   b.graph().outputs[0] = 3;
                   b.signatures.clear();
                 },
                 {"G4", "a variable"});
}

// The main subgraph runs subgraph 1, which has no operands, once.
void call_model(ModelBuilder& b) {
  base_model(b);
  b.op(Op::CALL_ONCE, {}, {}, schema::CreateCallOnceOptions(b.fbb(), 1));
  b.add_subgraph("callee");
  b.use_subgraph(0);
}

TEST(RuleG6, Calls) {
  const auto callee = [](int index) {
    return [=](ModelBuilder& b) {
      b.last_op().options = schema::CreateCallOnceOptions(b.fbb(), index).Union();
    };
  };
  const std::string where = "G6: subgraph 0 operator 1 CALL_ONCE: ";
  expect_refused(call_model, callee(7), {where + "expected a subgraph index of 0 to 1, got 7"});
  expect_refused(call_model, callee(-1), {where + "expected a subgraph index of 0 to 1, got -1"});
  expect_refused(call_model, callee(0), {where + "subgraph 0: expected 0 inputs"});
  expect_refused(call_model,
                 [](ModelBuilder& b) {
                   b.use_subgraph(1);
                   b.output({1});
                   b.op(Op::VAR_HANDLE, {}, {0}, schema::CreateVarHandleOptions(b.fbb()));
                   b.use_subgraph(0);
                 },
                 {where + "subgraph 1: expected 0 outputs"});
}

TEST(RuleG6, Cycles) {
  const auto calls = [](ModelBuilder& b, int from, int to) {
    b.use_subgraph(from);
    b.op(Op::CALL_ONCE, {}, {}, schema::CreateCallOnceOptions(b.fbb(), to));
  };
  expect_refused(call_model, [&](ModelBuilder& b) { calls(b, 1, 1); },
                 {"G6: subgraph 1: expected calls without a cycle, got one through subgraph 1"});
  expect_refused(call_model,
                 [&](ModelBuilder& b) {
                   b.add_subgraph("third");
                   calls(b, 1, 2);
                   calls(b, 2, 1);
                 },
                 {"G6: subgraph 1: expected calls without a cycle, got one through subgraph 2"});
}

// WHILE over one INT32: subgraph 1 is the condition, 2 the body.
void loop_model(ModelBuilder& b) {
  const int x = b.input({1}, Type::int32);
  b.op(Op::WHILE, {x}, {b.output({1}, Type::int32)}, schema::CreateWhileOptions(b.fbb(), 1, 2));
  b.add_subgraph("cond");
  const int c = b.input({1}, Type::int32);
  b.op(Op::LESS, {c, c}, {b.output({1}, Type::boolean)}, schema::CreateLessOptions(b.fbb()));
  b.add_subgraph("body");
  const int v = b.input({1}, Type::int32);
  b.op(Op::ADD, {v, v}, {b.output({1}, Type::int32)}, schema::CreateAddOptions(b.fbb()));
  b.use_subgraph(0);
}

TEST(RuleG6, Loops) {
  const std::string where = "G6: subgraph 0 operator 0 WHILE: ";
  expect_refused(loop_model,
                 [](ModelBuilder& b) {
                   b.graphs[1].inputs.push_back(b.graphs[1].outputs[0]);
                   b.graphs[1].ops.clear();
                 },
                 {where + "subgraph 1: expected 1 inputs as the caller has, got 2"});
  expect_refused(loop_model, [](ModelBuilder& b) { b.graphs[1].tensors[1].type = Type::int32; },
                 {where + "subgraph 1: expected 1 outputs of type BOOL", "got 1 of type INT32"});
  expect_refused(loop_model, [](ModelBuilder& b) { b.graphs[1].outputs.clear(); },
                 {where + "subgraph 1: expected 1 outputs of type BOOL", "got 0"});
  expect_refused(
      loop_model, [](ModelBuilder& b) { b.graphs[2].tensors[0].type = Type::float32; },
      {where + "subgraph 2 inputs 0: expected type INT32 as the caller has, got FLOAT32"});
  expect_refused(loop_model, [](ModelBuilder& b) { b.graphs[2].outputs.push_back(0); },
                 {where + "subgraph 2: expected 1 outputs as the caller has, got 2"});
}

// IF with one data operand; both branches are subgraph 1.
void branch_model(ModelBuilder& b) {
  const int condition = b.input({1}, Type::boolean);
  const int x = b.input({2});
  b.op(Op::IF, {condition, x}, {b.output({2})}, schema::CreateIfOptions(b.fbb(), 1, 1));
  b.add_subgraph("branch");
  const int v = b.input({2});
  b.op(Op::RELU, {v}, {b.output({2})});
  b.use_subgraph(0);
}

TEST(RuleG6, Branches) {
  const std::string where = "G6: subgraph 0 operator 0 IF: ";
  expect_refused(branch_model, [](ModelBuilder& b) { b.last_op().inputs.pop_back(); },
                 {where + "subgraph 1: expected 0 inputs as the caller has, got 1"});
  expect_refused(
      branch_model, [](ModelBuilder& b) { b.graphs[1].tensors[1].type = Type::int32; },
      {where + "subgraph 1 outputs 0: expected type FLOAT32 as the caller has, got INT32"});
  expect_refused(branch_model, [](ModelBuilder& b) { b.last_op().inputs.clear(); },
                 {"G2", "operator 0 IF"});
}

// A composite of x and y whose decomposition is subgraph 1.
void composite_model(ModelBuilder& b) {
  const int x = b.input({2}), y = b.input({2});
  b.op(Op::STABLEHLO_COMPOSITE, {x, y}, {b.output({2})},
       schema::CreateStableHLOCompositeOptionsDirect(b.fbb(), "sum", 1));
  b.add_subgraph("sum");
  const int v = b.input({2}), w = b.input({2});
  b.op(Op::ADD, {v, w}, {b.output({2})}, schema::CreateAddOptions(b.fbb()));
  b.use_subgraph(0);
}

TEST(RuleG6, Decompositions) {
  const std::string where = "G6: subgraph 0 operator 0 STABLEHLO_COMPOSITE: ";
  expect_refused(composite_model, [](ModelBuilder& b) { b.last_op().inputs.pop_back(); },
                 {where + "subgraph 1: expected 1 inputs as the caller has, got 2"});
  expect_refused(composite_model, [](ModelBuilder& b) { b.graphs[1].outputs.push_back(0); },
                 {where + "subgraph 1: expected 1 outputs as the caller has, got 2"});
  expect_refused(
      composite_model, [](ModelBuilder& b) { b.graphs[1].tensors[1].type = Type::int32; },
      {where + "subgraph 1 inputs 1: expected type FLOAT32 as the caller has, got INT32"});
  expect_refused(
      composite_model, [](ModelBuilder& b) { b.graphs[1].tensors[2].type = Type::int32; },
      {where + "subgraph 1 outputs 0: expected type FLOAT32 as the caller has, got INT32"});
}

// The only branch is subgraph 1.
void case_model(ModelBuilder& b) {
  const std::vector<int32_t> graphs{1};
  const int index = b.input({}, Type::int32), x = b.input({2});
  b.op(Op::STABLEHLO_CASE, {index, x}, {b.output({2})},
       schema::CreateStablehloCaseOptionsDirect(b.fbb(), &graphs));
  b.add_subgraph("branch");
  const int v = b.input({2});
  b.op(Op::RELU, {v}, {b.output({2})});
  b.use_subgraph(0);
}

TEST(RuleG6, Cases) {
  const std::string where = "G6: subgraph 0 operator 0 STABLEHLO_CASE: ";
  expect_refused(case_model, [](ModelBuilder& b) { b.last_op().inputs.pop_back(); },
                 {where + "subgraph 1: expected 0 inputs as the caller has, got 1"});
  expect_refused(
      case_model, [](ModelBuilder& b) { b.graphs[1].tensors[1].type = Type::int32; },
      {where + "subgraph 1 outputs 0: expected type FLOAT32 as the caller has, got INT32"});
}

TEST(RuleG6, EveryOperatorThatNamesASubgraph) {
  const auto names = [](Op op, auto make, int inputs = 1, int outputs = 1) {
    ModelBuilder b;
    const auto options = make(b.fbb());
    std::vector<int32_t> in, out;
    while (inputs-- > 0) in.push_back(b.input({}, Type::boolean));
    while (outputs-- > 0) out.push_back(b.output({}, Type::boolean));
    b.op(op, in, out, options);
    const std::string message = load(b.finish()).message();
    EXPECT_NE(message.find("G6: subgraph 0 operator 0"), std::string::npos) << message;
    EXPECT_NE(message.find("expected a subgraph index of 0 to 0, got 3"), std::string::npos)
        << schema::EnumNameBuiltinOperator(op) << ": " << message;
  };
  using Fbb = flatbuffers::FlatBufferBuilder;
  using namespace schema;
  names(Op::CALL, [](Fbb& f) { return CreateCallOptions(f, 3); });
  names(
      Op::CALL_ONCE, [](Fbb& f) { return CreateCallOnceOptions(f, 3); }, 0, 0);
  names(Op::IF, [](Fbb& f) { return CreateIfOptions(f, 3, 3); });
  names(Op::WHILE, [](Fbb& f) { return CreateWhileOptions(f, 3, 3); });
  names(Op::STABLEHLO_WHILE, [](Fbb& f) { return CreateStablehloWhileOptions(f, 3, 3); });
  names(Op::STABLEHLO_REDUCE, [](Fbb& f) { return CreateStablehloReduceOptions(f, 0, 3); });
  names(
      Op::STABLEHLO_REDUCE_WINDOW,
      [](Fbb& f) { return CreateStablehloReduceWindowOptions(f, 0, 0, 0, 0, 0, 3); }, 2);
  names(Op::STABLEHLO_SORT, [](Fbb& f) { return CreateStablehloSortOptions(f, 0, false, 3); });
  names(
      Op::STABLEHLO_SCATTER,
      [](Fbb& f) { return CreateStablehloScatterOptions(f, false, 0, 0, 0, 0, false, 3); }, 3);
  names(Op::STABLEHLO_COMPOSITE, [](Fbb& f) { return CreateStableHLOCompositeOptions(f, 0, 3); });
  names(Op::STABLEHLO_CASE, [](Fbb& f) {
    return CreateStablehloCaseOptions(f, f.CreateVector(std::vector<int32_t>{3}));
  });
  names(Op::STABLEHLO_CUSTOM_CALL, [](Fbb& f) {
    return CreateStablehloCustomCallOptions(f, 0, false, 0, 0,
                                            f.CreateVector(std::vector<int32_t>{3}));
  });
}

// A chain of calls from subgraph 0 to the last is as deep as the limit allows, or is refused.
TEST(RuleG6, Depth) {
  const auto chain = [](int depth) {
    ModelBuilder b;
    for (int i = 1; i <= depth; ++i) b.add_subgraph("next");
    for (int i = 0; i < depth; ++i) {
      b.use_subgraph(i);
      b.op(Op::CALL_ONCE, {}, {}, schema::CreateCallOnceOptions(b.fbb(), i + 1));
    }
    return b.finish();
  };
  EXPECT_TRUE(load(chain(32)).ok()) << load(chain(32)).message();
  const Status status = load(chain(33));
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_NE(std::string(status.message())
                .find("G6: subgraph 0: calls go deeper than limit call_depth (32)"),
            std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace cygnet::test
