// SPDX-License-Identifier: Apache-2.0
#include "cli/samples.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/failure.h"
#include "cli/output.h"
#include "cli/resize.h"
#include "cli/sample_readers.h"

namespace cygnet::cli {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kPictures = {".jpg", ".jpeg", ".png", ".bmp"};
const std::vector<std::string> kArrays = {".npz", ".npy"};

bool ends_in(const std::string& name, const std::vector<std::string>& endings) {
  std::string lower = name;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return endings.empty() || std::any_of(endings.begin(), endings.end(), [&](const auto& ending) {
           return lower.ends_with(ending);
         });
}

Normalization normalization_of(const SampleFlags& flags) {
  const Normalization& given = flags.normalization;
  if (flags.range.empty()) return given;
  if (!given.mean.empty() || !given.std.empty())
    throw Failure("--range says what --mean and --std say: give one of them");
  if (flags.range == "0..1") return {{0.0f}, {255.0f}};
  if (flags.range == "-1..1") return {{127.5f}, {127.5f}};
  if (flags.range == "0..255") return {{0.0f}, {1.0f}};
  throw Failure(text("--range: expected 0..1, -1..1 or 0..255, got '", flags.range, "'"));
}

Type record_type(const std::string& name) {
  if (name == "float32") return Type::float32;
  if (name == "uint8") return Type::uint8;
  if (name == "int8") return Type::int8;
  if (name == "int32") return Type::int32;
  throw Failure(text("--record-type: expected float32, uint8, int8 or int32, got '", name, "'"));
}

std::unique_ptr<SampleReader> open_reader(const SampleFlags& flags, const Graph& graph,
                                          const std::string& model_path) {
  if (!flags.given()) throw Failure("there are no samples: give --data or --raw");
  const Normalization normalization = normalization_of(flags);
  if (!flags.raw.empty()) {
    std::vector<FoundFile> files = find_files(flags.raw, {});
    if (files.empty()) throw Failure(text(flags.raw, ": the folder is empty"));
    return read_records(std::move(files), graph, model_path, record_type(flags.record_type),
                        normalization);
  }
  std::vector<FoundFile> files = find_files(flags.data, kPictures);
  if (!files.empty()) return read_pictures(std::move(files), graph, model_path, normalization);
  files = find_files(flags.data, kArrays);
  if (!files.empty()) return read_arrays(std::move(files), graph, normalization);
  std::error_code error;
  throw Failure(text(flags.data,
                     fs::is_directory(fs::path(flags.data), error)
                         ? ": the folder has no pictures (.jpg, .jpeg, .png, .bmp) and no arrays "
                           "(.npz, .npy)"
                         : ": neither a picture (.jpg, .jpeg, .png, .bmp) nor arrays (.npz, .npy); "
                           "raw records are given by --raw"));
}

/// Width and height of a segmentation, or 0, 0.
std::pair<int, int> map_size(const Shape& shape) {
  if (shape.rank != 4 && shape.rank != 3) return {0, 0};
  return {shape[2], shape[1]};
}

/// Class maps by the names of pictures.
class Masks {
 public:
  Masks() = default;
  Masks(const std::string& folder, const SampleReader& samples, const Graph& graph)
      : paths_(samples.size()) {
    const Subgraph& main = graph.subgraphs[0];
    if (!main.outputs.empty()) {
      const GraphTensor& t = main.tensors[static_cast<size_t>(main.outputs[0])];
      std::tie(width_, height_) = map_size(t.has_signature ? t.signature : t.shape);
    }
    bool any = false;
    for (size_t i = 0; i < paths_.size(); ++i) {
      const fs::path file = samples.file_of(i);
      std::error_code error;
      for (fs::path name : {file, file.filename()}) {
        name = fs::path(folder) / name.replace_extension(".png");
        if (file.empty() || !paths_[i].empty() || !fs::is_regular_file(name, error)) continue;
        paths_[i] = name.string();
        any = true;
      }
    }
    if (!any) throw Failure(text(folder, ": no .png file has the name of a sample's file"));
  }

  /// At the size of the model's first output where that is an image, else at its own.
  std::vector<uint8_t> read(size_t i) const {
    if (paths_.empty() || paths_[i].empty()) return {};
    ClassMap map = load_class_map(paths_[i]);
    if (width_ <= 0 || height_ <= 0 || (map.width == width_ && map.height == height_))
      return std::move(map.classes);
    const std::vector<int> wide(map.classes.begin(), map.classes.end());
    const std::vector<int> sized = resize_nearest(wide, map.width, map.height, width_, height_);
    return {sized.begin(), sized.end()};
  }

