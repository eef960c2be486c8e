// SPDX-License-Identifier: Apache-2.0
// Convolution and pooling of volumes [N, D, H, W, C].
#include <array>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

// The three spatial elements of a list of five, and whether channels come first.
struct Volume {
  explicit Volume(Call& c) : call(c) {
    const std::string_view f = c.node.string("data_format", "NDHWC");
    if (f != "NDHWC" && f != "NCDHW") c.fail("data_format: expected NDHWC or NCDHW, got ", f);
    channels_first = f == "NCDHW";
  }
  std::array<int32_t, 3> triple(std::string_view attr) const {
    const std::vector<int64_t>& list = call.node.list_or_empty(attr).ints;
    if (list.empty()) return {1, 1, 1};
    if (list.size() != 5) call.fail(attr, ": expected 5 elements, got ", list.size());
    const size_t d = channels_first ? 2 : 1;
    for (size_t k = 0; k < 5; ++k)
      if (list[k] < 1 || list[k] > INT32_MAX || ((k < d || k > d + 2) && list[k] != 1))
        call.fail(attr, ": expected positive numbers, 1 for batch and channels");
    return {static_cast<int32_t>(list[d]), static_cast<int32_t>(list[d + 1]),
            static_cast<int32_t>(list[d + 2])};
  }
  schema::Padding padding() const {
    const std::string_view mode = call.node.string("padding");
    if (mode != "SAME" && mode != "VALID") call.fail("padding: expected SAME or VALID, got ", mode);
    return mode == "SAME" ? schema::Padding::SAME : schema::Padding::VALID;
  }
  int32_t enter(int32_t x) const {
    return channels_first ? transpose(call.e, x, {0, 2, 3, 4, 1}, call.part("ndhwc")) : x;
  }
  void leave(int32_t y) const {
    call.out(channels_first ? transpose(call.e, y, {0, 4, 1, 2, 3}, call.name()) : y);
  }

  Call& call;
  bool channels_first = false;
};

void conv_3d(Call& c) {
  const Volume v(c);
  schema::Conv3DOptionsT o;
  o.padding = v.padding();
  const auto [sd, sh, sw] = v.triple("strides");
  const auto [dd, dh, dw] = v.triple("dilations");
  o.stride_d = sd, o.stride_h = sh, o.stride_w = sw;
  o.dilation_d_factor = dd, o.dilation_h_factor = dh, o.dilation_w_factor = dw;
  const Shape& filter = c.shape(1);
  if (filter.rank != 5) c.fail("filter: expected rank 5, got ", filter.rank);
  const int32_t bias = c.e.constant<float>(
      {filter[4]}, std::vector<float>(static_cast<size_t>(filter[4])), c.part("bias"));
  v.leave(c.e.add(Builtin::CONV_3D, {v.enter(c.in(0)), c.in(1), bias}, o, c.part("result")));
}

// Pooling of [N, H, W, C] over a window of heights and widths.
int32_t flat_pool(Call& c, Builtin op, int32_t x, schema::Padding padding, std::array<int32_t, 2> k,
                  std::array<int32_t, 2> s) {
  schema::Pool2DOptionsT o;
  o.padding = padding;
  o.filter_height = k[0], o.filter_width = k[1];
  o.stride_h = s[0], o.stride_w = s[1];
  return c.e.add(op, {x}, o, c.part("flat"));
}

// Over height and width of each plane, then over depth: the mean of a window is that of its planes'
// means, because every plane counts as many elements.
template <Builtin op>
void pool_3d(Call& c) {
  const Volume v(c);
  const auto k = v.triple("ksize"), s = v.triple("strides");
  const schema::Padding padding = v.padding();
  Editor& e = c.e;
  const int32_t x = v.enter(c.in(0));
  if (e.shape(x).rank != 5) c.fail("expected rank 5, got ", e.shape(x).rank);
  const int32_t depth = c.fixed_dim(x, 1), h = c.fixed_dim(x, 2), w = c.fixed_dim(x, 3),
                channels = c.fixed_dim(x, 4);
  const int32_t batch = e.dim_free(x, 0) ? -1 : e.shape(x)[0];
  const int32_t planes =
      reshape(e, x, {batch < 0 ? -1 : batch * depth, h, w, channels}, c.part("planes"));
  const int32_t small = flat_pool(c, op, planes, padding, {k[1], k[2]}, {s[1], s[2]});
  const int32_t oh = e.shape(small)[1], ow = e.shape(small)[2];
  const int32_t columns = reshape(e, small, {batch, depth, oh * ow, channels}, c.part("columns"));
  const int32_t result = flat_pool(c, op, columns, padding, {k[0], 1}, {s[0], 1});
  v.leave(reshape(e, result, {batch, e.shape(result)[1], oh, ow, channels}, c.part("result")));
}

constexpr OpRow kRows[] = {
    {"AvgPool3D", pool_3d<Builtin::AVERAGE_POOL_2D>},
    {"Conv3D", conv_3d},
    {"MaxPool3D", pool_3d<Builtin::MAX_POOL_2D>},
};

}  // namespace

std::span<const OpRow> volume_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
