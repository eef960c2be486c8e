// SPDX-License-Identifier: Apache-2.0
// IF, WHILE, CALL_ONCE, STABLEHLO_CASE, STABLEHLO_COMPOSITE: operators that run other subgraphs of
// the model. The interpreter runs them itself (runtime/control_flow.cc); here is what the graph
// must know of them. Their shapes are not known from the node alone, so whoever else infers shapes
// finds them deferred. Source: TensorFlow Lite schema v3, the operators' options.
#include "cygnet/custom_op.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  return op.defer();
}

Status invoke(OpContext&) {
  return Status::error(Code::internal, "control flow is run by the interpreter");
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .pure = false,
          .max_inputs = kAnyCount,
          .max_outputs = kAnyCount,
          .infer = infer,
          .invoke = invoke};
}

// The definition with option table `options` and at least so many operands.
constexpr OpDef called(const char* name, schema::BuiltinOperator builtin,
                       schema::BuiltinOptions options, int32_t operands = 1) {
  OpDef op = definition(name, builtin);
  op.options_type = static_cast<uint8_t>(options);
  op.min_inputs = op.min_outputs = operands;
  return op;
}

constexpr OpDef called(const char* name, schema::BuiltinOperator builtin,
                       schema::BuiltinOptions2 options, int32_t inputs) {
  OpDef op = definition(name, builtin);
  op.options_type_2 = static_cast<uint8_t>(options);
  op.min_inputs = inputs;
  return op;
}

// CALL_ONCE has no operands at all.
constexpr OpDef without_operands(OpDef op) {
  op.max_inputs = op.max_outputs = 0;
  return op;
}

using Builtin = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;
using Options2 = schema::BuiltinOptions2;

}  // namespace

extern const OpDef kCallOnce;
extern const OpDef kCallOnce =
    without_operands(called("CALL_ONCE", Builtin::CALL_ONCE, Options::CallOnceOptions, 0));
extern const OpDef kIf;
extern const OpDef kIf = called("IF", Builtin::IF, Options::IfOptions);
extern const OpDef kWhile;
extern const OpDef kWhile = called("WHILE", Builtin::WHILE, Options::WhileOptions);
extern const OpDef kStablehloCase;
extern const OpDef kStablehloCase =
    called("STABLEHLO_CASE", Builtin::STABLEHLO_CASE, Options2::StablehloCaseOptions, 1);
extern const OpDef kStablehloComposite;
extern const OpDef kStablehloComposite = called("STABLEHLO_COMPOSITE", Builtin::STABLEHLO_COMPOSITE,
                                                Options2::StableHLOCompositeOptions, 0);

}  // namespace cygnet::ops
