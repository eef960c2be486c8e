// SPDX-License-Identifier: Apache-2.0
// WHERE: the indices of the elements that are not 0, in order.
//   input 0: rank ≥ 1, bool, float32, int8, uint8, int32, uint32 or int64; NaN is not 0
//   output 0: int64 [how many, rank]
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// Whether element i is not 0.
bool is_set(const Tensor& x, int64_t i) {
  switch (x.type) {
    case Type::float32:
      return x.as<float>()[i] != 0;
    case Type::int64:
      return x.as<int64_t>()[i] != 0;
    case Type::int32:
    case Type::uint32:
      return x.as<uint32_t>()[i] != 0;
    default:
      return x.as<uint8_t>()[i] != 0;
  }
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x,
                         {Type::boolean, Type::float32, Type::int8, Type::uint8, Type::int32,
                          Type::uint32, Type::int64}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int64}));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  if (!op.known(0)) return op.defer();
  int32_t count = 0;
  for (int64_t i = 0; i < x.shape.elements(); ++i) count += is_set(x, i) ? 1 : 0;
  return op.set_output(0, Shape{count, x.shape.rank});
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  int64_t* out = op.output(0).as<int64_t>();
  for (int64_t i = 0; i < x.shape.elements(); ++i) {
    if (!is_set(x, i)) continue;
    int64_t rest = i;
    for (int d = x.shape.rank - 1; d >= 0; --d) {
      out[d] = rest % x.shape[d];
      rest /= x.shape[d];
    }
    out += x.shape.rank;
  }
  return {};
}

}  // namespace

extern const OpDef kWhere;
const OpDef kWhere = {
    .name = "WHERE",
    .builtin = 109,
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::WhereOptions),
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
