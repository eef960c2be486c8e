// SPDX-License-Identifier: Apache-2.0
#include "ops/movement.h"

#include <algorithm>

#include "base/number.h"
#include "ops/block_transpose.h"
#include "ops/strings.h"

namespace cygnet::ops {
namespace {

// Lines that one task copies together, and elements of each before the next line's turn: a tile
// that stays in the first-level cache when input and output run in different directions.
constexpr int64_t kTileLines = 16;
constexpr int64_t kTileElements = 64;
// Lines of one task where blocks are transposed.
constexpr int64_t kBlockLines = 64;
// Longest piece of one task.
constexpr int64_t kPieceBytes = 64 * 1024;

// A copy with strides in bytes whose elements are runs that are contiguous on both sides.
struct ByteCopy {
  int64_t run = 1;
  int rank = 0;
  int64_t size[kMaxCopyRank] = {};
  int64_t in[kMaxCopyRank] = {};
  int64_t out[kMaxCopyRank] = {};
};

// Drops dimensions of size 1, joins neighbours that one stride covers, makes the innermost
// contiguous dimension the run. Every size is ≥ 1.
ByteCopy simplify(const StridedCopy& copy) {
  ByteCopy to;
  to.run = copy.element_bytes;
  for (int d = 0; d < copy.rank; ++d) {
    const int64_t n = copy.size[d];
    const int64_t in = copy.in_stride[d] * copy.element_bytes;
    const int64_t out = copy.out_stride[d] * copy.element_bytes;
    if (n == 1) continue;
    const int last = to.rank - 1;
    if (last >= 0 && to.in[last] == in * n && to.out[last] == out * n) {
      to.size[last] *= n;
      to.in[last] = in;
      to.out[last] = out;
      continue;
    }
    to.size[to.rank] = n;
    to.in[to.rank] = in;
    to.out[to.rank++] = out;
  }
  if (to.rank > 0 && to.in[to.rank - 1] == to.run && to.out[to.rank - 1] == to.run)
    to.run *= to.size[--to.rank];
  return to;
}

template <int64_t kBytes>
void copy_line(const uint8_t* in, uint8_t* out, int64_t n, int64_t in_step, int64_t out_step,
               int64_t run) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kBytes > 0)
      std::memcpy(out + i * out_step, in + i * in_step, kBytes);
    else
      copy_bytes(out + i * out_step, in + i * in_step, run);
  }
}

using CopyLine = void (*)(const uint8_t*, uint8_t*, int64_t, int64_t, int64_t, int64_t);

CopyLine line_for(int64_t run) {
  switch (run) {
    case 1:
      return copy_line<1>;
    case 2:
      return copy_line<2>;
    case 3:
      return copy_line<3>;
    case 4:
      return copy_line<4>;
    case 6:
      return copy_line<6>;
    case 8:
      return copy_line<8>;
    case 12:
      return copy_line<12>;
    case 16:
      return copy_line<16>;
    case 24:
      return copy_line<24>;
    case 32:
      return copy_line<32>;
    default:
      return copy_line<0>;
  }
}

void copy_run(OpContext& op, const uint8_t* in, uint8_t* out, int64_t bytes) {
  for_slices(op, (bytes + kPieceBytes - 1) / kPieceBytes, bytes,
             [&](int64_t begin, int64_t end, int) {
               const int64_t from = begin * kPieceBytes;
               const int64_t to = std::min(end * kPieceBytes, bytes);
               std::memcpy(out + from, in + from, static_cast<size_t>(to - from));
             });
}

// Index of a task, outermost first, in the leading dimensions: the offsets that it stands for.
void locate(const ByteCopy& c, int dims, int64_t index, const uint8_t** in, uint8_t** out) {
  for (int d = dims - 1; d >= 0; --d) {
    const int64_t i = index % c.size[d];
    index /= c.size[d];
    *in += i * c.in[d];
    *out += i * c.out[d];
  }
}

