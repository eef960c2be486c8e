// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "cli/sample_readers.h"
#include "cli/tensors.h"

namespace cygnet::cli {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 34;

/// The arrays of a file by input, each cut into as many samples.
struct ArrayFile {
  std::vector<Array> arrays;
  std::vector<ArrayRows> rows;
  std::vector<std::string> places;  ///< for messages
  size_t count() const { return static_cast<size_t>(rows[0].count); }
  size_t bytes() const {
    size_t sum = 0;
    for (const Array& array : arrays) sum += array.data.size();
    return sum;
  }
};

/// What is wrong with an array for an input.
Failure misfit(const std::string& place, const ModelInput& input, const Array& array) {
  return Failure(text(place, ": expected ", describe(input.tensor.type, input.shape),
                      ", or several along a first dimension, got ", describe(array)));
}

ArrayFile cut(const ArchiveReader& archive, const std::vector<ModelInput>& inputs,
              std::vector<Array> arrays, const std::vector<int>& chosen) {
  ArrayFile file;
  file.arrays = std::move(arrays);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string& key = archive.names()[static_cast<size_t>(chosen[i])];
    file.places.push_back(key.empty() ? archive.path() : text(archive.path(), ": '", key, "'"));
    const Array& array = file.arrays[i];
    file.rows.push_back(rows_of(array.shape, inputs[i].shape));
    if (!suits(array.type, inputs[i].tensor.type) || file.rows[i].count == 0)
      throw misfit(file.places[i], inputs[i], array);
    if (file.rows[i].count != file.rows[0].count)
      throw Failure(text(file.places[i], ": ", file.rows[i].count, " samples, but '",
                         inputs[0].name, "' has ", file.rows[0].count));
  }
  return file;
}

/// What can't be read is Unreadable, what does not fit a Failure.
ArrayFile load(const std::string& path, const std::vector<ModelInput>& inputs) {
  std::unique_ptr<ArchiveReader> archive;
  std::vector<InputNames> names;
  for (const ModelInput& input : inputs) names.push_back({input.name, input.tensor_name});
  try {
    archive = std::make_unique<ArchiveReader>(path, kMostBytes);
  } catch (const Failure& failure) {
    throw Unreadable(path, failure.what());
  }
  const std::vector<int> chosen = match_keys(names, *archive);
  std::vector<Array> arrays;
  try {
    for (int i : chosen) arrays.push_back(archive->read(i));
  } catch (const Failure& failure) {
    throw Unreadable(path, failure.what());
  }
  return cut(*archive, inputs, std::move(arrays), chosen);
}

/// Samples of several files, each with some of them.
struct Places {
  std::vector<size_t> begins;  ///< by file: the number of its first sample; ascending
  size_t total = 0;

  void add(size_t count) {
    begins.push_back(total);
    total += count;
  }
  size_t file(size_t sample) const {
    return static_cast<size_t>(std::upper_bound(begins.begin(), begins.end(), sample) -
                               begins.begin()) -
           1;
  }
  bool alone(size_t file) const {
    return (file + 1 < begins.size() ? begins[file + 1] : total) - begins[file] == 1;
  }
};

class ArrayReader final : public SampleReader {
 public:
  ArrayReader(std::vector<FoundFile> files, const Graph& graph, const Normalization& normalization)
      : files_(std::move(files)), inputs_(model_inputs(graph)), normalization_(normalization) {
    if (inputs_.empty()) throw Failure("the model has no inputs to feed");
    for (size_t f = 0; f < files_.size(); ++f) {
      try {
        places_.add(file(f)->count());
      } catch (const Unreadable& failure) {
        if (files_.size() == 1) throw Failure(failure.what());
        places_.add(1);
      }
    }
  }

  size_t size() const override { return places_.total; }
  size_t files() const override { return files_.size(); }
  std::string file_of(size_t i) const override {
    const size_t f = places_.file(i);
    return places_.alone(f) ? files_[f].name : "";
  }

  Sample read(size_t i) const override {
    const size_t f = places_.file(i), row = i - places_.begins[f];
    const std::shared_ptr<const ArrayFile> arrays = file(f);
    if (row >= arrays->count()) throw Failure(text(files_[f].path, ": the file has changed"));
    Sample sample;
    sample.name = files_[f].path;
    if (arrays->count() > 1) sample.name += text(" (sample ", row, ")");
    for (size_t k = 0; k < inputs_.size(); ++k)
      sample.inputs.push_back(row_of(arrays->arrays[k], arrays->rows[k], static_cast<int64_t>(row),
                                     inputs_[k], normalization_, arrays->places[k]));
    return sample;
  }

