// SPDX-License-Identifier: Apache-2.0
// Counter-based random bits: a function of a key and a counter, so that any place of a sequence can
// be computed at once.
// Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
#pragma once

#include <cstdint>

namespace cygnet::ops {

struct Words2 {
  uint32_t w[2];
};
struct Words4 {
  uint32_t w[4];
};

/// Threefry-2x32 of 20 rounds.
inline Words2 threefry(Words2 key, Words2 counter) {
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t keys[3] = {key.w[0], key.w[1], key.w[0] ^ key.w[1] ^ 0x1BD11BDAu};
  uint32_t a = counter.w[0] + keys[0], b = counter.w[1] + keys[1];
  for (uint32_t group = 0; group < 5; ++group) {
    for (int turn : kRotations[group % 2]) {
      a += b;
      b = (b << turn | b >> (32 - turn)) ^ a;
    }
    a += keys[(group + 1) % 3];
    b += keys[(group + 2) % 3] + group + 1;
  }
  return {{a, b}};
}

/// Philox-4x32 of 10 rounds.
inline Words4 philox(Words2 key, Words4 counter) {
  uint32_t k0 = key.w[0], k1 = key.w[1];
  uint32_t* c = counter.w;
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * c[0], b = uint64_t{0xCD9E8D57} * c[2];
    counter = {{static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(b),
                static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(a)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// The sequence of blocks of four words that two seeds begin, from block `position` on: key `seed`,
/// counter (position, seed2). As TensorFlow's PhiloxRandom.
class PhiloxSequence {
 public:
  PhiloxSequence(uint64_t seed, uint64_t seed2, uint64_t position)
      : seed_(seed), seed2_(seed2), position_(position) {}
  Words4 next() {
    const Words4 block = philox({{low(seed_), high(seed_)}},
                                {{low(position_), high(position_), low(seed2_), high(seed2_)}});
    if (++position_ == 0) ++seed2_;
    return block;
  }

 private:
  static uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
  static uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32); }
  uint64_t seed_, seed2_, position_;
};

}  // namespace cygnet::ops
