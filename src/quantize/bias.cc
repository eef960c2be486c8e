// SPDX-License-Identifier: Apache-2.0
#include "quantize/bias.h"

#include "quantize/runner.h"

namespace cygnet {

std::vector<double> rounding_shift(const Patch& patch, int32_t n, int32_t quantized,
                                   int32_t weights,
                                   const std::map<int32_t, std::vector<double>>& means, int axis) {
  const bool transposed = patch.is(n, Builtin::TRANSPOSE_CONV);
  const int32_t x = patch.node(n).inputs[transposed ? 2 : 0];
  const auto mean = means.find(x);
  if (mean == means.end() || mean->second.empty()) return {};
  const Shape shape = patch.shape(weights);
  const bool depthwise = patch.is(n, Builtin::DEPTHWISE_CONV_2D);
  const size_t inputs = mean->second.size();
  const auto last = static_cast<size_t>(shape[shape.rank - 1]);
  if (depthwise ? last % inputs != 0 : last % inputs != 0 && inputs % last != 0) return {};
  if (!depthwise && inputs > last) return {};  // a convolution in groups
  const auto channels = static_cast<size_t>(shape[axis]);
  const auto inner = static_cast<size_t>(shape.elements(axis + 1, shape.rank));
  // Each element of a transposed convolution's result gets a part of the window's elements.
  double share = 1;
  if (transposed) {
    const auto o = patch.options<schema::TransposeConvOptions>(patch.node(n));
    share = 1.0 / (static_cast<double>(o.stride_h) * static_cast<double>(o.stride_w));
  }
  std::vector<float> rounded;
  read_real(patch.tensor(quantized), rounded);
  const auto exact = patch.values<float>(weights);
  // By index in the last dimension.
  std::vector<double> means_of(last);
  for (size_t k = 0; k < last; ++k)
    means_of[k] = share * mean->second[depthwise ? k / (last / inputs) : k % inputs];
  std::vector<double> shift(channels, 0.0);
  for (size_t begin = 0; begin < exact.size(); begin += last) {
    double* sums = shift.data() + (depthwise ? 0 : begin / inner);
    for (size_t k = 0; k < last; ++k)
      sums[depthwise ? k : 0] +=
          (static_cast<double>(exact[begin + k]) - static_cast<double>(rounded[begin + k])) *
          means_of[k];
  }
  return shift;
}

}  // namespace cygnet
