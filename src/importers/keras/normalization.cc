// SPDX-License-Identifier: Apache-2.0
// Normalizations, in their plain form.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

// The axes that a config names, sorted; `otherwise` where it names none.
std::vector<int32_t> axes_of(const Layer& l, int rank, std::vector<int32_t> otherwise) {
  std::vector<int32_t> result =
      l.config.has("axis") ? l.config.at("axis").integers() : std::move(otherwise);
  for (int32_t& a : result) a = l.axis(a, rank);
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  l.refuse_if(result.empty(), "no axis");
  return result;
}

// Dims of a vector along one axis that broadcasts over x; only the last axis needs none.
std::vector<int32_t> along(const Layer& l, int32_t x, const std::vector<int32_t>& axes) {
  if (axes.size() == 1 && axes[0] == l.rank(x) - 1) return {l.dim(x, axes[0])};
  std::vector<int32_t> dims(static_cast<size_t>(l.rank(x)), 1);
  for (int32_t a : axes) dims[static_cast<size_t>(a)] = l.dim(x, a);
  return dims;
}

std::vector<int32_t> dims_at(const Layer& l, int32_t x, const std::vector<int32_t>& axes) {
  std::vector<int32_t> dims;
  for (int32_t a : axes) dims.push_back(l.dim(x, a));
  return dims;
}

// (x − mean) / √(variance + epsilon) over the axes.
int32_t standardize(Layer& l, int32_t x, const std::vector<int32_t>& axes, float epsilon) {
  const int32_t mean = l.reduce(Builtin::MEAN, x, axes, true);
  const int32_t centered = l.minus(x, mean);
  const int32_t variance = l.reduce(Builtin::MEAN, l.times(centered, centered), axes, true);
  return l.times(centered, l.add(Builtin::RSQRT, {l.plus(variance, epsilon)}));
}

}  // namespace

Tensors emit_batch_normalization(Layer& l) {
  const int32_t x = l.input();
  const std::vector<int32_t> axes = axes_of(l, l.rank(x), {-1});
  l.refuse_if(axes.size() != 1, "expected one axis");
  const int32_t n = l.dim(x, axes[0]);
  const size_t count = static_cast<size_t>(n);
  const float epsilon = static_cast<float>(l.config.number("epsilon", 1e-3));
  std::vector<float> scale(count, 1), shift(count, 0);
  if (l.config.flag("scale", true)) scale = l.values("gamma", {n});
  if (l.config.flag("center", true)) shift = l.values("beta", {n});
  const std::vector<float> mean = l.values("moving_mean", {n});
  const std::vector<float> variance = l.values("moving_variance", {n});
  for (size_t i = 0; i < count; ++i) {
    const double factor = double{scale[i]} / std::sqrt(double{variance[i]} + double{epsilon});
    scale[i] = static_cast<float>(factor);
    shift[i] = static_cast<float>(double{shift[i]} - double{mean[i]} * factor);
  }
  const std::vector<int32_t> dims = along(l, x, axes);
  return {l.plus(l.times(x, l.constant(dims, scale)), l.constant(dims, shift))};
}

Tensors emit_layer_normalization(Layer& l) {
  const int32_t x = l.input();
  const std::vector<int32_t> axes = axes_of(l, l.rank(x), {-1});
  const float epsilon = static_cast<float>(l.config.number("epsilon", 1e-3));
  const std::vector<int32_t> own = dims_at(l, x, axes), dims = along(l, x, axes);
  Shape shape;
  for (int32_t d : dims) shape.push(d);
  if (l.config.flag("rms_scaling", false)) {
    const int32_t power = l.reduce(Builtin::MEAN, l.times(x, x), axes, true);
    const int32_t y = l.times(x, l.add(Builtin::RSQRT, {l.plus(power, epsilon)}));
    return {l.times(y, l.weight_as("gamma", own, shape))};
  }
  int32_t y = standardize(l, x, axes, epsilon);
  if (l.config.flag("scale", true)) y = l.times(y, l.weight_as("gamma", own, shape));
  if (l.config.flag("center", true)) y = l.plus(y, l.weight_as("beta", own, shape));
  return {y};
}

Tensors emit_rms_normalization(Layer& l) {
  const int32_t x = l.input();
  const std::vector<int32_t> axes = axes_of(l, l.rank(x), {-1});
  const float epsilon = static_cast<float>(l.config.number("epsilon", 1e-6));
  const int32_t power = l.reduce(Builtin::MEAN, l.times(x, x), axes, true);
  const int32_t y = l.times(x, l.add(Builtin::RSQRT, {l.plus(power, epsilon)}));
  Shape shape;
  for (int32_t d : along(l, x, axes)) shape.push(d);
  return {l.times(y, l.weight_as("scale", dims_at(l, x, axes), shape))};
}

