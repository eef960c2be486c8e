// SPDX-License-Identifier: Apache-2.0
// Convolution, pooling, normalization, activations, resizing.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "edit/transposed_convolution.h"
#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

const std::vector<int32_t> kToNhwc = {0, 2, 3, 1};
const std::vector<int32_t> kToNchw = {0, 3, 1, 2};

// Strides, sizes and paddings of a spatial operator, in NHWC whatever the node's format.
struct Spatial {
  explicit Spatial(Call& c) : call(c), channels_first(format(c) == "NCHW") {}

  static std::string_view format(Call& c) {
    const std::string_view f = c.node.string("data_format", "NHWC");
    if (f != "NHWC" && f != "NCHW") c.fail("data_format: expected NHWC or NCHW, got ", f);
    return f;
  }
  // The two spatial elements of a list of four; {1, 1} when it is absent.
  std::array<int32_t, 2> pair(std::string_view attr) const {
    const std::vector<int64_t>& list = call.node.list_or_empty(attr).ints;
    if (list.empty()) return {1, 1};
    return pair_of(attr, list);
  }
  std::array<int32_t, 2> pair_of(std::string_view attr, const std::vector<int64_t>& list) const {
    if (list.size() != 4) call.fail(attr, ": expected 4 elements, got ", list.size());
    const size_t h = channels_first ? 2 : 1;
    for (size_t k = 0; k < 4; ++k)
      if (list[k] < 1 || list[k] > INT32_MAX || (k != h && k != h + 1 && list[k] != 1))
        call.fail(attr, ": expected positive numbers, 1 for batch and channels");
    return {static_cast<int32_t>(list[h]), static_cast<int32_t>(list[h + 1])};
  }
  void store(std::string_view attr, int32_t* h, int32_t* w) const {
    const std::array<int32_t, 2> values = pair(attr);
    *h = values[0];
    *w = values[1];
  }
  int32_t enter(int32_t x) const {
    return channels_first ? transpose(call.e, x, kToNhwc, call.part("nhwc")) : x;
  }
  void leave(int32_t y) const {
    call.out(channels_first ? transpose(call.e, y, kToNchw, call.name()) : y);
  }
  std::string result_name() const {
    return channels_first ? call.part("result") : std::string(call.name());
  }

  Call& call;
  bool channels_first;
};

// The padding attribute. EXPLICIT paddings go into an operator of their own before x.
schema::Padding padding(Call& c, int32_t* x, float value = 0) {
  const std::string_view mode = c.node.string("padding");
  if (mode == "SAME") return schema::Padding::SAME;
  if (mode == "VALID") return schema::Padding::VALID;
  if (mode != "EXPLICIT") c.fail("padding: expected SAME, VALID or EXPLICIT, got ", mode);
  const std::vector<int64_t>& list = c.node.list("explicit_paddings").ints;
  if (list.size() != 8) c.fail("explicit_paddings: expected 8 elements, got ", list.size());
  const size_t h = Spatial::format(c) == "NCHW" ? 4 : 2;
  std::vector<int32_t> pads(8, 0);
  for (size_t k = 0; k < 4; ++k) pads[2 + k] = static_cast<int32_t>(list[h + k]);
  const int32_t operand = c.e.constant<int32_t>({4, 2}, pads);
  *x = value == 0
           ? c.e.add(Builtin::PAD, {*x, operand}, NoOptions(), c.part("pad"))
           : c.e.add(Builtin::PADV2, {*x, operand, scalar(c.e, value)}, NoOptions(), c.part("pad"));
  return schema::Padding::VALID;
}

int32_t zero_bias(Call& c, int32_t channels) {
  return c.e.constant<float>({channels}, std::vector<float>(static_cast<size_t>(channels)),
                             c.part("bias"));
}

