// SPDX-License-Identifier: Apache-2.0
// LOGISTIC: y = 1/(1 + e^−x). TANH: y = tanh x. SQRT: y = √x. Types f32; LOGISTIC and TANH also int8
// and uint8, by a table of the rounded results. Sources: tensorflow/lite/kernels/activations.cc,
// elementwise.cc.
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct LogisticFunction {
  static constexpr MapOp kKernel = MapOp::logistic;
  static float at(float x) { return 1.0f / (1.0f + std::exp(-x)); }
};
struct TanhFunction {
  static constexpr MapOp kKernel = MapOp::tanh;
  static float at(float x) { return std::tanh(x); }
};
struct SqrtFunction {
  static constexpr MapOp kKernel = MapOp::sqrt;
  static float at(float x) { return std::sqrt(x); }
};

Status infer_sigmoid(OpContext& op) { return infer_unary(op, {Type::float32, Type::int8, Type::uint8}); }
Status infer_float(OpContext& op) { return infer_unary(op, {Type::float32}); }

template <class Function> Status prepare(OpContext& op) {
  if (op.input(0).type == Type::float32) return {};
  auto* table = op.make_state<Table8>();
  if (table == nullptr) return out_of_memory("table", sizeof(Table8));
  fill_real_table(op.input(0), op.output(0), Function::at, table);
  return {};
}

template <class Function> Status invoke(OpContext& op) {
  if (op.input(0).type == Type::float32) map_f32(op, Function::kKernel, {}, Function::at);
  else apply_table(op, op.state<Table8>());
  return {};
}

template <class Function>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin, int32_t max_version, Status (*infer)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .sharing = Sharing::elementwise,
          .infer = infer,
          .prepare = prepare<Function>,
          .invoke = invoke<Function>};
}

}  // namespace

extern const OpDef kLogistic;
extern const OpDef kLogistic = definition<LogisticFunction>("LOGISTIC", schema::BuiltinOperator::LOGISTIC, 3, infer_sigmoid);
extern const OpDef kTanh;
extern const OpDef kTanh = definition<TanhFunction>("TANH", schema::BuiltinOperator::TANH, 3, infer_sigmoid);
extern const OpDef kSqrt;
extern const OpDef kSqrt = definition<SqrtFunction>("SQRT", schema::BuiltinOperator::SQRT, 2, infer_float);

}  // namespace cygnet::ops
