// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/model_file.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>

#include "edit/failure.h"
#include "importers/keras/archive.h"

namespace cygnet::keras {
namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> result(1);
  for (char c : path) {
    if (c == '/')
      result.emplace_back();
    else
      result.back() += c;
  }
  return result;
}

// "kernel:0" → "kernel".
std::string without_port(const std::string& name) {
  return name.substr(0, name.find(':'));
}

bool starts_with_zip(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) throw Failure(text(path, ": can't be opened"));
  char start[4] = {};
  const size_t got = std::fread(start, 1, 4, file);
  std::fclose(file);
  return got == 4 && start[0] == 'P' && start[1] == 'K';
}

bool upper(char c) {
  return std::isupper(static_cast<unsigned char>(c)) != 0;
}
bool lower(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0;
}

// Keras's rule: a break before each capital that lower-case letters follow, then one between a
// lower-case letter and a capital.
std::string snake_case(const std::string& name) {
  std::string broken;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool word = i > 0 && upper(name[i]) && i + 1 < name.size() && lower(name[i + 1]);
    const bool rise = i > 0 && upper(name[i]) && lower(name[i - 1]);
    if (word || rise) broken += '_';
    broken += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return broken;
}

}  // namespace

std::string ContainerNames::next(const std::string& class_name) {
  // The one class that Keras exports under another name than its own.
  const std::string name =
      snake_case(class_name == "GroupQueryAttention" ? "GroupedQueryAttention" : class_name);
  for (auto& [used, count] : used_)
    if (used == name) return text(name, "_", ++count);
  used_.emplace_back(name, 0);
  return name;
}

const Weights::Named* Weights::find(const std::string& variable) const {
  const Named* best = nullptr;
  for (const Named& n : named_)
    if (without_port(n.parts.back()) == variable &&
        (best == nullptr || n.parts.size() < best->parts.size()))
      best = &n;
  // Variables that a layer left without a name are "variable", "variable_1", ...
  if (best == nullptr && named_.size() == 1 && named_[0].parts.back().rfind("variable", 0) == 0)
    best = &named_[0];
  return best;
}

bool Weights::has_next(const std::string& variable) const {
  if (file_ == nullptr) return false;
  if (!numbered_) return find(variable) != nullptr;
  return file_->exists(text(path_, "/vars/", count_));
}

std::string Weights::next(const std::string& variable) {
  if (!has_next(variable))
    throw Failure(text(file_ == nullptr ? "" : file_->name(), ": ", path_,
                       ": the file has no weight \"", variable, "\""));
  if (!numbered_) return find(variable)->place;
  return text(path_, "/vars/", count_++);
}

std::string Weights::numbered(int i) const {
  return text(path_, "/vars/", i);
}

int Weights::count() const {
  int n = 0;
  while (file_ != nullptr && file_->exists(numbered(n))) ++n;
  return n;
}

Weights Weights::child(const std::string& layer_name, const std::string& attribute) const {
  Weights result;
  result.file_ = file_;
  result.numbered_ = numbered_;
  result.path_ = text(path_, "/", numbered_ ? attribute : layer_name);
  // Keras 2 keeps the underscore of a private attribute, Keras 3 finds the property of that name.
  if (numbered_ && file_ != nullptr && !file_->exists(result.path_)) {
    const std::string hidden = text(path_, "/_", attribute);
    if (file_->exists(hidden)) result.path_ = hidden;
  }
  if (numbered_) return result;
  // First by the leading part of the names, then by any part: wrappers of Keras 2 leave their own
  // name out or put scopes before it.
  for (const Named& n : named_)
    if (n.parts.size() > 1 && n.parts[0] == layer_name)
      result.named_.push_back({n.place, {n.parts.begin() + 1, n.parts.end()}});
  if (!result.named_.empty()) return result;
  for (const Named& n : named_) {
    const auto end = n.parts.end() - 1;
    const auto found = std::find(n.parts.begin(), end, layer_name);
    if (found != end) result.named_.push_back({n.place, {found + 1, n.parts.end()}});
  }
  if (result.named_.empty()) result.named_ = named_;
  return result;
}

Weights ModelFile::weights() const {
  Weights result;
  result.file_ = file_.get();
  result.numbered_ = numbered_;
  if (!numbered_) result.path_ = "/model_weights";
  return result;
}

Weights ModelFile::layer_weights(const std::string& name, const std::string& attribute) const {
  Weights result = weights();
  if (numbered_) return result.child(name, attribute);
  result.path_ = text("/model_weights/", name);
  for (const std::string& w : file_->texts_attribute(result.path_, "weight_names"))
    result.named_.push_back({text(result.path_, "/", w), split(w)});
  // The layer's own name in front says nothing.
  const bool prefixed = std::all_of(
      result.named_.begin(), result.named_.end(),
      [&](const Weights::Named& n) { return n.parts.size() > 1 && n.parts[0] == name; });
  if (prefixed)
    for (Weights::Named& n : result.named_) n.parts.erase(n.parts.begin());
  return result;
}

ModelFile ModelFile::open(const std::string& path) {
  return starts_with_zip(path) ? open_archive(path) : open_hdf5(path);
}

ModelFile ModelFile::open_hdf5(const std::string& path) {
  ModelFile result;
  result.file_ = std::make_shared<Hdf5File>(Hdf5File::open(path));
  const auto config = result.file_->text_attribute("/", "model_config");
  if (!config)
    throw Failure(text(path,
                       ": holds weights but no model (attribute model_config); save the whole "
                       "model, not only its weights"));
  result.config_ = Config::parse(*config, path);
  auto version = result.file_->text_attribute("/", "keras_version");
  if (!version) version = result.file_->text_attribute("/model_weights", "keras_version");
  result.version_ = version.value_or("");
  return result;
}

ModelFile ModelFile::open_archive(const std::string& path) {
  auto entries = read_archive(path, {"config.json", "metadata.json", "model.weights.h5"});
  const auto document = [&](const char* name) {
    const std::vector<uint8_t>& bytes = entries[name];
    return Config::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                         text(path, ": ", name));
  };
  for (const char* needed : {"config.json", "model.weights.h5"})
    if (entries.count(needed) == 0)
      throw Failure(text(path, ": I5: the archive has no entry ", needed));
  ModelFile result;
  result.numbered_ = true;
  result.config_ = document("config.json");
  if (entries.count("metadata.json") != 0)
    result.version_ = document("metadata.json").text("keras_version", "");
  result.file_ = std::make_shared<Hdf5File>(Hdf5File::from_memory(
      std::move(entries["model.weights.h5"]), text(path, ": model.weights.h5")));
  return result;
}

bool ModelFile::keras_before(int major, int minor) const {
  const char* end = version_.data() + version_.size();
  int theirs = 0, their_minor = 0;
  const auto read = std::from_chars(version_.data(), end, theirs);
  if (read.ec != std::errc()) return false;
  if (read.ptr != end && *read.ptr == '.') std::from_chars(read.ptr + 1, end, their_minor);
  return std::pair(theirs, their_minor) < std::pair(major, minor);
}

}  // namespace cygnet::keras
