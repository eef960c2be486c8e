// SPDX-License-Identifier: Apache-2.0
// FULLY_CONNECTED: x [..., K] seen as [M, K], weights [N, K], bias [N] (optional) → y [M, N], or
// [..., N] with keep_num_dims: y = act(x · weightsᵀ + bias). Types: f32; int8 (one scale, or one
// for each row of weights) and uint8 with int32 bias; int16 with int8 weights and int32 or int64
// bias. Accumulators are scaled with one rounding, not two. Source:
// tensorflow/lite/kernels/fully_connected.cc.
#include "ops/conv_common.h"

namespace cygnet::ops {
namespace {

struct DenseState {
  int64_t m = 0, n = 0, k = 0;
  Clamp<float> real;
  Clamp<int32_t> quantized;
  ChannelScales scales;
  bool packed = false;  // kernels can run
  uint8_t* weights = nullptr;
  int64_t* bias64 = nullptr;
  int staged = -1;  // scratch: a copy of the input in the unsigned domain
};

const Tensor* bias_tensor(const OpContext& op) {
  return op.input_or_null(2);
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &weights = op.input(1);
  const auto& options = op.options<schema::FullyConnectedOptions>();
  CYGNET_TRY(check_conv_types(x, weights, bias_tensor(op), op.output(0)));
  if (options.weights_format() != schema::FullyConnectedOptionsWeightsFormat::DEFAULT)
    return Status::error(Code::unsupported, "weights_format %d is not supported",
                         static_cast<int>(options.weights_format()));
  CYGNET_TRY(expect_rank("input 1", weights, 2));
  const int32_t n = weights.shape[0], k = weights.shape[1];
  if (n < 1 || k < 1)
    return bad_model("input 1: expected a matrix of at least 1 x 1, got %s",
                     shape_text(weights.shape).text);
  if (x.shape.rank < 1) return bad_model("input 0: expected rank 1 or more, got 0");
  CYGNET_TRY(check_conv_quantization(x, weights, bias_tensor(op), op.output(0), n, 0));
  if (options.keep_num_dims()) {
    if (x.shape[x.shape.rank - 1] != k)
      return bad_model("input 0: expected a last dimension of %d, got %s", k,
                       shape_text(x.shape).text);
    Shape y = x.shape;
    y[y.rank - 1] = n;
    return op.set_output(0, y);
  }
  if (x.shape.elements() % k != 0)
    return bad_model("input 0: expected a multiple of %d elements, got %s", k,
                     shape_text(x.shape).text);
  return op.set_output(0, {static_cast<int32_t>(x.shape.elements() / k), n});
}

int64_t macs(const OpContext& op) {
  return op.output(0).shape.elements() * op.input(1).shape[1];
}

// ---- Prepare

Status prepare_kernels(OpContext& op, DenseState* s) {
  const Tensor &x = op.input(0), &weights = op.input(1);
  const Tensor* bias = bias_tensor(op);
  if (op.reference() || !weights.constant || (bias != nullptr && !bias->constant)) return {};
  if (x.type == Type::int16) {
    s->packed = true;
    return widen_bias(op, bias, &s->bias64);
  }
  if (x.type != Type::float32 && s->k > most_products(weights)) return {};
  s->packed = true;
  if (needs_copy(x)) CYGNET_TRY(op.request_scratch(x.bytes, &s->staged));
  const size_t bytes = packed_weight_bytes(x.type, s->n, 1, s->k);
  s->weights = static_cast<uint8_t*>(op.allocate(bytes));
  if (s->weights == nullptr) return out_of_memory("packed weights", bytes);
  pack_weights(x, weights, weights.data, {.n_stride = s->k, .tap_stride = s->k, .k_stride = 1},
               bias == nullptr ? nullptr : bias->data, s->scales.scales, s->n, 1, s->k, s->weights);
  return {};
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<DenseState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(DenseState));
  const auto activation = op.options<schema::FullyConnectedOptions>().fused_activation_function();
  s->n = op.input(1).shape[0];
  s->k = op.input(1).shape[1];
  s->m = op.input(0).shape.elements() / s->k;
  if (op.input(0).type == Type::float32) {
    CYGNET_TRY(activation_clamp(activation, &s->real));
  } else {
    CYGNET_TRY(quantized_activation_clamp(activation, op.output(0), &s->quantized));
    CYGNET_TRY(make_channel_scales(op, op.input(0), op.input(1), op.output(0), s->n,
                                   op.input(1).quantization.per_tensor(), &s->scales));
  }
  return prepare_kernels(op, s);
}

// ---- Plain loops

template <class X, class W, class Acc, class Bias, class Store>
void plain(OpContext& op, const DenseState& s, const Bias* bias, Store store) {
  const bool real = std::is_same_v<X, float>;
  const int32_t x_zero = real ? 0 : op.input(0).quantization.zero_point();
  const int32_t w_zero = std::is_same_v<W, uint8_t> ? op.input(1).quantization.zero_point() : 0;
  const X* x = op.input(0).as<X>();
  const W* weights = op.input(1).as<W>();
  op.parallel_for(s.n, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = begin; j < end; ++j) {
        std::conditional_t<std::is_same_v<X, float>, float, int64_t> acc = 0;
        for (int64_t k = 0; k < s.k; ++k) {
          if constexpr (std::is_same_v<X, float>)
            acc += x[i * s.k + k] * weights[j * s.k + k];
          else
            acc += int64_t{x[i * s.k + k] - x_zero} * (weights[j * s.k + k] - w_zero);
        }
        const Acc sum = static_cast<Acc>(acc);
        store(i * s.n + j, j, bias == nullptr ? sum : add_bias(sum, bias[j]));
      }
  });
}