void conv_2d(Call& c) {
  const Spatial s(c);
  int32_t x = s.enter(c.in(0));
  schema::Conv2DOptionsT o;
  o.padding = padding(c, &x);
  s.store("strides", &o.stride_h, &o.stride_w);
  s.store("dilations", &o.dilation_h_factor, &o.dilation_w_factor);
  const int32_t weights = transpose(c.e, c.in(1), {3, 0, 1, 2}, c.e.tensor(c.in(1)).name);
  const int32_t bias = zero_bias(c, c.e.shape(weights)[0]);
  s.leave(c.e.add(Builtin::CONV_2D, {x, weights, bias}, o, s.result_name()));
}

void depthwise(Call& c) {
  const Spatial s(c);
  int32_t x = s.enter(c.in(0));
  schema::DepthwiseConv2DOptionsT o;
  o.padding = padding(c, &x);
  s.store("strides", &o.stride_h, &o.stride_w);
  s.store("dilations", &o.dilation_h_factor, &o.dilation_w_factor);
  const Shape filter = c.shape(1);  // [kh, kw, c, m]
  if (filter.rank != 4) c.fail("filter: expected rank 4, got ", filter.rank);
  o.depth_multiplier = filter[3];
  const int32_t weights = reshape(c.e, c.in(1), {1, filter[0], filter[1], filter[2] * filter[3]},
                                  c.e.tensor(c.in(1)).name);
  const int32_t bias = zero_bias(c, c.e.shape(weights)[3]);
  s.leave(c.e.add(Builtin::DEPTHWISE_CONV_2D, {x, weights, bias}, o, s.result_name()));
}

// Inputs: output shape, filter [kh, kw, out, in], x.
void conv_2d_backprop_input(Call& c) {
  const Spatial s(c);
  TransposedConvolution t;
  t.x = s.enter(c.in(2));
  t.filter = c.in(1);
  t.output_shape = c.in(0);
  t.name = std::string(c.name());
  const std::string_view mode = c.node.string("padding");
  if (mode != "SAME" && mode != "VALID") c.fail("padding: expected SAME or VALID, got ", mode);
  t.padding = mode == "SAME" ? schema::Padding::SAME : schema::Padding::VALID;
  s.store("strides", &t.stride_h, &t.stride_w);
  if (s.pair("dilations") != std::array<int32_t, 2>{1, 1}) c.fail("dilations are not supported");
  const std::optional<std::vector<int32_t>> target = c.e.reshape_target(c.in(0));
  if (!target || target->size() != 4) c.fail("the output's shape depends on data");
  t.out_h = (*target)[s.channels_first ? 2 : 1];
  t.out_w = (*target)[s.channels_first ? 3 : 2];
  if (t.out_h < 1 || t.out_w < 1) c.fail("the output's height and width depend on data");
  if (s.channels_first)
    t.output_shape = c.e.add(Builtin::GATHER, {c.in(0), c.e.list({0, 2, 3, 1})},
                             schema::GatherOptionsT(), c.part("shape"));
  s.leave(add_transposed_convolution(c.e, t));
}

template <Builtin op>
void pool(Call& c) {
  const Spatial s(c);
  int32_t x = s.enter(c.in(0));
  schema::Pool2DOptionsT o;
  const bool max = op == Builtin::MAX_POOL_2D;
  o.padding = padding(c, &x, max ? -std::numeric_limits<float>::infinity() : 0);
  if (c.inputs() == 3) {  // V2
    const auto size = s.pair_of("ksize", c.integers(1)), step = s.pair_of("strides", c.integers(2));
    o.filter_height = size[0], o.filter_width = size[1];
    o.stride_h = step[0], o.stride_w = step[1];
  } else {
    s.store("strides", &o.stride_h, &o.stride_w);
    s.store("ksize", &o.filter_height, &o.filter_width);
  }
  s.leave(c.e.add(op, {x}, o, s.result_name()));
}

