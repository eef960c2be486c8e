// SPDX-License-Identifier: Apache-2.0
// Layers that only move, repeat or drop elements, and resizing.
#include <algorithm>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

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
  return l.add(Builtin::STRIDED_SLICE, {x, l.e.list(begin), l.e.list(end), l.e.list(step)},
               options);
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

// A layer of training that, left out, still turns integers into reals.
Tensors emit_to_float(Layer& l) {
  return {l.to_float(l.input())};
}

// A wrapper that does nothing to what it wraps while inferring.
Tensors emit_wrapper(Layer& l) {
  return emit_inner(l, l.config.at("layer"), "", "layer", l.call);
}

Tensors emit_nothing(Layer& l) {
  return l.inputs.empty() ? Tensors{l.input()} : l.inputs;
}

Tensors emit_flatten(Layer& l) {
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
  l.refuse_if(
      open > 1 || (open == 1 && (known == 0 || all % known != 0)) || (open == 0 && known != all),
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

namespace {

int32_t zero_padding(Layer& l, size_t directions) {
  l.expect_rank(l.input(), static_cast<int>(directions) + 2);
  std::vector<int32_t> table = {0, 0};
  for (int32_t v : pairs(l, l.config.at("padding"), directions)) table.push_back(v);
  table.insert(table.end(), {0, 0});
  return l.pad(l.input(), table);
}

int32_t cropping(Layer& l, size_t directions) {
  l.expect_rank(l.input(), static_cast<int>(directions) + 2);
  return crop(l, l.input(), pairs(l, l.config.at("cropping"), directions));
}

}  // namespace

Tensors emit_zero_padding_1d(Layer& l) {
  return {zero_padding(l, 1)};
}
Tensors emit_zero_padding_2d(Layer& l) {
  return {zero_padding(l, 2)};
}
Tensors emit_zero_padding_3d(Layer& l) {
  return {zero_padding(l, 3)};
}
Tensors emit_cropping_1d(Layer& l) {
  return {cropping(l, 1)};
}
Tensors emit_cropping_2d(Layer& l) {
  return {cropping(l, 2)};
}
Tensors emit_cropping_3d(Layer& l) {
  return {cropping(l, 3)};
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
  const int32_t x = l.input();
  l.expect_rank(x, 4);
  const Config given = l.config.at("size");
  std::vector<int32_t> size = given.null() ? std::vector<int32_t>{2} : given.integers();
  if (size.size() == 1) size.push_back(size[0]);
  l.refuse_if(size.size() != 2, "expected two sizes");
  return {resize(l, x, int64_t{size[0]} * l.dim(x, 1), int64_t{size[1]} * l.dim(x, 2),
                 l.config.text("interpolation", "nearest"))};
}

// Every element of three directions repeated.
Tensors emit_up_sampling_3d(Layer& l) {
  int32_t x = l.input();
  l.expect_rank(x, 5);
  std::vector<int32_t> size = l.config.at("size").integers();
  if (size.size() == 1) size.resize(3, size[0]);
  l.refuse_if(size.size() != 3, "expected three sizes");
  for (int d = 1; d < 4; ++d) {
    const int32_t n = size[static_cast<size_t>(d - 1)];
    l.refuse_if(n < 1 || int64_t{n} * l.dim(x, d) > (1 << 20), "the size is out of range");
    if (n == 1) continue;
    std::vector<int32_t> indices;
    for (int32_t i = 0; i < l.dim(x, d); ++i)
      indices.insert(indices.end(), static_cast<size_t>(n), i);
    schema::GatherOptionsT options;
    options.axis = d;
    x = l.add(Builtin::GATHER, {x, l.e.list(indices)}, options);
  }
  return {x};
}

namespace {

// The largest middle part of the picture with the wanted proportions.
int32_t crop_to(Layer& l, int32_t x, int64_t height, int64_t width) {
  const int64_t h = l.dim(x, 1), w = l.dim(x, 2);
  const int64_t ch = std::clamp<int64_t>(w * height / width, 1, h);
  const int64_t cw = std::clamp<int64_t>(h * width / height, 1, w);
  const int64_t top = (h - ch) / 2, left = (w - cw) / 2;
  return crop(l, x,
              {static_cast<int32_t>(top), static_cast<int32_t>(h - ch - top),
               static_cast<int32_t>(left), static_cast<int32_t>(w - cw - left)});
}

// The picture in the middle of a border that gives it the wanted proportions. Both sides get the
// same, which may leave a pixel too few, as Keras has it.
int32_t pad_to(Layer& l, int32_t x, int64_t height, int64_t width) {
  const int64_t h = l.dim(x, 1), w = l.dim(x, 2);
  const int64_t top = (std::max(h, w * height / width) - h) / 2;
  const int64_t left = (std::max(w, h * width / height) - w) / 2;
  l.refuse_if(top > (1 << 20) || left > (1 << 20), "the border is too large");
  const int32_t y = static_cast<int32_t>(top), z = static_cast<int32_t>(left);
  const int32_t table = l.e.constant<int32_t>({4, 2}, std::vector<int32_t>{0, 0, y, y, z, z, 0, 0});
  const float value = static_cast<float>(l.config.number("fill_value", 0));
  return l.add(Builtin::PADV2, {x, table, l.e.scalar(value)}, schema::PadV2OptionsT());
}

int32_t resizing(Layer& l, int32_t x, int32_t height, int32_t width, const std::string& how) {
  l.expect_rank(x, 4);
  l.refuse_if(height < 1 || width < 1 || height > (1 << 20) || width > (1 << 20),
              "the size is out of range");
  const bool shrinks = height < l.dim(x, 1) || width < l.dim(x, 2);
  l.refuse_if(l.config.flag("antialias", false) && shrinks, "antialias is not supported");
  if (l.config.flag("crop_to_aspect_ratio", false)) x = crop_to(l, x, height, width);
  if (l.config.flag("pad_to_aspect_ratio", false)) x = pad_to(l, x, height, width);
  return resize(l, x, height, width, how);
}

}  // namespace

Tensors emit_resizing(Layer& l) {
  return {resizing(l, l.to_float(l.input()), l.config.integer("height", 0),
                   l.config.integer("width", 0), l.config.text("interpolation", "bilinear"))};
}

// As an operation: keras.ops.image.resize, tf.image.resize.
Tensors emit_resize(Layer& l) {
  const auto given = [&](const char* key) {
    if (l.config.has(key)) return l.config.at(key);
    return l.call.keywords.count(key) != 0 ? l.call.keywords[key].literal : Config();
  };
  const std::vector<int32_t> size = given("size").integers();
  l.refuse_if(size.size() != 2, "expected a height and a width");
  const Config how = given("interpolation").null() ? given("method") : given("interpolation");
  return {
      resizing(l, l.to_float(l.input()), size[0], size[1], how.null() ? "bilinear" : how.text())};
}

// The middle of the picture; a picture that is smaller is cropped in proportion and enlarged.
Tensors emit_center_crop(Layer& l) {
  const int32_t x = l.to_float(l.input());
  l.expect_rank(x, 4);
  const int32_t h = l.config.integer("height", 0), w = l.config.integer("width", 0);
  l.refuse_if(h < 1 || w < 1, "the size is out of range");
  if (h > l.dim(x, 1) || w > l.dim(x, 2)) return {resize(l, crop_to(l, x, h, w), h, w, "bilinear")};
  const int32_t top = (l.dim(x, 1) - h) / 2, left = (l.dim(x, 2) - w) / 2;
  return {crop(l, x, {top, l.dim(x, 1) - h - top, left, l.dim(x, 2) - w - left})};
}

}  // namespace cygnet::keras
