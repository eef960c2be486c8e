// SPDX-License-Identifier: Apache-2.0
// Recurrent layers over x [N, T, C]. An LSTM in Keras's standard form is the format's sequence
// operator; the others are unrolled over their steps, which begin from a state of zeros that is
// left out.
#include <algorithm>
#include <array>

#include "edit/recurrent.h"
#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

// Unrolled steps of one layer.
constexpr int32_t kMaxSteps = 1024;

enum class Kind { simple, lstm, gru };

struct Cell {
  Kind kind = Kind::simple;
  int32_t units = 0;
  Config activation;
  Config recurrent_activation;
  bool reset_after = false;
  int32_t kernel = kAbsent;          // [gates·units, C]
  int32_t recurrent = kAbsent;       // [gates·units, units]
  int32_t recurrent_new = kAbsent;   // GRU with the reset before: [units, units]
  int32_t bias = kAbsent;            // [gates·units]
  int32_t recurrent_bias = kAbsent;  // GRU with the reset after: [3·units]
};

struct Run {
  int32_t x = kAbsent;
  Tensors state;             // empty: zeros
  bool backwards = false;    // the last step first
  bool restore = false;      // sequences in the order of the input again
  bool sequences = false;    // all steps, not only the last
  bool return_state = false;
};

Kind kind_of(const Layer& l, const std::string& name) {
  if (name == "SimpleRNN" || name == "SimpleRNNCell") return Kind::simple;
  if (name == "LSTM" || name == "LSTMCell") return Kind::lstm;
  if (name == "GRU" || name == "GRUCell") return Kind::gru;
  l.fail(text("cells of class ", name, " are not supported"));
}

// Rows [first, first + count) of a matrix or vector constant.
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
  const int32_t first = l.e.add(
      Builtin::SPLIT, {l.e.scalar<int32_t>(l.rank(x) - 1), x}, options,
      Results(name, std::vector<Type>(static_cast<size_t>(parts), Type::float32)));
  Tensors result;
  for (int32_t i = 0; i < parts; ++i) result.push_back(first + i);
  return result;
}

int32_t sum(Layer& l, int32_t a, int32_t b) { return b == kAbsent ? a : l.plus(a, b); }

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
    const int32_t product = state.empty()
                                ? cell.recurrent_bias
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

Tensors step(Layer& l, const Cell& cell, int32_t w, const Tensors& state) {
  if (cell.kind == Kind::lstm) return lstm_step(l, cell, w, state);
  if (cell.kind == Kind::gru) return gru_step(l, cell, w, state);
  const int32_t z = state.empty() ? w : l.plus(w, l.dense(state[0], cell.recurrent, kAbsent));
  return {activate(l, z, cell.activation)};
}

bool named(const Config& function, const char* name) {
  if (function.is_text()) return function.text() == name;
  return function.at("config").is_text() && function.at("config").text() == name;
}

bool fusable(const Cell& cell, const Run& run) {
  return cell.kind == Kind::lstm && named(cell.activation, "tanh") &&
         named(cell.recurrent_activation, "sigmoid") && run.state.empty() && !run.return_state;
}

// kAbsent where the input's shape does not allow it.
int32_t fused_lstm(Layer& l, const Cell& cell, const Run& run) {
  const int32_t n = cell.units;
  int32_t bias = cell.bias;
  if (bias == kAbsent)
    bias = l.constant({4 * n}, std::vector<float>(static_cast<size_t>(4 * n), 0));
  LstmWeights weights;
  for (int32_t g = 0; g < 4; ++g) {
    const size_t at = static_cast<size_t>(g);
    weights.input[at] = rows(l, cell.kernel, g * n, n);
    weights.recurrent[at] = rows(l, cell.recurrent, g * n, n);
    weights.bias[at] = rows(l, bias, g * n, n);
  }
  const int32_t x = run.backwards ? add_reverse(l.e, run.x, 1, l.name + "/reversed") : run.x;
  const int32_t y = add_sequence_lstm(l.e, x, weights, l.name);
  if (y == kAbsent) return y;
  if (!run.sequences) return add_last_step(l.e, y, l.name + "/last");
  return run.backwards && run.restore ? add_reverse(l.e, y, 1, l.name + "/restored") : y;
}

