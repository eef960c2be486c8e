// SPDX-License-Identifier: Apache-2.0
// AMX tiles: 16 rows of 64 bytes.

constexpr int kTileRows = 16;
constexpr int kTileBytes = 64;

/// Operand of LDTILECFG. Source: Intel 64 and IA-32 Architectures Software Developer's Manual,
/// volume 1, chapter 18.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void shape(int tile, int64_t row_count, int64_t bytes) {
    rows[tile] = static_cast<uint8_t>(row_count);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};

// By hand, because gcc 12's intrinsics don't say that a load reads memory.
template <int Tile>
[[gnu::always_inline]] inline void load_tile(const void* from, int64_t stride) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2"
                   :
                   : "r"(from), "r"(stride), "i"(Tile)
                   : "memory");
}
template <int Tile>
[[gnu::always_inline]] inline void store_tile(void* to, int64_t stride) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(Tile) : "memory");
}
/// Sums + A · signed B.
template <bool Signed, int Sums, int A, int B>
[[gnu::always_inline]] inline void multiply_tile() {
  if constexpr (Signed) {
    __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(A), "i"(B));
  } else {
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(A), "i"(B));
  }
}