 private:
  /// File f, from the files that were read last if it is there.
  std::shared_ptr<const ArrayFile> file(size_t f) const {
    constexpr size_t kKept = 64;
    constexpr size_t kKeptBytes = size_t{1} << 29;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [number, arrays] : kept_)
        if (number == f) return arrays;
    }
    auto arrays = std::make_shared<const ArrayFile>(load(files_[f].path, inputs_));
    const std::lock_guard lock(mutex_);
    kept_.emplace_front(f, arrays);
    kept_bytes_ += arrays->bytes();
    while (kept_.size() > 1 && (kept_.size() > kKept || kept_bytes_ > kKeptBytes)) {
      kept_bytes_ -= kept_.back().second->bytes();
      kept_.pop_back();
    }
    return arrays;
  }

  std::vector<FoundFile> files_;
  std::vector<ModelInput> inputs_;
  Normalization normalization_;
  Places places_;
  mutable std::mutex mutex_;
  mutable std::deque<std::pair<size_t, std::shared_ptr<const ArrayFile>>> kept_;
  mutable size_t kept_bytes_ = 0;
};

class RecordReader final : public SampleReader {
 public:
  RecordReader(std::vector<FoundFile> files, const Graph& graph, const std::string& model_path,
               Type type, const Normalization& normalization)
      : files_(std::move(files)), type_(type), normalization_(normalization) {
    const std::vector<ModelInput> inputs = model_inputs(graph);
    if (inputs.size() != 1)
      throw Failure(text(model_path, ": raw records are for models with one input; this one has ",
                         inputs.size()));
    input_ = inputs[0];
    shape_ = input_.shape;
    if (shape_.rank > 0 && shape_[0] == -1) shape_[0] = 1;
    if (std::any_of(shape_.begin(), shape_.end(), [](int32_t d) { return d <= 0; }) ||
        !suits(type, input_.tensor.type))
      throw Failure(text(model_path, ": input '", input_.name, "' is ",
                         describe(input_.tensor.type, input_.shape), ", which records of ",
                         type_name(type), " can't feed"));
    record_bytes_ = static_cast<size_t>(shape_.elements()) * size_t(type_bits(type)) / 8;
    for (const FoundFile& file : files_) places_.add(records_in(file.path));
  }

  size_t size() const override { return places_.total; }
  size_t files() const override { return files_.size(); }
  std::string file_of(size_t i) const override {
    const size_t f = places_.file(i);
    return places_.alone(f) ? files_[f].name : "";
  }

  Sample read(size_t i) const override {
    const size_t f = places_.file(i), row = i - places_.begins[f];
    Array array{type_, {shape_.begin(), shape_.end()}, std::vector<uint8_t>(record_bytes_)};
    read_at(files_[f].path, row * record_bytes_, array.data);
    Sample sample;
    sample.name = text(files_[f].path, " (record ", row, ")");
    sample.inputs.push_back(row_of(array, {1, shape_}, 0, input_, normalization_, files_[f].path));
    return sample;
  }

 private:
  size_t records_in(const std::string& path) const {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
      throw Failure(text("cannot read ", path, ": ", std::strerror(errno)));
    const auto bytes = static_cast<size_t>(info.st_size);
    if (bytes == 0 || bytes % record_bytes_ != 0)
      throw Failure(text(path, ": ", bytes, " bytes are not records of ", record_bytes_,
                         " bytes each, which ", type_name(type_), " ", shape_text(shape_).text,
                         " takes"));
    return bytes / record_bytes_;
  }

  static void read_at(const std::string& path, size_t offset, std::vector<uint8_t>& bytes) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw Unreadable(path, text("cannot read ", path, ": ", std::strerror(errno)));
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n =
          ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<size_t>(n);
    }
    ::close(fd);
    if (done < bytes.size()) throw Unreadable(path, text(path, ": the file ends too early"));
  }

  std::vector<FoundFile> files_;
  Type type_;
  Normalization normalization_;
  ModelInput input_;
  Shape shape_;  ///< of a record
  size_t record_bytes_ = 0;
  Places places_;
};

}  // namespace

std::unique_ptr<SampleReader> read_arrays(std::vector<FoundFile> files, const Graph& graph,
                                          const Normalization& normalization) {
  return std::make_unique<ArrayReader>(std::move(files), graph, normalization);
}

std::unique_ptr<SampleReader> read_records(std::vector<FoundFile> files, const Graph& graph,
                                           const std::string& model_path, Type type,
                                           const Normalization& normalization) {
  return std::make_unique<RecordReader>(std::move(files), graph, model_path, type, normalization);
}

}  // namespace cygnet::cli
