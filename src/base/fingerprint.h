// SPDX-License-Identifier: Apache-2.0
// The 64-bit fingerprint of FarmHash, whose values are fixed for all time: what models with
// LSH_PROJECTION were trained with.
// Source: Pike, Alakuijala, FarmHash 1.1, the function Fingerprint64.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

namespace cygnet::base {

class Fingerprint {
 public:
  static uint64_t of(const uint8_t* s, size_t n) {
    if (n <= 16) return up_to_16(s, n);
    if (n <= 32) return up_to_32(s, n);
    if (n <= 64) return up_to_64(s, n);
    return longer(s, n);
  }

  /// Another value, sooner where the bytes come from memory: four parts are read side by side.
  static uint64_t of_parts(const void* data, size_t n) {
    const auto* s = static_cast<const uint8_t*>(data);
    constexpr size_t kParts = 4, kStep = 64, kLeast = 4096;
    if (n < kLeast) return of(s, n);
    const size_t part = n / kParts / kStep * kStep;
    State states[kParts];
    for (State& t : states) t = State{kA, kB, kC, {}, {}};
    for (size_t at = 0; at < part; at += kStep)
      for (size_t p = 0; p < kParts; ++p) states[p].step(s + p * part + at, kB, 1);
    const uint64_t rest[] = {n, of(s + kParts * part, n - kParts * part)};
    return mix(of(reinterpret_cast<const uint8_t*>(states), sizeof(states)),
               of(reinterpret_cast<const uint8_t*>(rest), sizeof(rest)), kC);
  }

 private:
  static constexpr uint64_t kA = 0xc3a5c85c97cb3127, kB = 0xb492b66fbe98f273,
                            kC = 0x9ae16a3b2f90404f;

  struct Pair {
    uint64_t a = 0, b = 0;
  };

  static uint64_t word(const uint8_t* s) {
    uint64_t x;
    std::memcpy(&x, s, sizeof(x));
    return x;
  }
  static uint64_t half_word(const uint8_t* s) {
    uint32_t x;
    std::memcpy(&x, s, sizeof(x));
    return x;
  }
  static uint64_t turn(uint64_t x, int by) { return x >> by | x << (64 - by); }
  static uint64_t fold(uint64_t x) { return x ^ x >> 47; }
  static uint64_t mix(uint64_t u, uint64_t v, uint64_t factor) {
    return fold((v ^ fold((u ^ v) * factor)) * factor) * factor;
  }

  static uint64_t up_to_16(const uint8_t* s, size_t n) {
    const uint64_t factor = kC + 2 * n;
    if (n >= 8) {
      const uint64_t a = word(s) + kC, b = word(s + n - 8);
      return mix(turn(b, 37) * factor + a, (turn(a, 25) + b) * factor, factor);
    }
    if (n >= 4) return mix(n + (half_word(s) << 3), half_word(s + n - 4), factor);
    if (n == 0) return kC;
    const uint32_t y = s[0] + (uint32_t{s[n / 2]} << 8);
    const uint32_t z = static_cast<uint32_t>(n) + (uint32_t{s[n - 1]} << 2);
    return fold(y * kC ^ z * kA) * kC;
  }

  static uint64_t up_to_32(const uint8_t* s, size_t n) {
    const uint64_t factor = kC + 2 * n, a = word(s) * kB, b = word(s + 8),
                   c = word(s + n - 8) * factor, d = word(s + n - 16) * kC;
    return mix(turn(a + b, 43) + turn(c, 30) + d, a + turn(b + kC, 18) + c, factor);
  }

  static uint64_t up_to_64(const uint8_t* s, size_t n) {
    const uint64_t factor = kC + 2 * n, a = word(s) * kC, b = word(s + 8),
                   c = word(s + n - 8) * factor, d = word(s + n - 16) * kC;
    const uint64_t y = turn(a + b, 43) + turn(c, 30) + d;
    const uint64_t z = mix(y, a + turn(b + kC, 18) + c, factor);
    const uint64_t e = word(s + 16) * factor, f = word(s + 24);
    const uint64_t g = (y + word(s + n - 32)) * factor, h = (z + word(s + n - 24)) * factor;
    return mix(turn(e + f, 43) + turn(g, 30) + h, e + turn(f + a, 18) + g, factor);
  }

  // 32 bytes into a pair of sums.
  static Pair absorb(const uint8_t* s, uint64_t a, uint64_t b) {
    const uint64_t w = word(s), x = word(s + 8), y = word(s + 16), z = word(s + 24);
    a += w;
    b = turn(b + a + z, 21);
    const uint64_t c = a;
    a += x + y;
    b += turn(a, 44);
    return {a + z, b + c};
  }

  // The state of the hash of long strings, 64 bytes at a time.
  struct State {
    uint64_t x, y, z;
    Pair v, w;

    // `nine`: what the last 64 bytes weigh the carried sums with; 1 before.
    void step(const uint8_t* s, uint64_t factor, uint64_t nine) {
      x = turn(x + y + v.a + word(s + 8), 37) * factor;
      y = turn(y + v.b + word(s + 48), 42) * factor;
      x ^= w.b * nine;
      y += v.a * nine + word(s + 40);
      z = turn(z + w.a, 33) * factor;
      v = absorb(s, v.b * factor, x + w.a);
      w = absorb(s + 32, z + w.b, y + word(s + 16));
      std::swap(z, x);
    }
  };

  static uint64_t longer(const uint8_t* s, size_t n) {
    constexpr uint64_t kSeed = 81;
    State t{kSeed * kC + word(s), kSeed * kB + 113, 0, {}, {}};
    t.z = fold(t.y * kC + 113) * kC;
    const size_t rest = (n - 1) % 64, whole = n - 1 - rest;
    for (size_t at = 0; at < whole; at += 64) t.step(s + at, kB, 1);
    const uint64_t factor = kB + 2 * (t.z & 0xff);
    t.w.a += rest;
    t.v.a += t.w.a;
    t.w.a += t.v.a;
    t.step(s + n - 64, factor, 9);
    return mix(mix(t.v.a, t.w.a, factor) + fold(t.y) * kA + t.z, mix(t.v.b, t.w.b, factor) + t.x,
               factor);
  }
};

}  // namespace cygnet::base
