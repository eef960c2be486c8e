// SPDX-License-Identifier: Apache-2.0
#include "ops/lstm_stacked.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/hybrid.h"

namespace cygnet::ops {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kMostDepth = 33'025;  // gemm_q8's accumulator bound

bool is_hybrid(const LstmLayer& layer) {
  return layer.in.input_weights[kForgetGate]->type != Type::float32;
}

// Matrices [n, k] under each other, with their scales and biases; a missing one is zero.
struct Stack {
  base::Buffer weights, bias, scales;
  int64_t n = 0, k = 0;
  size_t element = 4;

  Status reserve(bool hybrid, int64_t rows, int64_t depth) {
    n = rows;
    k = depth;
    element = hybrid ? 1 : sizeof(float);
    const auto bytes = static_cast<size_t>(n * k) * element, row = static_cast<size_t>(n) * 4;
    if (!weights.resize(bytes) || !bias.resize(row) || !scales.resize(row))
      return out_of_memory("stacked weights", bytes);
    std::memset(weights.data(), 0, bytes);
    std::memset(bias.data(), 0, row);
    std::memset(scales.data(), 0, row);
    return {};
  }

  void put(int64_t first, const Tensor* w, const Tensor* b) {
    if (w == nullptr) return;
    const int64_t rows = w->shape[0];
    std::memcpy(weights.data() + static_cast<size_t>(first * k) * element, w->data,
                static_cast<size_t>(rows * k) * element);
    if (b != nullptr)
      std::memcpy(bias.data() + first * 4, b->data, static_cast<size_t>(rows) * sizeof(float));
    if (w->type == Type::float32) return;
    auto* scale = reinterpret_cast<float*>(scales.data()) + first;
    std::fill(scale, scale + rows, w->quantization.scale());
  }
};

// Packs the stack; `sums` is left null where no sums are wanted, `bias` where the pack holds it.
Status pack(OpContext& op, const Stack& stack, const LstmLayer& layer, const uint8_t** packed,
            int32_t** sums, float** bias) {
  const KernelTable& table = kernels();
  const bool hybrid = is_hybrid(layer);
  const WeightStrides strides = {.n_stride = stack.k, .tap_stride = stack.k, .k_stride = 1};
  const size_t bytes = hybrid ? gemm_q8_packed_bytes(stack.n, 1, stack.k, table.gemm_q8_nr)
                              : gemm_f32_packed_bytes(stack.n, 1, stack.k, table.gemm_f32_nr);
  const auto* values = reinterpret_cast<const float*>(stack.bias.data());
  const auto* scales = reinterpret_cast<const float*>(stack.scales.data());
  PackKey key("stacked rows", *layer.in.input_weights[kForgetGate]);
  key.number(stack.n).number(stack.k).data(stack.weights.data(), stack.weights.bytes());
  key.data(values, stack.bias.bytes()).data(scales, stack.scales.bytes());
  *packed = op.packed(key, bytes, [&](uint8_t* out) {
    if (hybrid)
      return pack_gemm_q8(stack.weights.data(), strides,
                          {.input_zero_point = 128, .scale = scales, .scale_stride = 1}, stack.n, 1,
                          stack.k, table.gemm_q8_nr, out);
    pack_gemm_f32(reinterpret_cast<const float*>(stack.weights.data()), strides, values, stack.n, 1,
                  stack.k, table.gemm_f32_nr, reinterpret_cast<float*>(out));
  });
  if (*packed == nullptr) return out_of_memory("packed weights", bytes);
  if (!hybrid) return {};
  const auto row = static_cast<size_t>(stack.n) * sizeof(float);
  if (bias != nullptr) {
    *bias = static_cast<float*>(op.allocate(row));
    if (*bias == nullptr) return out_of_memory("bias", row);
    std::memcpy(*bias, values, row);
  }
  if (!layer.asymmetric) return {};
  *sums = static_cast<int32_t*>(op.allocate(row));
  if (*sums == nullptr) return out_of_memory("sums", row);
  sum_weights(reinterpret_cast<const int8_t*>(stack.weights.data()), stack.n, stack.k, *sums);
  return {};
}

// Packed matrix for rows of k elements.
struct Matrix {
  const uint8_t* packed;
  const float* bias;
  const int32_t* sums;
  int64_t n, k;
  float limit = kInfinity;  // of the results' magnitude
};

// out[i] = matrix · x[i], rows without gaps.
void multiply(OpContext& op, const LstmLayer& layer, const StackedLstm& s, const Matrix& m,
              const float* x, int64_t rows, float* out) {
  const KernelTable& table = kernels();
  if (!is_hybrid(layer)) {
    return table.gemm_f32({.a = x,
                           .a_stride = m.k,
                           .m = rows,
                           .n = m.n,
                           .k = m.k,
                           .weights = reinterpret_cast<const float*>(m.packed),
                           .out = out,
                           .out_stride = m.n,
                           .lo = -m.limit,
                           .hi = m.limit});
  }
  uint8_t* codes = op.scratch<uint8_t>(s.codes);
  auto* quants = op.scratch<DynamicQuant>(s.quants);
  for (int64_t i = 0; i < rows; ++i) {
    quants[i] = choose_quant(x + i * m.k, m.k, layer.asymmetric);
    table.quantize_dynamic(x + i * m.k, m.k, quants[i], codes + i * m.k);
  }
  table.gemm_q8({.a = codes,
                 .a_stride = m.k,
                 .m = rows,
                 .n = m.n,
                 .k = m.k,
                 .weights = m.packed,
                 .store = StoreQ8::f32,
                 .out = out,
                 .out_stride = m.n,
                 .hybrid = {.quants = quants,
                            .quant_step = 1,
                            .bias = m.bias,
                            .sums = m.sums,
                            .lo = -m.limit,
                            .hi = m.limit}});
}

// Rows of x among threads, by tiles of the product.
void project(OpContext& op, const LstmLayer& layer, const StackedLstm& s, const Matrix& m) {
  const int64_t rows = layer.size.batch * layer.size.steps;
  const float* x = layer.in.x->as<float>();
  auto* out = op.scratch<float>(s.from_x);
  if (is_hybrid(layer)) return multiply(op, layer, s, m, x, rows, out);
  const int64_t tile = kernels().gemm_f32_mr;
  op.parallel_for((rows + tile - 1) / tile, [&](int64_t begin, int64_t end, int) {
    const int64_t first = begin * tile, last = std::min(end * tile, rows);
    multiply(op, layer, s, m, x + first * m.k, last - first, out + first * m.n);
  });
}

}  // namespace

