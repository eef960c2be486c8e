// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <map>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/labels.h"
#include "cli/output.h"
#include "cli/segmentation.h"

namespace cygnet::cli {
namespace {

/// A class that was found and its share of the picture's pixels, 0 to 1.
struct Found {
  int index = 0;
  double share = 0;
};

/// The classes that occur, the most frequent first.
std::vector<Found> count_classes(const Segmentation& segmentation) {
  std::map<int, int64_t> counts;
  for (int index : segmentation.classes) ++counts[index];
  std::vector<Found> found;
  for (auto [index, count] : counts) {
    found.push_back(
        {index, static_cast<double>(count) / static_cast<double>(segmentation.classes.size())});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.share > b.share; });
  return found;
}

double foreground_share(const Segmentation& segmentation) {
  double sum = 0;
  for (float value : segmentation.foreground) sum += value > 0.5f ? 1 : 0;
  return sum / static_cast<double>(segmentation.foreground.size());
}

std::string percent(double share) {
  return number(share * 100, 3) + " %";
}

void print_report(const SegmentFlags& flags, const Segmentation& segmentation, const Labels& labels,
                  double seconds) {
  Json::Object json = {{"image", flags.image},
                       {"width", segmentation.width},
                       {"height", segmentation.height},
                       {"ms", seconds * 1000}};
  Table table(labels.empty() ? std::vector<std::string>{">share", ">class"}
                             : std::vector<std::string>{">share", ">class", "label"});
  Json::List classes;
  for (const Found& found : count_classes(segmentation)) {
    std::vector<std::string> row = {percent(found.share), text(found.index)};
    Json::Object item = {{"class", found.index}, {"share", found.share}};
    if (!labels.empty()) {
      row.push_back(labels.name(found.index));
      item.emplace_back("label", labels.name(found.index));
    }
    table.add(std::move(row));
    classes.emplace_back(std::move(item));
  }
  if (flags.json) {
    if (segmentation.is_portrait()) {
      json.emplace_back("foreground", foreground_share(segmentation));
    } else {
      json.emplace_back("classes", std::move(classes));
    }
    return print_json(json);
  }
  std::cout << printable(flags.image) << "  (" << human_time(seconds) << ")\n";
  if (segmentation.is_portrait()) {
    std::cout << "  foreground: " << percent(foreground_share(segmentation)) << '\n';
  } else {
    table.print(2);
  }
  for (const std::string& path : {flags.output, flags.mask}) {
    if (!path.empty()) std::cout << "  wrote " << printable(path) << '\n';
  }
}

Image draw(const SegmentFlags& flags, const Image& image, const Segmentation& segmentation,
           const Background& background) {
  if (!segmentation.is_portrait() && flags.background.empty()) {
    return draw_classes(image, segmentation, flags.opacity);
  }
  return cut_out(image, foreground_of(segmentation), background);
}

}  // namespace

void segment(const SegmentFlags& flags) {
  for (const std::string& path : {flags.output, flags.mask}) {
    if (!path.empty()) check_writable(path);
  }
  Image image = load_image(flags.image);
  Labels labels(flags.labels);
  Background background = read_background(flags.background.empty() ? "blur" : flags.background);

  Session session(flags.model);
  Interpreter& interpreter = session.interpreter();
  PictureInput input = find_picture_input(interpreter, session.path());
  Image fitted = fit_picture(&session, input, image);
  SegmentationOutput output = find_segmentation(interpreter, session.path());
  bool classes = output.kind == SegmentationOutput::Kind::class_numbers ||
                 output.kind == SegmentationOutput::Kind::class_scores;
  write_picture(&session, input, fitted, flags.normalization,
                classes ? PixelRange::minus_one_to_one : PixelRange::zero_to_one);
  double seconds = session.invoke();
  Segmentation segmentation =
      read_segmentation(interpreter, output, image.width, image.height, session.path());
  if (segmentation.class_count > 0) labels.fit(segmentation.class_count);

  if (!flags.output.empty()) {
    write_png(flags.output, draw(flags, image, segmentation, background));
  }
  if (!flags.mask.empty()) write_png(flags.mask, mask_image(segmentation));
  print_report(flags, segmentation, labels, seconds);
}

}  // namespace cygnet::cli