// [..., C] → [..., G, C/G], standardized over all but batch and G, and back.
Tensors emit_group_normalization(Layer& l) {
  const int rank = l.rank(l.input());
  const std::vector<int32_t> axis = axes_of(l, rank, {-1});
  l.refuse_if(axis.size() != 1 || axis[0] == 0 || rank > 7, "this axis is not supported");
  std::vector<int32_t> order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<size_t>(axis[0])], order.back());
  const bool last = axis[0] == rank - 1;
  const int32_t x = last ? l.input() : l.transpose(l.input(), order);
  const int32_t channels = l.dim(x, -1);
  int32_t groups = l.config.integer("groups", 32);
  if (groups == -1) groups = channels;
  l.refuse_if(groups < 1 || channels % groups != 0,
              text(channels, " channels in ", groups, " groups"));
  const float epsilon = static_cast<float>(l.config.number("epsilon", 1e-3));
  const std::vector<int32_t> whole = l.dims_of(x);
  std::vector<int32_t> split = whole, axes(static_cast<size_t>(rank - 2));
  split.back() = groups;
  split.push_back(channels / groups);
  std::iota(axes.begin(), axes.end(), 1);
  axes.push_back(rank);
  int32_t y = l.reshape(standardize(l, l.reshape(x, split), axes, epsilon), whole);
  if (l.config.flag("scale", true)) y = l.times(y, l.weight("gamma", {channels}));
  if (l.config.flag("center", true)) y = l.plus(y, l.weight("beta", {channels}));
  return {last ? y : l.transpose(y, order)};
}

// x / √(sum of squares), with the sum at least 1e-12.
Tensors emit_unit_normalization(Layer& l) {
  const int32_t x = l.input();
  const std::vector<int32_t> axes = axes_of(l, l.rank(x), {-1});
  const int32_t sum = l.reduce(Builtin::SUM, l.times(x, x), axes, true);
  const int32_t bounded =
      l.add(Builtin::MAXIMUM, {sum, l.e.scalar(1e-12f)}, schema::MaximumMinimumOptionsT());
  return {l.times(x, l.add(Builtin::RSQRT, {bounded}))};
}

namespace {

// The numbers of a config, however nested.
void flatten(const Config& value, std::vector<float>& result) {
  if (value.is_number()) result.push_back(static_cast<float>(value.number()));
  if (value.is_list())
    for (size_t i = 0; i < value.size(); ++i) flatten(value.at(i), result);
}

}  // namespace

// (x − mean) / max(√variance, 1e-7), or the inverse of it; the statistics stand in the config or
// are weights.
Tensors emit_normalization(Layer& l) {
  const int32_t x = l.to_float(l.input());
  std::vector<int32_t> axes;
  if (l.config.has("axis"))
    for (int32_t a : l.config.at("axis").integers()) axes.push_back(l.axis(a, l.rank(x)));
  std::sort(axes.begin(), axes.end());
  std::vector<int32_t> dims = along(l, x, axes);
  std::vector<float> mean, variance;
  if (l.config.has("mean")) {
    flatten(l.config.at("mean"), mean);
    flatten(l.config.at("variance"), variance);
  } else {
    mean = l.values("mean", dims_at(l, x, axes));
    variance = l.values("variance", dims_at(l, x, axes));
  }
  if (mean.size() == 1) dims.clear();
  int64_t count = 1;
  for (int32_t d : dims) count *= d;
  l.refuse_if(mean.size() != variance.size() || static_cast<int64_t>(mean.size()) != count,
              text("expected ", count, " means and variances"));
  const bool invert = l.config.flag("invert", false);
  for (size_t i = 0; i < mean.size(); ++i) {
    variance[i] = std::max(std::sqrt(variance[i]), 1e-7f);
    if (invert) continue;
    variance[i] = 1.0f / variance[i];
    mean[i] = -mean[i];
  }
  const int32_t shift = l.constant(dims, mean), scale = l.constant(dims, variance);
  return {invert ? l.plus(l.times(x, scale), shift) : l.times(l.plus(x, shift), scale)};
}

namespace {

int32_t scalar_or_vector(const Layer& l, const char* key, float otherwise) {
  std::vector<float> list;
  flatten(l.config.at(key), list);
  if (list.empty()) list.push_back(otherwise);
  if (list.size() == 1) return l.e.scalar(list[0]);
  return l.e.constant<float>({static_cast<int32_t>(list.size())}, list);
}

}  // namespace

Tensors emit_rescaling(Layer& l) {
  const int32_t scale = scalar_or_vector(l, "scale", 1), offset = scalar_or_vector(l, "offset", 0);
  const int32_t y = l.times(l.to_float(l.input()), scale);
  return {l.e.uniform(offset) == 0.0f ? y : l.plus(y, offset)};
}

// LayerScale of ConvNeXt: one factor for each channel.
Tensors emit_scale_layer(Layer& l) {
  const int32_t x = l.input();
  // Keras 3 gives the variable no name of its own.
  return {l.times(x, l.weight(l.has_weight("gamma") ? "gamma" : "variable", {l.dim(x, -1)}))};
}

}  // namespace cygnet::keras
