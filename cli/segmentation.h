// SPDX-License-Identifier: Apache-2.0
// What segmentation models put out, and how it is drawn.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cli/image.h"
#include "cli/resize.h"
#include "cli/session.h"

namespace cygnet::cli {

/// A segmentation of a picture, at that picture's size.
struct Segmentation {
  int width = 0;
  int height = 0;
  /// Class map: the class of each pixel. Empty for a portrait mask.
  std::vector<int> classes;
  /// Portrait mask: how far each pixel belongs to the foreground, 0 to 1. Empty for a class map.
  std::vector<float> foreground;
  /// How many classes the model tells apart; 0: it puts out class numbers only.
  int class_count = 0;

  bool is_portrait() const { return classes.empty(); }
};

/// Which output holds a segmentation, and in what form.
struct SegmentationOutput {
  enum class Kind {
    class_numbers,  ///< integers [1,h,w] or [1,h,w,1]
    foreground,     ///< real [1,h,w,1] or [1,h,w]: 0..1, or logits when values lie outside
    two_scores,     ///< real [1,h,w,2]: background and foreground, probabilities or logits
    class_scores    ///< real [1,h,w,classes]: the largest counts
  };
  int index = 0;
  Kind kind = Kind::class_numbers;
};

/// The first output of one of these forms. Shapes are those that the file declares. Throws Failure
/// when there is none.
SegmentationOutput find_segmentation(const Interpreter& interpreter, const std::string& model_path);

/// The output as a segmentation of a picture of width × height pixels. Real values are
/// interpolated, class numbers taken from the nearest pixel. Throws Failure.
Segmentation read_segmentation(const Interpreter& interpreter, const SegmentationOutput& output,
                               int width, int height, const std::string& model_path);

/// The colour of a class in pictures of the Pascal VOC data set: the bits of its number, lowest
/// first, dealt to red, green and blue in turn, from their highest bit down.
std::array<uint8_t, 3> class_color(int index);

/// The picture with each pixel of a class other than 0 tinted in that class's colour. `opacity` 1
/// covers the picture, and class 0 is then black.
Image draw_classes(const Image& rgb, const Segmentation& segmentation, float opacity);

/// How far each pixel belongs to the foreground; of a class map: whether its class is not 0.
std::vector<float> foreground_of(const Segmentation& segmentation);

/// 8-bit grey: the foreground as 0..255, or the class numbers (255 from 255 on).
Image mask_image(const Segmentation& segmentation);

/// What to put behind a cut-out.
struct Background {
  enum class Kind { blur, transparent, color, picture };
  Kind kind = Kind::blur;
  std::array<uint8_t, 3> color{};
  Image picture;
};

/// Reads "blur", "transparent", "#RGB", "#RRGGBB", "black", "white", "green" or the path of a
/// picture. Throws Failure.
Background read_background(const std::string& name);

/// The picture's foreground over the background; 4 channels when that is transparent.
Image cut_out(const Image& rgb, const std::vector<float>& foreground, const Background& background);

}  // namespace cygnet::cli
