// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "edit/grid.h"
#include "passes/match.h"

namespace cygnet::passes {
namespace {

using Perm = std::vector<int32_t>;

Perm inverse(const Perm& perm) {
  Perm result(perm.size());
  for (size_t i = 0; i < perm.size(); ++i)
    result[static_cast<size_t>(perm[i])] = static_cast<int32_t>(i);
  return result;
}

bool is_broadcasting(Builtin op) {
  switch (op) {
    case Builtin::ADD:
    case Builtin::SUB:
    case Builtin::MUL:
    case Builtin::DIV:
    case Builtin::MAXIMUM:
    case Builtin::MINIMUM:
    case Builtin::POW:
    case Builtin::PRELU:
    case Builtin::SQUARED_DIFFERENCE:
      return true;
    default:
      return false;
  }
}

bool is_reduction(Builtin op) {
  return op == Builtin::MEAN || op == Builtin::SUM || op == Builtin::REDUCE_MAX ||
         op == Builtin::REDUCE_MIN || op == Builtin::REDUCE_PROD;
}

// Whether a TRANSPOSE in front of operand k of node n can move behind it.
bool sinkable(const Patch& patch, int32_t n, const Perm& perm) {
  if (is_unary(patch, n)) return true;
  const Node& node = patch.node(n);
  const auto op = static_cast<Builtin>(node.builtin);
  if (node.outputs.size() != 1 || patch.shape_unknown(node.outputs[0])) return false;
  switch (op) {
    case Builtin::PAD:
    case Builtin::PADV2:
    case Builtin::MIRROR_PAD:
      return patch.integers(node.inputs[1]).has_value();
    case Builtin::SOFTMAX:
    case Builtin::LOG_SOFTMAX:
      return perm.back() + 1 == static_cast<int32_t>(perm.size());
    case Builtin::CONCATENATION:
      return true;
    default:
      break;
  }
  if (is_reduction(op) || op == Builtin::REVERSE_V2)
    return axes(patch, node.inputs[1], static_cast<int>(perm.size())).has_value();
  return is_broadcasting(op);
}

// Whether everyone who reads the TRANSPOSE's result is a TRANSPOSE or lets it sink, so that it goes
// away. Without that, sinking would make two of one.
bool goes_away(const Patch& patch, int32_t result, const Perm& perm) {
  if (patch.is_output(result)) return false;
  const auto& readers = patch.consumers(result);
  return std::all_of(readers.begin(), readers.end(), [&](int32_t n) {
    return patch.is(n, Builtin::TRANSPOSE) || sinkable(patch, n, perm);
  });
}

// Whether transposing t by perm only moves dimensions of size 1.
bool moves_only_ones(const Patch& patch, int32_t t, const Perm& perm) {
  if (patch.shape(t).rank != static_cast<int32_t>(perm.size())) return false;
  int32_t last = -1;
  for (int32_t p : perm) {
    if (patch.shape(t)[p] == 1 && !patch.dim_free(t, p)) continue;
    if (p < last) return false;
    last = p;
  }
  return true;
}

// The operand t of an elementwise operator in the order before the transpose: what was transposed,
// a constant transposed back, or a small tensor whose RESHAPE takes care of it. kAbsent: can't.
int32_t transposed_back(Patch& patch, int32_t t, const Perm& perm, bool commit) {
  const auto rank = static_cast<int32_t>(perm.size());
  const int32_t n = patch.producer(t, Builtin::TRANSPOSE);
  if (n >= 0 && permutation(patch, n) == perm)
    return goes_away(patch, t, perm) ? patch.node(n).inputs[0] : kAbsent;
  const std::string name(patch.tensor(t).name);
  if (!patch.constant(t)) {
    const bool free_move = patch.producer(t, Builtin::RESHAPE) >= 0 && !patch.shape_unknown(t) &&
                           moves_only_ones(patch, t, inverse(perm));
    if (!free_move) return kAbsent;
    return commit ? add_transpose(patch, t, inverse(perm), name) : t;
  }
  const GraphTensor constant = patch.tensor(t);
  if (constant.quantization.count > 1 || constant.shape.rank > rank) return kAbsent;
  if (!commit || (constant.shape.elements() == 1 && constant.shape.rank <= 1)) return t;
  Shape wide;
  for (int32_t d = 0; d < rank - constant.shape.rank; ++d) wide.push(1);
  for (int32_t d : constant.shape) wide.push(d);
  const int32_t c =
      patch.borrowed_constant(constant.type, wide, {constant.as<uint8_t>(), constant.bytes}, name);
  patch.tensor(c).quantization = constant.quantization;
  patch.set_grid(c, reshaped_grid(patch.grid(t), constant.shape, wide));
  return add_transpose(patch, c, inverse(perm), name);
}

// The permutation of what is left when the reduced dimensions are dropped.
Perm without(const Perm& perm, const std::vector<int32_t>& reduced_before) {
  Perm result;
  for (int32_t p : perm) {
    if (std::count(reduced_before.begin(), reduced_before.end(), p) != 0) continue;
    result.push_back(
        p - static_cast<int32_t>(std::count_if(reduced_before.begin(), reduced_before.end(),
                                               [&](int32_t r) { return r < p; })));
  }
  return result;
}

// What node n becomes when it runs before the transpose.
struct Sunk {
  std::vector<int32_t> inputs;
  Perm perm;  // of the TRANSPOSE behind it
};

std::optional<Sunk> sunk_operands(Patch& patch, int32_t n, const Perm& perm) {
  const std::vector<int32_t> inputs(patch.node(n).inputs.begin(), patch.node(n).inputs.end());
  const auto op = static_cast<Builtin>(patch.node(n).builtin);
  Sunk sunk{inputs, perm};
  const size_t rank = perm.size();
  if (op == Builtin::CONCATENATION || (is_broadcasting(op) && !is_unary(patch, n))) {
    const auto result_rank = static_cast<size_t>(patch.shape(patch.node(n).outputs[0]).rank);
    if (result_rank != rank) return std::nullopt;
    for (bool commit : {false, true})
      for (size_t k = 0; k < inputs.size(); ++k) {
        const bool scalar = op == Builtin::CONCATENATION && patch.constant(inputs[k]) &&
                            patch.shape(inputs[k]).rank != static_cast<int32_t>(rank);
        sunk.inputs[k] = scalar ? kAbsent : transposed_back(patch, inputs[k], perm, commit);
        if (sunk.inputs[k] == kAbsent) return std::nullopt;
      }
    return sunk;
  }
  const int32_t t = patch.producer(inputs[0], Builtin::TRANSPOSE);
  if (t < 0 || permutation(patch, t) != perm || !goes_away(patch, inputs[0], perm))
    return std::nullopt;
  sunk.inputs[0] = patch.node(t).inputs[0];
  if (is_reduction(op)) {
    std::vector<int32_t> list = *axes(patch, inputs[1], static_cast<int>(rank));
    for (int32_t& a : list) a = perm[static_cast<size_t>(a)];
    sunk.inputs[1] = patch.list(list);
    if (!patch.options<schema::ReducerOptions>(patch.node(n)).keep_dims)
      sunk.perm = without(perm, list);
  } else if (op == Builtin::REVERSE_V2) {
    std::vector<int32_t> list = *axes(patch, inputs[1], static_cast<int>(rank));
    for (int32_t& a : list) a = perm[static_cast<size_t>(a)];
    sunk.inputs[1] = patch.list(list);
  } else if (op == Builtin::PAD || op == Builtin::PADV2 || op == Builtin::MIRROR_PAD) {
    const auto pads = *patch.integers(inputs[1]);
    std::vector<int32_t> moved(2 * rank);
    for (size_t i = 0; i < rank; ++i)
      for (size_t side = 0; side < 2; ++side)
        moved[2 * static_cast<size_t>(perm[i]) + side] = static_cast<int32_t>(pads[2 * i + side]);
    sunk.inputs[1] = patch.constant<int32_t>({static_cast<int32_t>(rank), 2}, moved);
  }
  return sunk;
}

bool sink(Patch& patch, int32_t n, const Perm& perm) {
  if (!sinkable(patch, n, perm)) return false;
  const auto sunk = sunk_operands(patch, n, perm);
  if (!sunk) return false;
  if (patch.is(n, Builtin::CONCATENATION)) {
    auto options = patch.options<schema::ConcatenationOptions>(patch.node(n));
    const auto rank = static_cast<int32_t>(perm.size());
    options.axis = perm[static_cast<size_t>(options.axis < 0 ? options.axis + rank : options.axis)];
    patch.set_options(n, options);
  }
  const int32_t y = patch.node(n).outputs[0];
  const std::string name(patch.tensor(y).name);
  const int32_t moved = patch.tensor_like(y, patch.type(y), name);
  patch.tensor(moved).quantization = patch.tensor(y).quantization;
  patch.set_outputs_of(n, {moved});
  patch.set_inputs_of(n, sunk->inputs);
  patch.infer(n);
  const bool in_order = std::is_sorted(sunk->perm.begin(), sunk->perm.end());
  patch.replace(y, in_order ? moved : add_transpose(patch, moved, sunk->perm, name));
  return true;
}

// TRANSPOSE of a TRANSPOSE.
bool merge(Patch& patch, int32_t n) {
  const int32_t first = patch.producer(patch.node(n).inputs[0], Builtin::TRANSPOSE);
  if (first < 0) return false;
  const auto p = permutation(patch, first), q = permutation(patch, n);
  if (!p || !q) return false;
  Perm both;
  for (int32_t i : *q) both.push_back((*p)[static_cast<size_t>(i)]);
  const int32_t x = patch.node(first).inputs[0], y = patch.node(n).outputs[0];
  const std::string name(patch.tensor(y).name);
  if (!std::is_sorted(both.begin(), both.end()) || !may_replace(patch, y, x))
    patch.replace(y, add_transpose(patch, x, both, name));
  else
    patch.replace(y, x);
  patch.erase(n);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (patch.erased(n)) continue;
    if (patch.is(n, Builtin::TRANSPOSE)) {
      rewrites += merge(patch, n) ? 1 : 0;
      continue;
    }
    for (int32_t i : patch.node(n).inputs) {
      const int32_t t = patch.producer(i, Builtin::TRANSPOSE);
      const auto perm = t < 0 ? std::nullopt : permutation(patch, t);
      if (!perm || patch.shape_unknown(i)) continue;
      rewrites += sink(patch, n, *perm) ? 1 : 0;
      break;
    }
  }
  return rewrites;
}

}  // namespace

/// TRANSPOSE moves behind the operators that don't care, until it meets another one and both become
/// one or none.
extern const Pass kSinkTransposes;
const Pass kSinkTransposes = {
    .name = "sink-transposes",
    .summary = "TRANSPOSE cancelled, or moved towards one that cancels it",
    .level = PassLevel::safe,
    .run = run};

}  // namespace cygnet::passes
