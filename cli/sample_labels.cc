// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "cli/files.h"
#include "cli/sample_readers.h"

namespace cygnet::cli {
namespace {

/// A class number, all of the text.
std::optional<int64_t> class_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  if (!whole || value < 0 || value > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return value;
}

void check_count(const std::string& path, size_t labels, size_t samples) {
  if (labels != samples)
    throw Failure(text(path, ": ", labels, " labels for ", samples, " samples"));
}

std::vector<int64_t> from_array(const std::string& path, size_t samples) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 30;
  const ArchiveReader reader(path, kMostBytes);
  if (reader.names().size() != 1) throw Failure(text(path, ": expected one array of labels"));
  const Array array = reader.read(0);
  ModelInput number;
  number.tensor.type = Type::int64;
  if (!suits(array.type, Type::int64))
    throw Failure(text(path, ": expected whole numbers, got ", type_name(array.type)));
  const size_t count = array.data.size() / (static_cast<size_t>(type_bits(array.type)) / 8);
  check_count(path, count, samples);
  const SampleArray wide = row_of(array, {1, {static_cast<int32_t>(count)}}, 0, number, {}, path);
  std::vector<int64_t> labels(count);
  std::copy_n(reinterpret_cast<const int64_t*>(wide.bytes.data()), count, labels.begin());
  return labels;
}

/// "NAME CLASS" a line, or "CLASS" a line in the samples' order.
std::vector<int64_t> from_lines(const std::string& path, const SampleReader& samples) {
  const std::vector<std::string> lines = read_lines(path);
  std::vector<int64_t> in_order;
  std::map<std::string, int64_t> by_name;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t gap = lines[i].find_last_of(" \t,");
    const size_t begin = gap == std::string::npos ? 0 : gap + 1;
    const std::optional<int64_t> number = class_number(lines[i].substr(begin));
    if (!number)
      throw Failure(text(path, ": line ", i + 1,
                         ": expected 'NAME CLASS' or the number of a class, "
                         "got '",
                         lines[i], "'"));
    std::string name = lines[i].substr(0, begin);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t' || name.back() == ','))
      name.pop_back();
    if (name.empty())
      in_order.push_back(*number);
    else
      by_name[name] = *number;
  }
  if (by_name.empty()) {
    check_count(path, in_order.size(), samples.size());
    return in_order;
  }
  if (!in_order.empty()) throw Failure(text(path, ": some lines have a name and some have none"));
  std::vector<int64_t> labels(samples.size(), -1);
  bool any = false;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string file = samples.file_of(i);
    auto found = by_name.find(file);
    if (found == by_name.end())
      found = by_name.find(std::filesystem::path(file).filename().string());
    if (found == by_name.end()) continue;
    labels[i] = found->second;
    any = true;
  }
  if (!any) throw Failure(text(path, ": none of the samples' files has a name in it"));
  return labels;
}

/// The folder that a sample's file lies in: its name where that is a number, else its place among
/// the folders' sorted names.
std::vector<int64_t> from_folders(const SampleReader& samples) {
  std::vector<std::string> folders(samples.size());
  std::map<std::string, int64_t> classes;
  for (size_t i = 0; i < folders.size(); ++i) {
    const std::filesystem::path file = samples.file_of(i);
    if (!file.has_parent_path()) continue;
    folders[i] = file.begin()->string();
    classes[folders[i]] = 0;
  }
  if (classes.empty())
    throw Failure("--labels folders: the samples do not lie in sub-folders, one for each class");
  const bool numbers = std::all_of(classes.begin(), classes.end(), [](const auto& entry) {
    return class_number(entry.first).has_value();
  });
  int64_t next = 0;
  for (auto& [name, number] : classes) number = numbers ? *class_number(name) : next++;
  std::vector<int64_t> labels(folders.size(), -1);
  for (size_t i = 0; i < labels.size(); ++i)
    if (!folders[i].empty()) labels[i] = classes[folders[i]];
  return labels;
}

}  // namespace

std::vector<int64_t> read_labels(const std::string& labels, const SampleReader& samples) {
  if (labels.empty()) return {};
  if (labels == "folders") return from_folders(samples);
  if (labels.ends_with(".npy") || labels.ends_with(".npz"))
    return from_array(labels, samples.size());
  return from_lines(labels, samples);
}

}  // namespace cygnet::cli
