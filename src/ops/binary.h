// SPDX-License-Identifier: Apache-2.0
// Broadcasting for operators with two operands: the operands' shapes become a list of rows on which
// each operand is a run of elements or one element.
#pragma once

#include "kernels/kernels.h"
#include "ops/activation.h"
#include "ops/check.h"

namespace cygnet::ops {

/// Two shapes broadcast to a third, with neighbouring dimensions merged where both operands allow.
struct Broadcast {
  int rank = 0;                      ///< of the merged shape, ≥ 1
  int64_t dims[kMaxRank] = {};       ///< [rank − 1] is the row
  int64_t a_strides[kMaxRank] = {};  ///< in elements, 0 where a repeats
  int64_t b_strides[kMaxRank] = {};
  int64_t rows = 0;

  int64_t row() const { return dims[rank - 1]; }
  ZipShape shape() const {
    const bool a_repeats = a_strides[rank - 1] == 0, b_repeats = b_strides[rank - 1] == 0;
    return a_repeats && !b_repeats   ? ZipShape::scalar_vector
           : b_repeats && !a_repeats ? ZipShape::vector_scalar
                                     : ZipShape::vector_vector;
  }
};

/// `out` is what broadcast_shape made of a and b.
Broadcast make_broadcast(const Shape& a, const Shape& b, const Shape& out);

/// Element offsets of the operands at element `out` of the result.
struct PairOffsets {
  int64_t a = 0, b = 0;
};
inline PairOffsets offsets_at(const Broadcast& bc, int64_t out) {
  PairOffsets at;
  for (int d = bc.rank - 1; d >= 0; out /= bc.dims[d--]) {
    at.a += out % bc.dims[d] * bc.a_strides[d];
    at.b += out % bc.dims[d] * bc.b_strides[d];
  }
  return at;
}

/// Calls row(a, b, out, n, shape) with element offsets of pieces of rows, of at most `longest`
/// elements, for elements [begin, end) of the result.
template <class Row>
void rows_between(const Broadcast& bc, int64_t begin, int64_t end, int64_t longest, Row&& row) {
  const ZipShape shape = bc.shape();
  while (begin < end) {
    const int64_t rest = bc.row() - begin % bc.row(), n = std::min({rest, end - begin, longest});
    const PairOffsets at = offsets_at(bc, begin);
    row(at.a, at.b, begin, n, shape);
    begin += n;
  }
}

/// Calls row(a, b, out, n, shape) with element offsets of each row, or piece of one, of at most
/// 2^14 elements, for the elements op.part() of output 0. Where both operands repeat along the row,
/// n is 1.
template <class Row>
void each_row(OpContext& op, const Broadcast& bc, Row row) {
  constexpr int64_t kPiece = 1 << 14;
  const bool both_repeat = bc.a_strides[bc.rank - 1] == 0 && bc.b_strides[bc.rank - 1] == 0;
  const int64_t longest = both_repeat ? 1 : kPiece;
  const Range part = op.part();
  if (op.is_part()) return rows_between(bc, part.begin, part.end, longest, row);
  // A task is a piece of a row, or as many short rows as one would hold.
  const int64_t task_elements = std::max<int64_t>(
      1, bc.row() >= longest ? longest : kPiece / std::max<int64_t>(1, bc.row()) * bc.row());
  op.parallel_for((part.end + task_elements - 1) / task_elements,
                  [&](int64_t begin, int64_t end, int thread) {
                    int64_t at = begin * task_elements;
                    const int64_t last = std::min(end * task_elements, part.end);
                    if (!op.followed()) return rows_between(bc, at, last, longest, row);
                    for (; at < last; at += OpContext::kPartElements) {
                      const int64_t stop = std::min(at + OpContext::kPartElements, last);
                      rows_between(bc, at, stop, longest, row);
                      op.produced(at, stop, thread);
                    }
                  });
}

/// One row of a pair of operands; a and b step by 0 or 1 element.
struct PairRow {
  const void* a;
  const void* b;
  void* out;
  int64_t n;
  int64_t a_step, b_step;
};

/// Calls loop(context, row) for the rows of each_row. Elements of the operands and of the result
/// have these sizes in bytes.
void each_pair_row(OpContext& op, const Broadcast& broadcast, size_t size, size_t out_size,
                   void (*loop)(const void* context, const PairRow& row), const void* context);

/// The plain loop of operators on two operands: out = Y(f(a, b)) for elements of type T. f runs on
/// several threads.
template <class T, class Y = T, class F>
void map_pairs(OpContext& op, const Broadcast& broadcast, F f) {
  const auto loop = [](const void* context, const PairRow& row) {
    const F& function = *static_cast<const F*>(context);
    const T *a = static_cast<const T*>(row.a), *b = static_cast<const T*>(row.b);
    Y* out = static_cast<Y*>(row.out);
    const int64_t a_step = row.a_step, b_step = row.b_step;
    for (int64_t i = 0; i < row.n; ++i)
      out[i] = static_cast<Y>(function(a[i * a_step], b[i * b_step]));
  };
  each_pair_row(op, broadcast, sizeof(T), sizeof(Y), loop, &f);
}

/// prepare of operators whose state is the Broadcast of their operands.
Status prepare_broadcast(OpContext& op);

/// What an operator takes the elements of INT8, UINT8 and INT16 operands for.
enum class Codes : uint8_t {
  real,    ///< real numbers: each tensor has one scale
  either,  ///< real numbers; plain integers where no tensor has quantization parameters
  same,    ///< as either, and all tensors have the same scale and zero point
  plain    ///< integers, whatever parameters there are
};

/// Whether input 0, input 1 or an output of their type has quantization parameters.
bool has_quantization(const OpContext& op);

/// Operands of one type, one of `types`, with the parameters that `codes` asks for; `shape` is what
/// they broadcast to.
Status infer_operands(OpContext& op, std::initializer_list<Type> types, Codes codes, Shape* shape);

/// infer_operands; the result is of the same type and of the broadcast shape.
Status infer_binary(OpContext& op, std::initializer_list<Type> types, Codes codes = Codes::real);

/// Integer arithmetic that wraps instead of overflowing.
template <class T>
T wrapping_add(T a, T b) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) +
                        static_cast<std::make_unsigned_t<T>>(b));
}
template <class T>
T wrapping_sub(T a, T b) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) -
                        static_cast<std::make_unsigned_t<T>>(b));
}
template <class T>
T wrapping_mul(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// Short rows on which one operand is whole and the other repeats, as [N, H, W, C] with [C], [N, 1,
/// 1, C] or [N, H, W, 1]: kernels get long runs when the other operand is written out for several
/// rows.
struct Tiling {
  bool used = false;
  bool of_a = false;     ///< the operand that is written out
  bool column = false;   ///< it is one element for a row; else a row for all
  bool by_rows = false;  ///< nothing is written out: a run is a row, long enough for that
  int64_t rows = 0;      ///< written out
  int scratch = -1;      ///< [threads][rows · row] elements
};

/// In prepare, for kernels: decides whether rows are tiled, asks for the memory.
Status prepare_tiling(OpContext& op, const Broadcast& broadcast, Tiling* tiling);

/// n bytes, in line: rows are short.
inline void fill_bytes(uint8_t byte, int64_t n, uint8_t* to) {
  constexpr int64_t kLine = 64;
  for (; n >= kLine; n -= kLine, to += kLine) std::memset(to, byte, kLine);
  for (int64_t i = 0; i < n; ++i) to[i] = byte;
}

/// Writes one operand's elements for `rows` rows of `n`.
template <class T>
void write_out(const T* from, bool column, int64_t rows, int64_t n, T* to) {
  for (int64_t r = 0; r < rows; ++r, to += n) {
    if (column && sizeof(T) == 1)
      fill_bytes(static_cast<uint8_t>(from[r]), n, reinterpret_cast<uint8_t*>(to));
    else if (column)
      std::fill(to, to + n, from[r]);
    else
      std::copy(from, from + n, to);
  }
}

/// Tiled rows: calls zip(shape, a, b, n, out) with pointers to runs of n elements.
template <class T, class Zip>
void each_tile(OpContext& op, const Broadcast& bc, const Tiling& tiling, const T* a, const T* b,
               T* out, Zip zip) {
  const int64_t row = bc.row(), plane = bc.dims[bc.rank - 2],
                runs = (plane + tiling.rows - 1) / tiling.rows;
  const int64_t* strides = tiling.of_a ? bc.a_strides : bc.b_strides;
  op.parallel_for(bc.rows / plane * runs, [&](int64_t begin, int64_t end, int thread) {
    T* tile = tiling.by_rows ? nullptr : op.scratch<T>(tiling.scratch) + thread * tiling.rows * row;
    const T* written = nullptr;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t outer = task / runs, first = task % runs * tiling.rows,
                    rows = std::min(tiling.rows, plane - first);
      const int64_t at = (outer * plane + first) * row;
      int64_t from = tiling.column ? first : 0, rest = outer;
      for (int d = bc.rank - 3; d >= 0; rest /= bc.dims[d--])
        from += rest % bc.dims[d] * strides[d];
      const T* source = (tiling.of_a ? a : b) + from;
      for (int64_t i = 0; tiling.by_rows && i < rows; ++i) {
        const int64_t begins = at + i * row;
        if (tiling.of_a)
          zip(ZipShape::scalar_vector, source + i, b + begins, row, out + begins);
        else
          zip(ZipShape::vector_scalar, a + begins, source + i, row, out + begins);
      }
      if (tiling.by_rows) {
        op.produced(at, at + rows * row, thread);
        continue;
      }
      if (tiling.column || source != written)
        write_out(source, tiling.column, tiling.column ? rows : std::min(tiling.rows, plane), row,
                  tile);
      written = source;
      if (tiling.of_a)
        zip(ZipShape::vector_vector, tile, b + at, rows * row, out + at);
      else
        zip(ZipShape::vector_vector, a + at, tile, rows * row, out + at);
      op.produced(at, at + rows * row, thread);
    }
  });
}

