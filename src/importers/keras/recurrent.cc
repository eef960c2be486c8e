// SPDX-License-Identifier: Apache-2.0
// Recurrent layers over x [N, T, C]. An LSTM in Keras's standard form is the format's sequence
// operator; the others are a WHILE over their steps, or on request (--unroll, or the layer's own
// setting) one step behind the other.
#include <algorithm>
#include <array>

#include "edit/recurrent.h"
#include "importers/keras/recurrent_cell.h"

namespace cygnet::keras {
namespace {

// Unrolled steps of one layer.
constexpr int32_t kMaxSteps = 1024;

struct Run {
  int32_t x = kAbsent;
  Tensors state;           // empty: zeros
  bool backwards = false;  // the last step first
  bool restore = false;    // sequences in the order of the input again
  bool sequences = false;  // all steps, not only the last
  bool return_state = false;
};

bool named(const Config& function, const char* name) {
  if (function.is_text()) return function.text() == name;
  return function.at("config").is_text() && function.at("config").text() == name;
}

bool fusable(const Cell& cell, const Run& run) {
  return cell.kind == Kind::lstm && named(cell.activation, "tanh") &&
         named(cell.recurrent_activation, "sigmoid") && !run.return_state;
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
  std::array<int32_t, 2> state = {kAbsent, kAbsent};
  for (size_t k = 0; k < run.state.size(); ++k) {
    // A constant state would have to be repeated for the batch.
    if (l.e.constant(run.state[k]) || l.rank(run.state[k]) != 2) return kAbsent;
    state[k] = run.state[k];
  }
  const int32_t y = add_sequence_lstm(l.e, x, weights, l.name, state);
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
  const int32_t first =
      l.e.add(Builtin::UNPACK, {projected}, options,
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

// The loop's arguments: the step, the state, the list of all states (if it is wanted), x·W + b.
struct Arguments {
  std::vector<int32_t> list;
  size_t states = 0;
  bool sequences = false;
};

// The condition: more steps to go.
int loop_condition(Layer& l, const Arguments& outside, int32_t steps, bool down) {
  const int index = l.e.draft().add_subgraph(l.name + "/condition");
  Editor e(l.e.draft(), l.e.registry(), index);
  std::vector<int32_t> in;
  for (int32_t t : outside.list) in.push_back(e.input_like(l.e, t, l.e.tensor(t).name));
  const int32_t limit = e.scalar<int32_t>(down ? 0 : steps);
  e.set_outputs({e.add(down ? Builtin::GREATER_EQUAL : Builtin::LESS, {in[0], limit}, NoOptions(),
                       Results(l.name + "/more", Type::boolean))});
  return index;
}

// One step: the next value of every argument.
int loop_body(Layer& l, const Cell& cell, const Arguments& outside, bool down) {
  const int index = l.e.draft().add_subgraph(l.name + "/step");
  Editor e(l.e.draft(), l.e.registry(), index);
  Import import{e, l.import.options, l.import.file, {}, {}};
  Layer inside(import, l.name, l.kind, l.config, l.weights, {});
  std::vector<int32_t> in;
  for (int32_t t : outside.list) in.push_back(e.input_like(l.e, t, l.e.tensor(t).name));
  schema::GatherOptionsT axis;
  axis.axis = 1;
  const int32_t w = inside.add(Builtin::GATHER, {in.back(), in[0]}, axis);
  const Tensors state(in.begin() + 1, in.begin() + 1 + static_cast<int64_t>(outside.states));
  std::vector<int32_t> next = {
      inside.add(Builtin::ADD, {in[0], e.scalar<int32_t>(down ? -1 : 1)}, schema::AddOptionsT())};
  const Tensors after = step(inside, moved(l, inside, cell), w, state);
  next.insert(next.end(), after.begin(), after.end());
  if (outside.sequences) {
    const int32_t row = inside.reshape(after[0], {kRest, 1, cell.units});
    schema::PackOptionsT pack;
    pack.values_count = 3;
    const int32_t zero = e.scalar<int32_t>(0);
    const int32_t start = inside.add_typed(Builtin::PACK, {zero, in[0], zero}, Type::int32, pack);
    next.push_back(inside.add(Builtin::DYNAMIC_UPDATE_SLICE, {in[1 + outside.states], row, start}));
  }
  next.push_back(in.back());
  e.set_outputs(next);
  return index;
}

// Empty where the batch is not to be had for the first state.
Tensors looped(Layer& l, const Cell& cell, const Run& run) {
  const int32_t steps = l.dim(run.x, 1);
  l.refuse_if(steps < 1, "expected at least 1 time step");
  const auto zeros = [&](const std::vector<int32_t>& dims, const char* what) {
    return fill_batch(l.e, run.x, 0, dims, 0, l.name + what, {run.x});
  };
  // Steps are read and written at the same place: forwards, or from the last one down.
  const bool down = run.backwards && (run.restore || !run.sequences);
  Arguments a;
  a.sequences = run.sequences;
  a.states = cell.kind == Kind::lstm ? 2 : 1;
  a.list.push_back(l.e.scalar<int32_t>(down ? steps - 1 : 0, l.name + "/first"));
  for (size_t k = 0; k < a.states; ++k)
    a.list.push_back(run.state.empty() ? zeros({-1, cell.units}, "/zero_state") : run.state[k]);
  if (run.sequences) a.list.push_back(zeros({-1, steps, cell.units}, "/zeros"));
  if (std::count(a.list.begin(), a.list.end(), kAbsent) != 0) return {};
  const int32_t x =
      run.backwards && !down ? add_reverse(l.e, run.x, 1, l.name + "/reversed") : run.x;
  a.list.push_back(l.dense(x, cell.kernel, cell.bias));
  schema::WhileOptionsT options;
  options.cond_subgraph_index = loop_condition(l, a, steps, down);
  options.body_subgraph_index = loop_body(l, cell, a, down);
  Tensors outputs;
  for (size_t k = 0; k < a.list.size(); ++k)
    outputs.push_back(l.e.tensor_like(a.list[k], l.e.type(a.list[k]), text(l.name, "/while:", k)));
  l.e.add_into(Builtin::WHILE, a.list, outputs, options);
  Tensors result = {outputs[run.sequences ? 1 + a.states : 1]};
  if (run.return_state)
    result.insert(result.end(), outputs.begin() + 1,
                  outputs.begin() + 1 + static_cast<int64_t>(a.states));
  return result;
}

Tensors run_cell(Layer& l, const Cell& cell, const Run& run) {
  if (fusable(cell, run))
    if (const int32_t y = fused_lstm(l, cell, run); y != kAbsent) return {y};
  if (!l.import.options.unroll && !l.config.flag("unroll", false))
    if (Tensors result = looped(l, cell, run); !result.empty()) return result;
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

Tensors emit_simple_rnn(Layer& l) {
  return recurrent(l, run_of(l), "SimpleRNN");
}
Tensors emit_lstm(Layer& l) {
  return recurrent(l, run_of(l), "LSTM");
}
Tensors emit_gru(Layer& l) {
  return recurrent(l, run_of(l), "GRU");
}

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