bool can_stack(const OpContext& op, const LstmLayer& layer) {
  const LstmOperands& in = layer.in;
  if (op.reference() || in.aux != nullptr || in.normalized() ||
      in.peephole[kOutputGate] != nullptr ||
      layer.activation != schema::ActivationFunctionType::TANH)
    return false;
  if (is_hybrid(layer) &&
      std::max({layer.size.input, layer.size.output, layer.size.cells}) > kMostDepth)
    return false;
  const auto constant = [](const Tensor* t) { return t == nullptr || t->constant; };
  for (int g = 0; g < kGates; ++g) {
    const Tensor* recurrent = in.recurrent_weights[g];
    if (!constant(in.input_weights[g]) || !constant(recurrent) || !constant(in.bias[g]) ||
        (recurrent != nullptr && recurrent->shape.rank != 2))
      return false;
  }
  return constant(in.projection_weights) && constant(in.projection_bias);
}

Status prepare_stacked(OpContext& op, const LstmLayer& layer, StackedLstm* s) {
  const LstmOperands& in = layer.in;
  const LstmSizes& size = layer.size;
  const bool hybrid = is_hybrid(layer);
  const int64_t width = kGates * size.cells, rows = size.batch * size.steps;
  Stack input, recurrent, projection;
  CYGNET_TRY(input.reserve(hybrid, width, size.input));
  CYGNET_TRY(recurrent.reserve(hybrid, width, size.output));
  for (int g = 0; g < kGates; ++g) {
    input.put(g * size.cells, in.input_weights[g], in.bias[g]);
    recurrent.put(g * size.cells, in.recurrent_weights[g], nullptr);
  }
  CYGNET_TRY(pack(op, input, layer, &s->input, &s->input_sums, &s->bias));
  CYGNET_TRY(pack(op, recurrent, layer, &s->recurrent, &s->hidden_sums, nullptr));
  if (in.projection_weights != nullptr) {
    CYGNET_TRY(projection.reserve(hybrid, size.output, size.cells));
    projection.put(0, in.projection_weights, in.projection_bias);
    CYGNET_TRY(pack(op, projection, layer, &s->projection, &s->projection_sums, nullptr));
  }
  int64_t sums = 0, codes = 0;
  if (__builtin_mul_overflow(width * 4, rows, &sums) ||
      __builtin_mul_overflow(std::max({size.input, size.output, size.cells}), rows, &codes))
    return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(sums), &s->from_x));
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(width * 4 * size.batch), &s->from_h));
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(size.cells * 4 * size.batch), &s->hidden));
  if (!hybrid) return {};
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(codes) + kRowSlackBytes, &s->codes));
  return op.request_scratch(static_cast<size_t>(rows) * sizeof(DynamicQuant), &s->quants);
}

