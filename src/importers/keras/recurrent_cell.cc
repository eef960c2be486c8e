// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/recurrent_cell.h"

namespace cygnet::keras {
namespace {

// Equal parts of the last dimension.
Tensors split(Layer& l, int32_t x, int32_t parts) {
  if (l.e.constant(x)) {
    Tensors result;
    const int32_t n = l.dim(x, 0) / parts;
    for (int32_t i = 0; i < parts; ++i) result.push_back(rows(l, x, i * n, n));
    return result;
  }
  schema::SplitOptionsT options;
  options.num_splits = parts;
  const std::string name = l.name + "/split";
  const int32_t first =
      l.e.add(Builtin::SPLIT, {l.e.scalar<int32_t>(l.rank(x) - 1), x}, options,
              Results(name, std::vector<Type>(static_cast<size_t>(parts), Type::float32)));
  Tensors result;
  for (int32_t i = 0; i < parts; ++i) result.push_back(first + i);
  return result;
}

int32_t sum(Layer& l, int32_t a, int32_t b) {
  return b == kAbsent ? a : l.plus(a, b);
}

// state: (h, c); none in the first step. w: x·W + b of this step.
Tensors lstm_step(Layer& l, const Cell& cell, int32_t w, const Tensors& state) {
  const int32_t z = state.empty() ? w : l.plus(w, l.dense(state[0], cell.recurrent, kAbsent));
  const Tensors gates = split(l, z, 4);
  const auto gate = [&](size_t i) { return activate(l, gates[i], cell.recurrent_activation); };
  int32_t c = l.times(gate(0), activate(l, gates[2], cell.activation));
  if (!state.empty()) c = l.plus(l.times(gate(1), state[1]), c);
  return {l.times(gate(3), activate(l, c, cell.activation)), c};
}

// Cho et al. 2014; the reset gate acts on the state or, with reset_after, on its product.
Tensors gru_step(Layer& l, const Cell& cell, int32_t w, const Tensors& state) {
  const Tensors x = split(l, w, 3);
  Tensors r(3, kAbsent);
  if (cell.reset_after) {
    const int32_t product = state.empty() ? cell.recurrent_bias
                                          : l.dense(state[0], cell.recurrent, cell.recurrent_bias);
    if (product != kAbsent) r = split(l, product, 3);
  } else if (!state.empty()) {
    r = split(l, l.dense(state[0], cell.recurrent, kAbsent), 2);
    r.push_back(kAbsent);
  }
  const int32_t z = activate(l, sum(l, x[0], r[0]), cell.recurrent_activation);
  int32_t fresh = x[2];
  if (cell.reset_after ? r[2] != kAbsent : !state.empty()) {
    const int32_t reset = activate(l, sum(l, x[1], r[1]), cell.recurrent_activation);
    const int32_t part = cell.reset_after
                             ? l.times(reset, r[2])
                             : l.dense(l.times(reset, state[0]), cell.recurrent_new, kAbsent);
    fresh = l.plus(fresh, part);
  }
  fresh = activate(l, fresh, cell.activation);
  int32_t h = l.times(l.minus(l.e.scalar(1.0f), z), fresh);
  if (!state.empty()) h = l.plus(l.times(z, state[0]), h);
  return {h};
}

}  // namespace

Kind kind_of(const Layer& l, const std::string& name) {
  if (name == "SimpleRNN" || name == "SimpleRNNCell") return Kind::simple;
  if (name == "LSTM" || name == "LSTMCell") return Kind::lstm;
  if (name == "GRU" || name == "GRUCell") return Kind::gru;
  l.fail(text("cells of class ", name, " are not supported"));
}

int32_t rows(Layer& l, int32_t constant, int32_t first, int32_t count) {
  const std::span<const float> all = l.e.values<float>(constant);
  Shape shape = l.e.shape(constant);
  const size_t width = shape.rank == 2 ? static_cast<size_t>(shape[1]) : 1;
  shape[0] = count;
  return l.e.constant<float>(
      shape, all.subspan(static_cast<size_t>(first) * width, static_cast<size_t>(count) * width));
}

Cell load(Layer& l, Kind kind, const Config& c, Weights weights, int32_t channels) {
  Cell cell;
  cell.kind = kind;
  cell.units = c.integer("units", 0);
  l.refuse_if(cell.units < 1 || cell.units > (1 << 20), "units is out of range");
  cell.activation = c.at("activation");
  cell.recurrent_activation = c.at("recurrent_activation");
  cell.reset_after = kind == Kind::gru && c.flag("reset_after", false);
  const int32_t gates = kind == Kind::simple ? 1 : kind == Kind::lstm ? 4 : 3;
  const int32_t width = gates * cell.units;
  std::swap(l.weights, weights);
  cell.kernel = l.weight("kernel", {channels, width}, {1, 0});
  cell.recurrent = l.weight("recurrent_kernel", {cell.units, width}, {1, 0});
  if (c.flag("use_bias", true)) {
    if (cell.reset_after) {
      const std::vector<float> both = l.values("bias", {2, width});
      const auto middle = both.begin() + width;
      cell.bias = l.constant({width}, {both.begin(), middle});
      cell.recurrent_bias = l.constant({width}, {middle, both.end()});
    } else {
      cell.bias = l.weight("bias", {width});
    }
  }
  std::swap(l.weights, weights);
  if (kind == Kind::gru && !cell.reset_after) {
    cell.recurrent_new = rows(l, cell.recurrent, 2 * cell.units, cell.units);
    cell.recurrent = rows(l, cell.recurrent, 0, 2 * cell.units);
  }
  return cell;
}

Cell moved(const Layer& from, Layer& inside, const Cell& cell) {
  Cell result = cell;
  for (int32_t Cell::*constant : {&Cell::kernel, &Cell::recurrent, &Cell::recurrent_new,
                                  &Cell::bias, &Cell::recurrent_bias}) {
    if (cell.*constant == kAbsent) continue;
    const GraphTensor t = from.e.tensor(cell.*constant);
    result.*constant = inside.e.borrowed_constant(
        t.type, t.shape, {static_cast<const uint8_t*>(t.data), t.bytes}, t.name);
  }
  return result;
}

Tensors step(Layer& l, const Cell& cell, int32_t w, const Tensors& state) {
  if (cell.kind == Kind::lstm) return lstm_step(l, cell, w, state);
  if (cell.kind == Kind::gru) return gru_step(l, cell, w, state);
  const int32_t z = state.empty() ? w : l.plus(w, l.dense(state[0], cell.recurrent, kAbsent));
  return {activate(l, z, cell.activation)};
}

}  // namespace cygnet::keras
