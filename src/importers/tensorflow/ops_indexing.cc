// SPDX-License-Identifier: Apache-2.0
// Operators that pick, scatter and turn elements, and say which boxes stay.
#include <algorithm>
#include <cmath>
#include <limits>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

// ---- Turning

void roll(Call& c) {
  const std::vector<int64_t> shifts = c.integers(1);
  std::vector<int64_t> axes = c.integers(2);
  if (axes.size() != shifts.size()) c.fail("expected as many axes as shifts");
  int32_t x = c.in(0);
  for (size_t k = 0; k < shifts.size(); ++k) {
    const int axis = c.axis(axes[k], c.shape(0).rank);
    const int32_t n = c.fixed_dim(x, axis);
    const int64_t by = n == 0 ? 0 : ((shifts[k] % n) + n) % n;
    if (by == 0) continue;
    const auto tail = static_cast<int32_t>(by);
    const int32_t end = slice_dim(c.e, x, axis, n - tail, tail, c.part("end"));
    const int32_t start = slice_dim(c.e, x, axis, 0, n - tail, c.part("start"));
    x = concat(c.e, {end, start}, axis, c.name());
  }
  c.out(x);
}

void reverse_v1(Call& c) {
  int32_t x = c.in(0);
  const std::vector<int64_t> turned = c.integers(1);
  for (size_t d = 0; d < turned.size(); ++d)
    if (turned[d] != 0)
      x = c.e.add(Builtin::REVERSE_V2, {x, c.e.list({static_cast<int32_t>(d)})}, NoOptions(),
                  c.name());
  c.out(x);
}

void reverse_sequence(Call& c) {
  schema::ReverseSequenceOptionsT o;
  o.seq_dim = c.axis(c.node.integer("seq_dim"), c.shape(0).rank);
  o.batch_dim = c.axis(c.node.integer("batch_dim", 0), c.shape(0).rank);
  c.out(c.e.add(Builtin::REVERSE_SEQUENCE, {c.in(0), c.in(1)}, o, c.name()));
}

// ---- Scattering

int32_t scatter(Call& c, int32_t indices, int32_t updates, int32_t shape, std::string_view name) {
  return c.e.add(Builtin::SCATTER_ND,
                 {cast(c.e, indices, Type::int32, c.part("indices")), updates, shape}, NoOptions(),
                 {name, c.e.type(updates)});
}

// Whether each element of the shape is one that an update is for.
int32_t is_updated(Call& c, int32_t indices, int32_t updates, int32_t shape) {
  Editor& e = c.e;
  const int32_t ones =
      e.add(Builtin::FILL, {shape_of(e, updates, c.part("count")), e.scalar<int32_t>(1)},
            NoOptions(), {c.part("ones"), Type::int32});
  const int32_t hits = scatter(c, indices, ones, shape, c.part("hits"));
  return binary(e, Builtin::NOT_EQUAL, hits, e.scalar<int32_t>(0), c.part("updated"));
}

void tensor_scatter_update(Call& c) {
  const int32_t shape = shape_of(c.e, c.in(0), c.part("shape"));
  const int32_t updated = is_updated(c, c.in(1), c.in(2), shape);
  const int32_t values = scatter(c, c.in(1), c.in(2), shape, c.part("values"));
  c.out(select(c.e, updated, values, c.in(0), c.name()));
}

template <Builtin op>
void tensor_scatter(Call& c) {
  const int32_t shape = shape_of(c.e, c.in(0), c.part("shape"));
  c.out(binary(c.e, op, c.in(0), scatter(c, c.in(1), c.in(2), shape, c.part("values")), c.name()));
}

// Indices [], [n] or [n, rank]; values [] or [n].
void sparse_to_dense(Call& c) {
  Editor& e = c.e;
  int32_t indices = c.in(0), values = c.in(2);
  const int32_t shape = cast(e, c.in(1), Type::int32, c.part("shape"));
  const int32_t count = c.shape(0).rank == 0 ? 1 : c.fixed_dim(indices, 0);
  if (c.shape(0).rank < 2) indices = reshape(e, indices, {count, 1}, c.part("rows"));
  if (c.shape(2).rank == 0)
    values =
        e.add(Builtin::FILL, {e.list({count}), values}, NoOptions(), {c.part("fill"), c.type(2)});
  const int32_t updated = is_updated(c, indices, values, shape);
  c.out(
      select(e, updated, scatter(c, indices, values, shape, c.part("values")), c.in(3), c.name()));
}