void bias_add(Call& c) {
  int32_t bias = c.in(1);
  if (c.node.string("data_format", "NHWC").starts_with("NC") && c.shape(0).rank > 2) {
    std::vector<int32_t> dims(static_cast<size_t>(c.shape(0).rank) - 1, 1);
    dims[0] = -1;
    bias = reshape(c.e, bias, dims, c.part("bias"));
  }
  c.out(binary(c.e, Builtin::ADD, c.in(0), bias, c.name()));
}

// y = x·m + (offset − mean·m) with m = scale / √(variance + ε). In training mode mean and variance
// are the batch's own.
void fused_batch_norm(Call& c) {
  Editor& e = c.e;
  const bool channels_first = c.node.string("data_format", "NHWC").starts_with("NC");
  const int rank = c.shape(0).rank;
  std::vector<int32_t> last{0}, first{0, rank - 1}, spatial;
  for (int d = 2; d < rank; ++d) last.push_back(d);
  for (int d = 1; d + 1 < rank; ++d) first.push_back(d);
  for (int d = 0; d + 1 < rank; ++d) spatial.push_back(d);
  last.push_back(1);
  const int32_t x = channels_first ? transpose(e, c.in(0), last, c.part("nhwc")) : c.in(0);
  int32_t mean = c.in(3), variance = c.in(4);
  if (c.node.boolean("is_training", true)) {
    c.warn("batch normalization in training mode: the batch's own mean and variance are used");
    mean = reduce(e, Builtin::MEAN, x, spatial, false, c.part("mean"));
    const int32_t square =
        binary(e, Builtin::SQUARED_DIFFERENCE, x, mean, c.part("squared_difference"));
    variance = reduce(e, Builtin::MEAN, square, spatial, false, c.part("variance"));
  }
  const double epsilon = c.node.real("epsilon", 1e-4f);
  const int32_t shifted =
      binary(e, Builtin::ADD, variance, scalar(e, epsilon), c.part("variance_epsilon"));
  const int32_t inverse = unary(e, Builtin::RSQRT, shifted, c.part("rsqrt"));
  const int32_t m = binary(e, Builtin::MUL, inverse, c.in(1), c.part("factor"));
  const int32_t moved = binary(e, Builtin::MUL, mean, m, c.part("mean_factor"));
  const int32_t offset = binary(e, Builtin::SUB, c.in(2), moved, c.part("offset"));
  const int32_t scaled = binary(e, Builtin::MUL, x, m, c.part("scaled"));
  const int32_t y = binary(e, Builtin::ADD, scaled, offset,
                           channels_first ? c.part("result") : std::string(c.name()));
  c.out(channels_first ? transpose(e, y, first, c.name()) : y);
  c.out(mean);
  c.out(variance);
}

template <Builtin op>
void activation(Call& c) {
  c.out(unary(c.e, op, c.in(0), c.name()));
}

void leaky_relu(Call& c) {
  schema::LeakyReluOptionsT o;
  o.alpha = c.node.real("alpha", 0.2f);
  c.out(c.e.add(Builtin::LEAKY_RELU, {c.in(0)}, o, c.name()));
}

void softmax(Call& c) {
  schema::SoftmaxOptionsT o;
  o.beta = 1;
  c.out(c.e.add(Builtin::SOFTMAX, {c.in(0)}, o, c.name()));
}

// λ·relu(x) + λα·min(elu(x), 0).
void selu(Call& c) {
  constexpr double kAlpha = 1.6732632423543772, kLambda = 1.0507009873554805;
  Editor& e = c.e;
  const int32_t high = binary(e, Builtin::MUL, unary(e, Builtin::RELU, c.in(0), c.part("relu")),
                              scalar(e, kLambda), c.part("high"));
  const int32_t elu = unary(e, Builtin::ELU, c.in(0), c.part("elu"));
  const int32_t negative = binary(e, Builtin::MINIMUM, elu, scalar(e, 0), c.part("negative"));
  const int32_t low = binary(e, Builtin::MUL, negative, scalar(e, kLambda * kAlpha), c.part("low"));
  c.out(binary(e, Builtin::ADD, high, low, c.name()));
}

