// SPDX-License-Identifier: Apache-2.0
// RANDOM_UNIFORM, RANDOM_STANDARD_NORMAL: numbers of [0, 1), or of the normal distribution.
//   input 0: the output's shape, int32 [rank]; output 0: f32
// MULTINOMIAL: numbers of classes, drawn with the probabilities softmax(logits).
//   input 0: logits [batch, classes], f32, classes ≥ 1; those that are not finite have probability
//   0; input 1: one int32, how many ≥ 0; output 0: [batch, how many], int32 or int64
// Options seed and seed2, of which the lower 32 bits count, as signed numbers, as TensorFlow Lite
// has it: the bits are those of Philox (ops/random.h), the same that it draws. The sequence begins
// when memory is allocated and goes on from invoke to invoke. When both are 0, every invoke draws
// from seeds that the system gives it. Source: TFLite's kernels, LiteRT 2.3; Box and Muller, A note
// on the generation of random normal deviates (1958).
#include "ops/random.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// What no program can foretell: bits from the system, or the time where it has none.
void draw_seeds(uint64_t seeds[2]) {
  if (getentropy(seeds, 2 * sizeof(uint64_t)) == 0) return;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  seeds[0] = static_cast<uint64_t>(now.tv_sec);
  seeds[1] = static_cast<uint64_t>(now.tv_nsec);
}

PhiloxSequence sequence_of(OpContext& op) {
  const auto& options = op.options<schema::RandomOptions>();
  const auto lower = [](int64_t seed) {
    return static_cast<uint64_t>(int64_t{static_cast<int32_t>(seed)});
  };
  uint64_t seeds[2] = {lower(options.seed()), lower(options.seed2())};
  if (seeds[0] == 0 && seeds[1] == 0) draw_seeds(seeds);
  return {seeds[0], seeds[1], op.position()};
}

// [0, 1) from 23 and from 52 random bits.
float unit(uint32_t bits) {
  return std::bit_cast<float>((bits & 0x7fffffu) | 0x3f800000u) - 1.0f;
}
double unit(uint32_t upper, uint32_t lower) {
  const uint64_t fraction = uint64_t{upper & 0xfffffu} << 32 | lower;
  return std::bit_cast<double>(uint64_t{1023} << 52 | fraction) - 1.0;
}

void uniform(const Words4& block, float out[4]) {
  for (int i = 0; i < 4; ++i) out[i] = unit(block.w[i]);
}

void normal(const Words4& block, float out[4]) {
  for (int i = 0; i < 4; i += 2) {
    const float u = std::max(unit(block.w[i]), 1.0e-7f);
    const auto angle =
        static_cast<float>(2 * std::numbers::pi * static_cast<double>(unit(block.w[i + 1])));
    const float radius = std::sqrt(-2.0f * std::log(u));
    out[i] = std::sin(angle) * radius;
    out[i + 1] = std::cos(angle) * radius;
  }
}

Status infer(OpContext& op) {
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 1));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  if (!op.known(0)) return op.defer();
  Shape shape;
  CYGNET_TRY(read_dimensions("input 0", op.input(0), &shape));
  return op.set_output(0, shape);
}

template <void (*kNumbers)(const Words4&, float*)>
Status invoke(OpContext& op) {
  const int64_t n = op.output(0).shape.elements();
  float* out = op.output(0).as<float>();
  PhiloxSequence sequence = sequence_of(op);
  for (int64_t i = 0; i < n; i += 4) {
    float numbers[4];
    kNumbers(sequence.next(), numbers);
    std::copy(numbers, numbers + std::min<int64_t>(4, n - i), out + i);
    if (i % 65536 == 0 && op.stopped()) return {};
  }
  op.position() += static_cast<uint64_t>((n + 3) / 4);
  return {};
}

// ---- MULTINOMIAL

struct State {
  int sums;  // scratch: [classes] double, the sums of the first classes' weights
};

Status infer_multinomial(OpContext& op) {
  const Tensor& logits = op.input(0);
  CYGNET_TRY(expect_type("input 0", logits, {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", logits, 2));
  CYGNET_TRY(expect_range("classes of input 0", logits.shape[1], 1, INT32_MAX));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32}));
  CYGNET_TRY(expect_rank("input 1", op.input(1), 0));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32, Type::int64}));
  if (!op.known(1)) return op.defer();
  const int32_t samples = *op.input(1).as<int32_t>();
  CYGNET_TRY(expect_range("input 1", samples, 0, INT32_MAX));
  return op.set_output(0, Shape{logits.shape[0], samples});
}

Status prepare_multinomial(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr) return out_of_memory("state", sizeof(State));
  return op.request_scratch(sizeof(double) * static_cast<size_t>(op.input(0).shape[1]),
                            &state->sums);
}

// Sums of exp(logit − greatest); the total.
double add_up(const float* logits, int64_t classes, double* sums) {
  float greatest = std::numeric_limits<float>::lowest();
  for (int64_t i = 0; i < classes; ++i)
    if (std::isfinite(logits[i])) greatest = std::max(greatest, logits[i]);
  double total = 0;
  for (int64_t i = 0; i < classes; ++i) {
    if (std::isfinite(logits[i]))
      total += std::exp(static_cast<double>(logits[i]) - static_cast<double>(greatest));
    sums[i] = total;
  }
  return total;
}

Status invoke_multinomial(OpContext& op) {
  Tensor& out = op.output(0);
  const int64_t batch = out.shape[0], samples = out.shape[1], classes = op.input(0).shape[1];
  auto* sums = op.scratch<double>(op.state<State>().sums);
  PhiloxSequence sequence = sequence_of(op);
  Words4 block{};
  int used = 4;
  for (int64_t b = 0; b < batch; ++b) {
    const double total = add_up(op.input(0).as<float>() + b * classes, classes, sums);
    for (int64_t i = 0; i < samples; ++i, used += 2) {
      if (used == 4) {
        block = sequence.next();
        used = 0;
      }
      const double place = unit(block.w[used], block.w[used + 1]) * total;
      const int64_t found =
          std::min<int64_t>(std::upper_bound(sums, sums + classes, place) - sums, classes - 1);
      if (out.type == Type::int64)
        out.as<int64_t>()[b * samples + i] = found;
      else
        out.as<int32_t>()[b * samples + i] = static_cast<int32_t>(found);
      if (i % 65536 == 0 && op.stopped()) return {};
    }
  }
  // TensorFlow skips this many blocks, because other kernels of it draw an unknown number.
  op.position() += static_cast<uint64_t>(batch * ((samples + 3) / 4 * 4)) * 512;
  return {};
}

constexpr OpDef make(const char* name, int32_t builtin, Status (*invoke_function)(OpContext&)) {
  return {.name = name,
          .builtin = builtin,
          .options_type = static_cast<uint8_t>(schema::BuiltinOptions::RandomOptions),
          .pure = false,
          .infer = infer,
          .invoke = invoke_function};
}

}  // namespace

extern const OpDef kRandomUniform;
const OpDef kRandomUniform = make("RANDOM_UNIFORM", 148, invoke<uniform>);

extern const OpDef kRandomStandardNormal;
const OpDef kRandomStandardNormal = make("RANDOM_STANDARD_NORMAL", 146, invoke<normal>);

extern const OpDef kMultinomial;
const OpDef kMultinomial = {
    .name = "MULTINOMIAL",
    .builtin = 149,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::RandomOptions),
    .pure = false,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_multinomial,
    .prepare = prepare_multinomial,
    .invoke = invoke_multinomial,
};

}  // namespace cygnet::ops
