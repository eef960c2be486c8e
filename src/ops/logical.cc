// SPDX-License-Identifier: Apache-2.0
// LOGICAL_AND, LOGICAL_OR: a, b broadcast to one shape → a ∧ b, a ∨ b. LOGICAL_NOT: x → ¬x. All of
// type bool. A byte other than 0 is true; results are 0 and 1.
// Sources: tensorflow/lite/kernels/logical.cc, elementwise.cc.
#include "ops/arithmetic.h"
#include "ops/unary.h"

namespace cygnet::ops {
namespace {

Status infer_pair(OpContext& op) {
  return infer_binary(op, {Type::boolean});
}

Status infer_not(OpContext& op) {
  return infer_unary(op, {Type::boolean});
}

template <bool kAnd>
Status invoke_pair(OpContext& op) {
  logic(op, op.state<Broadcast>(), kAnd);
  return {};
}

Status invoke_not(OpContext& op) {
  map_elements<uint8_t>(op, [](uint8_t x) { return static_cast<uint8_t>(x == 0 ? 1 : 0); });
  return {};
}

template <bool kAnd>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer_pair,
          .prepare = prepare_broadcast,
          .invoke = invoke_pair<kAnd>};
}

}  // namespace

extern const OpDef kLogicalAnd;
extern const OpDef kLogicalAnd = definition<true>(
    "LOGICAL_AND", schema::BuiltinOperator::LOGICAL_AND, schema::BuiltinOptions::LogicalAndOptions);
extern const OpDef kLogicalOr;
extern const OpDef kLogicalOr = definition<false>("LOGICAL_OR", schema::BuiltinOperator::LOGICAL_OR,
                                                  schema::BuiltinOptions::LogicalOrOptions);
extern const OpDef kLogicalNot;
extern const OpDef kLogicalNot = {
    .name = "LOGICAL_NOT",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::LOGICAL_NOT),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::LogicalNotOptions),
    .sharing = Sharing::elementwise,
    .infer = infer_not,
    .invoke = invoke_not};

}  // namespace cygnet::ops