/// State of an operator that computes with one broadcast and a clamp.
struct BinaryState {
  Broadcast broadcast;
  Tiling tiling;
  bool on_codes = false;  ///< INT8, UINT8 or INT16 with quantization parameters
  Clamp<float> real;
  Clamp<int32_t> quantized;  ///< of codes that stand for real numbers
  Clamp<int64_t> integer;
};

/// Calls zip(shape, a, b, n, out) with pointers to runs, tiled ones where that is prepared.
template <class T, class Zip>
void each_run(OpContext& op, const BinaryState& s, const T* a, const T* b, T* out, Zip zip) {
  if (s.tiling.used && !op.is_part()) {
    return each_tile(op, s.broadcast, s.tiling, a, b, out, zip);
  }
  each_row(op, s.broadcast, [&](int64_t i, int64_t j, int64_t k, int64_t n, ZipShape shape) {
    zip(shape, a + i, b + j, n, out + k);
  });
}

/// Fills a BinaryState (or what derives from it) from the operands and the fused activation, which
/// complex numbers have none of.
Status prepare_binary(OpContext& op, schema::ActivationFunctionType activation, BinaryState* state);

/// The f32 case: kernels, or plain loops.
template <ZipOp kOp>
void invoke_f32(OpContext& op, const BinaryState& s) {
  const float *a = op.input(0).as<float>(), *b = op.input(1).as<float>();
  float* out = op.output(0).as<float>();
  if (!op.reference()) {
    const auto zip = [&](ZipShape shape, const float* x, const float* y, int64_t n, float* z) {
      kernels().zip_f32(kOp, shape, x, y, n, z, s.real.low, s.real.high);
    };
    return each_run(op, s, a, b, out, zip);
  }
  map_pairs<float>(op, s.broadcast, [clamp = s.real](float x, float y) {
    if constexpr (kOp == ZipOp::add)
      return clamp(x + y);
    else if constexpr (kOp == ZipOp::sub)
      return clamp(x - y);
    else if constexpr (kOp == ZipOp::mul)
      return clamp(x * y);
    else if constexpr (kOp == ZipOp::div)
      return clamp(x / y);
    else
      return kOp == ZipOp::max ? std::max(x, y) : std::min(x, y);
  });
}

/// The 8-bit case by kernels; the shape of each run is set here.
inline void invoke_q8(OpContext& op, const BinaryState& s, const ZipQ8& zip) {
  each_run(op, s, op.input(0).as<uint8_t>(), op.input(1).as<uint8_t>(), op.output(0).as<uint8_t>(),
           [&](ZipShape shape, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out) {
             ZipQ8 run = zip;  // runs of several threads may have several shapes
             run.shape = shape;
             kernels().zip_q8(run, a, b, n, out);
           });
}

/// The same of int16 with zero points 0.
inline void invoke_s16(OpContext& op, const BinaryState& s, const ZipS16& zip) {
  each_run(op, s, op.input(0).as<int16_t>(), op.input(1).as<int16_t>(), op.output(0).as<int16_t>(),
           [&](ZipShape shape, const int16_t* a, const int16_t* b, int64_t n, int16_t* out) {
             ZipS16 run = zip;
             run.shape = shape;
             kernels().zip_s16(run, a, b, n, out);
           });
}

}  // namespace cygnet::ops