void invoke_stacked(OpContext& op, const LstmLayer& layer, const StackedLstm& s) {
  const LstmSizes& size = layer.size;
  const KernelTable& table = kernels();
  const int64_t width = kGates * size.cells;
  auto* h = op.variable(layer.in.at.output_state).as<float>();
  auto* c = op.variable(layer.in.at.cell_state).as<float>();
  auto* y = op.output(layer.output).as<float>() + layer.column;
  const auto *from_x = op.scratch<float>(s.from_x), *from_h = op.scratch<float>(s.from_h);
  const bool projects = s.projection != nullptr;
  auto* hidden = projects ? op.scratch<float>(s.hidden) : h;
  const Matrix recurrent = {s.recurrent, nullptr, s.hidden_sums, width, size.output};
  const bool hybrid = is_hybrid(layer);
  const Tensor* bias = layer.in.projection_bias;
  const Matrix projection = {
      s.projection,      hybrid && bias != nullptr ? bias->as<float>() : nullptr,
      s.projection_sums, size.output,
      size.cells,        layer.proj_clip > 0 ? layer.proj_clip : kInfinity};
  project(op, layer, s, {s.input, s.bias, s.input_sums, width, size.input});
  for (int64_t k = 0; k < size.steps && !op.stopped(); ++k) {
    const int64_t t = layer.backwards ? size.steps - 1 - k : k;
    multiply(op, layer, s, recurrent, h, size.batch, op.scratch<float>(s.from_h));
    for (int64_t b = 0; b < size.batch; ++b) {
      const int64_t row = size.time_major ? t * size.batch + b : b * size.steps + t;
      table.lstm_cells_f32({.from_x = from_x + row * width,
                            .from_h = from_h + b * width,
                            .n = size.cells,
                            .coupled = layer.in.coupled(),
                            .clip = layer.cell_clip > 0 ? layer.cell_clip : kInfinity,
                            .c = c + b * size.cells,
                            .h = hidden + b * size.cells});
    }
    if (projects) multiply(op, layer, s, projection, hidden, size.batch, h);
    for (int64_t b = 0; b < size.batch; ++b)
      std::memcpy(y + t * size.step_stride(layer.row) + b * size.batch_stride(layer.row),
                  h + b * size.output, static_cast<size_t>(size.output) * sizeof(float));
  }
}

}  // namespace cygnet::ops
