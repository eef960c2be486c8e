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

}  // namespace

extern const OpDef kCallOnce;
extern const OpDef kCallOnce = {
    .name = "CALL_ONCE",
    .builtin = 129,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::CallOnceOptions),
    .pure = false,
    .min_inputs = 0,
    .max_inputs = 0,
    .min_outputs = 0,
    .max_outputs = 0,
    .infer = infer,
    .invoke = invoke,
};

extern const OpDef kIf;
extern const OpDef kIf = {
    .name = "IF",
    .builtin = 118,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::IfOptions),
    .pure = false,
    .min_inputs = 1,
    .max_inputs = kAnyCount,
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer,
    .invoke = invoke,
};

extern const OpDef kWhile;
extern const OpDef kWhile = {
    .name = "WHILE",
    .builtin = 119,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::WhileOptions),
    .pure = false,
    .min_inputs = 1,
    .max_inputs = kAnyCount,
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer,
    .invoke = invoke,
};

extern const OpDef kStablehloCase;
extern const OpDef kStablehloCase = {
    .name = "STABLEHLO_CASE",
    .builtin = 209,
    .max_version = 1,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::StablehloCaseOptions),
    .pure = false,
    .min_inputs = 1,
    .max_inputs = kAnyCount,
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer,
    .invoke = invoke,
};

extern const OpDef kStablehloComposite;
extern const OpDef kStablehloComposite = {
    .name = "STABLEHLO_COMPOSITE",
    .builtin = 206,
    .max_version = 1,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::StableHLOCompositeOptions),
    .pure = false,
    .min_inputs = 0,
    .max_inputs = kAnyCount,
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
