// SPDX-License-Identifier: Apache-2.0
// LSH_PROJECTION: bits by locality sensitive hashing.
//   input 0: seeds [hashes, bits], f32, bits ≤ 32; input 1: x [n, …], any type; input 2, optional:
//   weights [n], f32, 1 where left out
//   output 0, int32: each seed gives the bit [Σᵢ wᵢ·f(seed, xᵢ) > 0] with f the fingerprint
//   (ops/fingerprint.h), as a signed number, of the bytes of the seed and of slice i of x.
//   DENSE: [hashes · bits] the bits; SPARSE: [hashes] the bits of row h as a number, the first the
//   highest, plus h·2^bits (modulo 2^32).
// Of strings, slice i is the i-th part of the tensor's bytes, as TensorFlow Lite has it: the bytes
// are cut into n parts of equal length, whatever the strings.
// Source: TFLite's kernel, LiteRT 2.3.
#include "base/fingerprint.h"

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Projection = schema::LSHProjectionType;

bool is_sparse(const OpContext& op) {
  return op.options<schema::LSHProjectionOptions>().type() == Projection::SPARSE;
}

Status infer(OpContext& op) {
  const Tensor &seeds = op.input(0), &x = op.input(1);
  CYGNET_TRY(expect_type("input 0", seeds, {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", seeds, 2));
  CYGNET_TRY(expect_range("bits", seeds.shape[1], 0, 32));
  CYGNET_TRY(expect_type("input 1", x,
                         {Type::float32, Type::float16, Type::bfloat16, Type::float64, Type::int8,
                          Type::uint8, Type::int16, Type::uint16, Type::int32, Type::uint32,
                          Type::int64, Type::uint64, Type::boolean, Type::string}));
  CYGNET_TRY(expect_rank_between("input 1", x, 1, kMaxRank));
  CYGNET_TRY(expect_range("rows of input 1", x.shape[0], 1, INT32_MAX));
  if (const Tensor* weights = op.input_or_null(2)) {
    CYGNET_TRY(expect_type("input 2", *weights, {Type::float32}));
    CYGNET_TRY(expect_shape("input 2", *weights, Shape{x.shape[0]}));
  }
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32}));
  // How many bytes strings have is known only while running; prepare needs it.
  if (x.type == Type::string && !op.known(1)) return op.defer();
  const auto type = op.options<schema::LSHProjectionOptions>().type();
  if (type == Projection::SPARSE) return op.set_output(0, Shape{seeds.shape[0]});
  if (type != Projection::DENSE)
    return bad_model("type: expected SPARSE (1) or DENSE (2), got %d", static_cast<int>(type));
  const int64_t bits = seeds.shape.elements();
  CYGNET_TRY(expect_range("bits in all", bits, 0, INT32_MAX));
  return op.set_output(0, Shape{static_cast<int32_t>(bits)});
}

struct State {
  int key;  // scratch: a seed and a slice
};

size_t slice_bytes(const Tensor& x) {
  return x.bytes / static_cast<size_t>(x.shape[0]);
}

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr) return out_of_memory("state", sizeof(State));
  return op.request_scratch(sizeof(float) + slice_bytes(op.input(1)), &state->key);
}

bool bit(const OpContext& op, const float* seed, uint8_t* key) {
  const Tensor& x = op.input(1);
  const Tensor* weights = op.input_or_null(2);
  const size_t bytes = slice_bytes(x);
  std::memcpy(key, seed, sizeof(float));
  double score = 0;
  for (int32_t i = 0; i < x.shape[0]; ++i) {
    if (bytes > 0)
      std::memcpy(key + sizeof(float), x.as<uint8_t>() + static_cast<size_t>(i) * bytes, bytes);
    const auto hash = static_cast<int64_t>(base::Fingerprint::of(key, sizeof(float) + bytes));
    const auto value = static_cast<double>(hash);
    score += weights == nullptr ? value : static_cast<double>(weights->as<float>()[i]) * value;
  }
  return score > 0;
}

Status invoke(OpContext& op) {
  const Shape& seeds = op.input(0).shape;
  auto* out = op.output(0).as<int32_t>();
  auto* key = op.scratch<uint8_t>(op.state<State>().key);
  for (int32_t h = 0; h < seeds[0]; ++h) {
    uint32_t number = 0;
    for (int32_t k = 0; k < seeds[1]; ++k) {
      const int64_t at = int64_t{h} * seeds[1] + k;
      const bool is_set = bit(op, op.input(0).as<float>() + at, key);
      if (op.stopped()) return {};
      number = number << 1 | (is_set ? 1 : 0);
      if (!is_sparse(op)) out[at] = is_set ? 1 : 0;
    }
    if (is_sparse(op))
      out[h] = static_cast<int32_t>(number + static_cast<uint32_t>(uint64_t(h) << seeds[1]));
  }
  return {};
}

}  // namespace

extern const OpDef kLshProjection;
const OpDef kLshProjection = {
    .name = "LSH_PROJECTION",
    .builtin = 15,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::LSHProjectionOptions),
    .min_inputs = 2,
    .max_inputs = 3,
    .optional_inputs = 0b100,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
