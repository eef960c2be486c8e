// SPDX-License-Identifier: Apache-2.0
// The loop that TensorFlow writes for an LSTM layer:
//   z = W·x[t] + R·h + b, split into i, f, g, o (in any order, or computed one by one)
//   c ← σ(f)∘c + σ(i)∘tanh(g),  h ← σ(o)∘tanh(c),  list[t] ← h
// over x [T, N, C]. Becomes UNIDIRECTIONAL_SEQUENCE_LSTM.
#include <algorithm>

#include "edit/recurrent.h"
#include "passes/loops.h"

namespace cygnet::passes {
namespace {

// A sum W·x[t] + R·h + b of the body, or the part of its rows that a gate takes.
struct Sum {
  int32_t input = kAbsent, recurrent = kAbsent;  // weights: constants of the body
  std::vector<int32_t> biases;
  int32_t first = 0, units = 0;  // rows
};

// What of the loop is what.
struct Cell {
  size_t h = 0, c = 0;  // arguments
  int x = -1, time = -1;
  std::array<Sum, 4> gates;  // input, forget, cell, output
  int64_t turns = 0;
};

// The argument that a step x[t] is taken from; fills cell.x and cell.time.
bool match_step(const Loop& loop, int32_t tensor, Cell& cell) {
  const int32_t n = loop.body.producer(tensor, Builtin::GATHER);
  if (n < 0) return false;
  const auto options = loop.body.options<schema::GatherOptions>(loop.body.node(n));
  const int x = loop.argument_index(loop.body.node(n).inputs[0]);
  const int time = loop.argument_index(loop.body.node(n).inputs[1]);
  if (options.axis != 0 || options.batch_dims != 0 || x < 0 || time < 0) return false;
  if ((cell.x >= 0 && cell.x != x) || (cell.time >= 0 && cell.time != time)) return false;
  cell.x = x;
  cell.time = time;
  return true;
}

// Adds the terms of a sum.
bool match_terms(const Loop& loop, int32_t tensor, Cell& cell, Sum& sum, int depth) {
  const Patch& body = loop.body;
  if (body.constant(tensor)) {
    if (body.type(tensor) != Type::float32) return false;
    sum.biases.push_back(tensor);
    return true;
  }
  if (const int32_t add = plain(body, tensor, Builtin::ADD); add >= 0 && depth > 0)
    return match_terms(loop, body.node(add).inputs[0], cell, sum, depth - 1) &&
           match_terms(loop, body.node(add).inputs[1], cell, sum, depth - 1);
  const int32_t n = plain(body, tensor, Builtin::FULLY_CONNECTED);
  if (n < 0) return false;
  const auto inputs = body.node(n).inputs;
  if (!body.constant(inputs[1]) || body.type(inputs[1]) != Type::float32) return false;
  if (inputs.size() > 2 && inputs[2] != kAbsent) {
    if (!body.constant(inputs[2])) return false;
    sum.biases.push_back(inputs[2]);
  }
  const bool of_h = loop.argument_index(inputs[0]) == static_cast<int>(cell.h);
  int32_t& weights = of_h ? sum.recurrent : sum.input;
  if (weights != kAbsent || (!of_h && !match_step(loop, inputs[0], cell))) return false;
  weights = inputs[1];
  return true;
}

bool match_gate(const Loop& loop, int32_t tensor, Cell& cell, Sum& sum) {
  const Patch& body = loop.body;
  sum.units = body.shape(tensor).rank == 2 ? body.shape(tensor)[1] : 0;
  const int32_t split = body.producer(tensor, Builtin::SPLIT);
  if (split >= 0) {
    const Node& node = body.node(split);
    const auto axis = axes(body, node.inputs[0], 2);
    if (!axis || *axis != std::vector<int32_t>{1}) return false;
    const auto at = std::find(node.outputs.begin(), node.outputs.end(), tensor);
    sum.first = static_cast<int32_t>(at - node.outputs.begin()) * sum.units;
    tensor = node.inputs[1];
  }
  const int32_t width = body.shape(tensor).rank == 2 ? body.shape(tensor)[1] : 0;
  if (!match_terms(loop, tensor, cell, sum, 6) || sum.input == kAbsent ||
      sum.recurrent == kAbsent || sum.first + sum.units > width)
    return false;
  for (int32_t weights : {sum.input, sum.recurrent})
    if (body.shape(weights).rank != 2 || body.shape(weights)[0] != width) return false;
  return std::all_of(sum.biases.begin(), sum.biases.end(), [&](int32_t b) {
    const int64_t n = body.shape(b).elements();
    return n == 1 || (n == width && body.shape(b)[body.shape(b).rank - 1] == width);
  });
}

// What `op` is applied to, to make a tensor.
int32_t inside(const Patch& patch, int32_t tensor, Builtin op) {
  const int32_t n = patch.producer(tensor, op);
  return n < 0 ? kAbsent : patch.node(n).inputs[0];
}

// tensor = σ(a)∘tanh(b), either way round.
bool match_product(const Patch& body, int32_t tensor, int32_t& a, int32_t& b) {
  const int32_t mul = plain(body, tensor, Builtin::MUL);
  if (mul < 0) return false;
  for (size_t k = 0; k < 2; ++k) {
    a = inside(body, body.node(mul).inputs[k], Builtin::LOGISTIC);
    b = inside(body, body.node(mul).inputs[1 - k], Builtin::TANH);
    if (a != kAbsent && b != kAbsent) return true;
  }
  return false;
}

// The arithmetic from argument h's next value backwards.
bool match_arithmetic(const Loop& loop, size_t h, Cell& cell) {
  const Patch& body = loop.body;
  std::array<int32_t, 4> z{kAbsent, kAbsent, kAbsent, kAbsent};
  int32_t c = kAbsent;
  cell.h = h;
  if (!match_product(body, loop.next(h), z[3], c)) return false;
  const auto outputs = body.subgraph().outputs;
  const auto at = std::find(outputs.begin(), outputs.end(), c);
  const int32_t add = plain(body, c, Builtin::ADD);
  if (at == outputs.end() || add < 0) return false;
  cell.c = static_cast<size_t>(at - outputs.begin());
  if (cell.c == h) return false;
  for (size_t k = 0; k < 2; ++k) {
    const int32_t kept = plain(body, body.node(add).inputs[k], Builtin::MUL);
    if (kept < 0 || !match_product(body, body.node(add).inputs[1 - k], z[0], z[2])) continue;
    const int32_t forget = operand_beside(body, kept, loop.argument(cell.c));
    if (forget == kAbsent) continue;
    z[1] = inside(body, forget, Builtin::LOGISTIC);
    if (z[1] == kAbsent) continue;
    for (size_t g = 0; g < 4; ++g)
      if (!match_gate(loop, z[g], cell, cell.gates[g])) return false;
    return true;
  }
  return false;
}

bool match_shapes(const Loop& loop, const Cell& cell) {
  const int32_t x = loop.operand(static_cast<size_t>(cell.x));
  const Patch& outer = loop.outer;
  const int32_t units = cell.gates[0].units;
  if (outer.shape_unknown(x) || outer.shape(x).rank != 3 || outer.dim_free(x, 0) ||
      outer.shape(x)[0] != cell.turns || units < 1 || outer.type(x) != Type::float32)
    return false;
  for (size_t k : {cell.h, cell.c}) {
    const int32_t state = loop.operand(k);
    if (is_zero(outer, state)) continue;
    // A constant state would have to be repeated for the batch.
    if (outer.constant(state) || outer.shape_unknown(state) || outer.shape(state).rank != 2 ||
        outer.shape(state)[1] != units || outer.type(state) != Type::float32)
      return false;
  }
  return std::all_of(cell.gates.begin(), cell.gates.end(), [&](const Sum& g) {
    return g.units == units && loop.body.shape(g.input)[1] == outer.shape(x)[2] &&
           loop.body.shape(g.recurrent)[1] == units;
  });
}

enum class Kept { no, all, last };

// Which steps' states argument k keeps: list[t] ← h, or a list of one element.
Kept kept_steps(const Loop& loop, const Cell& cell, size_t k) {
  const Patch& body = loop.body;
  const int32_t n = body.producer(loop.next(k), Builtin::DYNAMIC_UPDATE_SLICE);
  if (n < 0 || body.node(n).inputs[0] != loop.argument(k)) return Kept::no;
  const int32_t row = body.node(n).inputs[1], start = body.node(n).inputs[2];
  int32_t state = inside(body, row, Builtin::RESHAPE);
  if (state == kAbsent) state = inside(body, row, Builtin::EXPAND_DIMS);
  const Shape& list = body.shape(loop.argument(k));
  if (state != loop.next(cell.h) || list.rank != 3 || body.shape(row).rank != 3 ||
      body.shape(row)[0] != 1 || body.dim_free(loop.argument(k), 0))
    return Kept::no;
  if (list[0] == 1) return Kept::last;
  const int32_t pack = body.producer(start, Builtin::PACK);
  if (pack < 0 || list[0] != cell.turns) return Kept::no;
  const auto from = body.node(pack).inputs;
  if (from.size() != 3) return Kept::no;
  const auto zero = [&](int32_t t) {
    const auto v = body.integers(t);
    return v && v->size() == 1 && (*v)[0] == 0;
  };
  return loop.argument_index(from[0]) == cell.time && zero(from[1]) && zero(from[2]) ? Kept::all
                                                                                     : Kept::no;
}

std::unique_ptr<Cell> match_cell(const Loop& loop) {
  const auto turns = turns_of(loop);
  if (!turns || *turns < 1) return nullptr;
  for (size_t h = 0; h < loop.size(); ++h) {
    auto cell = std::make_unique<Cell>();
    cell->turns = *turns;
    if (!match_arithmetic(loop, h, *cell) || !match_shapes(loop, *cell)) continue;
    const auto time = counter_of(loop, static_cast<size_t>(cell->time));
    if (!loop.invariant(static_cast<size_t>(cell->x)) || !time || time->start != 0 ||
        time->step != 1)
      continue;
    for (size_t k = 0; k < loop.size(); ++k)
      if (loop.read(k) && k != cell->h && kept_steps(loop, *cell, k) == Kept::no &&
          !(loop.invariant(k) && may_replace(loop.outer, loop.result(k), loop.operand(k))))
        return nullptr;
    return cell;
  }
  return nullptr;
}

LstmWeights weights_of(Loop& loop, const Cell& cell) {
  LstmWeights w;
  const auto rows = [&](int32_t matrix, const Sum& g) {
    const GraphTensor t = loop.body.tensor(matrix);
    const size_t row = static_cast<size_t>(t.shape[1]) * sizeof(float);
    return loop.outer.borrowed_constant(
        Type::float32, {g.units, t.shape[1]},
        {t.as<uint8_t>() + static_cast<size_t>(g.first) * row, static_cast<size_t>(g.units) * row},
        t.name);
  };
  for (size_t i = 0; i < 4; ++i) {
    const Sum& g = cell.gates[i];
    w.input[i] = rows(g.input, g);
    w.recurrent[i] = rows(g.recurrent, g);
    std::vector<float> bias(static_cast<size_t>(g.units), 0);
    for (int32_t b : g.biases) {
      const auto values = loop.body.values<float>(b);
      for (size_t u = 0; u < bias.size(); ++u)
        bias[u] += values.size() == 1 ? values[0] : values[static_cast<size_t>(g.first) + u];
    }
    w.bias[i] = loop.outer.constant<float>({g.units}, bias);
  }
  return w;
}

bool rewrite(Loop& loop, const Cell& cell) {
  Patch& patch = loop.outer;
  const std::string name(patch.tensor(loop.result(cell.h)).name);
  const int32_t steps = loop.operand(static_cast<size_t>(cell.x));
  const int32_t x = add_transpose(patch, steps, {1, 0, 2}, name + "/steps");
  const auto state = [&](size_t k) {
    return is_zero(patch, loop.operand(k)) ? kAbsent : loop.operand(k);
  };
  const int32_t y = add_sequence_lstm(patch, x, weights_of(loop, cell), name + "/sequence",
                                      {state(cell.h), state(cell.c)});
  if (y == kAbsent) {
    patch.erase(patch.producer(x));
    return false;
  }
  int32_t last = kAbsent;
  for (size_t k = 0; k < loop.size(); ++k) {
    if (!loop.read(k)) continue;
    const int32_t result = loop.result(k);
    const std::string own(patch.tensor(result).name);
    const Kept kept = k == cell.h ? Kept::last : kept_steps(loop, cell, k);
    if (kept == Kept::last && last == kAbsent) last = add_last_step(patch, y, own);
    if (k == cell.h)
      patch.replace(result, last);
    else if (kept == Kept::all)
      patch.replace(result, add_transpose(patch, y, {1, 0, 2}, own));
    else if (kept == Kept::last)
      patch.replace(result, add_reshape(patch, last, result));
    else
      patch.replace(result, loop.operand(k));
  }
  patch.erase(loop.node);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t count = patch.node_count();
  for (int32_t n = 0; n < count; ++n) {
    const auto loop = loop_of(patch, n);
    if (loop == nullptr) continue;
    const auto cell = match_cell(*loop);
    rewrites += cell != nullptr && rewrite(*loop, *cell) ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// A loop over the steps of an LSTM becomes UNIDIRECTIONAL_SEQUENCE_LSTM.
extern const Pass kRecognizeLstm;
const Pass kRecognizeLstm = {.name = "recognize-lstm",
                             .summary = "loops that are UNIDIRECTIONAL_SEQUENCE_LSTM",
                             .level = PassLevel::fuse,
                             .run = run};

}  // namespace cygnet::passes
