// SPDX-License-Identifier: Apache-2.0
// Statistics in a file: a FlexBuffer, which says itself what it holds. The root is a map:
//
//   format   "cygnet statistics"
//   version  1
//   bins     kBins
//   samples  integer
//   tensors  list of maps: name; runs, elements, not_finite; min, max, average_min, average_max,
//            limit; first_bin and bins, the counts from the first bin that is not 0 to the last;
//            channel_count, channel_sums
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/mapped_file.h"
#include "edit/failure.h"
#include "flatbuffers/flexbuffers.h"
#include "quantize/statistics.h"

namespace cygnet {
namespace {

constexpr const char* kFormat = "cygnet statistics";
constexpr int64_t kVersion = 1;
/// Counts above this would lose their last digits in sums of doubles.
constexpr int64_t kMostCount = int64_t{1} << 53;

void write_tensor(flexbuffers::Builder& b, const std::string& name, const TensorStatistics& t) {
  b.Map([&] {
    b.String("name", name);
    b.Int("runs", t.runs);
    b.Int("elements", t.elements);
    b.Int("not_finite", t.not_finite);
    b.Double("min", double{t.min});
    b.Double("max", double{t.max});
    b.Double("average_min", t.average_min);
    b.Double("average_max", t.average_max);
    b.Double("limit", t.limit);
    size_t first = 0, end = t.bins.size();
    while (first < end && t.bins[first] == 0) ++first;
    while (end > first && t.bins[end - 1] == 0) --end;
    b.Int("first_bin", static_cast<int64_t>(first));
    b.Key("bins");
    b.Vector(t.bins.data() + first, end - first);
    b.Int("channel_count", t.channel_count);
    b.Key("channel_sums");
    b.Vector(t.channel_sums.data(), t.channel_sums.size());
  });
}

/// Reads a map's values, and says what is wrong with them.
class MapReader {
 public:
  MapReader(const flexbuffers::Map& map, std::string where) : map_(map), where_(std::move(where)) {}

  /// 0 or more.
  int64_t count(const char* key) const {
    const flexbuffers::Reference value = map_[key];
    if (!value.IsIntOrUint()) throw bad(key, "is missing or no whole number");
    const int64_t n = value.AsInt64();
    if (n < 0 || n > kMostCount) throw bad(key, text("is ", n));
    return n;
  }
  double real(const char* key) const {
    const flexbuffers::Reference value = map_[key];
    if (!value.IsFloat()) throw bad(key, "is missing or no real number");
    if (!std::isfinite(value.AsDouble())) throw bad(key, text("is ", value.AsDouble()));
    return value.AsDouble();
  }
  std::vector<int64_t> counts(const char* key) const {
    std::vector<int64_t> result;
    each(key, [&](const flexbuffers::Reference& value) {
      const int64_t n = value.IsIntOrUint() ? value.AsInt64() : -1;
      if (n < 0 || n > kMostCount) throw bad(key, "has what is no count");
      result.push_back(n);
    });
    return result;
  }
  std::vector<double> reals(const char* key) const {
    std::vector<double> result;
    each(key, [&](const flexbuffers::Reference& value) {
      if (!value.IsFloat() || !std::isfinite(value.AsDouble()))
        throw bad(key, "has what is no real number");
      result.push_back(value.AsDouble());
    });
    return result;
  }
  Failure bad(const char* key, const std::string& what) const {
    return Failure(text(where_, ": '", key, "' ", what));
  }

 private:
  template <class F>
  void each(const char* key, F f) const {
    const flexbuffers::Reference value = map_[key];
    if (!value.IsAnyVector()) throw bad(key, "is missing or no list");
    if (value.IsTypedVector()) {
      const flexbuffers::TypedVector list = value.AsTypedVector();
      for (size_t i = 0; i < list.size(); ++i) f(list[i]);
    } else {
      const flexbuffers::Vector list = value.AsVector();
      for (size_t i = 0; i < list.size(); ++i) f(list[i]);
    }
  }

