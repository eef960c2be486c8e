// SPDX-License-Identifier: Apache-2.0
// Rounding to quantized values in training, as importers meet it.
#pragma once

#include <string>
#include <vector>

#include "edit/editor.h"

namespace cygnet {

/// x rounded to the values that `bits` hold between min and max, both moved so that 0 is one of
/// them (FakeQuantWithMinMax* of TensorFlow 2.21).
struct FakeQuant {
  std::vector<float> min, max;  ///< one for the whole tensor, or one for each index of `axis`
  int axis = 0;
  int bits = 8;         ///< 2 to 16
  bool narrow = false;  ///< the lowest of the integers is not used
};

/// Rounds the values of a constant in place; the integers that they stand for, null with more than
/// 8 bits. `keep` as in add_fake_quant; `where` begins messages. Throws Failure as add_fake_quant.
Grid round_values(std::span<float> values, const Shape& shape, const FakeQuant& quant, bool keep,
                  const std::string& where);

/// Adds it behind x. Constants are rounded at once and remember their integers. Of other tensors:
/// FAKE_QUANT, or arithmetic where the format's FAKE_QUANT can't say it. With `keep` the integers
/// stay in the graph for quantization to take: QUANTIZE and DEQUANTIZE, or FAKE_QUANT with narrow.
/// They are those of TensorFlow's converter, which places 0 in double precision, while without
/// `keep` the numbers are those of its training. Throws Failure: limits out of order or not as many
/// as the dimension has.
int32_t add_fake_quant(Editor& e, int32_t x, const FakeQuant& quant, bool keep,
                       const std::string& name);

/// What to tell the user where `count` such operators stay in a graph of floats.
std::string fake_quant_warning(const std::string& source, int64_t count);

}  // namespace cygnet