Tensors unrolled(Layer& l, const Cell& cell, const Run& run) {
  const int32_t steps = l.dim(run.x, 1);
  l.refuse_if(steps < 1 || steps > kMaxSteps,
              text("expected 1 to ", kMaxSteps, " time steps, got ", steps));
  const int32_t projected = l.dense(run.x, cell.kernel, cell.bias);
  schema::UnpackOptionsT options;
  options.num = steps;
  options.axis = 1;
  const std::string name = l.name + "/unpack";
  const int32_t first = l.e.add(
      Builtin::UNPACK, {projected}, options,
      Results(name, std::vector<Type>(static_cast<size_t>(steps), Type::float32)));
  Tensors state = run.state, sequence;
  for (int32_t t = 0; t < steps; ++t) {
    state = step(l, cell, first + (run.backwards ? steps - 1 - t : t), state);
    sequence.push_back(state[0]);
  }
  Tensors result = {state[0]};
  if (run.sequences) {
    if (run.backwards && run.restore) std::reverse(sequence.begin(), sequence.end());
    schema::PackOptionsT pack;
    pack.values_count = steps;
    pack.axis = 1;
    result = {l.add(Builtin::PACK, sequence, pack)};
  }
  if (run.return_state) result.insert(result.end(), state.begin(), state.end());
  return result;
}

Tensors run_cell(Layer& l, const Cell& cell, const Run& run) {
  if (fusable(cell, run))
    if (const int32_t y = fused_lstm(l, cell, run); y != kAbsent) return {y};
  return unrolled(l, cell, run);
}

// What config and call of a recurrent layer ask for.
Run run_of(Layer& l) {
  Run run;
  run.x = l.input();
  l.expect_rank(run.x, 3);
  l.refuse_if(l.config.flag("stateful", false), "stateful layers are not supported");
  l.refuse_if(l.config.flag("time_major", false), "time_major is not supported");
  l.refuse_if(l.keyword("mask") != kAbsent, "a mask is not supported");
  run.sequences = l.config.flag("return_sequences", false);
  run.return_state = l.config.flag("return_state", false);
  run.backwards = l.config.flag("go_backwards", false);
  run.state.assign(l.inputs.begin() + 1, l.inputs.end());
  const auto given = l.call.keywords.find("initial_state");
  if (given != l.call.keywords.end())
    for (int32_t t : tensors_of(given->second)) run.state.push_back(t);
  return run;
}

void check_state(const Layer& l, const Run& run, Kind kind) {
  const size_t wanted = kind == Kind::lstm ? 2 : 1;
  l.refuse_if(!run.state.empty() && run.state.size() != wanted,
              text("expected ", wanted, " initial states, got ", run.state.size()));
}

std::string cell_name(Kind kind) {
  return kind == Kind::simple ? "simple_rnn_cell" : kind == Kind::lstm ? "lstm_cell" : "gru_cell";
}

Tensors recurrent(Layer& l, const Run& run, const std::string& class_name) {
  const Kind kind = kind_of(l, class_name);
  check_state(l, run, kind);
  const Cell cell =
      load(l, kind, l.config, l.weights.child(cell_name(kind), "cell"), l.dim(run.x, 2));
  return run_cell(l, cell, run);
}

}  // namespace

Tensors emit_simple_rnn(Layer& l) { return recurrent(l, run_of(l), "SimpleRNN"); }
Tensors emit_lstm(Layer& l) { return recurrent(l, run_of(l), "LSTM"); }
Tensors emit_gru(Layer& l) { return recurrent(l, run_of(l), "GRU"); }

