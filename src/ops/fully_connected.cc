// SPDX-License-Identifier: Apache-2.0
// FULLY_CONNECTED: x [..., K] seen as [M, K], weights [N, K], bias [N] (optional) → y [M, N], or
// [..., N] with keep_num_dims: y = act(x · weightsᵀ + bias). Types: f32; int8 (one scale, or one
// for each row of weights) and uint8 with int32 bias; int16 with int8 weights and int32 or int64
// bias; hybrid: f32 with int8 weights, each row of x quantized for itself (by kernels, only where
// that is faster than weights as floats). INT4 and INT2 do for int8 weights. INT8 weights of
// integer activations may have one zero point. Accumulators are scaled with one rounding, not two.
// Source: tensorflow/lite/kernels/fully_connected.cc.
#include <cstring>

#include "ops/conv_common.h"
#include "ops/fully_connected_shuffled.h"

namespace cygnet::ops {
namespace {

struct DenseState {
  int64_t m = 0, n = 0, k = 0;
  ConvResults results;
  int unpacked = -1;    // scratch of the plain loops: the weights
  bool packed = false;  // kernels can run
  const uint8_t* weights = nullptr;
  int packing = -1;  // scratch: weights that are not constant, packed in each run
  int32_t* sums = nullptr;
  int64_t* bias64 = nullptr;
  int staged = -1;  // scratch: a copy of a constant input
  Product product;
};

constexpr uint32_t kIntegers = type_set(Type::int8, Type::int4, Type::int2);
constexpr FilterTypes kFilterTypes = {
    .real = type_set(Type::float32) | kIntegers, .int8 = kIntegers, .int16 = kIntegers};

bool is_shuffled(const OpContext& op) {
  return op.options<schema::FullyConnectedOptions>().weights_format() ==
         schema::FullyConnectedOptionsWeightsFormat::SHUFFLED4x16INT8;
}

// Zero point of weights that the kernels take as int8.
int32_t weight_zero(const Tensor& x, const Tensor& weights) {
  const bool shifted = weights.type == Type::int8 && x.type != Type::float32;
  return shifted && weights.quantization.per_tensor() ? weights.quantization.zero_point() : 0;
}

const Tensor* bias_tensor(const OpContext& op) {
  return op.input_or_null(2);
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &weights = op.input(1);
  const auto& options = op.options<schema::FullyConnectedOptions>();
  if (is_shuffled(op)) return infer_shuffled(op);
  if (op.outputs() != 1) return bad_model("outputs: expected 1, got %d", op.outputs());
  CYGNET_TRY(check_conv_types(kFilterTypes, x, weights, bias_tensor(op), op.output(0)));
  if (options.weights_format() != schema::FullyConnectedOptionsWeightsFormat::DEFAULT)
    return Status::error(Code::unsupported, "weights_format %d is not supported",
                         static_cast<int>(options.weights_format()));
  CYGNET_TRY(expect_rank("input 1", weights, 2));
  const int32_t n = weights.shape[0], k = weights.shape[1];
  if (n < 1 || k < 1)
    return bad_model("input 1: expected a matrix of at least 1 x 1, got %s",
                     shape_text(weights.shape).text);
  if (x.shape.rank < 1) return bad_model("input 0: expected rank 1 or more, got 0");
  Tensor symmetric = weights;
  if (weight_zero(x, weights) != 0) symmetric.quantization.zero_point_count = 0;
  CYGNET_TRY(check_conv_quantization(x, symmetric, bias_tensor(op), op.output(0), n, 0));
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

Status prepare_plain(OpContext& op, DenseState* s) {
  CYGNET_TRY(request_unpacked(op, op.input(1), &s->unpacked));
  return request_quantized(op, op.input(0), s->m, sizeof(int16_t), &s->results);
}

bool has_constants(const OpContext& op) {
  const Tensor* bias = bias_tensor(op);
  return op.input(1).constant && (bias == nullptr || bias->constant);
}

// Weights that another operator makes: f32 with f32, 8 bits with 8 bits.
bool can_pack_running(const OpContext& op) {
  const Tensor &x = op.input(0), &weights = op.input(1);
  return x.type != Type::int16 && !is_hybrid(x, weights) && !needs_unpacking(weights);
}

Status prepare_kernels(OpContext& op, DenseState* s) {
  const Tensor& x = op.input(0);
  const Tensor* bias = bias_tensor(op);
  const int32_t zero = weight_zero(x, op.input(1));
  const int64_t most = zero == 0 ? most_products(op.input(1)) : 33'025;  // see GemmQ8
  if (op.reference() || (!has_constants(op) && !can_pack_running(op)) ||
      (x.type == Type::int16 ? zero != 0 : op.input(1).type != Type::float32 && s->k > most))
    return prepare_plain(op, s);
  s->packed = true;
  if (!has_constants(op)) {
    if (ends_with_file(x)) CYGNET_TRY(op.request_scratch(x.bytes, &s->staged));
    return op.request_scratch(packed_weight_bytes(op.input(1).type, s->n, 1, s->k), &s->packing);
  }
  // What the quantization of a row takes besides that of its elements, in products of floats.
  constexpr int64_t kOfRow = 16'000;
  if (s->results.hybrid)
    s->results.hybrid = pays_to_quantize(s->m * s->k, s->m * s->n, s->m * (s->n * s->k - kOfRow));
  base::Buffer unpacked;
  Tensor weights;
  CYGNET_TRY(x.type == Type::float32 && !s->results.hybrid
                 ? unpack_real(op.input(1), 0, &unpacked, &weights)
                 : unpack_constant(op.input(1), &unpacked, &weights));
  if (x.type == Type::int16) {
    CYGNET_TRY(keep_filter(op, weights, op.input(1), &s->weights));
    return widen_bias(op, bias, &s->bias64);
  }
  CYGNET_TRY(request_quantized(op, x, s->m, 1, &s->results));
  CYGNET_TRY(make_sums(op, s->results, weights, s->n, s->k, &s->sums));
  if (ends_with_file(x)) CYGNET_TRY(op.request_scratch(x.bytes, &s->staged));
  CYGNET_TRY(prepare_product(op, x, weights, s->m, s->n, 1, s->k, &s->product));
  return share_weights(op,
                       {.source = op.input(1),
                        .input = x,
                        .filter = weights,
                        .bias = bias == nullptr ? nullptr : bias->data,
                        .scales = s->results.scales.scales,
                        .n = s->n,
                        .k = s->k,
                        .split = s->product.split},
                       &s->weights);
}

Status prepare(OpContext& op) {
  if (is_shuffled(op)) return prepare_shuffled(op);
  auto* s = op.make_state<DenseState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(DenseState));
  const auto& options = op.options<schema::FullyConnectedOptions>();
  s->n = op.input(1).shape[0];
  s->k = op.input(1).shape[1];
  s->m = op.input(0).shape.elements() / s->k;
  s->results.asymmetric = options.asymmetric_quantize_inputs();
  CYGNET_TRY(prepare_results(op, op.input(0), op.input(1), options.fused_activation_function(),
                             s->n, Scaling::real, &s->results));
  return prepare_kernels(op, s);
}

// ---- Plain loops

template <class Types, class Bias, class Store>
void plain(OpContext& op, const DenseState& s, const Tensor& x_tensor, const Tensor& weight_tensor,
           const Bias* bias, Store store) {
  using X = typename Types::X;
  using W = typename Types::W;
  constexpr bool kReal = std::is_same_v<X, float>;
  [[maybe_unused]] const int32_t x_zero = kReal ? 0 : x_tensor.quantization.zero_point();
  [[maybe_unused]] const int32_t w_zero = kReal ? 0 : weight_tensor.quantization.zero_point();
  const X* x = x_tensor.as<X>();
  const W* weights = weight_tensor.as<W>();
  op.parallel_for(s.n, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = begin; j < end; ++j) {
        std::conditional_t<kReal, float, int64_t> acc = 0;
        for (int64_t k = 0; k < s.k; ++k) {
          if constexpr (kReal)
            acc += x[i * s.k + k] * weights[j * s.k + k];
          else
            acc += int64_t{x[i * s.k + k] - x_zero} * (weights[j * s.k + k] - w_zero);
        }
        const auto sum = static_cast<typename Types::Acc>(acc);
        store(i * s.n + j, j, bias == nullptr ? sum : add_bias(sum, bias[j]));
      }
  });
}

