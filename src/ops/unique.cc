// SPDX-License-Identifier: Apache-2.0
// UNIQUE: the different elements of a list in the order in which they first occur, and the place of
// each element among them.
//   input 0: [n], f32, int8, uint8, int16, int32 or int64; −0 and 0 are one, NaNs of one pattern
//   too output 0: [number of different elements] of input 0's type output 1: [n], int32 or int64 as
//   idx_out_type says
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>
#include <bit>

#include "base/vector.h"
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// Element i as a number that is equal for equal elements.
int64_t key_at(const Tensor& x, int64_t i) {
  switch (x.type) {
    case Type::float32: {
      const float v = x.as<float>()[i];
      return v == 0 ? 0 : std::bit_cast<int32_t>(v);
    }
    case Type::int8:
      return x.as<int8_t>()[i];
    case Type::uint8:
      return x.as<uint8_t>()[i];
    default:
      return integer_at(x, i);
  }
}

// order: the places 0, …, n − 1 by element, equal elements by place.
void sort_places(const Tensor& x, int32_t* order) {
  const int32_t n = x.shape[0];
  for (int32_t i = 0; i < n; ++i) order[i] = i;
  std::sort(order, order + n, [&](int32_t a, int32_t b) {
    const int64_t ka = key_at(x, a), kb = key_at(x, b);
    return ka != kb ? ka < kb : a < b;
  });
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(
      expect_type("input 0", x,
                  {Type::float32, Type::int8, Type::uint8, Type::int16, Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_rank("input 0", x, 1));
  const auto type = op.options<schema::UniqueOptions>().idx_out_type();
  const Type places = type == schema::TensorType::INT64 ? Type::int64 : Type::int32;
  CYGNET_TRY(expect_type("output 1", op.output(1), {places}));
  if (!op.known(0)) return op.defer();
  const int32_t n = x.shape[0];
  Vector<int32_t> order;
  if (!reserve_or_fail(order, static_cast<size_t>(n)))
    return out_of_memory("places", static_cast<size_t>(n) * 4);
  order.resize(static_cast<size_t>(n));
  sort_places(x, order.data());
  int32_t count = 0;
  for (int32_t i = 0; i < n; ++i)
    if (i == 0 ||
        key_at(x, order[static_cast<size_t>(i)]) != key_at(x, order[static_cast<size_t>(i - 1)]))
      ++count;
  CYGNET_TRY(op.set_output(0, Shape{count}));
  return op.set_output(1, x.shape);
}

struct State {
  int handle;
};

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr) return out_of_memory("state", sizeof(State));
  return op.request_scratch(2 * sizeof(int32_t) * static_cast<size_t>(op.input(0).shape[0]),
                            &state->handle);
}

void store(Tensor& t, int64_t i, int64_t value) {
  if (t.type == Type::int64)
    t.as<int64_t>()[i] = value;
  else
    t.as<int32_t>()[i] = static_cast<int32_t>(value);
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  const int32_t n = x.shape[0];
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 0", x, &bytes));
  auto* order = op.scratch<int32_t>(op.state<State>().handle);
  int32_t* first = order + n;  // [n] the place where each element occurs first
  sort_places(x, order);
  for (int32_t i = 0; i < n; ++i)
    first[order[i]] =
        i > 0 && key_at(x, order[i]) == key_at(x, order[i - 1]) ? first[order[i - 1]] : order[i];
  int32_t count = 0;
  for (int32_t i = 0; i < n; ++i) {
    if (first[i] == i) {
      if (count == op.output(0).shape[0])
        return Status::error(Code::invalid_argument, "input 0: more than %d different elements",
                             count);
      std::memcpy(op.output(0).as<uint8_t>() + count * bytes, x.as<uint8_t>() + i * bytes,
                  static_cast<size_t>(bytes));
      order[i] = count++;  // from here on: the number of the element that occurs first at i
    }
    store(op.output(1), i, order[first[i]]);
  }
  return {};
}

}  // namespace

extern const OpDef kUnique;
const OpDef kUnique = {
    .name = "UNIQUE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::UNIQUE),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::UniqueOptions),
    .min_outputs = 2,
    .max_outputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
