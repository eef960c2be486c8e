// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <cstdarg>
#include <cstdio>

#include "base/memory.h"

namespace cygnet {
namespace {

char* format_text(const char* format, va_list args) {
  va_list again;
  va_copy(again, args);
  const int length = std::vsnprintf(nullptr, 0, format, args);
  char* text = nullptr;
  if (length >= 0) {
    const size_t size = static_cast<size_t>(length) + 1;
    text = static_cast<char*>(base::allocate(size));
    if (text != nullptr) std::vsnprintf(text, size, format, again);
  }
  va_end(again);
  return text;
}

constexpr struct {
  const char* name;
  int bits;
} kTypes[kTypeCount] = {
    {"FLOAT32", 32}, {"FLOAT16", 16},      {"INT32", 32},      {"UINT8", 8},      {"INT64", 64},
    {"STRING", 0},   {"BOOL", 8},          {"INT16", 16},      {"COMPLEX64", 64}, {"INT8", 8},
    {"FLOAT64", 64}, {"COMPLEX128", 128},  {"UINT64", 64},     {"RESOURCE", 0},   {"VARIANT", 0},
    {"UINT32", 32},  {"UINT16", 16},       {"INT4", 4},        {"BFLOAT16", 16},  {"INT2", 2},
    {"UINT4", 4},    {"FLOAT8_E4M3FN", 8}, {"FLOAT8_E5M2", 8},
};

}  // namespace

Status::~Status() {
  base::release(text_);
}

Status Status::error(Code code, const char* format, ...) {
  Status status;
  status.code_ = code;
  va_list args;
  va_start(args, format);
  status.text_ = format_text(format, args);
  va_end(args);
  return status;
}

Status bad_model(const char* format, ...) {
  va_list args;
  va_start(args, format);
  char* text = format_text(format, args);
  va_end(args);
  Status status =
      Status::error(Code::invalid_model, "%s", text == nullptr ? "invalid operator" : text);
  base::release(text);
  return status;
}

const char* Status::message() const {
  if (text_ != nullptr) return text_;
  return ok()                           ? ""
         : code_ == Code::out_of_memory ? "P4: out of memory"
                                        : "error (no memory for its message)";
}

const char* type_name(Type type) {
  const auto i = static_cast<size_t>(type);
  return i < kTypeCount ? kTypes[i].name : "unknown";
}

int type_bits(Type type) {
  const auto i = static_cast<size_t>(type);
  return i < kTypeCount ? kTypes[i].bits : 0;
}

ShapeText shape_text(const Shape& shape) {
  ShapeText out;
  char* p = out.text;
  *p++ = '[';
  for (int i = 0; i < shape.rank; ++i) p += std::snprintf(p, 13, i == 0 ? "%d" : ",%d", shape[i]);
  *p++ = ']';
  *p = '\0';
  return out;
}

}  // namespace cygnet