void invoke_plain(OpContext& op, const DenseState& s) {
  run_plain(op, op.input(0), op.input(1), s.unpacked, bias_tensor(op), s.m, s.results,
            [&](auto types, const Tensor& x, const Tensor& weights, const auto* bias, auto store) {
              plain<decltype(types)>(op, s, x, weights, bias, store);
            });
}

// ---- Kernels

// Packs weights that another operator made, by blocks of columns.
const uint8_t* pack_running(OpContext& op, const DenseState& s) {
  const KernelTable& table = kernels();
  const Tensor &x = op.input(0), &weights = op.input(1), *bias = bias_tensor(op);
  const bool real = weights.type == Type::float32;
  const int64_t block = real ? table.gemm_f32_nr : table.gemm_q8_nr;
  const WeightStrides strides = {.n_stride = s.k, .tap_stride = s.k, .k_stride = 1};
  auto* packed = op.scratch<uint8_t>(s.packing);
  op.parallel_for((s.n + block - 1) / block, [&](int64_t first, int64_t last, int) {
    const int64_t begin = first * block, end = std::min(last * block, s.n);
    uint8_t* out = packed + packed_weight_bytes(weights.type, begin, 1, s.k);
    if (real)
      return table.pack_columns_f32(weights.as<float>() + begin * s.k, strides,
                                    bias == nullptr ? nullptr : bias->as<float>() + begin,
                                    end - begin, s.k, reinterpret_cast<float*>(out));
    const bool is_unsigned = weights.type == Type::uint8;
    table.pack_columns_q8(
        weights.as<uint8_t>() + begin * s.k, strides,
        {.weight_flip = static_cast<uint8_t>(is_unsigned ? 0x80 : 0),
         .weight_zero_point = weights.quantization.zero_point() - (is_unsigned ? 128 : 0),
         .input_zero_point = unsigned_zero_point(x),
         .bias = bias == nullptr ? nullptr : bias->as<int32_t>() + begin,
         .scale = s.results.scales.from(begin),
         .scale_stride = 1},
        end - begin, s.k, out);
  });
  return packed;
}

