// SPDX-License-Identifier: Apache-2.0
// The kinds of files that samples come from; inside of samples.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/npz.h"
#include "cli/samples.h"

namespace cygnet::cli {

/// A file that can't be read: one of many, so the others may do.
class Unreadable : public Failure {
 public:
  Unreadable(const std::string& path, const std::string& message) : Failure(message), path_(path) {}
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// An input of the main subgraph.
struct ModelInput {
  std::string name;         ///< by which users know it
  std::string tensor_name;  ///< the tensor's own
  Tensor tensor;            ///< type and quantization; no data
  Shape shape;              ///< −1: any size
};
std::vector<ModelInput> model_inputs(const Graph& graph);

/// Reads samples by number, from several threads.
class SampleReader {
 public:
  virtual ~SampleReader() = default;
  virtual size_t size() const = 0;
  virtual size_t files() const = 0;
  /// The path below the folder of the file that sample i is alone in; "" otherwise.
  virtual std::string file_of(size_t i) const = 0;
  /// Throws Unreadable, or another Failure when going on makes no sense.
  virtual Sample read(size_t i) const = 0;
};

/// A file with its path below the folder that it was found in.
struct FoundFile {
  std::string path;
  std::string name;
};
/// `path` itself if it is a file, or what a folder and its sub-folders hold, sorted by name. With
/// endings (lower case, such as ".png"), only files that end so in whatever case.
std::vector<FoundFile> find_files(const std::string& path, const std::vector<std::string>& endings);

std::unique_ptr<SampleReader> read_pictures(std::vector<FoundFile> files, const Graph& graph,
                                            const std::string& model_path,
                                            const Normalization& normalization);
std::unique_ptr<SampleReader> read_arrays(std::vector<FoundFile> files, const Graph& graph,
                                          const Normalization& normalization);
std::unique_ptr<SampleReader> read_records(std::vector<FoundFile> files, const Graph& graph,
                                           const std::string& model_path, Type type,
                                           const Normalization& normalization);

/// How many samples an array holds, and the shape of each.
struct ArrayRows {
  int64_t count = 0;
  Shape shape;
};
/// By the rules of samples.h; count 0 where the array does not fit or has no rows.
ArrayRows rows_of(const std::vector<int64_t>& array, const Shape& input);

/// Row `row` of an array as a model input takes it. Throws Failure, `where` first.
SampleArray row_of(const Array& array, const ArrayRows& rows, int64_t row, const ModelInput& input,
                   const Normalization& normalization, const std::string& where);
/// Whether an array's elements can become those of an input.
bool suits(Type array, Type input);

/// The right class of each sample, −1: unknown; empty without labels. Throws Failure.
std::vector<int64_t> read_labels(const std::string& labels, const SampleReader& samples);

/// Class numbers of a picture's pixels: 8-bit grey or palette PNG, as they stand in the file.
struct ClassMap {
  int width = 0, height = 0;
  std::vector<uint8_t> classes;
};
ClassMap load_class_map(const std::string& path);

}  // namespace cygnet::cli
