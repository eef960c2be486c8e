// SPDX-License-Identifier: Apache-2.0
// What the operators share that only move elements. They work on bytes, so one piece of code serves
// every element type of a size.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "base/status.h"
#include "cygnet/custom_op.h"
#include "ops/check.h"

namespace cygnet::ops {

/// Below this many bytes a copy is done by the calling thread alone.
inline constexpr int64_t kSerialBytes = 32 * 1024;

/// Bytes of one element of `t`. Types without a fixed number of whole bytes are refused.
inline Status element_bytes(const char* name, const Tensor& t, int64_t* bytes) {
  const int bits = type_bits(t.type);
  *bytes = bits / 8;
  if (bits >= 8 && bits % 8 == 0) return {};
  return Status::error(Code::unsupported, "%s: type %s is not supported", name, type_name(t.type));
}

/// Output 0 has input `i`'s type, whose elements are whole bytes, or which is one of `more`.
inline Status expect_moved_type(const OpContext& op, int i = 0,
                                std::initializer_list<Type> more = {}) {
  int64_t bytes = 0;
  const char* name = i == 0 ? "input 0" : "input 1";
  const Type type = op.input(i).type;
  bool listed = false;
  for (Type t : more) listed = listed || t == type;
  if (!listed) CYGNET_TRY(element_bytes(name, op.input(i), &bytes));
  return expect_same_type(name, op.input(i), "output 0", op.output(0));
}

/// Reads an int32 or int64 vector of dimensions, each ≥ 0, into `shape`.
Status read_dimensions(const char* name, const Tensor& t, Shape* shape);

/// Element i of an int16, int32 or int64 tensor.
inline int64_t integer_at(const Tensor& t, int64_t i) {
  if (t.type == Type::int64) return t.as<int64_t>()[i];
  if (t.type == Type::int16) return t.as<int16_t>()[i];
  return t.as<int32_t>()[i];
}

/// An int32 or int64 vector of n elements.
inline Status expect_integer_vector(const char* name, const Tensor& t, int32_t n) {
  CYGNET_TRY(expect_type(name, t, {Type::int32, Type::int64}));
  return expect_shape(name, t, Shape{n});
}

/// One int32 or int64.
inline Status expect_integer_scalar(const char* name, const Tensor& t) {
  CYGNET_TRY(expect_type(name, t, {Type::int32, Type::int64}));
  return expect_elements(name, t, 1);
}

/// Product of the dimensions in [from, to); shapes with 0 elements may have a product beyond 2^31
/// in a part of them, which still fits.
inline int64_t product(const Shape& shape, int from, int to) {
  return shape.elements(from, to);
}

/// Calls f(begin, end, thread) on slices of [0, tasks); on this thread alone when the `bytes` that
/// all tasks write together are few.
template <class F>
void for_slices(OpContext& op, int64_t tasks, int64_t bytes, F&& f) {
  if (tasks <= 0) return;
  if (bytes < kSerialBytes) return static_cast<void>(f(int64_t{0}, tasks, 0));
  op.parallel_for(tasks, f);
}

/// invoke of the operators whose output has the bytes of input 0.
inline Status invoke_view(OpContext& op) {
  const Tensor& in = op.input(0);
  Tensor& out = op.output(0);
  if (out.type == Type::string) {
    void* data = nullptr;
    CYGNET_TRY(op.allocate_output(0, in.bytes, &data));
    if (in.bytes > 0) std::memcpy(data, in.data, in.bytes);
    return {};
  }
  if (in.data != out.data && out.bytes > 0) std::memcpy(out.data, in.data, out.bytes);
  return {};
}

/// Bytes of the largest element.
inline constexpr int kMaxElementBytes = 16;

/// Writes the element of `t` that stands for 0, in quantized tensors the zero point, into `value`,
/// [kMaxElementBytes] zeros.
inline void zero_element(const Tensor& t, uint8_t* value) {
  if (!is_quantized_type(t.type) || t.quantization.count == 0) return;
  const auto zero = static_cast<uint32_t>(t.quantization.zero_point());
  value[0] = static_cast<uint8_t>(zero);
  value[1] = static_cast<uint8_t>(zero >> 8);
}

/// Writes one element over and over.
class Filler {
 public:
  /// `value`: an element of 1, 2, 4, 8 or 16 bytes.
  Filler(const uint8_t* value, int64_t element_bytes) {
    for (int64_t i = 0; i < kMaxElementBytes; ++i) {
      block_[i] = value[i % element_bytes];
      one_byte_ = one_byte_ && block_[i] == block_[0];
    }
  }
  /// Fills `bytes` bytes, which are whole elements.
  void operator()(uint8_t* to, int64_t bytes) const {
    if (one_byte_ && bytes > kSmallBytes)
      return static_cast<void>(std::memset(to, block_[0], static_cast<size_t>(bytes)));
    // Pieces begin at multiples of their size, so at whole elements of the block.
    for (; bytes >= 16; bytes -= 16, to += 16) std::memcpy(to, block_, 16);
    for (int piece = 8; piece > 0; piece /= 2)
      if ((bytes & piece) != 0) {
        std::memcpy(to, block_, static_cast<size_t>(piece));
        to += piece;
      }
  }

