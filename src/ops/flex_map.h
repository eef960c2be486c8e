// SPDX-License-Identifier: Apache-2.0
// Reads the maps of FlexBuffers, in which custom operators keep their options. Every access is
// checked against the bytes. Source: the FlexBuffers format, flatbuffers.dev.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cygnet/custom_op.h"

namespace cygnet::ops {

/// A value in a map or list. The default is no value.
class FlexValue {
 public:
  /// Whether there is a value other than null.
  bool present() const { return type_ != 0; }
  /// A whole number or a bool; false where it is another.
  bool integer(int64_t* out) const;
  /// A number of any kind.
  bool real(double* out) const;
  /// A string.
  bool text(std::string_view* out) const;
  /// Number of elements of a list of any kind; −1 where it is none.
  int64_t size() const;
  /// Element i of a list, i < size().
  FlexValue at(int64_t i) const;

 private:
  friend class FlexMap;
  // Unsigned integer of `width` bytes at an offset; false outside the bytes.
  bool read(size_t at, uint32_t width, uint64_t* out) const;
  // Where the offset at `at_` leads.
  bool target(size_t* to) const;
  uint32_t child_width() const { return 1u << (packed_ & 3); }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;       // of the value itself, or of the offset to it
  uint32_t width_ = 1;  // bytes there
  uint8_t packed_ = 0;  // type and width code, as the file has them
  uint8_t type_ = 0;
};

/// A map that is the root of its bytes.
class FlexMap {
 public:
  /// Errors: C10.
  static Status open(std::span<const uint8_t> bytes, FlexMap* map);
  /// The value of a key; not present where there is none.
  FlexValue find(std::string_view key) const;

 private:
  FlexValue values_;
  size_t values_at_ = 0, keys_at_ = 0;
  uint32_t keys_width_ = 1;
  uint64_t size_ = 0;
};

}  // namespace cygnet::ops
