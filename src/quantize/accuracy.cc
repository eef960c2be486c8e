// SPDX-License-Identifier: Apache-2.0
#include "quantize/accuracy.h"

#include <algorithm>
#include <numeric>

#include "edit/failure.h"
#include "quantize/runner.h"

namespace cygnet {
namespace {

constexpr size_t kBest = 5;
constexpr uint8_t kUnknown = 255;

bool is_class_type(Type type) {
  return type == Type::int32 || type == Type::int64;
}

/// The indices of the largest values, of equal ones the first first.
std::vector<int32_t> largest(std::span<const float> scores) {
  std::vector<int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count = static_cast<std::ptrdiff_t>(std::min(kBest, scores.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int32_t x, int32_t y) {
    const float s = scores[static_cast<size_t>(x)], t = scores[static_cast<size_t>(y)];
    return s > t || (s == t && x < y);
  });
  order.resize(static_cast<size_t>(count));
  return order;
}

}  // namespace

std::optional<NamedClasses> named_classes(const Tensor& output) {
  const Shape& shape = output.shape;
  std::vector<float> values;
  read_real(output, values);
  if (values.empty() || shape.rank == 0) return {};
  NamedClasses named;
  if (is_class_type(output.type) && output.quantization.count == 0) {
    for (const float value : values) named.classes.push_back(static_cast<int32_t>(value));
    if (named.classes.size() == 1) named.best = named.classes;
    return named;
  }
  const auto count = static_cast<size_t>(shape[shape.rank - 1]);
  if (count == 1) {
    for (const float value : values) named.classes.push_back(value > 0.5f ? 1 : 0);
    if (named.classes.size() == 1) named.best = {named.classes[0], 1 - named.classes[0]};
    return named;
  }
  for (size_t i = 0; i < values.size(); i += count) {
    const std::span<const float> scores(values.data() + i, count);
    named.classes.push_back(
        static_cast<int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
  }
  if (named.classes.size() == 1) named.best = largest(values);
  return named;
}

void AccuracyCounts::add(const Sample& sample, const NamedClasses& named) {
  if (sample.label >= 0 && !named.best.empty()) {
    ++samples_;
    const auto place = std::find(named.best.begin(), named.best.end(), sample.label);
    top1_ += place == named.best.begin() ? 1 : 0;
    top5_ += place != named.best.end() ? 1 : 0;
  }
  if (sample.classes.empty()) return;
  if (sample.classes.size() != named.classes.size())
    throw Failure(text(sample.name, ": the right classes of ", sample.classes.size(),
                       " pixels are given, the network names those of ", named.classes.size()));
  ++pictures_;
  for (std::vector<int64_t>* counts : {&both_, &right_, &named_}) counts->resize(kClasses);
  for (size_t i = 0; i < named.classes.size(); ++i) {
    const uint8_t right = sample.classes[i];
    if (right == kUnknown) continue;
    const int32_t said = named.classes[i];
    ++right_[right];
    if (said >= 0 && said < static_cast<int32_t>(kClasses)) ++named_[static_cast<size_t>(said)];
    if (said == right) ++both_[right];
  }
}

void AccuracyCounts::add(const AccuracyCounts& other) {
  samples_ += other.samples_;
  top1_ += other.top1_;
  top5_ += other.top5_;
  pictures_ += other.pictures_;
  const auto add_all = [](std::vector<int64_t>& to, const std::vector<int64_t>& from) {
    if (from.empty()) return;
    to.resize(kClasses);
    for (size_t i = 0; i < kClasses; ++i) to[i] += from[i];
  };
  add_all(both_, other.both_);
  add_all(right_, other.right_);
  add_all(named_, other.named_);
}

Accuracy AccuracyCounts::result() const {
  Accuracy accuracy;
  accuracy.samples = samples_;
  accuracy.pictures = pictures_;
  if (samples_ > 0) {
    accuracy.top1 = static_cast<double>(top1_) / static_cast<double>(samples_);
    accuracy.top5 = static_cast<double>(top5_) / static_cast<double>(samples_);
  }
  double sum = 0;
  int classes = 0;
  for (size_t c = 0; c < right_.size(); ++c) {
    const int64_t joined = right_[c] + named_[c] - both_[c];
    if (joined == 0) continue;
    ++classes;
    sum += static_cast<double>(both_[c]) / static_cast<double>(joined);
  }
  if (classes > 0) accuracy.mean_iou = sum / classes;
  return accuracy;
}

}  // namespace cygnet
