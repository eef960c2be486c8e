// SPDX-License-Identifier: Apache-2.0
#include "cli/picture_input.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cli/failure.h"
#include "cli/resize.h"
#include "cli/tensors.h"

namespace cygnet::cli {
namespace {

constexpr int kLevels = 256;

float pick(const std::vector<float>& values, int channel, float otherwise) {
  if (values.empty()) return otherwise;
  return values.size() == 1 ? values[0] : values[static_cast<size_t>(channel)];
}

/// The real value of each byte.
std::array<float, kLevels> real_levels(const Normalization& normalization, PixelRange range,
                                       int channel) {
  bool centered = range == PixelRange::minus_one_to_one;
  bool given = !normalization.mean.empty() || !normalization.std.empty();
  float mean = pick(normalization.mean, channel, given || !centered ? 0.0f : 127.5f);
  float std = pick(normalization.std, channel, given ? 1.0f : centered ? 127.5f : 255.0f);
  std::array<float, kLevels> levels{};
  float byte = 0;
  for (float& level : levels) {
    level = (byte - mean) / std;
    byte += 1;
  }
  return levels;
}

/// The element of each byte, for an integer input.
template <class T>
std::array<T, kLevels> integer_levels(const Tensor& tensor, const Normalization& normalization,
                                      PixelRange range, int channel) {
  std::array<T, kLevels> levels{};
  bool given = !normalization.mean.empty() || !normalization.std.empty();
  bool wide = sizeof(T) == 2;
  if (!tensor.quantization.per_tensor() || !(given || wide)) {
    int shift = std::is_same_v<T, int8_t> ? -128 : 0;
    for (int i = 0; i < kLevels; ++i) levels[static_cast<size_t>(i)] = static_cast<T>(i + shift);
    return levels;
  }
  std::array<float, kLevels> real = real_levels(normalization, range, channel);
  for (size_t i = 0; i < kLevels; ++i) {
    double q = std::nearbyint(double{real[i]} / double{tensor.quantization.scale()});
    q += tensor.quantization.zero_point();
    q = std::clamp(q, static_cast<double>(std::numeric_limits<T>::min()),
                   static_cast<double>(std::numeric_limits<T>::max()));
    levels[i] = static_cast<T>(q);
  }
  return levels;
}

/// Writes pixels through one table a channel.
template <class T, class Levels>
void write_elements(T* out, const Image& image, Levels levels_of) {
  for (int c = 0; c < image.channels; ++c) {
    std::array<T, kLevels> levels = levels_of(c);
    T* element = out + c;
    for (size_t i = 0; i < image.count(); ++i, element += image.channels) {
      *element = levels[image.at(i)[c]];
    }
  }
}

template <class T>
void write_integers(void* data, const Tensor& tensor, const Image& image,
                    const Normalization& normalization, PixelRange range) {
  write_elements(static_cast<T*>(data), image, [&](int channel) {
    return integer_levels<T>(tensor, normalization, range, channel);
  });
}

/// Luminance by the weights of ITU-R BT.601.
Image to_grey(const Image& rgb) {
  Image grey(rgb.width, rgb.height, 1);
  for (size_t i = 0; i < rgb.count(); ++i) {
    const uint8_t* p = rgb.at(i);
    grey.at(i)[0] = static_cast<uint8_t>((p[0] * 299 + p[1] * 587 + p[2] * 114 + 500) / 1000);
  }
  return grey;
}

template <class T>
std::vector<float> integer_values(const Tensor& tensor, const Image& image,
                                  const Normalization& normalization, PixelRange range) {
  std::vector<T> integers(image.pixels.size());
  write_integers<T>(integers.data(), tensor, image, normalization, range);
  std::vector<float> values(integers.begin(), integers.end());
  const Quantization& q = tensor.quantization;
  if (q.per_tensor())
    for (float& v : values) v = q.scale() * (v - static_cast<float>(q.zero_point()));
  return values;
}

Failure no_picture(const std::string& model_path, const Tensor& tensor) {
  return Failure(text(model_path, ": input '", tensor.name, "' has type ", type_name(tensor.type),
                      ", which can't take a picture"));
}

}  // namespace

void check_normalization(const Normalization& normalization, int channels) {
  for (const auto* list : {&normalization.mean, &normalization.std}) {
    size_t n = list->size();
    if (n > 1 && n != static_cast<size_t>(channels)) {
      throw Failure(text(list == &normalization.mean ? "--mean" : "--std", ": expected 1 or ",
                         channels, " values, got ", n));
    }
  }
  for (float s : normalization.std) {
    if (s == 0 || !std::isfinite(s)) throw Failure(text("--std: ", s, " can't divide"));
  }
}

PictureInput find_picture_input(const Interpreter& interpreter, const std::string& model_path) {
  return find_picture_input(interpreter.subgraph(), model_path);
}

PictureInput find_picture_input(const Subgraph& graph, const std::string& model_path) {
  if (graph.inputs.size() != 1) {
    throw Failure(
        text(model_path, ": expected one input, a picture; the model has ", graph.inputs.size()));
  }
  const GraphTensor& tensor = graph.tensors[static_cast<size_t>(graph.inputs[0])];
  const Shape& shape = tensor.has_signature ? tensor.signature : tensor.shape;
  PictureInput input{0, shape.rank > 1 ? shape[1] : 0, shape.rank > 2 ? shape[2] : 0,
                     shape.rank == 4 ? shape[3] : 1};
  bool side_ok = (input.height > 0 || input.height == -1) && (input.width > 0 || input.width == -1);
  bool batch_ok = shape[0] == 1 || shape[0] == -1;
  bool channels_ok = input.channels == 1 || input.channels == 3;
  if ((shape.rank != 3 && shape.rank != 4) || !side_ok || !batch_ok || !channels_ok ||
      std::max(input.height, input.width) > kMaxImageSide) {
    throw Failure(text(model_path, ": input '", tensor.name, "' is ", describe(tensor.type, shape),
                       ", which is no picture; expected [1,height,width,3], [1,height,width,1] or "
                       "[1,height,width]"));
  }
  return input;
}

Image fit_picture(const PictureInput& input, const Image& image) {
  Image fitted = resize(image, input.width == -1 ? image.width : input.width,
                        input.height == -1 ? image.height : input.height);
  return input.channels == 1 ? to_grey(fitted) : fitted;
}

std::vector<float> picture_values(const Tensor& tensor, const Image& fitted,
                                  const Normalization& normalization, PixelRange range,
                                  const std::string& model_path) {
  check_normalization(normalization, fitted.channels);
  switch (tensor.type) {
    case Type::float32: {
      std::vector<float> values(fitted.pixels.size());
      write_elements(values.data(), fitted,
                     [&](int channel) { return real_levels(normalization, range, channel); });
      return values;
    }
    case Type::uint8:
      return integer_values<uint8_t>(tensor, fitted, normalization, range);
    case Type::int8:
      return integer_values<int8_t>(tensor, fitted, normalization, range);
    case Type::int16:
      return integer_values<int16_t>(tensor, fitted, normalization, range);
    case Type::int32:
      return integer_values<int32_t>(tensor, fitted, normalization, range);
    default:
      throw no_picture(model_path, tensor);
  }
}

Image fit_picture(Session* session, const PictureInput& input, const Image& image) {
  Interpreter& interpreter = session->interpreter();
  const Image fitted = fit_picture(input, image);
  Shape shape{1, fitted.height, fitted.width};
  if (interpreter.input(input.index).shape.rank == 4) shape.push(input.channels);
  if (!(shape == interpreter.input(input.index).shape)) {
    check(interpreter.resize_input(input.index, shape));
  }
  if (!interpreter.allocated()) session->allocate();
  return fitted;
}

void write_picture(Session* session, const PictureInput& input, const Image& fitted,
                   const Normalization& normalization, PixelRange range) {
  Interpreter& interpreter = session->interpreter();
  check_normalization(normalization, input.channels);
  const Tensor& tensor = interpreter.input(input.index);
  void* data = interpreter.input_data(input.index);
  switch (tensor.type) {
    case Type::float32:
      return write_elements(static_cast<float*>(data), fitted, [&](int channel) {
        return real_levels(normalization, range, channel);
      });
    case Type::uint8:
      return write_integers<uint8_t>(data, tensor, fitted, normalization, range);
    case Type::int8:
      return write_integers<int8_t>(data, tensor, fitted, normalization, range);
    case Type::int16:
      return write_integers<int16_t>(data, tensor, fitted, normalization, range);
    case Type::int32:
      return write_integers<int32_t>(data, tensor, fitted, normalization, range);
    default:
      throw no_picture(session->path(), tensor);
  }
}

}  // namespace cygnet::cli