// Sums of the rows of data by id.
void sum_by_id(Call& c, int64_t segments) {
  Editor& e = c.e;
  const Shape ids = c.shape(1), data = c.shape(0);
  if (segments < 0 || segments > INT32_MAX) c.fail("segments: expected 0 or more, got ", segments);
  std::vector<int32_t> rows, dims{static_cast<int32_t>(segments)};
  for (int d = 0; d < ids.rank; ++d) rows.push_back(c.fixed_dim(c.in(1), d));
  rows.push_back(1);
  for (int d = ids.rank; d < data.rank; ++d) dims.push_back(c.fixed_dim(c.in(0), d));
  const int32_t indices = reshape(e, c.in(1), rows, c.part("rows"));
  c.out(scatter(c, indices, c.in(0), e.list(dims), c.name()));
}

void unsorted_segment_sum(Call& c) {
  sum_by_id(c, c.integer(2));
}

void segment_sum(Call& c) {
  const auto ids = c.e.integers(c.in(1));
  if (ids && !ids->empty()) return sum_by_id(c, ids->back() + 1);
  const int32_t list = cast(c.e, c.in(1), Type::int32, c.part("ids"));
  c.out(c.e.add(Builtin::SEGMENT_SUM, {c.in(0), list}, NoOptions(), c.name()));
}

// Rows of several tensors, each at the place that an index says; the last one wins.
void dynamic_stitch(Call& c) {
  const int count = c.inputs() / 2;
  Editor& e = c.e;
  std::vector<int32_t> parts, order;
  for (int k = 0; k < count; ++k) {
    const std::vector<int64_t> places = c.integers(k);
    const int32_t data = c.in(count + k);
    std::vector<int32_t> dims{static_cast<int32_t>(places.size())};
    for (int d = c.shape(k).rank; d < e.shape(data).rank; ++d) dims.push_back(c.fixed_dim(data, d));
    parts.push_back(reshape(e, data, dims, c.part("rows")));
    for (int64_t at : places) {
      if (at < 0 || at >= 1 << 24) c.fail("index ", at, " is out of range");
      if (static_cast<size_t>(at) >= order.size()) order.resize(static_cast<size_t>(at) + 1, -1);
    }
  }
  int32_t row = 0;
  for (int k = 0; k < count; ++k)
    for (int64_t at : c.integers(k)) order[static_cast<size_t>(at)] = row++;
  if (std::count(order.begin(), order.end(), -1) > 0) c.fail("a place that no index names");
  const int32_t all = parts.size() == 1 ? parts[0] : concat(e, parts, 0, c.part("all"));
  c.out(e.add(Builtin::GATHER, {all, e.list(order)}, schema::GatherOptionsT(), c.name()));
}

void unique(Call& c) {
  schema::UniqueOptionsT o;
  const Type type = to_type(c.node.type("out_idx", DataType::int32), c.name());
  o.idx_out_type = static_cast<schema::TensorType>(type);
  const int32_t first =
      c.e.add(Builtin::UNIQUE, {c.in(0)}, o, {c.name(), std::vector<Type>{c.type(0), type}});
  c.out(first);
  c.out(first + 1);
}

// ---- Blocks with one size for height and width

template <Builtin op>
void square_blocks(Call& c) {
  const auto size = static_cast<int32_t>(c.node.integer("block_size"));
  const int32_t borders = cast(c.e, c.in(1), Type::int32, c.part("borders"));
  c.out(c.e.add(op, {c.in(0), c.e.list({size, size}), borders}, NoOptions(), c.name()));
}

// ---- Non-maximum suppression

// The first `count` elements of a list.
int32_t first_of(Call& c, int32_t list, int32_t count, std::string_view name) {
  const int32_t size = reshape(c.e, count, {1}, c.part("count"));
  return c.e.add(Builtin::SLICE, {list, c.e.list({0}), size}, NoOptions(), name);
}

