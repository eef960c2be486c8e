// SPDX-License-Identifier: Apache-2.0
// The operators of the simple recurrent network, whose state h [B, U] outlives a run:
//   h ← act(b + W·x (+ V·a) + R·h), y = h.
//
// RNN: one step, x [B, I] → y [B, U].
// UNIDIRECTIONAL_SEQUENCE_RNN: x [B, T, I] → y [B, T, U]; [T, B, …] with time_major.
// BIDIRECTIONAL_SEQUENCE_RNN: y of a network that reads the sequence from its first step, and z
//   [B, T, P] of one that reads it from its last; with merge_outputs one result [B, T, U + P]. An
//   auxiliary input a [B, T, A] has weights V of its own in both networks; without such weights it
//   is what the second network reads, in place of x.
// Types: f32; hybrid weights (recurrent.h). Sources: tensorflow/lite/kernels/basic_rnn.cc,
// unidirectional_sequence_rnn.cc, bidirectional_sequence_rnn.cc, internal/kernel_utils.cc.
#include <algorithm>
#include <cstdio>

#include "ops/check.h"
#include "ops/recurrent.h"

namespace cygnet::ops {
namespace {

using schema::ActivationFunctionType;

constexpr int kMostNetworks = 2;

// Indices of the operands of one network.
struct Operands {
  int x = 0, weights = 1, recurrent = 2, bias = 3, state = 4;
  int aux = -1, aux_weights = -1;  // −1: there are none
};

// What the three option tables say.
struct Options {
  ActivationFunctionType activation;
  bool time_major, asymmetric, merge;
};

// Sizes and places of one network's operands.
struct Network {
  Operands at;
  int64_t units = 0;
  bool backwards = false;
  int output = 0;      // index of the output that takes the results
  int64_t row = 0;     // elements of a row of that output
  int64_t column = 0;  // where in the row this network's results begin
};

struct Layers {
  Options options = {};
  Network list[kMostNetworks] = {};
  int count = 1;
  int64_t batch = 0, steps = 1, input = 0;
  // Elements from one step to the next and from one sequence to the next, for rows of `width`.
  int64_t step_stride(int64_t width) const { return (options.time_major ? batch : 1) * width; }
  int64_t batch_stride(int64_t width) const { return (options.time_major ? 1 : steps) * width; }
};

struct RnnState {
  struct Matrices {
    WeightMatrix input, aux, recurrent;
  } networks[kMostNetworks];
  RowScratch rows, state_row;
  int sums = -1;      // scratch: [steps][units] W·x of one sequence
  int aux_sums = -1;  // scratch: the same of V·a
  int next = -1;      // scratch: [units]
};

constexpr int kAux = 9, kForwardAuxWeights = 10, kBackwardAuxWeights = 11;

// Of RNN, UNIDIRECTIONAL_SEQUENCE_RNN and BIDIRECTIONAL_SEQUENCE_RNN.
template <class Table>
Layers layers_of(const OpContext& op) {
  const auto& table = op.options<Table>();
  Layers layers;
  layers.options = {.activation = table.fused_activation_function(),
                    .time_major = false,
                    .asymmetric = table.asymmetric_quantize_inputs(),
                    .merge = false};
  if constexpr (!std::is_same_v<Table, schema::RNNOptions>)
    layers.options.time_major = table.time_major();
  if constexpr (std::is_same_v<Table, schema::BidirectionalSequenceRNNOptions>) {
    layers.options.merge = table.merge_outputs();
    layers.count = 2;
    Operands &forward = layers.list[0].at, &backward = layers.list[1].at;
    backward = {.weights = 5, .recurrent = 6, .bias = 7, .state = 8};
    if (op.input_or_null(kForwardAuxWeights) != nullptr) {
      forward.aux = backward.aux = kAux;
      forward.aux_weights = kForwardAuxWeights;
      backward.aux_weights = kBackwardAuxWeights;
    } else if (op.input_or_null(kAux) != nullptr) {
      backward.x = kAux;
    }
  }
  return layers;
}

// Ranks are checked: reads the sizes.
void measure(const OpContext& op, Layers* layers) {
  const Shape& x = op.input(0).shape;
  const bool sequence = x.rank == 3, time_major = layers->options.time_major;
  layers->batch = x[time_major ? 1 : 0];
  layers->steps = sequence ? x[time_major ? 0 : 1] : 1;
  layers->input = x[x.rank - 1];
  for (int i = 0; i < layers->count; ++i) {
    Network& n = layers->list[i];
    n.units = n.row = op.input(n.at.weights).shape[0];
  }
  if (layers->count == 1) return;
  Network &forward = layers->list[0], &backward = layers->list[1];
  backward.backwards = true;
  if (layers->options.merge) {
    forward.row = backward.row = forward.units + backward.units;
    backward.column = forward.units;
  } else {
    backward.output = 1;
  }
}

struct Name {
  char text[48];
  Name(int index, const char* role) {
    std::snprintf(text, sizeof(text), "input %d (%s)", index, role);
  }
};

Status check_matrix(const OpContext& op, int index, const char* role, Type type, int64_t n,
                    int64_t k) {
  const Tensor& t = op.input(index);
  const Name name(index, role);
  CYGNET_TRY(check_weights_type(name.text, t, type));
  return expect_shape(name.text, t, {static_cast<int32_t>(n), static_cast<int32_t>(k)});
}

Status check_network(const OpContext& op, const Layers& layers, const Network& n, Type type) {
  const auto units = static_cast<int32_t>(n.units);
  CYGNET_TRY(check_matrix(op, n.at.weights, "weights", type, units, layers.input));
  CYGNET_TRY(check_matrix(op, n.at.recurrent, "recurrent weights", type, units, units));
  const Name bias(n.at.bias, "bias"), state(n.at.state, "state");
  CYGNET_TRY(expect_type(bias.text, op.input(n.at.bias), {Type::float32}));
  CYGNET_TRY(expect_shape(bias.text, op.input(n.at.bias), {units}));
  CYGNET_TRY(expect_type(state.text, op.input(n.at.state), {Type::float32}));
  CYGNET_TRY(
      expect_shape(state.text, op.input(n.at.state), {static_cast<int32_t>(layers.batch), units}));
  if (n.at.aux < 0) return {};
  return check_matrix(op, n.at.aux_weights, "auxiliary weights", type, units,
                      op.input(n.at.aux).shape[2]);
}

Status check_aux(const OpContext& op) {
  const Tensor* aux = op.input_or_null(kAux);
  const bool forward = op.input_or_null(kForwardAuxWeights) != nullptr;
  const bool backward = op.input_or_null(kBackwardAuxWeights) != nullptr;
  if (forward != backward)
    return bad_model("input %d (auxiliary weights): expected to be %s", kBackwardAuxWeights,
                     forward ? "given" : "absent");
  if (aux == nullptr)
    return forward ? bad_model("input %d (auxiliary input): expected to be given", kAux) : Status();
  CYGNET_TRY(expect_type("input 9 (auxiliary input)", *aux, {Type::float32}));
  CYGNET_TRY(expect_rank("input 9 (auxiliary input)", *aux, 3));
  Shape wanted = op.input(0).shape;
  if (forward) wanted[2] = aux->shape[2];
  return expect_shape("input 9 (auxiliary input)", *aux, wanted);
}

template <class Table>
Status infer(OpContext& op) {
  Layers layers = layers_of<Table>(op);
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", x, std::is_same_v<Table, schema::RNNOptions> ? 2 : 3));
  for (int i = 0; i < layers.count; ++i) {
    const int index = layers.list[i].at.weights;
    CYGNET_TRY(expect_rank(Name(index, "weights").text, op.input(index), 2));
  }
  if (layers.count == 2) CYGNET_TRY(check_aux(op));
  const int outputs = layers.count == 2 && !layers.options.merge ? 2 : 1;
  if (op.outputs() != outputs)
    return bad_model("expected %d outputs, got %d", outputs, op.outputs());
  CYGNET_TRY(expect_range("fused activation", static_cast<int>(layers.options.activation), 0,
                          static_cast<int>(ActivationFunctionType::SIGN_BIT)));
  measure(op, &layers);
  const Type type = op.input(1).type;
  for (int i = 0; i < layers.count; ++i)
    CYGNET_TRY(check_network(op, layers, layers.list[i], type));
  for (int i = 0; i < outputs; ++i) {
    CYGNET_TRY(expect_type(i == 0 ? "output 0" : "output 1", op.output(i), {Type::float32}));
    const int64_t row = layers.list[i].row;
    if (row > INT32_MAX) return bad_model("T3: rows of %lld elements", static_cast<long long>(row));
    Shape y = x.shape;
    y[y.rank - 1] = static_cast<int32_t>(row);
    CYGNET_TRY(op.set_output(i, y));
  }
  return {};
}

template <class Table>
Status prepare(OpContext& op) {
  Layers layers = layers_of<Table>(op);
  measure(op, &layers);
  auto* s = op.make_state<RnnState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(RnnState));
  const RowCodes codes = row_codes(op.input(1).type, layers.options.asymmetric);
  int64_t units = 0, depth = layers.input;
  for (int i = 0; i < layers.count; ++i) {
    const Operands& at = layers.list[i].at;
    units = std::max(units, layers.list[i].units);
    CYGNET_TRY(prepare_matrix(op, &op.input(at.weights), codes, &s->networks[i].input));
    CYGNET_TRY(prepare_matrix(op, &op.input(at.recurrent), codes, &s->networks[i].recurrent));
    if (at.aux < 0) continue;
    CYGNET_TRY(prepare_matrix(op, &op.input(at.aux_weights), codes, &s->networks[i].aux));
    depth = std::max<int64_t>(depth, op.input(at.aux).shape[2]);
  }
  if (codes != RowCodes::none) {
    CYGNET_TRY(request_rows(op, layers.steps, depth, &s->rows));
    CYGNET_TRY(request_rows(op, 1, units, &s->state_row));
  }
  const auto unit_bytes = static_cast<size_t>(units) * sizeof(float);
  size_t sums = 0;
  if (__builtin_mul_overflow(unit_bytes, static_cast<size_t>(layers.steps), &sums))
    return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(sums, &s->sums));
  if (layers.list[0].at.aux >= 0) CYGNET_TRY(op.request_scratch(sums, &s->aux_sums));
  return op.request_scratch(unit_bytes, &s->next);
}

