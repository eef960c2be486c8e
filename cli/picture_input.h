// SPDX-License-Identifier: Apache-2.0
// Feeding pictures to a model.
//
// Convention. The picture is resized as resize.h says. Without --mean and --std:
//   - 8-bit inputs get the picture's bytes: uint8 the value itself, int8 the value less 128. A
//   model
//     quantized for pictures maps 0..255 to the range that it was trained on, so its scale and zero
//     point need not be known.
//   - floating-point inputs get the values mapped to -1..1 (classify, and segment for models with
//     more than two classes) or to 0..1 (segment for portrait masks, as MediaPipe's models expect).
//   - 16-bit integer inputs get the same real values, quantized.
//   - int32 inputs get the bytes.
// With --mean M and --std S the real values are (byte - M) / S, and quantized inputs get these
// through their scale and zero point.
#pragma once

#include <string>
#include <vector>

#include "cli/image.h"
#include "cli/session.h"

namespace cygnet::cli {

/// How bytes become real values.
struct Normalization {
  std::vector<float> mean;  ///< empty: the default; one value, or one a channel
  std::vector<float> std;
};

/// What a model's floating-point input expects when the user does not say.
enum class PixelRange { minus_one_to_one, zero_to_one };

/// An input that takes a picture: [1, height, width, channels], or grey ones [1, height, width].
struct PictureInput {
  int index = 0;
  int height = 0;    ///< −1: the model takes any
  int width = 0;     ///< −1: the model takes any
  int channels = 0;  ///< 1 or 3
};

/// The only input, if it is of that form. Throws Failure otherwise.
PictureInput find_picture_input(const Interpreter& interpreter, const std::string& model_path);

PictureInput find_picture_input(const Subgraph& graph, const std::string& model_path);

/// Throws Failure when --mean or --std can't be used for so many channels.
void check_normalization(const Normalization& normalization, int channels);

/// A picture of 3 channels at the input's size, with its channels.
Image fit_picture(const PictureInput& input, const Image& image);

/// The real values that write_picture gives an input of `tensor`'s type and quantization, [height,
/// width, channels]; integers as they are where the input is not quantized. Throws Failure.
std::vector<float> picture_values(const Tensor& tensor, const Image& fitted,
                                  const Normalization& normalization, PixelRange range,
                                  const std::string& model_path);

/// Resizes a picture of 3 channels to the input's size and channels, gives the input that shape and
/// allocates. Throws Failure.
Image fit_picture(Session* session, const PictureInput& input, const Image& image);

/// Writes what fit_picture returned into the input. Throws Failure.
void write_picture(Session* session, const PictureInput& input, const Image& fitted,
                   const Normalization& normalization, PixelRange range);

}  // namespace cygnet::cli
