// SPDX-License-Identifier: Apache-2.0
// HASHTABLE_LOOKUP: values by key.
//   input 0: keys to look up, int32 [n]; input 1: the table's keys, int32 [rows], rising; input 2:
//   values [rows, …] of any type of whole bytes, or strings [rows]
//   output 0: [n, …] of the values' type, 0 or an empty string where the key is missing
//   output 1: uint8 [n], 1 where it is there. Of equal keys the row is any of theirs.
// Source: TFLite's kernel, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "ops/strings.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// The search for a key needs them in order.
Status expect_rising(const Tensor& keys) {
  const int32_t *begin = keys.as<int32_t>(), *end = begin + keys.shape[0];
  if (keys.shape[0] < 2) return {};
  const int32_t* wrong = std::is_sorted_until(begin, end);
  if (wrong == end) return {};
  return bad_model("input 1: expected rising keys, got %d after %d", *wrong, wrong[-1]);
}

Status infer(OpContext& op) {
  const Tensor &keys = op.input(1), &values = op.input(2);
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32}));
  CYGNET_TRY(expect_type("input 1", keys, {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 1));
  CYGNET_TRY(expect_rank("input 1", keys, 1));
  CYGNET_TRY(expect_same_type("input 2", values, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("output 1", op.output(1), {Type::uint8}));
  int64_t bytes = 0;
  if (values.type == Type::string)
    CYGNET_TRY(expect_rank("input 2", values, 1));
  else
    CYGNET_TRY(element_bytes("input 2", values, &bytes));
  CYGNET_TRY(expect_rank_between("input 2", values, 1, kMaxRank));
  CYGNET_TRY(expect_range("rows of input 2", values.shape[0], keys.shape[0], keys.shape[0]));
  if (keys.constant) CYGNET_TRY(expect_rising(keys));
  Shape shape = values.shape;
  shape[0] = op.input(0).shape[0];
  CYGNET_TRY(op.set_output(0, shape));
  return op.set_output(1, op.input(0).shape);
}

// The row of key i, −1 where there is none.
int64_t row_of(const OpContext& op, int64_t i) {
  const Tensor& keys = op.input(1);
  const int32_t key = op.input(0).as<int32_t>()[i];
  const int32_t *begin = keys.as<int32_t>(), *end = begin + keys.shape[0];
  if (keys.shape[0] == 0) return -1;
  const int32_t* found = std::lower_bound(begin, end, key);
  return found != end && *found == key ? found - begin : -1;
}

Status invoke(OpContext& op) {
  const Tensor& values = op.input(2);
  if (!op.input(1).constant) CYGNET_TRY(expect_rising(op.input(1)));
  const int32_t n = op.input(0).shape[0];
  for (int32_t i = 0; i < n; ++i) op.output(1).as<uint8_t>()[i] = row_of(op, i) >= 0 ? 1 : 0;
  if (values.type == Type::string) {
    const Strings strings(values);
    return write_strings(op, 0, n, [&](int64_t i) { return strings[row_of(op, i)]; });
  }
  Tensor& out = op.output(0);
  const int64_t bytes = values.shape.elements(1, values.shape.rank) * type_bits(values.type) / 8;
  if (out.bytes == 0) return {};
  std::memset(out.data, 0, out.bytes);
  for (int32_t i = 0; i < n; ++i) {
    const int64_t row = row_of(op, i);
    if (row >= 0)
      copy_bytes(out.as<uint8_t>() + i * bytes, values.as<uint8_t>() + row * bytes, bytes);
  }
  return {};
}

}  // namespace

extern const OpDef kHashtableLookup;
const OpDef kHashtableLookup = {
    .name = "HASHTABLE_LOOKUP",
    .builtin = 10,
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 2,
    .max_outputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
