// SPDX-License-Identifier: Apache-2.0
#include "ops/flex_map.h"

#include <bit>
#include <cstring>

#include "base/number.h"
#include "base/status.h"

namespace cygnet::ops {
namespace {

// Types of the format. Those of lists of one type are kVectorInt + (type of the elements − kInt).
enum : uint8_t {
  kNull = 0,
  kInt = 1,
  kUint = 2,
  kFloat = 3,
  kString = 5,
  kIndirectInt = 6,
  kIndirectFloat = 8,
  kMap = 9,
  kVector = 10,
  kVectorInt = 11,
  kVectorFloat = 13,
  kVectorInt2 = 16,
  kVectorFloat4 = 24,
  kBool = 26,
  kVectorBool = 36
};

bool is_float(uint8_t type) {
  return type == kFloat || type == kIndirectFloat;
}

// Lists of 2, 3 or 4 numbers have no size in the file.
int64_t fixed_size(uint8_t type) {
  return type >= kVectorInt2 && type <= kVectorFloat4 ? (type - kVectorInt2) / 3 + 2 : 0;
}

}  // namespace

bool FlexValue::read(size_t at, uint32_t width, uint64_t* out) const {
  *out = 0;
  if (at > bytes_.size() || width > bytes_.size() - at) return false;
  std::memcpy(out, bytes_.data() + at, width);
  return true;
}

bool FlexValue::target(size_t* to) const {
  uint64_t offset = 0;
  if (!read(at_, width_, &offset) || offset > at_) return false;
  *to = at_ - offset;
  return true;
}

bool FlexValue::integer(int64_t* out) const {
  const bool direct = type_ == kInt || type_ == kUint || type_ == kBool;
  size_t at = at_;
  if (!direct && type_ != kIndirectInt && type_ != kIndirectInt + 1) return false;
  if (!direct && !target(&at)) return false;
  const uint32_t width = direct ? width_ : child_width();
  uint64_t bits = 0;
  if (!read(at, width, &bits)) return false;
  const bool is_signed = type_ == kInt || type_ == kIndirectInt;
  const uint32_t spare = 64 - 8 * width;
  *out = is_signed ? static_cast<int64_t>(bits << spare) >> spare : static_cast<int64_t>(bits);
  return is_signed || *out >= 0;
}

bool FlexValue::real(double* out) const {
  int64_t whole = 0;
  if (integer(&whole)) {
    *out = static_cast<double>(whole);
    return true;
  }
  size_t at = at_;
  if (!is_float(type_) || (type_ == kIndirectFloat && !target(&at))) return false;
  const uint32_t width = type_ == kFloat ? width_ : child_width();
  uint64_t bits = 0;
  if (width == 1 || !read(at, width, &bits)) return false;
  *out = width == 8
             ? std::bit_cast<double>(bits)
             : static_cast<double>(width == 4 ? std::bit_cast<float>(static_cast<uint32_t>(bits))
                                              : half_to_float(static_cast<uint16_t>(bits)));
  return true;
}

bool FlexValue::text(std::string_view* out) const {
  size_t at = 0;
  uint64_t length = 0;
  if (type_ != kString || !target(&at) || at < child_width()) return false;
  if (!read(at - child_width(), child_width(), &length) || length > bytes_.size() - at)
    return false;
  *out = {reinterpret_cast<const char*>(bytes_.data()) + at, length};
  return true;
}

int64_t FlexValue::size() const {
  const bool typed = (type_ >= kVectorInt && type_ <= kVectorFloat) || type_ == kVectorBool;
  const int64_t fixed = fixed_size(type_);
  size_t at = 0;
  if ((!typed && type_ != kVector && fixed == 0) || !target(&at)) return -1;
  uint64_t n = static_cast<uint64_t>(fixed);
  if (fixed == 0 && (at < child_width() || !read(at - child_width(), child_width(), &n))) return -1;
  const uint64_t room = bytes_.size() - at;
  if (n > room) return -1;
  return n * child_width() + (type_ == kVector ? n : 0) <= room ? static_cast<int64_t>(n) : -1;
}

FlexValue FlexValue::at(int64_t i) const {
  FlexValue item;
  size_t first = 0;
  const int64_t n = size();
  if (i < 0 || i >= n || !target(&first)) return item;
  item.bytes_ = bytes_;
  item.at_ = first + static_cast<size_t>(i) * child_width();
  item.width_ = child_width();
  if (type_ == kVector) {
    item.packed_ = bytes_[first + static_cast<size_t>(n) * child_width() + static_cast<size_t>(i)];
    item.type_ = item.packed_ >> 2;
  } else if (type_ == kVectorBool) {
    item.type_ = kBool;
  } else {
    const int from = fixed_size(type_) > 0 ? kVectorInt2 : kVectorInt;
    item.type_ = static_cast<uint8_t>(kInt + (type_ - from) % 3);
  }
  return item;
}

Status FlexMap::open(std::span<const uint8_t> bytes, FlexMap* map) {
  const auto broken = [] { return bad_model("C10: custom options are no FlexBuffers map"); };
  *map = {};
  if (bytes.size() < 3) return broken();
  FlexValue& root = map->values_;
  root.bytes_ = bytes;
  root.width_ = bytes[bytes.size() - 1];
  root.packed_ = bytes[bytes.size() - 2];
  root.type_ = root.packed_ >> 2;
  if (!std::has_single_bit(root.width_) || root.width_ > 8 || root.type_ != kMap ||
      bytes.size() < 2 + root.width_)
    return broken();
  root.at_ = bytes.size() - 2 - root.width_;
  const uint32_t width = root.child_width();
  size_t at = 0;
  uint64_t keys = 0, keys_width = 0, count = 0, key_count = 0;
  if (!root.target(&at) || at < 3 * width) return broken();
  if (!root.read(at - width, width, &count) || !root.read(at - 2 * width, width, &keys_width) ||
      !root.read(at - 3 * width, width, &keys) || keys > at - 3 * width)
    return broken();
  if (!std::has_single_bit(keys_width) || keys_width > 8) return broken();
  map->values_at_ = at;
  map->keys_at_ = at - 3 * width - keys;
  map->keys_width_ = static_cast<uint32_t>(keys_width);
  map->size_ = count;
  const uint64_t room = bytes.size() - at, key_room = bytes.size() - map->keys_at_;
  if (count > room || count * (width + 1) > room || count * keys_width > key_room) return broken();
  if (map->keys_at_ < keys_width ||
      !root.read(map->keys_at_ - keys_width, map->keys_width_, &key_count) || key_count != count)
    return broken();
  return {};
}

FlexValue FlexMap::find(std::string_view key) const {
  const std::span<const uint8_t> bytes = values_.bytes_;
  for (uint64_t i = 0; i < size_; ++i) {
    const size_t at = keys_at_ + i * keys_width_;
    uint64_t offset = 0;
    if (!values_.read(at, keys_width_, &offset) || offset > at) continue;
    const size_t from = at - offset;
    // The terminator is looked at, too.
    if (bytes.size() - from <= key.size() || bytes[from + key.size()] != 0 ||
        std::memcmp(bytes.data() + from, key.data(), key.size()) != 0)
      continue;
    const uint32_t width = values_.child_width();
    FlexValue value;
    value.bytes_ = bytes;
    value.at_ = values_at_ + i * width;
    value.width_ = width;
    value.packed_ = bytes[values_at_ + size_ * width + i];
    value.type_ = value.packed_ >> 2;
    return value;
  }
  return {};
}

}  // namespace cygnet::ops