// log(1 + eˣ) = relu(x) + log(1 + e^−|x|), which does not overflow.
void softplus(Call& c) {
  Editor& e = c.e;
  const int32_t magnitude = unary(e, Builtin::ABS, c.in(0), c.part("abs"));
  const int32_t minus = unary(e, Builtin::NEG, magnitude, c.part("neg"));
  const int32_t exp = unary(e, Builtin::EXP, minus, c.part("exp"));
  const int32_t sum = binary(e, Builtin::ADD, exp, scalar(e, 1), c.part("plus_1"));
  const int32_t log = unary(e, Builtin::LOG, sum, c.part("log"));
  const int32_t relu = unary(e, Builtin::RELU, c.in(0), c.part("relu"));
  c.out(binary(e, Builtin::ADD, relu, log, c.name()));
}

void softsign(Call& c) {
  const int32_t magnitude = unary(c.e, Builtin::ABS, c.in(0), c.part("abs"));
  const int32_t sum = binary(c.e, Builtin::ADD, magnitude, scalar(c.e, 1), c.part("plus_1"));
  c.out(binary(c.e, Builtin::DIV, c.in(0), sum, c.name()));
}

void lrn(Call& c) {
  schema::LocalResponseNormalizationOptionsT o;
  o.radius = static_cast<int32_t>(c.node.integer("depth_radius", 5));
  o.bias = c.node.real("bias", 1);
  o.alpha = c.node.real("alpha", 1);
  o.beta = c.node.real("beta", 0.5f);
  c.out(c.e.add(Builtin::LOCAL_RESPONSE_NORMALIZATION, {c.in(0)}, o, c.name()));
}

template <Builtin op, class Options>
void resize(Call& c) {
  Options o;
  o.align_corners = c.node.boolean("align_corners", false);
  o.half_pixel_centers = c.node.boolean("half_pixel_centers", false);
  int32_t x = c.in(0);
  if (op == Builtin::RESIZE_BILINEAR) x = cast(c.e, x, Type::float32, c.part("float"));
  c.out(c.e.add(op, {x, c.in(1)}, o, {c.name(), c.e.type(x)}));
}

constexpr OpRow kRows[] = {
    {"AvgPool", pool<Builtin::AVERAGE_POOL_2D>},
    {"BiasAdd", bias_add},
    {"BiasAddV1", bias_add},
    {"Conv2D", conv_2d},
    {"Conv2DBackpropInput", conv_2d_backprop_input},
    {"DepthwiseConv2dNative", depthwise},
    {"Elu", activation<Builtin::ELU>},
    {"FusedBatchNorm", fused_batch_norm},
    {"FusedBatchNormV2", fused_batch_norm},
    {"FusedBatchNormV3", fused_batch_norm},
    {"LRN", lrn},
    {"LeakyRelu", leaky_relu},
    {"LogSoftmax", activation<Builtin::LOG_SOFTMAX>},
    {"MaxPool", pool<Builtin::MAX_POOL_2D>},
    {"MaxPoolV2", pool<Builtin::MAX_POOL_2D>},
    {"Relu", activation<Builtin::RELU>},
    {"Relu6", activation<Builtin::RELU6>},
    {"ResizeBilinear", resize<Builtin::RESIZE_BILINEAR, schema::ResizeBilinearOptionsT>},
    {"ResizeNearestNeighbor",
     resize<Builtin::RESIZE_NEAREST_NEIGHBOR, schema::ResizeNearestNeighborOptionsT>},
    {"Selu", selu},
    {"Sigmoid", activation<Builtin::LOGISTIC>},
    {"Softmax", softmax},
    {"Softplus", softplus},
    {"Softsign", softsign},
    {"Tanh", activation<Builtin::TANH>},
};

}  // namespace

std::span<const OpRow> nn_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
