// SPDX-License-Identifier: Apache-2.0
// BITCAST: the same bytes as another type, as they lie in memory. Types of whole bytes; where y's
// elements are shorter by a factor k, x [...] → y [..., k], where they are longer, x [..., k] →
// y [...]; INT4 and UINT4 only to one another. A byte of a BOOL is kept as it is.
// Source: tensorflow/lite/kernels/bitcast.cc.
#include <cstring>

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using enum Type;

bool is_supported(Type type) {
  return type_bits(type) != 0 && type != int2 && type != float8_e4m3fn && type != float8_e5m2;
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  const int from = type_bits(x.type), to = type_bits(y.type);
  if (!is_supported(x.type) || !is_supported(y.type) || (from < 8) != (to < 8))
    return Status::error(Code::unsupported, "from %s to %s is not supported", type_name(x.type),
                         type_name(y.type));
  Shape shape = x.shape;
  if (from > to) {
    if (shape.rank == kMaxRank)
      return bad_model("input 0: expected rank < %d, got %s", kMaxRank, shape_text(shape).text);
    shape.push(from / to);
  } else if (from < to) {
    if (shape.rank < 1 || shape[shape.rank - 1] != to / from)
      return bad_model("input 0: expected a last dimension of %d, got %s", to / from,
                       shape_text(shape).text);
    --shape.rank;
  }
  return op.set_output(0, shape);
}

Status invoke(OpContext& op) {
  Tensor& y = op.output(0);
  if (y.bytes > 0 && y.data != op.input(0).data) std::memcpy(y.data, op.input(0).data, y.bytes);
  return {};
}

}  // namespace

extern const OpDef kBitcast;
extern const OpDef kBitcast = {
    .name = "BITCAST",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::BITCAST),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::BitcastOptions),
    .sharing = Sharing::view,
    .infer = infer,
    .invoke = invoke};

}  // namespace cygnet::ops
