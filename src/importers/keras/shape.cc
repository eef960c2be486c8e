// SPDX-License-Identifier: Apache-2.0
// Layers that only move, repeat or drop elements, and resizing.
#include <algorithm>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

void channels_last(const Layer& l) {
  l.refuse_if(l.config.text("data_format", "channels_last") != "channels_last",
              "data_format channels_first is not supported; save the model with channels_last");
}

// One number, a pair, or a pair of pairs → [before, after] for each of `count` directions.
std::vector<int32_t> pairs(const Layer& l, const Config& value, size_t count) {
  std::vector<int32_t> result;
  if (value.is_number()) result.assign(2 * count, value.integer());
  for (size_t i = 0; value.is_list() && i < value.size(); ++i) {
    const std::vector<int32_t> one = value.at(i).integers();
    const size_t copies = value.at(i).is_list() || count == 1 ? 1 : 2;
    for (size_t k = 0; k < copies; ++k) result.insert(result.end(), one.begin(), one.end());
  }
  l.refuse_if(result.size() != 2 * count, text("expected ", count, " pairs"));
  for (int32_t v : result) l.refuse_if(v < 0 || v > (1 << 20), "a size is out of range");
  return result;
}

int32_t crop(Layer& l, int32_t x, const std::vector<int32_t>& sizes) {
  const int rank = l.e.shape(x).rank;
  std::vector<int32_t> begin(static_cast<size_t>(rank), 0), end = begin, step(begin.size(), 1);
  schema::StridedSliceOptionsT options;
  options.begin_mask = options.end_mask = (1 << rank) - 1;
  for (size_t i = 0; 2 * i < sizes.size(); ++i) {
    const int d = static_cast<int>(i) + 1;
    const int32_t before = sizes[2 * i], after = sizes[2 * i + 1];
    l.refuse_if(before + after >= l.dim(x, d), "nothing would be left");
    begin[i + 1] = before;
    end[i + 1] = l.dim(x, d) - after;
    options.begin_mask &= ~(1 << d);
    options.end_mask &= ~(1 << d);
  }
  return l.add(Builtin::STRIDED_SLICE, {x, l.e.list(begin), l.e.list(end), l.e.list(step)}, options);
}

int32_t resize(Layer& l, int32_t x, int64_t h, int64_t w, const std::string& how) {
  l.expect_rank(x, 4);
  l.refuse_if(h < 1 || w < 1 || h > (1 << 20) || w > (1 << 20), "the size is out of range");
  const int32_t size = l.e.list({static_cast<int32_t>(h), static_cast<int32_t>(w)});
  if (how == "bilinear") {
    schema::ResizeBilinearOptionsT options;
    options.half_pixel_centers = true;
    return l.add(Builtin::RESIZE_BILINEAR, {x, size}, options);
  }
  l.refuse_if(how != "nearest", text("interpolation \"", how, "\" is not supported"));
  schema::ResizeNearestNeighborOptionsT options;
  options.half_pixel_centers = true;
  return l.add(Builtin::RESIZE_NEAREST_NEIGHBOR, {x, size}, options);
}

}  // namespace

Tensors emit_nothing(Layer& l) { return l.inputs.empty() ? Tensors{l.input()} : l.inputs; }

Tensors emit_flatten(Layer& l) {
  channels_last(l);
  const int32_t x = l.input();
  int64_t n = 1;
  for (int d = 1; d < l.rank(x); ++d) n *= l.dim(x, d);
  return {l.reshape(x, {kRest, static_cast<int32_t>(n)})};
}

Tensors emit_reshape(Layer& l) {
  const int32_t x = l.input();
  std::vector<int32_t> dims = l.config.at("target_shape").integers();
  l.refuse_if(dims.size() + 1 > static_cast<size_t>(kMaxRank), "too many dimensions");
  int64_t known = 1, all = 1;
  for (int d = 1; d < l.rank(x); ++d) all *= l.dim(x, d);
  for (int32_t d : dims) {
    l.refuse_if(d < -1, text("size ", d, " is out of range"));
    if (d >= 0) known = std::min<int64_t>(known * d, int64_t{1} << 40);
  }
  const auto open = std::count(dims.begin(), dims.end(), -1);
  l.refuse_if(open > 1 || (open == 1 && (known == 0 || all % known != 0)) ||
                  (open == 0 && known != all),
              "the sizes do not fit the input");
  for (int32_t& d : dims)
    if (d < 0) d = static_cast<int32_t>(all / known);
  dims.insert(dims.begin(), kRest);
  return {l.reshape(x, dims)};
}

