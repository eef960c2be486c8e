// SPDX-License-Identifier: Apache-2.0
// Pooling. Averages leave padding out of the count, as Keras does. Windows of one and of three
// directions are made of those of two.
#include <algorithm>
#include <numeric>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

struct Windows {
  std::vector<int32_t> size, stride;
  bool same = false;
};

std::vector<int32_t> steps(const Layer& l, const Config& value, size_t count) {
  std::vector<int32_t> list = value.integers();
  if (list.size() == 1) list.resize(count, list[0]);
  l.refuse_if(list.size() != count, text("expected ", count, " sizes"));
  for (int32_t v : list) l.refuse_if(v < 1 || v > (1 << 20), text("size ", v, " is out of range"));
  return list;
}

Windows windows(const Layer& l, size_t directions) {
  Windows w;
  w.size = steps(l, l.config.at("pool_size"), directions);
  w.stride = l.config.has("strides") ? steps(l, l.config.at("strides"), directions) : w.size;
  const std::string padding = l.config.text("padding", "valid");
  l.refuse_if(padding != "same" && padding != "valid",
              text("padding \"", padding, "\" is not supported"));
  w.same = padding == "same";
  return w;
}

int32_t pool(Layer& l, int32_t x, Builtin op, int32_t kh, int32_t kw, int32_t sh, int32_t sw,
             bool same) {
  schema::Pool2DOptionsT options;
  options.padding = same ? schema::Padding::SAME : schema::Padding::VALID;
  options.filter_height = kh;
  options.filter_width = kw;
  options.stride_h = sh;
  options.stride_w = sw;
  return l.add(op, {x}, options);
}

int32_t pool_1d(Layer& l, Builtin op) {
  const int32_t x = l.input();
  l.expect_rank(x, 3);
  const Windows w = windows(l, 1);
  const int32_t wide = l.reshape(x, {kRest, 1, l.dim(x, 1), l.dim(x, 2)});
  const int32_t y = pool(l, wide, op, 1, w.size[0], 1, w.stride[0], w.same);
  return l.reshape(y, {kRest, l.dim(y, 2), l.dim(y, 3)});
}

int32_t pool_2d(Layer& l, Builtin op) {
  l.expect_rank(l.input(), 4);
  const Windows w = windows(l, 2);
  return pool(l, l.input(), op, w.size[0], w.size[1], w.stride[0], w.stride[1], w.same);
}

// [N, D, H, W, C]: over height and width with the depth among the batch, then over the depth.
int32_t pool_3d(Layer& l, Builtin op) {
  const int32_t x = l.input();
  l.expect_rank(x, 5);
  const Windows w = windows(l, 3);
  const int32_t depth = l.dim(x, 1), c = l.dim(x, 4);
  const int32_t planes = pool(l, l.reshape(x, {kRest, l.dim(x, 2), l.dim(x, 3), c}), op, w.size[1],
                              w.size[2], w.stride[1], w.stride[2], w.same);
  const int32_t height = l.dim(planes, 1), width = l.dim(planes, 2);
  l.refuse_if(int64_t{height} * width > 0x7fffffff, "the input is too large");
  const int32_t y = pool(l, l.reshape(planes, {kRest, depth, height * width, c}), op, w.size[0], 1,
                         w.stride[0], 1, w.same);
  return l.reshape(y, {kRest, l.dim(y, 1), height, width, c});
}

int32_t global(Layer& l, Builtin op) {
  const int32_t x = l.input();
  l.refuse_if(l.rank(x) < 3, "expected an input of rank 3 or more");
  std::vector<int32_t> axes(static_cast<size_t>(l.rank(x) - 2));
  std::iota(axes.begin(), axes.end(), 1);
  return l.reduce(op, x, axes, l.config.flag("keepdims", false));
}

int32_t along(Layer& l, int32_t x, Builtin op, int d, int32_t size) {
  return d == 1 ? pool(l, x, op, size, 1, 1, 1, false) : pool(l, x, op, 1, size, 1, 1, false);
}

