// SPDX-License-Identifier: Apache-2.0
// The tables themselves: what is in them and which one is in use.
#include <cstdlib>
#include <set>

#include "kernel_fixture.h"

namespace cygnet {
namespace {

class Table : public Kernels {};

TEST_P(Table, IsComplete) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&table());
  for (size_t at = offsetof(KernelTable, gemm_f32); at < sizeof(KernelTable); at += sizeof(void*)) {
    if (at == offsetof(KernelTable, gemm_split) || at == offsetof(KernelTable, pack_split) ||
        at == offsetof(KernelTable, gather_q8_bytes) || at == offsetof(KernelTable, conv_q8))
      continue;  // few tiers have them
    void* entry;
    std::memcpy(&entry, bytes + at, sizeof entry);
    EXPECT_NE(entry, nullptr) << "offset " << at;
  }
  for (const int size : {table().gemm_f32_mr, table().gemm_f32_nr, table().gemm_q8_mr,
                         table().gemm_q8_nr, table().depthwise_f32_nr, table().depthwise_q8_nr}) {
    EXPECT_GT(size, 0);
    EXPECT_LE(size, 128);
  }
}

TEST_P(Table, CanBeSelected) {
  const Isa before = kernels().isa;
  ASSERT_TRUE(select_kernels(table().isa));
  EXPECT_EQ(&kernels(), &table());
  ASSERT_TRUE(select_kernels(before));
}

INSTANTIATE_TEST_SUITE_P(Tier, Table, testing::ValuesIn(tiers()), tier_name);

TEST(Tables, HaveDifferentNames) {
  std::set<std::string> names;
  for (const KernelTable* table : tiers()) names.insert(table->name);
  EXPECT_EQ(names.size(), tiers().size());
  EXPECT_STREQ(tiers()[0]->name, "scalar");
}

/// What script/test says to expect of the CPUs that it emulates, and of CYGNET_ISA.
TEST(Tables, ChoosesTheExpectedTier) {
  const char* expected = std::getenv("CYGNET_EXPECTED_ISA");
  if (expected == nullptr) GTEST_SKIP() << "CYGNET_EXPECTED_ISA is not set";
  EXPECT_STREQ(kernels().name, expected);
}

TEST(Tables, MissingTierChangesNothing) {
  for (const Isa isa : kIsas) {
    if (kernels_for(isa) != nullptr) continue;
    const KernelTable* before = &kernels();
    EXPECT_FALSE(select_kernels(isa));
    EXPECT_EQ(&kernels(), before);
  }
}

}  // namespace
}  // namespace cygnet
