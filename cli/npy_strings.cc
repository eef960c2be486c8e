// SPDX-License-Identifier: Apache-2.0
#include "cli/npy_strings.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "cli/failure.h"
#include "cli/npz.h"
#include "graph/strings.h"

namespace cygnet::cli {
namespace {

constexpr size_t kCodePointBytes = 4;

void append_utf8(uint32_t code, std::string* to) {
  const auto put = [&](uint32_t byte) { to->push_back(static_cast<char>(byte)); };
  const auto follow = [&](int shift) { put(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    follow(0);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    follow(6);
    follow(0);
  } else {
    put(0xf0 | code >> 18);
    follow(12);
    follow(6);
    follow(0);
  }
}

std::string read_unicode(std::span<const uint8_t> data, const std::string& where) {
  std::vector<uint32_t> codes(data.size() / kCodePointBytes);
  std::memcpy(codes.data(), data.data(), codes.size() * kCodePointBytes);
  while (!codes.empty() && codes.back() == 0) codes.pop_back();
  std::string result;
  for (uint32_t code : codes) {
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      throw Failure(text(where, ": ", code, " is no Unicode character"));
    append_utf8(code, &result);
  }
  return result;
}

std::string read_bytes(std::span<const uint8_t> data) {
  size_t size = data.size();
  while (size > 0 && data[size - 1] == 0) --size;
  return {data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace

size_t npy_string_bytes(const std::string& descr) {
  const bool bytes = descr.starts_with("|S"), unicode = descr.starts_with("<U");
  size_t length = 0;
  const char* end = descr.data() + descr.size();
  if ((!bytes && !unicode) || descr.size() > 11) return 0;
  const auto [stop, error] = std::from_chars(descr.data() + 2, end, length);
  if (error != std::errc() || stop != end) return 0;
  return unicode ? length * kCodePointBytes : length;
}

std::vector<std::string> read_npy_strings(const std::string& descr, size_t element_bytes,
                                          std::span<const uint8_t> data, const std::string& where) {
  std::vector<std::string> strings;
  for (size_t at = 0; at < data.size(); at += element_bytes) {
    const std::span<const uint8_t> element = data.subspan(at, element_bytes);
    strings.push_back(descr[1] == 'U' ? read_unicode(element, where) : read_bytes(element));
  }
  return strings;
}

std::vector<uint8_t> write_npy_strings(std::span<const uint8_t> tensor, std::string* descr) {
  const Strings strings(tensor.data(), tensor.size());
  size_t longest = 1;
  for (int64_t i = 0; i < strings.count(); ++i) longest = std::max(longest, strings[i].size());
  *descr = text("|S", longest);
  std::vector<uint8_t> data(longest * static_cast<size_t>(strings.count()));
  for (int64_t i = 0; i < strings.count(); ++i)
    if (!strings[i].empty())
      std::memcpy(data.data() + static_cast<size_t>(i) * longest, strings[i].data(),
                  strings[i].size());
  return data;
}

std::vector<uint8_t> pack_strings(std::span<const std::string> strings) {
  const auto count = static_cast<int64_t>(strings.size());
  const auto at = [&](int64_t i) -> std::string_view { return strings[static_cast<size_t>(i)]; };
  const int64_t bytes = strings_bytes(count, at);
  if (bytes > INT32_MAX) throw Failure(text(bytes, " bytes of strings are too many"));
  std::vector<uint8_t> packed(static_cast<size_t>(bytes));
  put_strings(packed.data(), count, at);
  return packed;
}

}  // namespace cygnet::cli