Tensors emit_permute(Layer& l) {
  const int32_t x = l.input();
  std::vector<int32_t> order = l.config.at("dims").integers();
  order.insert(order.begin(), 0);
  l.refuse_if(static_cast<int>(order.size()) != l.rank(x), "dims do not fit the input");
  return {l.transpose(x, order)};
}

Tensors emit_repeat_vector(Layer& l) {
  const int32_t x = l.input();
  l.expect_rank(x, 2);
  const int32_t n = l.config.integer("n", 0);
  l.refuse_if(n < 1, "n must be positive");
  const int32_t row = l.reshape(x, {kRest, 1, l.dim(x, 1)});
  return {l.add(Builtin::TILE, {row, l.e.list({1, n, 1})}, schema::TileOptionsT())};
}

Tensors emit_zero_padding_1d(Layer& l) {
  channels_last(l);
  l.expect_rank(l.input(), 3);
  const auto p = pairs(l, l.config.at("padding"), 1);
  return {l.pad(l.input(), {0, 0, p[0], p[1], 0, 0})};
}

Tensors emit_zero_padding_2d(Layer& l) {
  channels_last(l);
  l.expect_rank(l.input(), 4);
  const auto p = pairs(l, l.config.at("padding"), 2);
  return {l.pad(l.input(), {0, 0, p[0], p[1], p[2], p[3], 0, 0})};
}

Tensors emit_cropping_1d(Layer& l) {
  l.expect_rank(l.input(), 3);
  return {crop(l, l.input(), pairs(l, l.config.at("cropping"), 1))};
}

Tensors emit_cropping_2d(Layer& l) {
  channels_last(l);
  l.expect_rank(l.input(), 4);
  return {crop(l, l.input(), pairs(l, l.config.at("cropping"), 2))};
}

Tensors emit_up_sampling_1d(Layer& l) {
  const int32_t x = l.input();
  l.expect_rank(x, 3);
  const int64_t size = l.config.integer("size", 2);
  const int32_t y = resize(l, l.reshape(x, {kRest, l.dim(x, 1), 1, l.dim(x, 2)}),
                           size * l.dim(x, 1), 1, "nearest");
  return {l.reshape(y, {kRest, l.dim(y, 1), l.dim(y, 3)})};
}

Tensors emit_up_sampling_2d(Layer& l) {
  channels_last(l);
  const int32_t x = l.input();
  l.expect_rank(x, 4);
  const Config given = l.config.at("size");
  std::vector<int32_t> size = given.null() ? std::vector<int32_t>{2} : given.integers();
  if (size.size() == 1) size.push_back(size[0]);
  l.refuse_if(size.size() != 2, "expected two sizes");
  return {resize(l, x, int64_t{size[0]} * l.dim(x, 1), int64_t{size[1]} * l.dim(x, 2),
                 l.config.text("interpolation", "nearest"))};
}

Tensors emit_resizing(Layer& l) {
  channels_last(l);
  for (const char* key : {"crop_to_aspect_ratio", "pad_to_aspect_ratio"})
    l.refuse_if(l.config.flag(key, false), text(key, " is not supported"));
  const int32_t x = l.to_float(l.input());
  return {resize(l, x, l.config.integer("height", 0), l.config.integer("width", 0),
                 l.config.text("interpolation", "bilinear"))};
}

// The middle of the picture; smaller pictures would be resized, which is refused.
Tensors emit_center_crop(Layer& l) {
  channels_last(l);
  const int32_t x = l.to_float(l.input());
  l.expect_rank(x, 4);
  const int32_t h = l.config.integer("height", 0), w = l.config.integer("width", 0);
  l.refuse_if(h < 1 || w < 1 || h > l.dim(x, 1) || w > l.dim(x, 2),
              "the crop is larger than the picture");
  const int32_t top = (l.dim(x, 1) - h) / 2, left = (l.dim(x, 2) - w) / 2;
  return {crop(l, x, {top, l.dim(x, 1) - h - top, left, l.dim(x, 2) - w - left})};
}

}  // namespace cygnet::keras
