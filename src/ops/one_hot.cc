// SPDX-License-Identifier: Apache-2.0
// ONE_HOT: out[p, d, s] = indices[p, s] = d ? on : off; other indices give off everywhere.
//   input 0: indices, int32 or int64; input 1: depth, one int32 ≥ 0; inputs 2, 3: on and off, one
//   element each of any type of whole bytes
//   output 0: the indices' shape with dimension `axis` of size depth put in; the type of on and off
// Option axis: in [0, rank], or −1 for the last. Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status resolve(const OpContext& op, int* axis) {
  const int32_t rank = op.input(0).shape.rank;
  const int32_t given = op.options<schema::OneHotOptions>().axis();
  CYGNET_TRY(expect_range("axis", given, -1, rank));
  *axis = given < 0 ? rank : given;
  return {};
}

Status infer(OpContext& op) {
  const Tensor& indices = op.input(0);
  const Tensor& on = op.input(2);
  int64_t bytes = 0;
  CYGNET_TRY(expect_type("input 0", indices, {Type::int32, Type::int64}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32}));
  CYGNET_TRY(expect_elements("input 1", op.input(1), 1));
  CYGNET_TRY(element_bytes("input 2", on, &bytes));
  CYGNET_TRY(expect_same_type("input 2", on, "input 3", op.input(3)));
  CYGNET_TRY(expect_same_type("input 2", on, "output 0", op.output(0)));
  CYGNET_TRY(expect_elements("input 2", on, 1));
  CYGNET_TRY(expect_elements("input 3", op.input(3), 1));
  if (indices.shape.rank == kMaxRank)
    return bad_model("T2: input 0 has %d dimensions already", kMaxRank);
  int axis = 0;
  CYGNET_TRY(resolve(op, &axis));
  if (!op.known(1)) return op.defer();
  const int64_t depth = integer_at(op.input(1), 0);
  CYGNET_TRY(expect_range("depth", depth, 0, INT32_MAX));
  Shape shape;
  for (int i = 0; i <= indices.shape.rank; ++i) {
    if (i == axis) shape.push(static_cast<int32_t>(depth));
    if (i < indices.shape.rank) shape.push(indices.shape[i]);
  }
  return op.set_output(0, shape);
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  int axis = 0;
  CYGNET_TRY(resolve(op, &axis));
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 2", op.input(2), &bytes));
  const Tensor& indices = op.input(0);
  const int64_t depth = op.output(0).shape[axis];
  const int64_t suffix = indices.shape.elements(axis, indices.shape.rank);
  const int64_t prefix = indices.shape.elements(0, axis);
  const auto* on = op.input(2).as<uint8_t>();
  const Filler fill_off(op.input(3).as<uint8_t>(), bytes);
  uint8_t* out = op.output(0).as<uint8_t>();
  const int64_t slab = depth * suffix * bytes;
  for_slices(op, prefix, prefix * slab, [&](int64_t begin, int64_t end, int) {
    fill_off(out + begin * slab, (end - begin) * slab);
    for (int64_t i = begin * suffix; i < end * suffix; ++i) {
      const int64_t index = integer_at(indices, i);
      if (index < 0 || index >= depth) continue;
      uint8_t* to = out + i / suffix * slab + (index * suffix + i % suffix) * bytes;
      std::memcpy(to, on, static_cast<size_t>(bytes));
    }
  });
  return {};
}

}  // namespace

extern const OpDef kOneHot;
const OpDef kOneHot = {
    .name = "ONE_HOT",
    .builtin = 85,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::OneHotOptions),
    .min_inputs = 4,
    .max_inputs = 4,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
