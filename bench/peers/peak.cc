// SPDX-License-Identifier: Apache-2.0
// What one core can do at most: multiply-adds a second of the instructions that engines are made
// of. Prints a line "NAME GIGA_OPERATIONS" for each that the machine has, two operations for each
// multiply-add. Build with -O2 -march=native -Wno-psabi.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__AMX_TILE__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

constexpr int kRounds = 200;
constexpr int kRepeats = 20000;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Prints the best of many short rounds of `loop`, which does `operations` a repeat.
template <class Loop>
void report(const char* name, double operations, Loop loop) {
  double least = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double start = cpu_seconds();
    loop();
    const double seconds = cpu_seconds() - start;
    if (seconds < least) least = seconds;
  }
  std::printf("%s %.1f\n", name, operations * kRepeats / least * 1e-9);
}

#if defined(__AVX512F__)
/// Twelve independent chains of one instruction on 512-bit registers.
#define CHAINS_512(INSTRUCTION)                                                                    \
  for (int i = 0; i < kRepeats; ++i)                                                               \
  __asm__ volatile(INSTRUCTION                                                                     \
                   " %%zmm0, %%zmm1, %%zmm2\n" INSTRUCTION " %%zmm0, %%zmm1, %%zmm3\n" INSTRUCTION \
                   " %%zmm0, %%zmm1, %%zmm4\n" INSTRUCTION " %%zmm0, %%zmm1, %%zmm5\n" INSTRUCTION \
                   " %%zmm0, %%zmm1, %%zmm6\n" INSTRUCTION " %%zmm0, %%zmm1, %%zmm7\n" INSTRUCTION \
                   " %%zmm0, %%zmm1, %%zmm8\n" INSTRUCTION " %%zmm0, %%zmm1, %%zmm9\n" INSTRUCTION \
                   " %%zmm0, %%zmm1, %%zmm10\n" INSTRUCTION                                        \
                   " %%zmm0, %%zmm1, %%zmm11\n" INSTRUCTION                                        \
                   " %%zmm0, %%zmm1, %%zmm12\n" INSTRUCTION " %%zmm0, %%zmm1, %%zmm13\n" ::        \
                       : "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8",   \
                         "zmm9", "zmm10", "zmm11", "zmm12", "zmm13")
#elif defined(__AVX2__)
/// Ten independent chains of one instruction on 256-bit registers.
#define CHAINS_256(INSTRUCTION)                                                                    \
  for (int i = 0; i < kRepeats; ++i)                                                               \
  __asm__ volatile(INSTRUCTION                                                                     \
                   " %%ymm0, %%ymm1, %%ymm2\n" INSTRUCTION " %%ymm0, %%ymm1, %%ymm3\n" INSTRUCTION \
                   " %%ymm0, %%ymm1, %%ymm4\n" INSTRUCTION " %%ymm0, %%ymm1, %%ymm5\n" INSTRUCTION \
                   " %%ymm0, %%ymm1, %%ymm6\n" INSTRUCTION " %%ymm0, %%ymm1, %%ymm7\n" INSTRUCTION \
                   " %%ymm0, %%ymm1, %%ymm8\n" INSTRUCTION " %%ymm0, %%ymm1, %%ymm9\n" INSTRUCTION \
                   " %%ymm0, %%ymm1, %%ymm10\n" INSTRUCTION " %%ymm0, %%ymm1, %%ymm11\n" ::        \
                       : "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8",   \
                         "ymm9", "ymm10", "ymm11")
#endif

#if defined(__AMX_INT8__) && defined(__AMX_BF16__)
/// Asks the kernel for the tile registers, and makes them 16 rows of 64 bytes.
bool start_tiles() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) != 0) return false;
  struct alignas(64) {
    unsigned char palette = 1, start_row = 0, reserved[14] = {};
    unsigned short row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    unsigned char rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } shape;
  _tile_loadconfig(&shape);
  return true;
}

void report_tiles() {
  if (!start_tiles()) return;
  constexpr double kTiles = 4;
  report("amx_int8", kTiles * 16 * 16 * 64 * 2, [] {
    for (int i = 0; i < kRepeats; ++i) {
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(1, 4, 7);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
  });
  report("amx_bf16", kTiles * 16 * 16 * 32 * 2, [] {
    for (int i = 0; i < kRepeats; ++i) {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  });
  _tile_release();
}
#else
void report_tiles() {}
#endif

}  // namespace

int main() {
#if defined(__AVX512F__)
  report("float32", 12 * 16 * 2, [] { CHAINS_512("vfmadd231ps"); });
#if defined(__AVX512VNNI__)
  report("int8", 12 * 64 * 2, [] { CHAINS_512("vpdpbusd"); });
#endif
#elif defined(__AVX2__)
  report("float32", 10 * 8 * 2, [] { CHAINS_256("vfmadd231ps"); });
#endif
  report_tiles();
}
