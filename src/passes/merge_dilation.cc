// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::passes {
namespace {

using schema::Padding;

// One dimension of SPACE_TO_BATCH_ND → convolution → BATCH_TO_SPACE_ND.
struct Dim {
  int64_t block = 1, filter = 1;
  int64_t before = 0, after = 0;  // padding of the dilated convolution that it is
  int64_t total() const { return (filter - 1) * block; }
  bool same() const { return before == total() / 2 && before + after == total(); }
  bool valid() const { return before == 0 && after == 0; }
};

struct Dilation {
  int32_t space_to_batch = -1, convolution = -1, batch_to_space = -1;
  Dim h, w;
};

// Stride 1 and no dilation: the phases of the image are convolved each like the whole.
template <class Table>
bool unit_steps(const Patch& patch, int32_t n, Padding* padding) {
  const auto o = patch.options<Table>(patch.node(n));
  *padding = o.padding;
  return o.stride_h == 1 && o.stride_w == 1 && o.dilation_h_factor == 1 && o.dilation_w_factor == 1;
}

std::optional<Dilation> find(Patch& patch, int32_t n) {
  Dilation d;
  d.batch_to_space = n;
  const int32_t y = patch.node(n).inputs[0];
  d.convolution = patch.single_use(y) ? patch.producer(y) : -1;
  Padding padding = Padding::VALID;
  if (patch.is(d.convolution, Builtin::CONV_2D)
          ? !unit_steps<schema::Conv2DOptions>(patch, d.convolution, &padding)
          : !patch.is(d.convolution, Builtin::DEPTHWISE_CONV_2D) ||
                !unit_steps<schema::DepthwiseConv2DOptions>(patch, d.convolution, &padding))
    return std::nullopt;
  const auto inputs = patch.node(d.convolution).inputs;
  d.space_to_batch = patch.producer(inputs[0], Builtin::SPACE_TO_BATCH_ND);
  if (d.space_to_batch < 0) return std::nullopt;
  const auto from = patch.node(d.space_to_batch).inputs, to = patch.node(n).inputs;
  const auto block = patch.integers(from[1]), pads = patch.integers(from[2]),
             back = patch.integers(to[1]), crops = patch.integers(to[2]);
  if (!block || !pads || !crops || block != back || block->size() != 2) return std::nullopt;
  const Shape& filter = patch.shape(inputs[1]);
  Dim* dims[] = {&d.h, &d.w};
  for (size_t i = 0; i < 2; ++i) {
    Dim& dim = *dims[i];
    dim.block = (*block)[i];
    dim.filter = filter[static_cast<int>(i) + 1];
    // Padding of the phases is padding of the whole, `block` times as wide.
    const int64_t own = padding == Padding::SAME ? dim.filter - 1 : 0;
    dim.before = (*pads)[2 * i] + dim.block * (own / 2) - (*crops)[2 * i];
    dim.after = (*pads)[2 * i + 1] + dim.block * (own - own / 2) - (*crops)[2 * i + 1];
    if (dim.before < 0 || dim.after < 0) return std::nullopt;
  }
  return d;
}

template <class Table>
int32_t add_convolution(Patch& patch, const Dilation& d, Builtin op,
                        const std::vector<int32_t>& inputs, Padding padding) {
  auto options = patch.options<Table>(patch.node(d.convolution));
  options.padding = padding;
  options.dilation_h_factor = d.h.filter == 1 ? 1 : static_cast<int32_t>(d.h.block);
  options.dilation_w_factor = d.w.filter == 1 ? 1 : static_cast<int32_t>(d.w.block);
  const std::string name(patch.tensor(patch.node(d.batch_to_space).outputs[0]).name);
  return patch.add(op, inputs, options, Results(name));
}

void rewrite(Patch& patch, const Dilation& d) {
  std::vector<int32_t> inputs(patch.node(d.convolution).inputs.begin(),
                              patch.node(d.convolution).inputs.end());
  inputs[0] = patch.node(d.space_to_batch).inputs[0];
  Padding padding = Padding::VALID;
  if (d.h.same() && d.w.same()) {
    padding = Padding::SAME;
  } else if (!d.h.valid() || !d.w.valid()) {
    const std::vector<int32_t> list = {0,
                                       0,
                                       static_cast<int32_t>(d.h.before),
                                       static_cast<int32_t>(d.h.after),
                                       static_cast<int32_t>(d.w.before),
                                       static_cast<int32_t>(d.w.after),
                                       0,
                                       0};
    const std::string name(patch.tensor(patch.node(d.space_to_batch).outputs[0]).name);
    inputs[0] = patch.add(Builtin::PAD, {inputs[0], patch.constant<int32_t>({4, 2}, list, name)},
                          schema::PadOptionsT(), Results(name));
  }
  const int32_t y =
      patch.is(d.convolution, Builtin::CONV_2D)
          ? add_convolution<schema::Conv2DOptions>(patch, d, Builtin::CONV_2D, inputs, padding)
          : add_convolution<schema::DepthwiseConv2DOptions>(patch, d, Builtin::DEPTHWISE_CONV_2D,
                                                            inputs, padding);
  patch.replace(patch.node(d.batch_to_space).outputs[0], y);
  patch.erase(d.batch_to_space);
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (!patch.is(n, Builtin::BATCH_TO_SPACE_ND)) continue;
    const auto found = find(patch, n);
    if (!found) continue;
    rewrite(patch, *found);
    ++rewrites;
  }
  return rewrites;
}

}  // namespace

/// SPACE_TO_BATCH_ND → convolution → BATCH_TO_SPACE_ND is one dilated convolution: output j reads
/// the elements j + crop − padding + f·block of the image. Not with strides: a strided convolution
/// of the phases is no convolution of the image.
extern const Pass kMergeDilation;
const Pass kMergeDilation = {
    .name = "merge-dilation",
    .summary = "SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND: one dilated convolution",
    .level = PassLevel::fuse,
    .run = run};

}  // namespace cygnet::passes