// Whether kernels multiply floats.
bool is_real(const OpContext& op, const DenseState& s) {
  return op.output(0).type == Type::float32 && !s.results.hybrid;
}

// Columns [begin, end) of all rows; begin is a multiple of the packed block's width.
void run_columns(OpContext& op, const DenseState& s, const uint8_t* x, const uint8_t* packed,
                 int64_t begin, int64_t end, int thread) {
  const Tensor &weights = op.input(1), &y = op.output(0);
  const ConvResults& r = s.results;
  const bool real = is_real(op, s), wide = y.type == Type::int16;
  const Type type = real ? Type::float32 : Type::int8;
  LayerGemm gemm = {.a = x,
                    .flip = sign_flip(op.input(0)),
                    .a_stride = s.k,
                    .m = s.m,
                    .n = end - begin,
                    .k = s.k,
                    .weights = packed + (wide ? begin * s.k
                                              : static_cast<int64_t>(packed_weight_bytes(
                                                    type, begin, 1, s.k, s.product.split))),
                    .bias = s.bias64 == nullptr ? nullptr : s.bias64 + begin,
                    .scales = r.scales.from(begin),
                    .out = op.output(0).as<uint8_t>() + begin * (type_bits(y.type) / 8),
                    .out_stride = s.n,
                    .real = r.real,
                    .quantized = r.quantized};
  use_product(op, s.product, thread, &gemm);
  if (!r.hybrid) return run_gemm(weights, y, gemm);
  const Tensor* bias = bias_tensor(op);
  gemm.columns = {.scales = r.scales.from(begin),
                  .bias = bias == nullptr ? nullptr : bias->as<float>() + begin,
                  .sums = s.sums == nullptr ? nullptr : s.sums + begin,
                  .clamp = r.real};
  gemm.quant_step = 1;
  // By pieces, so that the sums are still in the cache when they are finished.
  for (int64_t row = 0; row < s.m; row += kPixelsPerCall) {
    gemm.m = std::min(kPixelsPerCall, s.m - row);
    gemm.a = x + row * s.k;
    gemm.quants = op.scratch<DynamicQuant>(r.quants) + row;
    gemm.out = op.output(0).as<float>() + row * s.n + begin;
    run_gemm(weights, y, gemm);
  }
}

void invoke_kernels(OpContext& op, const DenseState& s) {
  const Tensor& x = op.input(0);
  const uint8_t* bytes = x.as<uint8_t>();
  if (s.results.hybrid) bytes = quantize_input<uint8_t>(op, x, s.m, s.results);
  if (s.staged >= 0) {
    std::memcpy(op.scratch<uint8_t>(s.staged), bytes, x.bytes);
    bytes = op.scratch<uint8_t>(s.staged);
  }
  const uint8_t* weights = s.packing < 0 ? s.weights : pack_running(op, s);
  const int64_t block =
      packed_columns(is_real(op, s) ? Type::float32 : op.input(1).type, s.product.split);
  op.parallel_for((s.n + block - 1) / block, [&](int64_t first, int64_t last, int thread) {
    const int64_t begin = first * block, end = std::min(last * block, s.n);
    run_columns(op, s, bytes, weights, begin, end, thread);
    if (s.m == 1) op.produced(begin, end, thread);
  });
}

Status invoke(OpContext& op) {
  if (is_shuffled(op)) return invoke_shuffled(op);
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
    .max_outputs = 2,
    .optional_inputs = 0b100,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs,
    .produces = true};

}  // namespace cygnet::ops
