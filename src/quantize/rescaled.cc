// SPDX-License-Identifier: Apache-2.0
#include "quantize/rescaled.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "quantize/align.h"

namespace cygnet {
namespace {

/// Values that differ by less are the same, and factors must bring them as near.
constexpr double kSameDb = 20, kFittedDb = 15;
/// What a factor for each channel must gain over one for all.
constexpr double kOneFactorDb = 6;
/// One factor for all that fits so well needs none for each channel.
constexpr double kGoodFitDb = 30;

double decibels(double signal, double error) {
  if (error <= 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / error);
}

}  // namespace

void ChannelFit::add(std::span<const float> a, std::span<const float> b, int64_t channels) {
  const auto count = static_cast<size_t>(std::max<int64_t>(channels, 1));
  elements_ += static_cast<double>(a.size()) / static_cast<double>(count);
  for (std::vector<double>* sums : {&aa_, &ab_, &bb_}) sums->resize(count);
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
    const size_t c = i % count;
    aa_[c] += double{a[i]} * a[i];
    ab_[c] += double{a[i]} * b[i];
    bb_[c] += double{b[i]} * b[i];
  }
}

double ChannelFit::sqnr_db() const {
  double signal = 0, error = 0;
  for (size_t c = 0; c < aa_.size(); ++c) {
    signal += aa_[c];
    error += aa_[c] - 2 * ab_[c] + bb_[c];
  }
  return decibels(signal, error);
}

double ChannelFit::fitted_db() const {
  // The least squares of channel c leave bb − ab² / aa.
  double signal = 0, error = 0;
  for (size_t c = 0; c < aa_.size(); ++c) {
    const double fitted = aa_[c] > 0 ? ab_[c] * ab_[c] / aa_[c] : 0;
    signal += fitted;
    error += bb_[c] - fitted;
  }
  return decibels(signal, error);
}

double ChannelFit::fitted_db(double factor) const {
  double signal = 0, error = 0;
  for (size_t c = 0; c < aa_.size(); ++c) {
    signal += factor * factor * aa_[c];
    error += factor * factor * aa_[c] - 2 * factor * ab_[c] + bb_[c];
  }
  return decibels(signal, error);
}

bool ChannelFit::differs() const {
  return sqnr_db() < kSameDb;
}

bool ChannelFit::wants_more() const {
  return differs() && elements_ < kEnough;
}

std::vector<float> ChannelFit::factors() const {
  const double aa = std::accumulate(aa_.begin(), aa_.end(), 0.0);
  const double ab = std::accumulate(ab_.begin(), ab_.end(), 0.0);
  if (aa == 0 || ab == 0) return {};
  const double one_db = fitted_db(ab / aa);
  const double by_channel_db = elements_ < kEnough ? one_db : fitted_db();
  if (std::max(one_db, by_channel_db) < kFittedDb) return {};
  if (one_db >= std::min(by_channel_db - kOneFactorDb, kGoodFitDb))
    return {static_cast<float>(ab / aa)};
  std::vector<float> factors;
  for (size_t c = 0; c < aa_.size(); ++c)
    factors.push_back(aa_[c] > 0 ? static_cast<float>(ab_[c] / aa_[c]) : 1);
  return factors;
}

namespace {

/// Chains of tensors with factors.
class Chains {
 public:
  Chains(const Subgraph& b, const std::vector<int32_t>& tensors,
         const std::vector<ChannelFit>& fits, const std::vector<double>& own_db)
      : b_(b), tensors_(tensors), fits_(fits), own_db_(own_db), factors_(tensors.size()) {
    find_readers();
    for (size_t i = 0; i < tensors.size(); ++i) {
      const bool output =
          std::find(b.outputs.begin(), b.outputs.end(), tensors[i]) != b.outputs.end();
      if (!output && !readers_[i].empty() && fits[i].differs()) factors_[i] = fits[i].factors();
    }
  }

  std::vector<std::vector<float>> run() {
    while (drop_open() || drop_mistakes()) {
    }
    return std::move(factors_);
  }

 private:
  void find_readers() {
    const std::vector<int> layer_of_node = layers_of_nodes(b_, tensors_);
    std::vector<int> layer_of_tensor(b_.tensors.size(), -1);
    for (size_t i = 0; i < tensors_.size(); ++i)
      layer_of_tensor[static_cast<size_t>(tensors_[i])] = static_cast<int>(i);
    readers_.resize(tensors_.size());
    for (size_t n = 0; n < b_.nodes.size(); ++n)
      for (const int32_t i : b_.nodes[n].inputs) {
        const int from = i == kAbsent ? -1 : layer_of_tensor[static_cast<size_t>(i)];
        if (from >= 0 && layer_of_node[n] >= 0 && layer_of_node[n] != from)
          readers_[static_cast<size_t>(from)].push_back(static_cast<size_t>(layer_of_node[n]));
      }
  }

  bool has_factors(size_t i) const { return !factors_[i].empty(); }

  /// Takes out those with a reader that differs without having factors.
  bool drop_open() {
    bool dropped = false;
    for (size_t i = tensors_.size(); i-- > 0;)
      if (has_factors(i) && std::any_of(readers_[i].begin(), readers_[i].end(), [&](size_t r) {
            return !has_factors(r) && fits_[r].differs();
          })) {
        factors_[i].clear();
        dropped = true;
      }
    return dropped;
  }

  /// Takes out those from which no layer that undoes the factors is reached.
  bool drop_mistakes() {
    std::vector<char> undone(tensors_.size(), 0);
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = tensors_.size(); i-- > 0;) {
        if (!has_factors(i) || undone[i] != 0) continue;
        undone[i] = std::any_of(readers_[i].begin(), readers_[i].end(), [&](size_t r) {
          return has_factors(r) ? undone[r] != 0 : own_db_[r] < kSameDb;
        });
        changed |= undone[i] != 0;
      }
    }
    bool dropped = false;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      if (!has_factors(i) || undone[i] != 0) continue;
      factors_[i].clear();
      dropped = true;
    }
    return dropped;
  }

  const Subgraph& b_;
  const std::vector<int32_t>& tensors_;
  const std::vector<ChannelFit>& fits_;
  const std::vector<double>& own_db_;
  std::vector<std::vector<float>> factors_;
  std::vector<std::vector<size_t>> readers_;  ///< layers that read a tensor
};

}  // namespace

std::vector<std::vector<float>> find_rescaled(const Subgraph& b,
                                              const std::vector<int32_t>& tensors,
                                              const std::vector<ChannelFit>& fits,
                                              const std::vector<double>& own_db) {
  return Chains(b, tensors, fits, own_db).run();
}

void rescale(std::span<const float> factors, std::span<float> values) {
  if (factors.empty()) return;
  for (size_t i = 0; i < values.size(); ++i) values[i] *= factors[i % factors.size()];
}

}  // namespace cygnet