  flexbuffers::Map map_;
  std::string where_;
};

void read_histogram(const MapReader& map, TensorStatistics* t) {
  const int64_t first = map.count("first_bin");
  const std::vector<int64_t> bins = map.counts("bins");
  t->limit = map.real("limit");
  if (t->limit == 0 && bins.empty()) return;
  const auto n = static_cast<int64_t>(bins.size());
  if (first > TensorStatistics::kBins || n > TensorStatistics::kBins - first)
    throw map.bad("bins", text("has bins ", first, " to ", first + n, "; there are ",
                               TensorStatistics::kBins));
  int exponent = 0;
  const double largest = std::max(-double{t->min}, double{t->max});
  if (!(t->limit > largest) || std::frexp(t->limit, &exponent) != 0.5 ||
      t->limit > std::ldexp(1.0, 128) || t->limit < std::ldexp(1.0, -128))
    throw map.bad("limit", text("is ", t->limit, ": no power of two above all values"));
  t->bins.assign(TensorStatistics::kBins, 0);
  int64_t left = t->elements;
  for (size_t i = 0; i < bins.size(); ++i) {
    if (bins[i] > left) throw map.bad("bins", "counts more than there are elements");
    left -= bins[i];
    t->bins[static_cast<size_t>(first) + i] = bins[i];
  }
}

TensorStatistics read_tensor(const MapReader& map) {
  TensorStatistics t;
  t.runs = map.count("runs");
  t.elements = map.count("elements");
  t.not_finite = map.count("not_finite");
  const double min = map.real("min"), max = map.real("max");
  t.min = static_cast<float>(min);
  t.max = static_cast<float>(max);
  if (min > max || double{t.min} != min || double{t.max} != max)
    throw map.bad("min", text("and 'max' are ", min, " and ", max));
  t.average_min = map.real("average_min");
  t.average_max = map.real("average_max");
  // Means of what lies between the extremes, up to their rounding.
  const double slack = 1e-6 * (max - min);
  if (t.average_min < min - slack || t.average_max > max + slack ||
      t.average_min > t.average_max + slack)
    throw map.bad("average_min", "and 'average_max' do not lie between 'min' and 'max'");
  t.channel_count = map.count("channel_count");
  t.channel_sums = map.reals("channel_sums");
  read_histogram(map, &t);
  return t;
}

/// What the file holds, as far as its first words tell.
flexbuffers::Map root_of(std::span<const uint8_t> bytes, const std::string& path) {
  std::vector<uint8_t> seen;
  if (bytes.size() < 8 || !flexbuffers::VerifyBuffer(bytes.data(), bytes.size(), &seen))
    throw Failure(text(path, ": no file of statistics, or a damaged one"));
  const flexbuffers::Reference root = flexbuffers::GetRoot(bytes.data(), bytes.size());
  if (!root.IsMap()) throw Failure(text(path, ": no file of statistics"));
  const flexbuffers::Map map = root.AsMap();
  const flexbuffers::Reference format = map["format"];
  if (!format.IsString() || std::strcmp(format.AsString().c_str(), kFormat) != 0)
    throw Failure(text(path, ": no file of statistics"));
  const MapReader reader(map, path);
  const int64_t version = reader.count("version"), bins = reader.count("bins");
  if (version != kVersion || bins != TensorStatistics::kBins)
    throw Failure(text(path, ": version ", version, " with ", bins,
                       " bins; this program reads version ", kVersion, " with ",
                       TensorStatistics::kBins, " bins: calibrate again"));
  return map;
}

}  // namespace

void save_statistics(const Statistics& statistics, const std::string& path) {
  flexbuffers::Builder b(1 << 16, flexbuffers::BUILDER_FLAG_SHARE_KEYS);
  b.Map([&] {
    b.String("format", kFormat);
    b.Int("version", kVersion);
    b.Int("bins", TensorStatistics::kBins);
    b.Int("samples", statistics.samples);
    b.Vector("tensors", [&] {
      for (const auto& [name, tensor] : statistics.tensors) write_tensor(b, name, tensor);
    });
  });
  b.Finish();
  const std::string temporary = text(path, ".", getpid(), ".part");
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(b.GetBuffer().data()),
             static_cast<std::streamsize>(b.GetBuffer().size()));
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    std::remove(temporary.c_str());
    throw Failure(text("cannot write ", path, ": ", std::strerror(error)));
  }
}

Statistics load_statistics(const std::string& path) {
  constexpr int64_t kMostBytes = int64_t{1} << 32;
  base::MappedFile file;
  check(base::MappedFile::open(path.c_str(), kMostBytes, &file));
  const flexbuffers::Map map = root_of(file.bytes(), path);
  const MapReader reader(map, path);
  Statistics statistics;
  statistics.samples = reader.count("samples");
  if (!map["tensors"].IsVector()) throw reader.bad("tensors", "is missing or no list");
  const flexbuffers::Vector tensors = map["tensors"].AsVector();
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].IsMap() || !tensors[i].AsMap()["name"].IsString())
      throw Failure(text(path, ": tensor ", i, " has no name"));
    const std::string name = tensors[i].AsMap()["name"].AsString().str();
    const TensorStatistics tensor =
        read_tensor(MapReader(tensors[i].AsMap(), text(path, ": tensor '", name, "'")));
    if (!statistics.tensors.emplace(name, tensor).second)
      throw Failure(text(path, ": tensor '", name, "' comes twice"));
  }
  return statistics;
}

}  // namespace cygnet
