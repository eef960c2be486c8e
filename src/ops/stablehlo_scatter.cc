// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_SCATTER: an operand with windows of updates combined into it.
//   input 0: operand [o…]; input 1: indices [s…], int32 or int64; input 2: updates [u…]
//   output 0: of the operand's shape and type
// The updates' dimensions update_window_dims index a window of the operand without the dimensions
// inserted_window_dims; the others index the indices without index_vector_dim. Number k of an index
// is the window's place along the operand's dimension scatter_dims_to_operand_dims[k]. Elements
// that fall outside of the operand are left out. The one operator of the update computation's
// subgraph says how an element x and its update u become one: STABLEHLO_ADD, _MULTIPLY, _MAXIMUM or
// _MINIMUM; no operator: u. Updates come in order. Integers wrap around.
// Types f16, f32, f64, all integers of whole bytes; bool: the sum and maximum are the disjunction,
// product and minimum the conjunction. Source: LiteRT 2.3, StableHLO's specification.
#include "base/number.h"
#include "ops/binary.h"
#include "ops/movement.h"
#include "ops/stablehlo_dims.h"

namespace cygnet::ops {
namespace {

using Builtin = schema::BuiltinOperator;

enum class Update : uint8_t { none, set, add, mul, max, min };

Update update_of(int32_t builtin) {
  switch (static_cast<Builtin>(builtin)) {
    case Builtin::STABLEHLO_ADD:
      return Update::add;
    case Builtin::STABLEHLO_MULTIPLY:
      return Update::mul;
    case Builtin::STABLEHLO_MAXIMUM:
      return Update::max;
    case Builtin::STABLEHLO_MINIMUM:
      return Update::min;
    default:
      return builtin == -1 ? Update::set : Update::none;
  }
}

struct Dims {
  DimList window, inserted, map;
  int vector_dim = 0;
  bool is_window[kMaxRank] = {};    // of the updates
  bool is_inserted[kMaxRank] = {};  // of the operand
};

Status read_dims(const OpContext& op, Dims* d) {
  const auto& options = op.options<schema::StablehloScatterOptions>();
  const int rank = op.input(0).shape.rank;
  CYGNET_TRY(d->window.read("update_window_dims", options.update_window_dims(),
                            op.input(2).shape.rank, true));
  CYGNET_TRY(d->inserted.read("inserted_window_dims", options.inserted_window_dims(), rank, true));
  CYGNET_TRY(d->map.read("scatter_dims_to_operand_dims", options.scatter_dims_to_operand_dims(),
                         rank, false));
  CYGNET_TRY(
      read_vector_dim(options.index_vector_dim(), op.input(1), d->map.count, &d->vector_dim));
  d->window.mark(d->is_window);
  d->inserted.mark(d->is_inserted);
  return expect_range("update_window_dims: count", d->window.count, rank - d->inserted.count,
                      rank - d->inserted.count);
}

Status check_updates(const OpContext& op, const Dims& d) {
  const Shape &operand = op.input(0).shape, &indices = op.input(1).shape,
              &updates = op.input(2).shape;
  const int batch = indices.rank - (d.vector_dim == indices.rank ? 0 : 1);
  CYGNET_TRY(expect_rank("input 2", op.input(2), batch + d.window.count));
  for (int i = 0, dim = 0, from = 0; i < updates.rank; ++i) {
    if (d.is_window[i]) {
      while (d.is_inserted[dim]) ++dim;
      CYGNET_TRY(expect_range("window of input 2", updates[i], 0, operand[dim++]));
    } else {
      if (from == d.vector_dim) ++from;
      CYGNET_TRY(expect_range("dimension of input 2", updates[i], indices[from], indices[from]));
      ++from;
    }
  }
  return {};
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type(
      "input 0", x,
      {Type::float32, Type::float16, Type::float64, Type::int8, Type::uint8, Type::int16,
       Type::uint16, Type::int32, Type::uint32, Type::int64, Type::uint64, Type::boolean}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", x, "input 2", op.input(2)));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  Dims d;
  CYGNET_TRY(read_dims(op, &d));
  CYGNET_TRY(check_updates(op, d));
  const auto& options = op.options<schema::StablehloScatterOptions>();
  if (update_of(op.region_operator(options.update_computation_subgraph_index())) == Update::none)
    return Status::error(Code::unsupported,
                         "the update computation: expected no operator or one STABLEHLO_ADD, "
                         "_MULTIPLY, _MAXIMUM or _MINIMUM");
  return op.set_output(0, x.shape);
}

// Integers wrap around, so signed and unsigned ones have one sum and product; float16 goes by way
// of float.
template <class T>
T combine(Update update, T x, T u) {
  if (update == Update::set) return u;
  if (update == Update::max) return x < u ? u : x;
  if (update == Update::min) return u < x ? u : x;
  if constexpr (std::is_integral_v<T>)
    return update == Update::add ? wrapping_add(x, u) : wrapping_mul(x, u);
  else
    return static_cast<T>(update == Update::add ? x + u : x * u);
}

// Place of an updates' index in the operand, −1 outside.
int64_t place_of(const OpContext& op, const Dims& d, const Shape& index) {
  const Shape& operand = op.input(0).shape;
  const IndexVector vector(op.input(1).shape, d.vector_dim, d.is_window, index);
  int64_t at[kMaxRank] = {};
  for (int k = 0; k < d.map.count; ++k) {
    const int64_t start = integer_at(op.input(1), vector.place(k));
    if (start <= -INT32_MAX || start >= INT32_MAX) return -1;
    at[d.map.dims[k]] = start;
  }
  int64_t place = 0;
  for (int dim = 0, w = 0; dim < operand.rank; ++dim) {
    if (!d.is_inserted[dim]) at[dim] += index[d.window.dims[w++]];
    if (at[dim] < 0 || at[dim] >= operand[dim]) return -1;
    place = place * operand[dim] + at[dim];
  }
  return place;
}

template <class T>
void scatter(OpContext& op, const Dims& d, Update update) {
  const Tensor& updates = op.input(2);
  const int64_t n = updates.shape.elements();
  Shape index = updates.shape;
  for (int i = 0; i < index.rank; ++i) index[i] = 0;
  T* y = op.output(0).as<T>();
  for (int64_t i = 0; i < n; ++i, next_index(updates.shape, &index)) {
    const int64_t place = place_of(op, d, index);
    if (place >= 0) y[place] = combine(update, y[place], updates.as<T>()[i]);
    if (i % 65536 == 65535 && op.stopped()) return;
  }
}

Status invoke(OpContext& op) {
  CYGNET_TRY(invoke_view(op));
  Dims d;
  CYGNET_TRY(read_dims(op, &d));
  const auto& options = op.options<schema::StablehloScatterOptions>();
  Update update = update_of(op.region_operator(options.update_computation_subgraph_index()));
  const Type type = op.input(0).type;
  if (type == Type::boolean) {
    if (update == Update::add) update = Update::max;
    if (update == Update::mul) update = Update::min;
    scatter<uint8_t>(op, d, update);
    return {};
  }
  with_type<float, Half, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
            uint64_t>(type, [&](auto t) { scatter<decltype(t)>(op, d, update); });
  return {};
}

}  // namespace

extern const OpDef kStablehloScatter;
const OpDef kStablehloScatter = {
    .name = "STABLEHLO_SCATTER",
    .builtin = 190,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::StablehloScatterOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