// One sequence of one network.
void run_sequence(OpContext& op, const Layers& layers, int index, int64_t batch) {
  const RnnState& s = op.state<RnnState>();
  const Network& n = layers.list[index];
  const RnnState::Matrices& m = s.networks[index];
  const int64_t steps = layers.steps, units = n.units;
  auto *sums = op.scratch<float>(s.sums), *next = op.scratch<float>(s.next);
  const float *aux_sums = nullptr, *bias = op.input(n.at.bias).as<float>();
  const auto project = [&](int operand, const WeightMatrix& matrix, float* out) {
    const int64_t width = matrix.k;
    const float* x = op.input(operand).as<float>() + batch * layers.batch_stride(width);
    multiply(matrix,
             make_rows(op, s.rows, matrix.codes, x, layers.step_stride(width), steps, width), out,
             units);
  };
  project(n.at.x, m.input, sums);
  if (n.at.aux >= 0) {
    project(n.at.aux, m.aux, op.scratch<float>(s.aux_sums));
    aux_sums = op.scratch<float>(s.aux_sums);
  }
  float* h = op.variable(n.at.state).as<float>() + batch * units;
  float* y = op.output(n.output).as<float>() + batch * layers.batch_stride(n.row) + n.column;
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = n.backwards ? steps - 1 - k : k;
    multiply(m.recurrent, make_rows(op, s.state_row, m.recurrent.codes, h, units, 1, units), next,
             units);
    const float* from_x = sums + t * units;
    for (int64_t i = 0; i < units; ++i) {
      float sum = bias[i] + from_x[i];
      if (aux_sums != nullptr) sum += aux_sums[t * units + i];
      h[i] = sum + next[i];
    }
    activate(op, layers.options.activation, h, units);
    std::copy(h, h + units, y + t * layers.step_stride(n.row));
  }
}

