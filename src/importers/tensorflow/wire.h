// SPDX-License-Identifier: Apache-2.0
// Protobuf messages read by protozero, with the checks of rule I1 that it leaves to its caller.
#pragma once

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>

#include "edit/failure.h"

namespace cygnet::tensorflow {

/// How deep messages may nest (rule I1).
inline constexpr int kMaxMessageDepth = 100;

/// Counts down the memory that what is read from one file may take.
class Budget {
 public:
  explicit Budget(size_t file_bytes)
      : left_(static_cast<int64_t>(file_bytes) * 8 + (int64_t{1} << 30)) {}

  /// Throws Failure when less than `bytes` is left.
  void charge(size_t bytes) {
    left_ -= static_cast<int64_t>(bytes);
    if (left_ < 0) throw Failure("I1: the message takes too much memory for its size");
  }

 private:
  int64_t left_;
};

/// A protobuf message, field by field: `while (m.next()) switch (m.field()) { ... }`. Each field's
/// value must be read or skipped. Malformed bytes throw Failure.
class Message {
 public:
  Message(std::string_view bytes, Budget& budget, int depth = 0);

  /// Goes to the next field; false at the end.
  bool next();
  uint32_t field() const { return reader_.tag(); }
  void skip();

  std::string_view bytes();
  /// The nested message that is the field's value.
  Message message() { return {bytes(), *budget_, depth_ + 1}; }
  int64_t integer();
  bool boolean() { return integer() != 0; }
  float real();
  uint32_t fixed32();

  /// Calls f(int64_t) for each element of a repeated integer field, packed or not.
  template <class F>
  void integers(F&& f) {
    if (reader_.wire_type() == protozero::pbf_wire_type::length_delimited) {
      each_varint(bytes(), f);
    } else {
      f(integer());
    }
  }
  /// Calls f(pointer to kBytes little-endian bytes) for each element of a repeated fixed32 (4) or
  /// fixed64 (8) field, packed or not.
  template <size_t kBytes, class F>
  void fixed(F&& f) {
    static_assert(kBytes == 4 || kBytes == 8);
    const std::string_view all = fixed_bytes(kBytes);
    for (size_t i = 0; i < all.size(); i += kBytes) f(all.data() + i);
  }

  Budget& budget() { return *budget_; }
  /// The bytes from the next field on.
  std::string_view rest() const { return {reader_.data().data(), reader_.data().size()}; }

 private:
  template <class F>
  static void each_varint(std::string_view bytes, F& f) {
    const char* data = bytes.data();
    const char* end = data + bytes.size();
    while (data != end) f(varint(&data, end));
  }
  static int64_t varint(const char** data, const char* end);
  /// The elements of a repeated fixed-size field: one, or all of a packed one.
  std::string_view fixed_bytes(size_t element_bytes);
  void expect(protozero::pbf_wire_type type) const;

  protozero::pbf_reader reader_;
  Budget* budget_;
  int depth_;
};

}  // namespace cygnet::tensorflow
