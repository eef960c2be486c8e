// SPDX-License-Identifier: Apache-2.0
// Arrays in NumPy's file formats: .npy (one array) and .npz (a zip archive of .npy entries).
//
// Element types: bool, the integers of 8 to 64 bits, float16/32/64 and complex64/128, little
// endian, and strings: byte strings ('S') and Unicode ('U', read as UTF-8; written as 'S'). NumPy
// drops the zeros that a string ends with. Versions 1 to 3 of the .npy header. Source: the format's
// description in the NumPy manual (numpy.lib.format).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cygnet/custom_op.h"

namespace cygnet::cli {

/// An array in C order. data.size() is the product of the dimensions times the element's size; of
/// strings, `data` has a STRING tensor's layout (graph/strings.h).
struct Array {
  Type type = Type::float32;
  std::vector<int64_t> shape;
  std::vector<uint8_t> data;
};

/// The bytes of a STRING tensor. Throws Failure for more than 2^31 − 1 of them.
std::vector<uint8_t> pack_strings(std::span<const std::string> strings);

/// An array with the name by which an archive knows it.
struct NamedArray {
  std::string name;
  Array array;
};

/// Whether arrays of this type can be stored.
bool has_npy_form(Type type);

/// An .npz archive that is open for reading; arrays are read when they are asked for. A file that
/// is a bare .npy is shown as an archive of one array with an empty name.
class ArchiveReader {
 public:
  /// Opens a file. `max_bytes` bounds the bytes of each array. Throws Failure, which names the
  /// file, when there is none or it is neither .npz nor .npy.
  ArchiveReader(const std::string& path, uint64_t max_bytes);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// Names in the archive's order, without the ".npy" suffix.
  const std::vector<std::string>& names() const { return names_; }
  /// Index in names(), or −1.
  int find(const std::string& name) const;
  /// Reads array i. Arrays in Fortran order are rearranged. Throws Failure, which names file and
  /// entry, on any malformed byte.
  Array read(int i) const;
  const std::string& path() const { return path_; }

 private:
  struct Zip;
  void open_zip();

  std::string path_;
  uint64_t max_bytes_;
  std::vector<std::string> names_;
  std::unique_ptr<Zip> zip_;
  std::vector<uint8_t> npy_;
};

/// The bytes of an .npy file. Throws Failure when the type has no such form.
std::vector<uint8_t> encode_npy(const Array& array);
/// Reads the bytes of an .npy file; `where` stands for the file in messages.
Array decode_npy(std::span<const uint8_t> bytes, const std::string& where);

/// Writes an .npz with stored (uncompressed) entries, as a whole or not at all; a path that ends in
/// ".npy" gets the one array alone. Equal arrays give equal files. Throws Failure.
void write_arrays(const std::string& path, std::span<const NamedArray> arrays);

}  // namespace cygnet::cli
