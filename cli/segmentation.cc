// SPDX-License-Identifier: Apache-2.0
#include "cli/segmentation.h"

#include <algorithm>
#include <cmath>

#include "cli/failure.h"
#include "cli/tensors.h"

namespace cygnet::cli {
namespace {

using Kind = SegmentationOutput::Kind;

bool is_integer(Type type) {
  return type == Type::int64 || type == Type::int32 || type == Type::int16 || type == Type::uint8 ||
         type == Type::int8;
}

/// Whether a tensor is a segmentation, and of what kind.
std::optional<Kind> kind_of(const Tensor& tensor) {
  const Shape& shape = tensor.shape;
  if ((shape.rank != 3 && shape.rank != 4) || shape[0] != 1 || shape[1] < 2 || shape[2] < 2) {
    return std::nullopt;
  }
  int channels = shape.rank == 4 ? shape[3] : 1;
  if (channels < 1) return std::nullopt;
  bool quantized = tensor.quantization.count > 0;
  if (channels == 1 && is_integer(tensor.type) && !quantized) return Kind::class_numbers;
  bool real = tensor.type == Type::float32 || tensor.type == Type::float16 ||
              (is_integer(tensor.type) && quantized);
  if (!real) return std::nullopt;
  return channels == 1 ? Kind::foreground : channels == 2 ? Kind::two_scores : Kind::class_scores;
}

float logistic(float x) {
  return 1 / (1 + std::exp(-x));
}

/// Values that leave 0..1 are logits.
void to_probabilities(std::vector<float>* values) {
  constexpr float kSlack = 0.01f;
  bool logits = std::any_of(values->begin(), values->end(),
                            [](float v) { return v < -kSlack || v > 1 + kSlack; });
  for (float& v : *values) v = logits ? logistic(v) : std::clamp(v, 0.0f, 1.0f);
}

/// The second of two scores a pixel, as a probability.
std::vector<float> second_of_two(const std::vector<float>& scores) {
  constexpr float kSlack = 0.02f;
  bool probabilities = true;
  for (size_t i = 0; i + 1 < scores.size(); i += 2) {
    float sum = scores[i] + scores[i + 1];
    probabilities = probabilities && std::abs(sum - 1) < kSlack && scores[i] > -kSlack &&
                    scores[i + 1] > -kSlack;
  }
  std::vector<float> result;
  for (size_t i = 0; i + 1 < scores.size(); i += 2) {
    result.push_back(probabilities ? std::clamp(scores[i + 1], 0.0f, 1.0f)
                                   : logistic(scores[i + 1] - scores[i]));
  }
  return result;
}

/// The class of the largest score of each pixel, after interpolation of the scores. One class at a
/// time: all of them at a photograph's size may be gigabytes.
std::vector<int> largest(const Plane& scores, int width, int height) {
  std::vector<int> result(static_cast<size_t>(width) * static_cast<size_t>(height), 0);
  std::vector<float> best;
  Plane one(scores.width, scores.height, 1);
  for (int k = 0; k < scores.channels; ++k) {
    size_t from = static_cast<size_t>(k);
    for (float& value : one.values) {
      value = scores.values[from];
      from += static_cast<size_t>(scores.channels);
    }
    std::vector<float> values = resize(one, width, height).values;
    if (k == 0) best = values;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] <= best[i]) continue;
      best[i] = values[i];
      result[i] = k;
    }
  }
  return result;
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

std::optional<std::array<uint8_t, 3>> parse_color(const std::string& name) {
  if (name == "black") return std::array<uint8_t, 3>{0, 0, 0};
  if (name == "white") return std::array<uint8_t, 3>{255, 255, 255};
  if (name == "green") return std::array<uint8_t, 3>{0, 177, 64};
  if (!name.starts_with('#')) return std::nullopt;
  std::string digits = name.substr(1);
  if (digits.size() == 3) {
    digits = {digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]};
  }
  if (digits.size() != 6 ||
      digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
    throw Failure(text("--background: '", name, "' is no colour; expected #RGB or #RRGGBB"));
  }
  unsigned long value = std::stoul(digits, nullptr, 16);
  return std::array<uint8_t, 3>{static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
                                static_cast<uint8_t>(value)};
}

/// The picture out of focus. The foreground is left out of the averages, or it would bleed into its
/// surroundings as a halo.
Image blurred_background(const Image& rgb, const std::vector<float>& foreground) {
  constexpr float kTrace = 1e-3f;
  constexpr int kSidePerRadius = 40;
  Plane weighted(rgb.width, rgb.height, 4);
  for (size_t i = 0; i < rgb.count(); ++i) {
    float weight = 1 - foreground[i] + kTrace;
    for (size_t c = 0; c < 3; ++c) weighted.values[i * 4 + c] = weight * rgb.at(i)[c];
    weighted.values[i * 4 + 3] = weight;
  }
  blur(&weighted, std::max(1, std::max(rgb.width, rgb.height) / kSidePerRadius));
  Image result(rgb.width, rgb.height, 3);
  for (size_t i = 0; i < rgb.count(); ++i) {
    float weight = std::max(weighted.values[i * 4 + 3], kTrace / 2);
    for (size_t c = 0; c < 3; ++c) result.at(i)[c] = to_byte(weighted.values[i * 4 + c] / weight);
  }
  return result;
}

