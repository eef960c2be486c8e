// SPDX-License-Identifier: Apache-2.0
#include "edit/recurrent.h"

#include <algorithm>

namespace cygnet {
namespace {

// LiteRT's SELECT_V2 broadcasts up to so many dimensions.
constexpr size_t kMostSelectDims = 4;

// Whether dimension d of a float tensor is the same batch as dimension `axis` of x, and a slice of
// it can be laid against the batch of a tensor with `behind` dimensions behind its own.
bool tells_batch(Editor& e, int32_t t, int d, int32_t x, int axis, int behind) {
  if (e.type(t) != Type::float32 || e.constant(t) || e.shape_unknown(t)) return false;
  const Shape& shape = e.shape(t);
  if (shape.rank - 1 - d < behind || shape.rank > 5) return false;
  for (int k = 0; k < shape.rank; ++k)
    if (k != d && (e.dim_free(t, k) || shape[k] < 1)) return false;
  const auto& facts = e.draft().facts[static_cast<size_t>(e.subgraph_index())];
  for (size_t b = 0; b < kBatches.size(); ++b)
    if (facts[static_cast<size_t>(t)].shapes[b][d] != facts[static_cast<size_t>(x)].shapes[b][axis])
      return false;
  return true;
}

// [N, 1, ..., 1], `behind` ones: one element of each example.
int32_t slice_batch(Editor& e, int32_t t, int d, int behind) {
  const int rank = e.shape(t).rank;
  schema::StridedSliceOptionsT o;
  o.begin_mask = o.end_mask = 1 << d;
  int kept = 0;
  for (int k = rank - 1; k >= 0; --k) {
    if (k == d) continue;
    if (k > d && kept < behind)
      ++kept;
    else
      o.shrink_axis_mask |= 1 << k;
  }
  const std::vector<int32_t> zeros(static_cast<size_t>(rank), 0), ones(zeros.size(), 1);
  std::vector<int32_t> ends = ones;
  ends[static_cast<size_t>(d)] = 0;
  return e.add(Builtin::STRIDED_SLICE, {t, e.list(zeros), e.list(ends), e.list(ones)}, o,
               text(e.tensor(t).name, "/batch"));
}

// The same elements in a tensor that an operator may change.
int32_t copied(Editor& e, int32_t x, const std::string& name) {
  const int32_t never = e.copied_constant(Type::boolean, {1, 1}, std::vector<uint8_t>{0});
  return e.add(Builtin::SELECT_V2, {never, e.scalar(0.0f), x}, schema::SelectV2OptionsT(),
               Results(name, Type::float32));
}

}  // namespace

int32_t fill_batch(Editor& e, int32_t x, int axis, const std::vector<int32_t>& dims, float value,
                   const std::string& name, const std::vector<int32_t>& sources) {
  const auto batch = std::find(dims.begin(), dims.end(), -1);
  if (batch == dims.end() || std::count(dims.begin(), dims.end(), 0) != 0 ||
      dims.size() > kMostSelectDims)
    return kAbsent;
  const int behind = static_cast<int>(dims.end() - batch) - 1;
  int32_t from = kAbsent;
  int d = axis;
  const auto look = [&](int32_t t) {
    for (int k = 0; k < e.shape(t).rank && from == kAbsent; ++k)
      if (tells_batch(e, t, k, x, axis, behind)) {
        from = t;
        d = k;
      }
  };
  if (e.dim_free(x, axis))
    for (int32_t t : e.subgraph().inputs) look(t);
  for (int32_t t : sources) look(t);
  if (from == kAbsent) return kAbsent;

  // The condition, which never holds, has all dimensions but the batch and the last, which the
  // value has: the fewest bytes.
  Shape never, last;
  for (auto it = dims.begin(); it != dims.end(); ++it)
    never.push(it == batch || it + 1 == dims.end() ? 1 : *it);
  if (behind > 0) last.push(dims.back());
  const auto count = [](const Shape& s) { return static_cast<size_t>(s.elements()); };
  const int32_t condition = e.copied_constant(
      Type::boolean, never, std::vector<uint8_t>(count(never), 0), name + "/never");
  const int32_t values = e.constant<float>(last, std::vector<float>(count(last), value));
  return e.add(Builtin::SELECT_V2, {condition, slice_batch(e, from, d, behind), values},
               schema::SelectV2OptionsT(), Results(name, Type::float32));
}

int32_t add_sequence_lstm(Editor& e, int32_t x, const LstmWeights& weights, const std::string& name,
                          std::array<int32_t, 2> state) {
  const int32_t units = e.shape(weights.bias[0])[0];
  std::vector<int32_t> operands(24, kAbsent);
  operands[0] = x;
  for (size_t g = 0; g < 4; ++g) {
    operands[1 + g] = weights.input[g];
    operands[5 + g] = weights.recurrent[g];
    operands[12 + g] = weights.bias[g];
  }
  for (size_t k = 0; k < 2; ++k) {
    const std::string own = name + (k == 0 ? "/output_state" : "/cell_state");
    int32_t& variable = operands[18 + k];
    variable = state[k] == kAbsent ? fill_batch(e, x, 0, {-1, units}, 0, own, {x})
                                   : copied(e, state[k], own);
    if (variable == kAbsent) return kAbsent;
    e.tensor(variable).variable = true;
  }
  schema::UnidirectionalSequenceLSTMOptionsT options;
  options.fused_activation_function = weights.activation;
  return e.add(Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM, operands, options, name);
}

int32_t add_reverse(Editor& e, int32_t x, int axis, const std::string& name) {
  return e.add(Builtin::REVERSE_V2, {x, e.list({axis})}, schema::ReverseV2OptionsT(), name);
}

int32_t add_last_step(Editor& e, int32_t x, const std::string& name) {
  const int32_t last = e.shape(x)[1] - 1;
  schema::StridedSliceOptionsT o;
  o.begin_mask = o.end_mask = 0b101;
  o.shrink_axis_mask = 0b010;
  return e.add(Builtin::STRIDED_SLICE,
               {x, e.list({0, last, 0}), e.list({0, last + 1, 0}), e.list({1, 1, 1})}, o, name);
}

}  // namespace cygnet
