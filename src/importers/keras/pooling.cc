// SPDX-License-Identifier: Apache-2.0
// Pooling. Averages leave padding out of the count, as Keras does.
#include <numeric>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

std::vector<int32_t> steps(const Layer& l, const Config& value, size_t count) {
  std::vector<int32_t> list = value.integers();
  if (list.size() == 1) list.resize(count, list[0]);
  l.refuse_if(list.size() != count, text("expected ", count, " sizes"));
  for (int32_t v : list)
    l.refuse_if(v < 1 || v > (1 << 20), text("size ", v, " is out of range"));
  return list;
}

void channels_last(const Layer& l) {
  l.refuse_if(l.config.text("data_format", "channels_last") != "channels_last",
              "data_format channels_first is not supported; save the model with channels_last");
}

int32_t pool(Layer& l, int32_t x, Builtin op, size_t directions) {
  channels_last(l);
  const std::vector<int32_t> size = steps(l, l.config.at("pool_size"), directions);
  const std::vector<int32_t> stride =
      l.config.has("strides") ? steps(l, l.config.at("strides"), directions) : size;
  const std::string padding = l.config.text("padding", "valid");
  l.refuse_if(padding != "same" && padding != "valid",
              text("padding \"", padding, "\" is not supported"));
  schema::Pool2DOptionsT options;
  options.padding = padding == "same" ? schema::Padding::SAME : schema::Padding::VALID;
  options.filter_width = size.back();
  options.stride_w = stride.back();
  options.filter_height = directions == 2 ? size[0] : 1;
  options.stride_h = directions == 2 ? stride[0] : 1;
  return l.add(op, {x}, options);
}

int32_t pool_1d(Layer& l, Builtin op) {
  const int32_t x = l.input();
  l.expect_rank(x, 3);
  const int32_t y = pool(l, l.reshape(x, {kRest, 1, l.dim(x, 1), l.dim(x, 2)}), op, 1);
  return l.reshape(y, {kRest, l.dim(y, 2), l.dim(y, 3)});
}

int32_t global(Layer& l, Builtin op) {
  channels_last(l);
  const int32_t x = l.input();
  l.refuse_if(l.rank(x) < 3, "expected an input of rank 3 or more");
  std::vector<int32_t> axes(static_cast<size_t>(l.rank(x) - 2));
  std::iota(axes.begin(), axes.end(), 1);
  return l.reduce(op, x, axes, l.config.flag("keepdims", false));
}

}  // namespace

Tensors emit_average_pooling_1d(Layer& l) { return {pool_1d(l, Builtin::AVERAGE_POOL_2D)}; }
Tensors emit_max_pooling_1d(Layer& l) { return {pool_1d(l, Builtin::MAX_POOL_2D)}; }

Tensors emit_average_pooling_2d(Layer& l) {
  l.expect_rank(l.input(), 4);
  return {pool(l, l.input(), Builtin::AVERAGE_POOL_2D, 2)};
}

Tensors emit_max_pooling_2d(Layer& l) {
  l.expect_rank(l.input(), 4);
  return {pool(l, l.input(), Builtin::MAX_POOL_2D, 2)};
}

Tensors emit_global_average_pooling(Layer& l) { return {global(l, Builtin::MEAN)}; }
Tensors emit_global_max_pooling(Layer& l) { return {global(l, Builtin::REDUCE_MAX)}; }

}  // namespace cygnet::keras
