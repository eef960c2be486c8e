// SPDX-License-Identifier: Apache-2.0
// WHILE and IF: operators that run other subgraphs of the model. The interpreter runs them itself
// (runtime/control_flow.cc); here is what the graph must know of them. Their shapes are not known
// from the node alone, so whoever else infers shapes finds them deferred.
// Source: TensorFlow Lite schema v3, WhileOptions and IfOptions.
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

}  // namespace cygnet::ops