// RNN over one cell, or over several that feed each other.
Tensors emit_rnn(Layer& l) {
  Run run = run_of(l);
  const Config cell = l.config.at("cell");
  const std::string kind_name = cell.text("class_name", "");
  const Config settings = cell.at("config");
  if (kind_name != "StackedRNNCells") {
    const Kind kind = kind_of(l, kind_name);
    check_state(l, run, kind);
    const Weights w = l.weights.child(settings.text("name", ""), "cell");
    return run_cell(l, load(l, kind, settings, w, l.dim(run.x, 2)), run);
  }
  l.refuse_if(run.return_state || !run.state.empty(), "states of stacked cells are not supported");
  const Config cells = settings.at("cells");
  ContainerNames places;
  Tensors y;
  const bool sequences = run.sequences;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string name = cells.at(i).text("class_name", "");
    const Config own = cells.at(i).at("config");
    const Weights w = l.weights.child(own.text("name", ""), "cell/cells/" + places.next(name));
    run.sequences = sequences || i + 1 < cells.size();
    y = run_cell(l, load(l, kind_of(l, name), own, w, l.dim(run.x, 2)), run);
    run.x = y[0];
    run.backwards = false;  // what follows reads the steps as they come
  }
  l.refuse_if(y.empty(), "no cells");
  return y;
}

Tensors emit_bidirectional(Layer& l) {
  const Config layer = l.config.at("layer");
  const Config other = l.config.has("backward_layer") ? l.config.at("backward_layer") : layer;
  const int32_t x = l.input();
  l.refuse_if(l.inputs.size() > 1 || l.keyword("mask") != kAbsent ||
                  l.call.keywords["initial_state"].is_list,
              "initial states and masks are not supported");
  Tensors y;
  for (const bool backward : {false, true}) {
    const Config one = backward ? other : layer;
    const std::string side = backward ? "backward" : "forward";
    std::string name = one.at("config").text("name", "");
    if (name.rfind(side, 0) != 0) name = side + "_" + name.substr(0, name.size());
    Call call;
    call.positional.emplace_back().tensor = x;
    Layer inner(l.import, l.name + "/" + side, one.text("class_name", ""), one.at("config"),
                l.weights.child(name, side + "_layer"), call);
    Run run = run_of(inner);
    // Keras 2 may leave the backward layer to be derived from the forward one.
    run.backwards = l.config.has("backward_layer") ? run.backwards : backward;
    run.restore = backward;
    l.refuse_if(run.return_state, "return_state is not supported");
    y.push_back(recurrent(inner, run, inner.kind)[0]);
  }
  const Config mode = l.config.at("merge_mode");
  if (mode.null()) return y;
  if (mode.text() == "concat") return {l.concatenate(y, l.rank(y[0]) - 1)};
  if (mode.text() == "mul") return {l.times(y[0], y[1])};
  const int32_t total = l.plus(y[0], y[1]);
  if (mode.text() == "sum") return {total};
  l.refuse_if(mode.text() != "ave", text("merge_mode \"", mode.text(), "\" is not supported"));
  return {l.times(total, 0.5f)};
}

// The inner layer sees the steps as so many more examples.
Tensors emit_time_distributed(Layer& l) {
  const int32_t x = l.input();
  l.refuse_if(l.rank(x) < 3, "expected an input of rank 3 or more");
  const int32_t steps = l.dim(x, 1);
  std::vector<int32_t> dims = {kRest};
  for (int d = 2; d < l.rank(x); ++d) dims.push_back(l.dim(x, d));
  Call call;
  call.positional.emplace_back().tensor = l.reshape(x, dims);
  const Config layer = l.config.at("layer");
  Tensors result;
  for (int32_t y : emit_inner(l, layer, "", "layer", call)) {
    dims = {kRest, steps};
    for (int d = 1; d < l.rank(y); ++d) dims.push_back(l.dim(y, d));
    l.refuse_if(dims.size() > static_cast<size_t>(kMaxRank), "too many dimensions");
    result.push_back(l.reshape(y, dims));
  }
  return result;
}

}  // namespace cygnet::keras