Image plain(int width, int height, const std::array<uint8_t, 3>& color) {
  Image image(width, height, 3);
  for (size_t i = 0; i < image.count(); ++i) std::copy(color.begin(), color.end(), image.at(i));
  return image;
}

}  // namespace

SegmentationOutput find_segmentation(const Interpreter& interpreter,
                                     const std::string& model_path) {
  std::string found;
  for (int i = 0; i < interpreter.outputs(); ++i) {
    if (std::optional<Kind> kind = kind_of(interpreter.output(i))) return {i, *kind};
    found += text(found.empty() ? "" : ", ", describe(interpreter.output(i)));
  }
  throw Failure(text(model_path,
                     ": expected an output [1,height,width] or "
                     "[1,height,width,classes], got ",
                     found));
}

Segmentation read_segmentation(const Interpreter& interpreter, const SegmentationOutput& output,
                               int width, int height, const std::string& model_path) {
  const Tensor& tensor = interpreter.output(output.index);
  if (kind_of(tensor) != output.kind) {
    throw Failure(
        text(model_path, ": output '", tensor.name, "' turned out as ", describe(tensor)));
  }
  Plane plane(tensor.shape[2], tensor.shape[1], tensor.shape.rank == 4 ? tensor.shape[3] : 1);
  plane.values = real_values(tensor);
  Segmentation result{width, height, {}, {}, 0};
  switch (output.kind) {
    case Kind::class_numbers: {
      std::vector<int> classes;
      for (float v : plane.values)
        classes.push_back(static_cast<int>(std::clamp(v, 0.0f, 65535.0f)));
      result.classes = resize_nearest(classes, plane.width, plane.height, width, height);
      break;
    }
    case Kind::class_scores:
      result.class_count = plane.channels;
      result.classes = largest(plane, width, height);
      break;
    case Kind::foreground:
      to_probabilities(&plane.values);
      result.foreground = resize(plane, width, height).values;
      break;
    case Kind::two_scores:
      plane.values = second_of_two(plane.values);
      plane.channels = 1;
      result.foreground = resize(plane, width, height).values;
      break;
  }
  return result;
}

std::array<uint8_t, 3> class_color(int index) {
  std::array<uint8_t, 3> color{};
  for (int bit = 7; index > 0 && bit >= 0; --bit, index >>= 3) {
    for (int c = 0; c < 3; ++c) {
      color[static_cast<size_t>(c)] |= static_cast<uint8_t>((index >> c & 1) << bit);
    }
  }
  return color;
}

Image draw_classes(const Image& rgb, const Segmentation& segmentation, float opacity) {
  Image result = rgb;
  for (size_t i = 0; i < rgb.count(); ++i) {
    int index = segmentation.classes[i];
    if (index == 0 && opacity < 1) continue;
    std::array<uint8_t, 3> color = class_color(index);
    for (size_t c = 0; c < 3; ++c) {
      result.at(i)[c] = to_byte(static_cast<float>(rgb.at(i)[c]) * (1 - opacity) +
                                static_cast<float>(color[c]) * opacity);
    }
  }
  return result;
}

std::vector<float> foreground_of(const Segmentation& segmentation) {
  if (segmentation.is_portrait()) return segmentation.foreground;
  std::vector<float> result;
  for (int index : segmentation.classes) result.push_back(index == 0 ? 0.0f : 1.0f);
  return result;
}

Image mask_image(const Segmentation& segmentation) {
  Image mask(segmentation.width, segmentation.height, 1);
  for (size_t i = 0; i < mask.count(); ++i) {
    mask.at(i)[0] = segmentation.is_portrait()
                        ? to_byte(segmentation.foreground[i] * 255)
                        : static_cast<uint8_t>(std::min(segmentation.classes[i], 255));
  }
  return mask;
}

Background read_background(const std::string& name) {
  Background background;
  if (name == "blur") return background;
  if (name == "transparent") {
    background.kind = Background::Kind::transparent;
  } else if (auto color = parse_color(name)) {
    background.kind = Background::Kind::color;
    background.color = *color;
  } else {
    background.kind = Background::Kind::picture;
    background.picture = load_image(name);
  }
  return background;
}

Image cut_out(const Image& rgb, const std::vector<float>& foreground,
              const Background& background) {
  if (background.kind == Background::Kind::transparent) {
    Image result(rgb.width, rgb.height, 4);
    for (size_t i = 0; i < rgb.count(); ++i) {
      std::copy_n(rgb.at(i), 3, result.at(i));
      result.at(i)[3] = to_byte(foreground[i] * 255);
    }
    return result;
  }
  Image result = background.kind == Background::Kind::blur ? blurred_background(rgb, foreground)
                 : background.kind == Background::Kind::color
                     ? plain(rgb.width, rgb.height, background.color)
                     : resize_to_cover(background.picture, rgb.width, rgb.height);
  for (size_t i = 0; i < rgb.count(); ++i) {
    for (size_t c = 0; c < 3; ++c) {
      result.at(i)[c] = to_byte(static_cast<float>(rgb.at(i)[c]) * foreground[i] +
                                static_cast<float>(result.at(i)[c]) * (1 - foreground[i]));
    }
  }
  return result;
}

}  // namespace cygnet::cli
