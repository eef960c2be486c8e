// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_RNG_BIT_GENERATOR: random bits from a state, and the state behind them.
//   input 0: state, uint64: THREEFRY [2], PHILOX and DEFAULT (the same) [2] or [3]
//   output 0: the new state, of the same shape; output 1: bits, of the shape that the file
//   declares, int32, uint32, int64 or uint64
// Seen as 32-bit words, words 0 and 1 of the state are the key, 2 and 3 the counter, Philox's
// counter goes on with words 4 and 5, or with the key where the state ends. Each value of the
// counter gives 2 (Threefry) or 4 (Philox) words of output. Source: LiteRT 2.3; ops/random.h.
#include <algorithm>

#include "ops/check.h"
#include "ops/random.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Algorithm = schema::RngAlgorithm;

Algorithm algorithm_of(const OpContext& op) {
  return op.options<schema::StablehloRngBitGeneratorOptions>().algorithm();
}

Status infer(OpContext& op) {
  const Tensor& state = op.input(0);
  CYGNET_TRY(expect_type("input 0", state, {Type::uint64}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::uint64}));
  CYGNET_TRY(expect_type("output 1", op.output(1),
                         {Type::int32, Type::uint32, Type::int64, Type::uint64}));
  CYGNET_TRY(expect_rank("input 0", state, 1));
  CYGNET_TRY(expect_range("algorithm", static_cast<int>(algorithm_of(op)), 0,
                          static_cast<int>(Algorithm::MAX)));
  const int most = algorithm_of(op) == Algorithm::THREEFRY ? 2 : 3;
  CYGNET_TRY(expect_range("size of input 0", state.shape[0], 2, most));
  CYGNET_TRY(op.set_output(0, state.shape));
  return op.set_output(1, op.output(1).shape);
}

Status invoke(OpContext& op) {
  uint32_t state[6] = {};
  std::copy_n(op.input(0).as<uint32_t>(), 2 * op.input(0).shape[0], state);
  if (op.input(0).shape[0] == 2) std::copy_n(state, 2, state + 4);
  const Words2 key{{state[0], state[1]}};
  const bool threefry_wanted = algorithm_of(op) == Algorithm::THREEFRY;
  const int64_t step = threefry_wanted ? 2 : 4;
  auto* out = op.output(1).as<uint32_t>();
  const auto n = static_cast<int64_t>(op.output(1).bytes / sizeof(uint32_t));
  for (int64_t i = 0; i < n; i += step) {
    Words4 words{};
    if (threefry_wanted)
      std::copy_n(threefry(key, {{state[2], state[3]}}).w, 2, words.w);
    else
      words = philox(key, {{state[2], state[3], state[4], state[5]}});
    std::copy_n(words.w, std::min(step, n - i), out + i);
    if (++state[2] == 0) ++state[3];
    if (i % 65536 == 0 && op.stopped()) return {};
  }
  std::copy_n(state, 2 * op.output(0).shape[0], op.output(0).as<uint32_t>());
  return {};
}

}  // namespace

extern const OpDef kStablehloRngBitGenerator;
const OpDef kStablehloRngBitGenerator = {
    .name = "STABLEHLO_RNG_BIT_GENERATOR",
    .builtin = 204,
    .options_type_2 =
        static_cast<uint8_t>(schema::BuiltinOptions2::StablehloRngBitGeneratorOptions),
    .min_outputs = 2,
    .max_outputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