void invoke_plain(OpContext& op, const DenseState& s) {
  const Tensor* bias = bias_tensor(op);
  const Requantize r{
      s.scales.multipliers,
      op.output(0).quantization.count > 0 ? op.output(0).quantization.zero_point() : 0, s.quantized,
      true};
  switch (op.input(0).type) {
    case Type::float32: {
      float* out = op.output(0).as<float>();
      return plain<float, float, float>(
          op, s, bias_of<float>(bias),
          [&](int64_t at, int64_t, float acc) { out[at] = s.real(acc); });
    }
    case Type::int8:
      return plain<int8_t, int8_t, int32_t>(op, s, bias_of<int32_t>(bias),
                                            r.store(op.output(0).as<int8_t>()));
    case Type::uint8:
      return plain<uint8_t, uint8_t, int32_t>(op, s, bias_of<int32_t>(bias),
                                              r.store(op.output(0).as<uint8_t>()));
    default:
      if (bias != nullptr && bias->type == Type::int32)
        return plain<int16_t, int8_t, int32_t>(op, s, bias_of<int32_t>(bias),
                                               r.store(op.output(0).as<int16_t>()));
      return plain<int16_t, int8_t, int64_t>(op, s, bias_of<int64_t>(bias),
                                             r.store(op.output(0).as<int16_t>()));
  }
}

// ---- Kernels

// Columns [begin, end) of all rows; begin is a multiple of the packed block's width.
void run_columns(OpContext& op, const DenseState& s, const uint8_t* x, int64_t begin, int64_t end) {
  const Tensor &weights = op.input(1), &y = op.output(0);
  const bool wide = y.type == Type::int16;
  run_gemm(weights, y,
           {.a = x,
            .a_stride = s.k,
            .m = s.m,
            .n = end - begin,
            .k = s.k,
            .weights =
                wide ? weights.as<uint8_t>() + begin * s.k
                     : s.weights + static_cast<int64_t>(packed_weight_bytes(y.type, begin, 1, s.k)),
            .bias = s.bias64 == nullptr ? nullptr : s.bias64 + begin,
            .scales = s.scales.from(begin),
            .out = op.output(0).as<uint8_t>() + begin * (type_bits(y.type) / 8),
            .out_stride = s.n,
            .real = s.real,
            .quantized = s.quantized});
}

void invoke_kernels(OpContext& op, const DenseState& s) {
  const Tensor& x = op.input(0);
  const uint8_t* bytes = x.as<uint8_t>();
  if (s.staged >= 0) {
    kernels().xor_copy(bytes, static_cast<int64_t>(x.bytes), sign_flip(x),
                       op.scratch<uint8_t>(s.staged));
    bytes = op.scratch<uint8_t>(s.staged);
  }
  const int64_t block = x.type == Type::float32 ? kernels().gemm_f32_nr : kernels().gemm_q8_nr;
  op.parallel_for((s.n + block - 1) / block, [&](int64_t first, int64_t last, int) {
    const int64_t begin = first * block, end = std::min(last * block, s.n);
    run_columns(op, s, bytes, begin, end);
  });
}

Status invoke(OpContext& op) {
  const auto& s = op.state<DenseState>();
  if (s.packed)
    invoke_kernels(op, s);
  else
    invoke_plain(op, s);
  return {};
}

}  // namespace

extern const OpDef kFullyConnected;
extern const OpDef kFullyConnected = {
    .name = "FULLY_CONNECTED",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::FULLY_CONNECTED),
    .max_version = 14,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::FullyConnectedOptions),
    .min_inputs = 2,
    .max_inputs = 3,
    .optional_inputs = 0b100,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs};

}  // namespace cygnet::ops
