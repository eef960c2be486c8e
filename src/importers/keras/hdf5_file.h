// SPDX-License-Identifier: Apache-2.0
// Hdf5File: reads attributes and data sets of an HDF5 file that nobody has reason to trust.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cygnet/custom_op.h"

namespace cygnet::keras {

/// Elements of a data set, converted to float.
struct Array {
  std::vector<int32_t> dims;
  std::vector<float> values;
};

/// Rules I4: only hard links, no external or virtual storage, only the filters deflate, shuffle and
/// fletcher32, sizes bounded by what the file holds. Errors are Failures that name file and object.
/// The HDF5 library does not survive every damaged file: opening first reads all of it in a process
/// of its own, and refuses a file on which that process ends badly or finds a part broken.
class Hdf5File {
 public:
  /// Opens a file for reading.
  static Hdf5File open(const std::string& path);
  /// Reads a file image; `name` stands for its path in messages.
  static Hdf5File from_memory(std::vector<uint8_t> image, const std::string& name);
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&& other) noexcept;
  ~Hdf5File();

  const std::string& name() const { return name_; }
  bool exists(const std::string& path) const;
  /// A text attribute of the object at `path` ("/" for the root); nothing where there is none.
  std::optional<std::string> text_attribute(const std::string& path, const char* attribute) const;
  /// A list of texts, which Keras splits into attribute0, attribute1, ... when it is long.
  std::vector<std::string> texts_attribute(const std::string& path,
                                           const std::string& attribute) const;
  /// A data set of floating-point numbers or integers.
  Array array(const std::string& path) const;

 private:
  Hdf5File(int64_t file, std::string name, int64_t bytes);
  static Hdf5File open_directly(const std::string& path);
  static Hdf5File open_image(std::vector<uint8_t> image, const std::string& name);
  void visit(const std::string& group, std::set<uint64_t>& seen) const;
  void try_object(const std::string& path, std::set<uint64_t>& seen) const;
  std::optional<std::vector<std::string>> read_texts(const std::string& path,
                                                     const char* attribute) const;
  [[noreturn]] void fail(const std::string& path, const std::string& what) const;
  /// As fail, where the library can't read what the file says is there.
  [[noreturn]] void broken(const std::string& path) const;

  int64_t file_ = -1;
  std::string name_;
  int64_t bytes_ = 0;               ///< size of the file
  bool rehearsing_ = false;         ///< plain data needs no reading
  mutable std::string damage_;      ///< the first that is broken
  mutable int64_t read_bytes_ = 0;  ///< of all data sets read so far
};

}  // namespace cygnet::keras