// Whether the two innermost dimensions are, or can become, a matrix to be transposed: the input is
// contiguous along lines, the output along columns, and blocks fit.
bool make_matrix(ByteCopy* c) {
  const int column = c->rank - 1;
  if (block_transpose(c->run) == nullptr || c->out[column] != c->run) return false;
  const int64_t side = block_side(c->run);
  int row = 0;
  while (row < column && c->in[row] != c->run) ++row;
  if (row == column || c->size[row] < side || c->size[column] < side) return false;
  for (int64_t* list : {c->size, c->in, c->out})
    std::rotate(list + row, list + row + 1, list + column);
  return true;
}

// Calls body(from, to, first, last) for lines [first, last) of every group of lines, which threads
// share. The last group ends where the lines do.
template <class Body>
void each_group(OpContext& op, const ByteCopy& c, const uint8_t* in, uint8_t* out, int64_t groups,
                int64_t lines, const Body& body) {
  const int row = c.rank - 2;
  int64_t outer = 1;
  for (int d = 0; d < row; ++d) outer *= c.size[d];
  const int64_t bytes = outer * c.size[row] * c.size[row + 1] * c.run;
  for_slices(op, outer * groups, bytes, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const uint8_t* from = in;
      uint8_t* to = out;
      locate(c, row, task / groups, &from, &to);
      const int64_t group = task % groups, first = group * lines;
      body(from, to, first, group + 1 == groups ? c.size[row] : first + lines);
    }
  });
}

void transpose_blocks(OpContext& op, const ByteCopy& c, const uint8_t* in, uint8_t* out) {
  const int row = c.rank - 2, column = c.rank - 1;
  // No group is shorter than a block: the last one may be longer than others.
  const int64_t groups = std::max<int64_t>(1, c.size[row] / kBlockLines);
  const BlockTranspose transpose = block_transpose(c.run);
  each_group(op, c, in, out, groups, kBlockLines,
             [&](const uint8_t* from, uint8_t* to, int64_t first, int64_t last) {
               transpose(from + first * c.in[row], c.in[column], to + first * c.out[row],
                         c.out[row], last - first, c.size[column]);
             });
}

void copy_lines(OpContext& op, const ByteCopy& c, const uint8_t* in, uint8_t* out) {
  const int row = c.rank - 2, column = c.rank - 1;
  const CopyLine line = line_for(c.run);
  each_group(op, c, in, out, (c.size[row] + kTileLines - 1) / kTileLines, kTileLines,
             [&](const uint8_t* from, uint8_t* to, int64_t first, int64_t last) {
               for (int64_t x = 0; x < c.size[column]; x += kTileElements) {
                 const int64_t n = std::min(kTileElements, c.size[column] - x);
                 for (int64_t y = first; y < last; ++y)
                   line(from + y * c.in[row] + x * c.in[column],
                        to + y * c.out[row] + x * c.out[column], n, c.in[column], c.out[column],
                        c.run);
               }
             });
}

}  // namespace

Status read_dimensions(const char* name, const Tensor& t, Shape* shape) {
  if (t.shape.elements() > kMaxRank)
    return bad_model("T2: %s: more than %d dimensions", name, kMaxRank);
  *shape = {};
  for (int64_t i = 0; i < t.shape.elements(); ++i) {
    const int64_t d = integer_at(t, i);
    if (d < 0 || d > INT32_MAX)
      return bad_model("%s: dimension %lld is %lld", name, static_cast<long long>(i),
                       static_cast<long long>(d));
    shape->push(static_cast<int32_t>(d));
  }
  return {};
}

void StridedCopy::make_dense_output() {
  int64_t stride = 1;
  for (int d = rank - 1; d >= 0; --d) {
    out_stride[d] = stride;
    stride *= size[d];
  }
}

