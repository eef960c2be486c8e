// SPDX-License-Identifier: Apache-2.0
// Samples from files: what quantize calibrates with and compare compares on.
//
//   - Pictures: one, or those of a folder and its sub-folders, sorted by name, fed as
//     picture_input.h says.
//   - .npz and .npy files: one, or those of a folder. Keys as `cygnet run` takes them. An array is
//     one sample, or several along its first dimension: rows of the model's batch dimension, or a
//     dimension before it; a missing batch or channel dimension of size 1 is added.
//   - Raw records: a file, or those of a folder, of elements without any header, one record after
//     the other, each as many as the model's only input has.
//
// Integers from arrays and records are the input's own integers where it has their type and is
// quantized, otherwise real numbers; these may be normalized. All but token numbers and the like
// becomes float32, so that a sample suits a float model and a quantized one.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/picture_input.h"
#include "graph/graph.h"
#include "quantize/samples.h"

namespace cygnet::cli {

/// Where samples come from.
struct SampleFlags {
  std::string data = {};                ///< path of pictures or arrays
  std::string raw = {};                 ///< path of records; empty: `data` counts
  std::string record_type = "float32";  ///< float32, uint8, int8 or int32
  size_t count = 0;                     ///< at most so many, evenly spread; 0: all
  /// The right classes: path of an .npy file or a text file, "folders", or empty: unknown.
  std::string labels = {};
  std::string masks = {};  ///< folder of class maps for pictures; empty: unknown
  Normalization normalization = {};
  std::string range = {};  ///< "0..1", "-1..1", "0..255": a normalization by name; empty: none

  bool given() const { return !data.empty() || !raw.empty(); }
};

/// Samples that are read when they are asked for. A file of several that can't be read is named on
/// standard error, once, and left out.
class FileSamples : public SampleSource {
 public:
  /// Files that could not be read so far, and of how many.
  size_t unreadable() const;
  virtual size_t files() const = 0;
  /// Says on standard error, once, how many files could not be read, if there are any; samples that
  /// go away do so at the latest.
  void report_unreadable() const;

 protected:
  void note_unreadable(const std::string& file, const std::string& message) const;

 private:
  mutable std::mutex mutex_;
  mutable std::set<std::string> unreadable_;
  mutable bool reported_ = false;
};

/// Opens samples for the main subgraph of a graph, which must outlive them. Throws Failure: no such
/// file, nothing in a folder, arrays or records that don't fit, wrong labels.
std::unique_ptr<FileSamples> open_samples(const SampleFlags& flags, const Graph& graph,
                                          const std::string& model_path);

}  // namespace cygnet::cli
