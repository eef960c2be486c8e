// SPDX-License-Identifier: Apache-2.0
// Operations that move, repeat, join or pick elements.
#include <algorithm>
#include <numeric>

#include "importers/keras/operations.h"

namespace cygnet::keras {
namespace {

Tensors nothing(Layer& l) {
  return l.inputs.size() == 1 ? l.inputs : Tensors{l.input()};
}

Tensors shape_of_tensor(Layer& l) {
  schema::ShapeOptionsT options;
  options.out_type = schema::TensorType::INT32;
  return {l.add_typed(Builtin::SHAPE, {l.input()}, Type::int32, options)};
}

Tensors concatenate(Layer& l) {
  l.input();
  const Type type = common_type(l, {&l.call.positional.front()});
  Tensors parts;
  for (int32_t x : l.inputs) parts.push_back(l.cast(x, type));
  return {l.concatenate(parts, axis_setting(l, 1, 0, l.rank(l.input())))};
}

Tensors concatenate_columns(Layer& l) {
  return {l.concatenate(l.inputs, l.axis(l.rank(l.input()) == 1 ? 0 : 1, l.rank(l.input())))};
}

Tensors stack(Layer& l) {
  schema::PackOptionsT options;
  options.values_count = static_cast<int32_t>(l.inputs.size());
  options.axis = axis_setting(l, 1, 0, l.rank(l.input()) + 1);
  return {l.add(Builtin::PACK, l.inputs, options)};
}

// The sizes of a new shape; one that a tensor gives is the batch.
std::vector<int32_t> new_shape(Layer& l) {
  const std::initializer_list<const char*> keys = {"newshape", "shape"};
  for (const char* key : keys)
    if (l.config.has(key)) return l.config.at(key).integers();
  const Argument& given = argument(l, 1, keys);
  if (!given.is_list) return given.literal.integers();
  std::vector<int32_t> dims;
  for (const Argument& a : given.list) {
    if (!a.is_tensor()) {
      dims.push_back(a.literal.null() ? kRest : a.literal.integer());
      continue;
    }
    const auto known = l.e.integers(a.tensor);
    l.refuse_if(known && known->size() != 1, "the shape is not supported");
    dims.push_back(known ? static_cast<int32_t>(known->front()) : kRest);
  }
  return dims;
}

Tensors reshape(Layer& l) {
  const std::vector<int32_t> dims = new_shape(l);
  const auto open = std::count(dims.begin(), dims.end(), kRest);
  l.refuse_if(open > 1 || dims.size() > static_cast<size_t>(kMaxRank),
              "the shape is not supported");
  return {l.reshape(l.input(), dims)};
}

Tensors ravel(Layer& l) {
  return {l.reshape(l.input(), {kRest})};
}

Tensors transpose(Layer& l) {
  const int32_t x = l.input();
  const Config axes = setting(l, {"axes", "perm"}, 1);
  std::vector<int32_t> order;
  if (axes.null())
    for (int d = l.rank(x); d-- > 0;) order.push_back(d);
  else
    for (int32_t a : axes.integers()) order.push_back(l.axis(a, l.rank(x)));
  l.refuse_if(order.size() != static_cast<size_t>(l.rank(x)), "the axes do not fit the input");
  return {l.transpose(x, order)};
}

std::vector<int32_t> natural_order(const Layer& l, int32_t x) {
  std::vector<int32_t> order(static_cast<size_t>(l.rank(x)));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Tensors swap_axes(Layer& l) {
  const int32_t x = l.input();
  std::vector<int32_t> order = natural_order(l, x);
  const int a = l.axis(setting(l, {"axis1"}, 1).integer(), l.rank(x));
  const int b = l.axis(setting(l, {"axis2"}, 2).integer(), l.rank(x));
  std::swap(order[static_cast<size_t>(a)], order[static_cast<size_t>(b)]);
  return {l.transpose(x, order)};
}

Tensors move_axis(Layer& l) {
  const int32_t x = l.input();
  const std::vector<int32_t> from = setting(l, {"source"}, 1).integers();
  const std::vector<int32_t> to = setting(l, {"destination"}, 2).integers();
  l.refuse_if(from.size() != to.size(), "source and destination differ in number");
  std::vector<std::pair<int, int>> moves;  // destination, source
  for (size_t i = 0; i < from.size(); ++i)
    moves.emplace_back(l.axis(to[i], l.rank(x)), l.axis(from[i], l.rank(x)));
  std::vector<int32_t> order = natural_order(l, x);
  for (const auto& [at, source] : moves)
    order.erase(std::remove(order.begin(), order.end(), source), order.end());
  std::sort(moves.begin(), moves.end());
  for (const auto& [at, source] : moves) {
    l.refuse_if(static_cast<size_t>(at) > order.size(), "an axis is named twice");
    order.insert(order.begin() + at, source);
  }
  l.refuse_if(order.size() != static_cast<size_t>(l.rank(x)), "an axis is named twice");
  return {l.transpose(x, order)};
}

Tensors expand_dims(Layer& l) {
  std::vector<int32_t> dims = l.dims_of(l.input());
  l.refuse_if(dims.size() >= static_cast<size_t>(kMaxRank), "too many dimensions");
  dims.insert(dims.begin() + axis_setting(l, 1, 0, l.rank(l.input()) + 1), 1);
  return {l.reshape(l.input(), dims)};
}

Tensors squeeze(Layer& l) {
  const std::vector<int32_t> dims = l.dims_of(l.input());
  const Config at = setting(l, {"axis"}, 1);
  std::vector<bool> gone(dims.size(), false);
  if (at.null())
    for (size_t d = 0; d < dims.size(); ++d) gone[d] = dims[d] == 1;
  else
    for (int32_t a : at.integers()) gone[static_cast<size_t>(l.axis(a, l.rank(l.input())))] = true;
  std::vector<int32_t> left;
  for (size_t d = 0; d < dims.size(); ++d) {
    l.refuse_if(gone[d] && dims[d] != 1, "a dimension that is not 1 can't be removed");
    if (!gone[d]) left.push_back(dims[d]);
  }
  return {l.reshape(l.input(), left)};
}

Tensors tile(Layer& l) {
  int32_t x = l.input();
  const std::vector<int32_t> repeats = setting(l, {"repeats", "multiples"}, 1).integers();
  for (int32_t n : repeats)
    l.refuse_if(n < 1 || n > (1 << 24), "a number of repeats is out of range");
  l.refuse_if(static_cast<int>(repeats.size()) != l.rank(x),
              "expected a number for each dimension");
  return {l.add(Builtin::TILE, {x, l.e.list(repeats)}, schema::TileOptionsT())};
}

Tensors repeat(Layer& l) {
  const int32_t x = l.input();
  l.refuse_if(setting(l, {"axis"}, 2).null(), "without an axis this is not supported");
  const int at = axis_setting(l, 2, 0, l.rank(x));
  const Config times = setting(l, {"repeats"}, 1);
  l.refuse_if(l.e.dim_free(x, at) || !times.is_number(), "these repeats are not supported");
  const int32_t n = times.integer();
  l.refuse_if(n < 1 || int64_t{n} * l.dim(x, at) > (1 << 24), "repeats is out of range");
  std::vector<int32_t> indices;
  for (int32_t i = 0; i < l.dim(x, at); ++i)
    indices.insert(indices.end(), static_cast<size_t>(n), i);
  return {gather(l, x, l.e.list(indices), at)};
}

Tensors flip(Layer& l) {
  const int32_t x = l.input();
  const int at = axis_setting(l, 1, 0, l.rank(x));
  l.refuse_if(setting(l, {"axis"}, 1).null(), "without an axis this is not supported");
  return {l.add(Builtin::REVERSE_V2, {x, l.e.list({at})}, schema::ReverseV2OptionsT())};
}

// The last `shift` elements go before the others.
Tensors roll(Layer& l) {
  const int32_t x = l.input();
  const Config by = setting(l, {"shift"}, 1), along = setting(l, {"axis"}, 2);
  l.refuse_if(!by.is_number() || !along.is_number(), "expected one shift along one axis");
  const int at = l.axis(along.integer(), l.rank(x));
  const int32_t n = l.dim(x, at);
  l.refuse_if(l.e.dim_free(x, at) || n < 1, "this dimension can't be rolled");
  const int32_t cut = n - (by.integer() % n + n) % n;
  if (cut == n) return {x};
  return {l.concatenate({l.slice(x, at, cut, n), l.slice(x, at, 0, cut)}, at)};
}

Tensors difference(Layer& l) {
  const int32_t x = l.input();
  const int at = axis_setting(l, 2, -1, l.rank(x));
  const Config order = setting(l, {"n"}, 1);
  const int32_t n = l.dim(x, at);
  l.refuse_if((!order.null() && order.integer() != 1) || l.e.dim_free(x, at) || n < 2,
              "only first differences are supported");
  return {l.minus(l.slice(x, at, 1, n), l.slice(x, at, 0, n - 1))};
}

Tensors broadcast_to(Layer& l) {
  const int32_t x = l.input();
  std::vector<int32_t> dims = setting(l, {"shape"}, 1).integers();
  l.refuse_if(dims.empty() || dims.size() > static_cast<size_t>(kMaxRank) ||
                  *std::min_element(dims.begin(), dims.end()) < 1,
              "the shape is not supported");
  return {l.add(Builtin::BROADCAST_TO, {x, l.e.list(dims)}, schema::BroadcastToOptionsT())};
}

Tensors pad(Layer& l) {
  const int32_t x = l.input();
  const Config widths = setting(l, {"pad_width", "paddings"}, 1);
  const Config mode = setting(l, {"mode"}, 2), value = setting(l, {"constant_values"}, 3);
  std::vector<int32_t> table;
  for (size_t i = 0; i < widths.size(); ++i)
    for (int32_t v : widths.at(i).integers()) {
      l.refuse_if(v < 0 || v > (1 << 20), "a width is out of range");
      table.push_back(v);
    }
  l.refuse_if(table.size() != 2 * static_cast<size_t>(l.rank(x)),
              "expected a pair for each dimension");
  const std::string how = mode.null() ? "constant" : mode.text();
  const int32_t amounts = l.e.constant<int32_t>({l.rank(x), 2}, table);
  if (how == "reflect" || how == "symmetric" || how == "REFLECT" || how == "SYMMETRIC") {
    schema::MirrorPadOptionsT options;
    options.mode = how == "reflect" || how == "REFLECT" ? schema::MirrorPadMode::REFLECT
                                                        : schema::MirrorPadMode::SYMMETRIC;
    return {l.add(Builtin::MIRROR_PAD, {x, amounts}, options)};
  }
  l.refuse_if(how != "constant" && how != "CONSTANT", text("mode \"", how, "\" is not supported"));
  Argument filler;
  filler.literal = value;
  if (value.null() || (value.is_number() && value.number() == 0)) return {l.pad(x, table)};
  return {l.add(Builtin::PADV2, {x, amounts, operand(l, filler, l.e.type(x))},
                schema::PadV2OptionsT())};
}

Tensors take(Layer& l) {
  const int32_t x = l.input();
  l.refuse_if(setting(l, {"axis"}, 2).null() && l.kind != "TFOpLambda",
              "without an axis this is not supported");
  const Config batches = setting(l, {"batch_dims"}, 9);
  l.refuse_if(!batches.null() && batches.integer() != 0, "batch_dims is not supported");
  const int at = axis_setting(l, 2, 0, l.rank(x));
  const Argument& indices = argument(l, 1, {"indices"});
  const int32_t list = operand(l, indices, Type::int32);
  if (!l.e.constant(list)) return {gather(l, x, list, at)};
  std::vector<int32_t> values;
  for (int32_t i : l.e.values<int32_t>(list)) values.push_back(l.axis(i, l.dim(x, at)));
  return {gather(l, x, l.e.constant<int32_t>(l.e.shape(list), values), at)};
}

Tensors unstack(Layer& l) {
  const int32_t x = l.input();
  const int at = axis_setting(l, 2, 0, l.rank(x));
  const int32_t n = l.dim(x, at);
  l.refuse_if(l.e.dim_free(x, at) || n < 1 || n > 4096, "this dimension can't be unstacked");
  schema::UnpackOptionsT options;
  options.num = n;
  options.axis = at;
  const int32_t first =
      l.e.add(Builtin::UNPACK, {x}, options,
              Results(l.name + "/unpack", std::vector<Type>(static_cast<size_t>(n), l.e.type(x))));
  Tensors result;
  for (int32_t i = 0; i < n; ++i) result.push_back(first + i);
  return result;
}

// Into a number of equal parts, at a list of places (Keras), or into parts of given sizes
// (TensorFlow).
Tensors split(Layer& l) {
  const int32_t x = l.input();
  const int at = axis_setting(l, 2, 0, l.rank(x));
  const bool sizes = l.call.keywords.count("num_or_size_splits") != 0;
  const Config parts = setting(l, {"indices_or_sections", "num_or_size_splits"}, 1);
  const int32_t n = l.dim(x, at);
  l.refuse_if(l.e.dim_free(x, at), "the batch can't be split");
  std::vector<int32_t> ends;
  if (parts.is_number()) {
    const int32_t count = parts.integer();
    l.refuse_if(count < 1 || count > 4096 || n % count != 0, "the parts are not equal");
    for (int32_t i = 1; i <= count; ++i) ends.push_back(i * (n / count));
  } else {
    int64_t end = 0;
    for (int32_t v : parts.integers()) {
      end = sizes ? end + v : v;
      l.refuse_if(end < (ends.empty() ? 0 : ends.back()) || end > n, "a part is out of range");
      ends.push_back(static_cast<int32_t>(end));
    }
    if (!sizes) ends.push_back(n);
  }
  Tensors result;
  for (size_t i = 0; i < ends.size(); ++i)
    result.push_back(l.slice(x, at, i == 0 ? 0 : ends[i - 1], ends[i]));
  return result;
}

// x[...]: ranges, indices, new dimensions and one ellipsis, for each dimension in turn.
class Slicer {
 public:
  explicit Slicer(Layer& l) : l_(l), own_(l.dims_of(l.input())) {}

  Tensors run();

 private:
  static bool is(const Config& c, const char* kind) {
    return c.is_object() && c.text("class_name", "") == kind;
  }
  static bool is_slice(const Config& c) {
    return is(c, "__slice__") || (c.is_object() && !c.has("class_name"));
  }
  int32_t bound(const Config& c, int32_t& mask) const {
    if (c.null()) mask |= 1 << from_.size();
    return c.null() ? 0 : c.integer();
  }
  void take(int32_t begin, int32_t end, int32_t step) {
    from_.push_back(begin), to_.push_back(end), step_.push_back(step);
  }
  void all();
  void index(int32_t i);
  void slice(const Config& range);

  Layer& l_;
  std::vector<int32_t> own_;  // sizes of the input
  std::vector<int32_t> from_, to_, step_;
  std::vector<int32_t> shape_;                         // of the result
  std::vector<std::pair<size_t, size_t>> measured_{};  // of the result, of the slice
  int32_t begin_mask_ = 0, end_mask_ = 0, taken_ = 0;
};

void Slicer::all() {
  begin_mask_ |= 1 << from_.size();
  end_mask_ |= 1 << from_.size();
  shape_.push_back(own_[from_.size()]);
  take(0, 0, 1);
}

void Slicer::index(int32_t i) {
  l_.refuse_if(own_[from_.size()] < 0, "one example of the batch can't be picked");
  i = l_.axis(i, own_[from_.size()]);
  take(i, i + 1, 1);
  ++taken_;
}

void Slicer::slice(const Config& range) {
  const int32_t stride = range.integer("step", 1);
  l_.refuse_if(stride == 0, "the step is 0");
  if (range.at("start").null() && range.at("stop").null() && stride == 1) return all();
  l_.refuse_if(own_[from_.size()] < 0, "a part of the batch can't be picked");
  measured_.emplace_back(shape_.size(), from_.size());
  shape_.push_back(0);
  const int32_t begin = bound(range.at("start"), begin_mask_);
  const int32_t end = bound(range.at("stop"), end_mask_);
  take(begin, end, stride);
}

Tensors Slicer::run() {
  const int32_t x = l_.input();
  Config key = argument(l_, 1, {"key", "slice_spec"}).literal;
  if (is(key, "__tuple__")) key = key.at("items");
  std::vector<Config> parts;
  for (size_t i = 0; key.is_list() && i < key.size(); ++i) parts.push_back(key.at(i));
  if (!key.is_list()) parts.push_back(key);
  size_t used = 0;
  for (const Config& p : parts) used += is_slice(p) || p.is_number() ? 1 : 0;
  l_.refuse_if(used > own_.size(), "more indices than dimensions");
  for (const Config& p : parts) {
    if (p.null()) {
      shape_.push_back(1);
    } else if (is(p, "__ellipsis__")) {
      for (size_t n = own_.size() - used; n > 0; --n) all();
      used = own_.size();
    } else if (p.is_number()) {
      index(p.integer());
    } else {
      l_.refuse_if(!is_slice(p), text("index ", p.brief(), " is not supported"));
      slice(p.has("class_name") ? p.at("config") : p);
    }
  }
  while (from_.size() < own_.size()) all();
  l_.refuse_if(shape_.size() > static_cast<size_t>(kMaxRank), "too many dimensions");
  schema::StridedSliceOptionsT options;
  options.begin_mask = begin_mask_;
  options.end_mask = end_mask_;
  const bool vector = own_.size() == 1 && taken_ == 1 && shape_.empty();
  options.shrink_axis_mask = vector ? 1 : 0;
  const int32_t y = l_.add(Builtin::STRIDED_SLICE,
                           {x, l_.e.list(from_), l_.e.list(to_), l_.e.list(step_)}, options);
  if (vector || (taken_ == 0 && shape_.size() == own_.size())) return {y};
  for (const auto& [at, d] : measured_) shape_[at] = l_.dim(y, static_cast<int>(d));
  return {l_.reshape(y, shape_)};
}

Tensors get_item(Layer& l) {
  return Slicer(l).run();
}

}  // namespace

const Operations& shape_operations() {
  static const Operations table = {
      {"BroadcastTo", broadcast_to},
      {"Concatenate", concatenate},
      {"ConvertToTensor", nothing},
      {"Copy", nothing},
      {"Diff", difference},
      {"ExpandDims", expand_dims},
      {"Flip", flip},
      {"GetItem", get_item},
      {"Hstack", concatenate_columns},
      {"Identity", nothing},
      {"Moveaxis", move_axis},
      {"Pad", pad},
      {"Ravel", ravel},
      {"Repeat", repeat},
      {"Reshape", reshape},
      {"Roll", roll},
      {"Shape", shape_of_tensor},
      {"Split", split},
      {"Squeeze", squeeze},
      {"Stack", stack},
      {"StopGradient", nothing},
      {"Swapaxes", swap_axes},
      {"Take", take},
      {"Tile", tile},
      {"Transpose", transpose},
      {"Unstack", unstack},
  };
  return table;
}

}  // namespace cygnet::keras