void run_copy(OpContext& op, const StridedCopy& copy, const void* in_data, void* out_data) {
  for (int d = 0; d < copy.rank; ++d)
    if (copy.size[d] <= 0) return;
  ByteCopy c = simplify(copy);
  const auto* in = static_cast<const uint8_t*>(in_data);
  auto* out = static_cast<uint8_t*>(out_data);
  if (c.rank == 0) return copy_run(op, in, out, c.run);
  if (c.rank == 1) {
    // A line of its own is cut into lines, so that threads can share it.
    const int64_t n = c.size[0];
    const CopyLine line = line_for(c.run);
    return for_slices(op, n, n * c.run, [&](int64_t begin, int64_t end, int) {
      line(in + begin * c.in[0], out + begin * c.out[0], end - begin, c.in[0], c.out[0], c.run);
    });
  }
  if (make_matrix(&c)) return transpose_blocks(op, c, in, out);
  // A line has a cost of its own: of short ones the longer dimension is the inner one.
  constexpr int64_t kShortLine = 8;
  const int row = c.rank - 2, column = c.rank - 1;
  if (c.size[column] < kShortLine && c.size[row] > c.size[column])
    for (int64_t* list : {c.size, c.in, c.out}) std::swap(list[row], list[column]);
  copy_lines(op, c, in, out);
}

// ---- Elements

namespace {

bool is_small(Type type) {
  return type == Type::int4 || type == Type::uint4 || type == Type::int2;
}

// Bytes of an element in scratch; 0 for types that are moved where they are.
int64_t scratch_element_bytes(Type type) {
  return type == Type::string ? 4 : (is_small(type) ? 1 : 0);
}

// Bytes in scratch for the elements of the largest moved input, with room to the next cache line.
int64_t input_scratch_bytes(const OpContext& op) {
  int64_t most = 0;
  for (int i = 0; i < op.inputs(); ++i) {
    const Tensor* in = op.input_or_null(i);
    if (in != nullptr && in->type == op.output(0).type) most = std::max(most, in->shape.elements());
  }
  return (most * scratch_element_bytes(op.output(0).type) + 63) / 64 * 64;
}

}  // namespace

Status Elements::prepare(OpContext& op) {
  const int64_t bytes = scratch_element_bytes(op.output(0).type);
  if (bytes == 0) return {};
  int first = 0;  // handles count from 0
  const int64_t out = op.output(0).shape.elements() * bytes;
  return op.request_scratch(static_cast<size_t>(input_scratch_bytes(op) + out), &first);
}

Elements::Elements(OpContext& op) : op_(op), out_(op.output(0).as<uint8_t>()) {
  bytes_ = scratch_element_bytes(op.output(0).type);
  if (bytes_ != 0) {
    in_ = op.scratch<uint8_t>(0);
    out_ = in_ + input_scratch_bytes(op);
  } else {
    bytes_ = type_bits(op.output(0).type) / 8;
  }
}

const uint8_t* Elements::in(int i) {
  const Tensor& t = op_.input(i);
  if (in_ == nullptr) return t.as<uint8_t>();
  if (t.type == Type::string) {
    strings_ = i;
    auto* number = reinterpret_cast<int32_t*>(in_);
    for (int32_t k = 0; k < t.shape.elements(); ++k) number[k] = k;
    return in_;
  }
  unpack_small(t.type, t.data, 0, t.shape.elements(), reinterpret_cast<int8_t*>(in_));
  return in_;
}

Status Elements::finish() {
  Tensor& t = op_.output(0);
  if (t.type == Type::string) {
    const Strings strings(op_.input(strings_));
    const auto* number = reinterpret_cast<const int32_t*>(out_);
    return write_strings(op_, 0, t.shape.elements(), [&](int64_t i) { return strings[number[i]]; });
  }
  if (in_ != nullptr)
    pack_small(t.type, reinterpret_cast<const int8_t*>(out_), t.shape.elements(), t.data);
  return {};
}

}  // namespace cygnet::ops