 private:
  static constexpr int64_t kSmallBytes = 256;
  uint8_t block_[kMaxElementBytes] = {};
  bool one_byte_ = true;
};

/// memcpy for pieces that are mostly short.
inline void copy_bytes(uint8_t* to, const uint8_t* from, int64_t bytes) {
  if (bytes < 16 || bytes > 512)
    return static_cast<void>(std::memcpy(to, from, static_cast<size_t>(bytes)));
  for (int64_t i = 0; i + 16 < bytes; i += 16) std::memcpy(to + i, from + i, 16);
  std::memcpy(to + bytes - 16, from + bytes - 16, 16);
}

/// Every dimension of a tensor twice over, as TILE has it.
inline constexpr int kMaxCopyRank = 2 * kMaxRank;

/// An index space with a place in the input and in the output for each index:
/// out[Σ i[d]·out_stride[d]] = in[Σ i[d]·in_stride[d]], 0 ≤ i[d] < size[d]. Strides are in elements
/// and may be negative in the input. No two indices share a place in the output.
struct StridedCopy {
  int64_t element_bytes = 1;
  int rank = 0;
  int64_t size[kMaxCopyRank] = {};
  int64_t in_stride[kMaxCopyRank] = {};
  int64_t out_stride[kMaxCopyRank] = {};

  /// Adds a dimension inside the present ones.
  void push(int64_t n, int64_t in, int64_t out) {
    size[rank] = n;
    in_stride[rank] = in;
    out_stride[rank++] = out;
  }
  /// Sets out_stride for an output that is dense in the order of the dimensions.
  void make_dense_output();
};

/// Does the copy, on all threads where that pays. The pointers are those of index 0.
void run_copy(OpContext& op, const StridedCopy& copy, const void* in, void* out);

/// Moved elements in a form of whole bytes each: the tensors themselves, but for INT4, whose
/// elements are int8 in scratch while they are moved, and STRING, where the strings' numbers are
/// moved, int32 in scratch. Inputs of output 0's type are moved; strings are those of one input.
class Elements {
 public:
  /// First thing in prepare: asks for scratch.
  static Status prepare(OpContext& op);
  /// In invoke.
  explicit Elements(OpContext& op);

  /// Bytes of one element.
  int64_t bytes() const { return bytes_; }
  /// The elements of input i; valid until the next call, and while `out` is written.
  const uint8_t* in(int i);
  /// Where the elements of output 0 go.
  uint8_t* out() const { return out_; }
  /// When all of output 0 is written: brings it into the tensor's own form. Also where it has no
  /// elements, so that strings get their empty table.
  Status finish();

 private:
  OpContext& op_;
  int64_t bytes_ = 1;
  int strings_ = 0;        // the input that has the strings
  uint8_t* in_ = nullptr;  // scratch; null: inputs are read where they are
  uint8_t* out_ = nullptr;
};

}  // namespace cygnet::ops