template <class Table>
Status invoke(OpContext& op) {
  Layers layers = layers_of<Table>(op);
  measure(op, &layers);
  for (int i = 0; i < layers.count; ++i)
    for (int64_t b = 0; b < layers.batch && !op.stopped(); ++b) run_sequence(op, layers, i, b);
  return {};
}

template <class Table>
int64_t macs(const OpContext& op) {
  Layers layers = layers_of<Table>(op);
  measure(op, &layers);
  int64_t total = 0;
  for (int i = 0; i < layers.count; ++i) {
    const Network& n = layers.list[i];
    const int64_t depth =
        layers.input + n.units + (n.at.aux < 0 ? 0 : int64_t{op.input(n.at.aux).shape[2]});
    int64_t product = 0;
    if (__builtin_mul_overflow(layers.batch * layers.steps, n.units * depth, &product) ||
        __builtin_add_overflow(total, product, &total))
      return INT64_MAX;
  }
  return total;
}

template <class Table>
constexpr OpDef rnn(const char* name, schema::BuiltinOperator code, int32_t inputs,
                    uint64_t states) {
  return {.name = name,
          .builtin = static_cast<int32_t>(code),
          .max_version = 3,
          .options_type = static_cast<uint8_t>(schema::BuiltinOptionsTraits<Table>::enum_value),
          .pure = false,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .max_outputs = inputs == 5 ? 1 : 2,
          .optional_inputs = inputs == 5 ? 0u : 7u << kAux,
          .variable_inputs = states,
          .infer = infer<Table>,
          .prepare = prepare<Table>,
          .invoke = invoke<Table>,
          .macs = macs<Table>};
}

}  // namespace

extern const OpDef kRnn, kUnidirectionalSequenceRnn, kBidirectionalSequenceRnn;
extern const OpDef kRnn = rnn<schema::RNNOptions>("RNN", schema::BuiltinOperator::RNN, 5, 1u << 4);
extern const OpDef kUnidirectionalSequenceRnn = rnn<schema::SequenceRNNOptions>(
    "UNIDIRECTIONAL_SEQUENCE_RNN", schema::BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_RNN, 5,
    1u << 4);
extern const OpDef kBidirectionalSequenceRnn = rnn<schema::BidirectionalSequenceRNNOptions>(
    "BIDIRECTIONAL_SEQUENCE_RNN", schema::BuiltinOperator::BIDIRECTIONAL_SEQUENCE_RNN, 12,
    1u << 4 | 1u << 8);

}  // namespace cygnet::ops