// Dimension d (1 or 2) of an [N, H, W, C] input to a given size: part i of n is what lies between
// i/n and (i + 1)/n, rounded outwards.
int32_t adapt(Layer& l, int32_t x, Builtin op, int d, int32_t parts) {
  const int64_t n = l.dim(x, d);
  l.refuse_if(parts < 1 || parts > (1 << 16) || n < 1, "output_size is out of range");
  std::vector<int32_t> begins, lengths;
  for (int64_t i = 0; i < parts; ++i) {
    begins.push_back(static_cast<int32_t>(i * n / parts));
    lengths.push_back(static_cast<int32_t>(((i + 1) * n + parts - 1) / parts) - begins.back());
  }
  std::vector<int32_t> kinds = lengths, indices;
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  if (kinds.size() == 1 && n % parts == 0) {
    const int32_t k = kinds[0];
    return d == 1 ? pool(l, x, op, k, 1, k, 1, false) : pool(l, x, op, 1, k, 1, k, false);
  }
  Tensors pooled;
  std::vector<int32_t> first;
  int32_t total = 0;
  for (int32_t k : kinds) {
    pooled.push_back(along(l, x, op, d, k));
    first.push_back(total);
    total += l.dim(pooled.back(), d);
  }
  for (size_t i = 0; i < begins.size(); ++i) {
    const auto kind = std::find(kinds.begin(), kinds.end(), lengths[i]) - kinds.begin();
    indices.push_back(first[static_cast<size_t>(kind)] + begins[i]);
  }
  schema::GatherOptionsT options;
  options.axis = d;
  return l.add(Builtin::GATHER, {l.concatenate(pooled, d), l.e.list(indices)}, options);
}

int32_t adaptive(Layer& l, Builtin op) {
  const int32_t x = l.input();
  l.refuse_if(l.rank(x) != 3 && l.rank(x) != 4, "expected an input of rank 3 or 4");
  const std::vector<int32_t> size =
      steps(l, l.config.at("output_size"), static_cast<size_t>(l.rank(x) - 2));
  if (l.rank(x) == 4) return adapt(l, adapt(l, x, op, 1, size[0]), op, 2, size[1]);
  const int32_t wide = l.reshape(x, {kRest, 1, l.dim(x, 1), l.dim(x, 2)});
  const int32_t y = adapt(l, wide, op, 2, size[0]);
  return l.reshape(y, {kRest, l.dim(y, 2), l.dim(y, 3)});
}

}  // namespace

Tensors emit_average_pooling_1d(Layer& l) {
  return {pool_1d(l, Builtin::AVERAGE_POOL_2D)};
}
Tensors emit_average_pooling_2d(Layer& l) {
  return {pool_2d(l, Builtin::AVERAGE_POOL_2D)};
}
Tensors emit_average_pooling_3d(Layer& l) {
  return {pool_3d(l, Builtin::AVERAGE_POOL_2D)};
}
Tensors emit_max_pooling_1d(Layer& l) {
  return {pool_1d(l, Builtin::MAX_POOL_2D)};
}
Tensors emit_max_pooling_2d(Layer& l) {
  return {pool_2d(l, Builtin::MAX_POOL_2D)};
}
Tensors emit_max_pooling_3d(Layer& l) {
  return {pool_3d(l, Builtin::MAX_POOL_2D)};
}
Tensors emit_global_average_pooling(Layer& l) {
  return {global(l, Builtin::MEAN)};
}
Tensors emit_global_max_pooling(Layer& l) {
  return {global(l, Builtin::REDUCE_MAX)};
}
Tensors emit_adaptive_average_pooling(Layer& l) {
  return {adaptive(l, Builtin::AVERAGE_POOL_2D)};
}
Tensors emit_adaptive_max_pooling(Layer& l) {
  return {adaptive(l, Builtin::MAX_POOL_2D)};
}

}  // namespace cygnet::keras