// TensorFlow suppresses boxes that overlap by more than the limit, the format's operator also those
// that overlap by just as much; above 1 it does not work.
int32_t next_limit(Call& c, float limit) {
  return c.e.scalar(std::min(std::nextafter(limit, 2.0f), 1.0f));
}

// Selected boxes and how many they are.
int32_t suppress(Call& c, int32_t iou, int32_t threshold) {
  if (const auto limit = c.e.uniform(iou)) iou = next_limit(c, *limit);
  return c.e.add(Builtin::NON_MAX_SUPPRESSION_V4, {c.in(0), c.in(1), c.in(2), iou, threshold},
                 NoOptions(), {c.part("v4"), std::vector<Type>{Type::int32, Type::int32}});
}

int32_t no_threshold(Call& c) {
  return c.e.scalar(std::numeric_limits<float>::lowest());
}

void non_max_suppression(Call& c) {
  const int32_t selected =
      suppress(c, c.e.scalar(c.node.real("iou_threshold", 0.5f)), no_threshold(c));
  c.out(first_of(c, selected, selected + 1, c.name()));
}

void non_max_suppression_v2(Call& c) {
  const int32_t selected = suppress(c, c.in(3), no_threshold(c));
  c.out(first_of(c, selected, selected + 1, c.name()));
}

void non_max_suppression_v3(Call& c) {
  const int32_t selected = suppress(c, c.in(3), c.in(4));
  c.out(first_of(c, selected, selected + 1, c.name()));
}

void non_max_suppression_v4(Call& c) {
  const int32_t selected = suppress(c, c.in(3), c.in(4));
  const bool padded = c.node.boolean("pad_to_max_output_size", false);
  c.out(padded ? selected : first_of(c, selected, selected + 1, c.name()));
  c.out(selected + 1);
}

// TensorFlow leaves the overlap's limit out of soft suppression, the format's operator does not.
void non_max_suppression_v5(Call& c) {
  const std::vector<Type> types{Type::int32, Type::float32, Type::int32};
  std::vector<int32_t> operands = c.all(0, 6);
  const auto sigma = c.e.uniform(c.in(5));
  if (!sigma) c.fail("soft_nms_sigma must be known before the run");
  if (*sigma > 0)
    operands[3] = next_limit(c, 1);
  else if (const auto limit = c.e.uniform(c.in(3)))
    operands[3] = next_limit(c, *limit);
  const int32_t selected =
      c.e.add(Builtin::NON_MAX_SUPPRESSION_V5, operands, NoOptions(), {c.part("v5"), types});
  const bool padded = c.node.boolean("pad_to_max_output_size", false);
  c.out(padded ? selected : first_of(c, selected, selected + 2, c.name()));
  c.out(padded ? selected + 1 : first_of(c, selected + 1, selected + 2, c.part("scores")));
  c.out(selected + 2);
}

constexpr OpRow kRows[] = {
    {"BatchToSpace", square_blocks<Builtin::BATCH_TO_SPACE_ND>},
    {"DynamicStitch", dynamic_stitch},
    {"NonMaxSuppression", non_max_suppression},
    {"NonMaxSuppressionV2", non_max_suppression_v2},
    {"NonMaxSuppressionV3", non_max_suppression_v3},
    {"NonMaxSuppressionV4", non_max_suppression_v4},
    {"NonMaxSuppressionV5", non_max_suppression_v5},
    {"ParallelDynamicStitch", dynamic_stitch},
    {"Reverse", reverse_v1},
    {"ReverseSequence", reverse_sequence},
    {"Roll", roll},
    {"SegmentSum", segment_sum},
    {"SpaceToBatch", square_blocks<Builtin::SPACE_TO_BATCH_ND>},
    {"SparseToDense", sparse_to_dense},
    {"TensorScatterAdd", tensor_scatter<Builtin::ADD>},
    {"TensorScatterSub", tensor_scatter<Builtin::SUB>},
    {"TensorScatterUpdate", tensor_scatter_update},
    {"Unique", unique},
    {"UnsortedSegmentSum", unsorted_segment_sum},
};

}  // namespace

std::span<const OpRow> indexing_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