 private:
  std::vector<std::string> paths_;  ///< by sample; empty: none
  int width_ = 0, height_ = 0;
};

/// What a reader reads, or so many of it, with labels.
class SampleSet final : public FileSamples {
 public:
  SampleSet(std::unique_ptr<SampleReader> reader, const SampleFlags& flags, const Graph& graph)
      : reader_(std::move(reader)), labels_(read_labels(flags.labels, *reader_)) {
    if (!flags.masks.empty()) masks_ = Masks(flags.masks, *reader_, graph);
    const size_t all = reader_->size();
    const size_t count = flags.count == 0 ? all : std::min(flags.count, all);
    for (size_t i = 0; i < count; ++i) chosen_.push_back(i * all / count);
  }

  ~SampleSet() override { report_unreadable(); }

  size_t size() const override { return chosen_.size(); }
  size_t files() const override { return reader_->files(); }
  std::optional<Sample> read(size_t i) const override {
    const size_t k = chosen_[i];
    try {
      Sample sample = reader_->read(k);
      if (!labels_.empty()) sample.label = labels_[k];
      sample.classes = masks_.read(k);
      return sample;
    } catch (const Unreadable& failure) {
      note_unreadable(failure.path(), failure.what());
      return std::nullopt;
    }
  }

 private:
  std::unique_ptr<SampleReader> reader_;
  std::vector<int64_t> labels_;
  Masks masks_;
  std::vector<size_t> chosen_;  ///< the reader's numbers
};

}  // namespace

size_t FileSamples::unreadable() const {
  const std::lock_guard lock(mutex_);
  return unreadable_.size();
}

void FileSamples::note_unreadable(const std::string& file, const std::string& message) const {
  const std::lock_guard lock(mutex_);
  if (unreadable_.insert(file).second)
    std::cerr << "cygnet: warning: " << printable(message) << "; left out\n";
}

void FileSamples::report_unreadable() const {
  const size_t bad = unreadable();
  if (bad == 0 || reported_) return;
  std::cerr << "cygnet: warning: " << bad << " of " << files() << " files could not be read\n";
  reported_ = true;
}

std::vector<FoundFile> find_files(const std::string& path,
                                  const std::vector<std::string>& endings) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    if (!ends_in(path, endings)) return {};
    return {{path, fs::path(path).filename().string()}};
  }
  if (!fs::is_directory(path, error)) {
    // A pipe or device has no place where to begin a second time.
    if (fs::exists(path, error)) throw Failure(text(path, ": neither a file nor a folder"));
    throw Failure(text("cannot read ", path, ": ",
                       error ? error.message() : std::string("No such file or directory")));
  }
  std::vector<FoundFile> files;
  auto entry = fs::recursive_directory_iterator(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(path).string();
    std::error_code ignored;
    if (entry->path().filename().string().starts_with(".") || !ends_in(name, endings) ||
        !entry->is_regular_file(ignored))
      continue;
    files.push_back({entry->path().string(), name});
  }
  if (error) throw Failure(text("cannot read the folder ", path, ": ", error.message()));
  std::sort(files.begin(), files.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.name < b.name; });
  return files;
}

std::vector<ModelInput> model_inputs(const Graph& graph) {
  const Subgraph& main = graph.subgraphs[0];
  const Signature* signature = nullptr;
  for (const Signature& s : graph.signatures)
    if (s.subgraph == 0 && signature == nullptr) signature = &s;
  std::vector<ModelInput> inputs;
  for (int32_t i : main.inputs) {
    const GraphTensor& t = main.tensors[static_cast<size_t>(i)];
    ModelInput input{std::string(t.name), std::string(t.name), t,
                     t.has_signature ? t.signature : t.shape};
    if (signature != nullptr)
      for (const SignatureTensor& s : signature->inputs)
        if (s.tensor == i) input.name = s.name;
    for (const ModelInput& other : inputs)
      if (input.name.empty() || other.name == input.name) input.name = text("input", inputs.size());
    if (input.name.empty()) input.name = text("input", inputs.size());
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::unique_ptr<FileSamples> open_samples(const SampleFlags& flags, const Graph& graph,
                                          const std::string& model_path) {
  return std::make_unique<SampleSet>(open_reader(flags, graph, model_path), flags, graph);
}

}  // namespace cygnet::cli
