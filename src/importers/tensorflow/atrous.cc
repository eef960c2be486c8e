// SPDX-License-Identifier: Apache-2.0
// A strided convolution between SpaceToBatchND and BatchToSpaceND, which is what TensorFlow makes
// of a stride together with a dilation. It applies the stride within each phase of the dilated
// grid, so that its outputs are others than every stride-th of the dilated convolution.
#include <algorithm>
#include <array>

#include "importers/tensorflow/graph_importer.h"

namespace cygnet::tensorflow {
namespace {

// Height or width.
struct Side {
  int64_t in = 0, filter = 0, stride = 1, dilation = 1;
  int64_t before = 0, after = 0;  // padding without what only fills the last block

  bool same() const {
    const int64_t total = (filter - 1) * dilation;
    return before == total / 2 && after == total - total / 2;
  }
  bool valid() const { return before == 0 && after == 0; }
  // Where output o of the strided, dilated convolution begins.
  int64_t true_start(int64_t o) const {
    if (!same()) return o * stride - before;
    const int64_t out = (in + stride - 1) / stride;
    return o * stride -
           std::max<int64_t>(0, (out - 1) * stride + (filter - 1) * dilation + 1 - in) / 2;
  }
  // Where output o of TensorFlow begins.
  int64_t grid_start(int64_t o) const {
    return o / dilation * stride * dilation + o % dilation - before;
  }
};

const Node* producer(const Editor& e, int32_t tensor) {
  const auto& nodes = e.subgraph().nodes;
  for (size_t i = nodes.size(); i-- > 0;)
    if (std::find(nodes[i].outputs.begin(), nodes[i].outputs.end(), tensor) !=
        nodes[i].outputs.end())
      return &nodes[i];
  return nullptr;
}

bool is(const Node* node, Builtin op) {
  return node != nullptr && node->builtin == static_cast<int32_t>(op);
}

std::string starts(const Side& s, int64_t (Side::*start)(int64_t) const) {
  std::string list;
  for (int64_t o = 0; o < 4; ++o) list += text(o == 0 ? "" : ", ", (s.*start)(o));
  return list;
}

template <class Table>
bool replace(Call& c, Builtin op, const Node& conv, const Node& spread) {
  Editor& e = c.e;
  auto o = e.options<Table>(conv);
  if (o.stride_h == 1 && o.stride_w == 1) return false;
  if (o.padding != schema::Padding::VALID || o.dilation_h_factor != 1 || o.dilation_w_factor != 1)
    return false;
  const auto blocks = e.integers(spread.inputs[1]), pads = e.integers(spread.inputs[2]);
  const auto mine = e.integers(c.in(1)), crops = e.integers(c.in(2));
  const int32_t x = spread.inputs[0];
  if (!blocks || !pads || !mine || !crops || *blocks != *mine || blocks->size() != 2 ||
      pads->size() != 4 || crops->size() != 4 || e.shape(x).rank != 4)
    return false;
  const Shape& filter = e.shape(conv.inputs[1]);
  std::array<Side, 2> sides;
  for (size_t k = 0; k < 2; ++k) {
    if ((*crops)[2 * k] != 0) return false;
    const int d = static_cast<int>(k) + 1;
    sides[k] = {e.shape(x)[d], filter[d],      k == 0 ? o.stride_h : o.stride_w,
                (*blocks)[k],  (*pads)[2 * k], (*pads)[2 * k + 1] - (*crops)[2 * k + 1]};
    if (sides[k].after < 0) return false;
  }
  const bool as_written = c.importer().options().atrous == Atrous::as_written;
  const Side& rows = sides[sides[0].dilation > 1 ? 0 : 1];
  c.warn(text("stride ", o.stride_h, "x", o.stride_w, " together with dilation ", (*blocks)[0], "x",
              (*blocks)[1],
              ": TensorFlow applies the stride within the dilated grid, outputs 0 to 3 "
              "begin at ",
              starts(rows, &Side::grid_start),
              " of the image; in the mathematics they "
              "begin at ",
              starts(rows, &Side::true_start), ". Converted as ",
              as_written ? "the mathematics says (--atrous=tf: as TensorFlow computes)"
                         : "TensorFlow computes (--atrous=true: as the mathematics says)"));
  if (!as_written) return false;
  o.dilation_h_factor = static_cast<int32_t>((*blocks)[0]);
  o.dilation_w_factor = static_cast<int32_t>((*blocks)[1]);
  std::vector<int32_t> operands(conv.inputs.begin(), conv.inputs.end());
  operands[0] = x;
  const bool same = sides[0].same() && sides[1].same();
  if (same) {
    o.padding = schema::Padding::SAME;
  } else if (!sides[0].valid() || !sides[1].valid()) {
    std::vector<int32_t> edges(8, 0);
    for (size_t k = 0; k < 2; ++k) {
      edges[2 + 2 * k] = static_cast<int32_t>(sides[k].before);
      edges[3 + 2 * k] = static_cast<int32_t>(sides[k].after);
    }
    operands[0] =
        e.add(Builtin::PAD, {x, e.constant<int32_t>({4, 2}, edges)}, NoOptions(), c.part("pad"));
  }
  c.out(e.add(op, operands, o, c.name()));
  return true;
}

}  // namespace

bool strided_in_grid(Call& c) {
  const Node* conv = producer(c.e, c.in(0));
  const bool depthwise = is(conv, Builtin::DEPTHWISE_CONV_2D);
  if (!depthwise && !is(conv, Builtin::CONV_2D)) return false;
  const Node* spread = producer(c.e, conv->inputs[0]);
  if (!is(spread, Builtin::SPACE_TO_BATCH_ND)) return false;
  const Node layer = *conv, to_batch = *spread;  // adding nodes moves them
  return depthwise ? replace<schema::DepthwiseConv2DOptions>(c, Builtin::DEPTHWISE_CONV_2D, layer,
                                                             to_batch)
                   : replace<schema::Conv2DOptions>(c, Builtin::CONV_2D, layer, to_batch);
}

}  // namespace cygnet::tensorflow
