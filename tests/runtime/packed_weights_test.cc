// SPDX-License-Identifier: Apache-2.0
#include "graph/packed_weights.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace cygnet::test {
namespace {

struct Destroy {
  void operator()(PackedWeights* weights) const { weights->destroy(); }
};
using Weights = std::unique_ptr<PackedWeights, Destroy>;

// What a process has: one interpreter.
Weights start(const char* cache = nullptr) {
  Weights weights(PackedWeights::make());
  weights->enter();
  if (cache != nullptr) weights->open_cache(cache);
  return weights;
}

// A constant of n bytes from `first` on, and what is packed of it: its bytes doubled.
struct Constant {
  explicit Constant(uint8_t first, size_t n = 300) : values(n) {
    std::iota(values.begin(), values.end(), first);
    tensor.data = values.data();
    tensor.bytes = n;
  }
  std::vector<uint8_t> values;
  Tensor tensor;
};

struct Packer {
  const Constant& constant;
  int* calls;
};

// Asks for the packed constant; how often it was packed for that (0 or 1).
int ask(PackedWeights* weights, const Constant& constant, const void** out, int64_t number = 0,
        bool lasts = true) {
  int calls = 0;
  Packer packer{constant, &calls};
  PackKey key("doubled", constant.tensor);
  key.number(number);
  const PackBody body = [](void* context, void* memory) {
    const Packer& p = *static_cast<const Packer*>(context);
    ++*p.calls;
    for (size_t i = 0; i < p.constant.values.size(); ++i)
      static_cast<uint8_t*>(memory)[i] = static_cast<uint8_t>(2 * p.constant.values[i]);
  };
  EXPECT_TRUE(weights->get({key, lasts, constant.values.size(), body, &packer}, out).ok());
  for (size_t i = 0; i < constant.values.size(); ++i)
    EXPECT_EQ(static_cast<const uint8_t*>(*out)[i], static_cast<uint8_t>(2 * constant.values[i]));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(*out) % 64, 0U);
  return calls;
}

int ask(const Weights& weights, const Constant& constant, int64_t number = 0, bool lasts = true) {
  const void* out = nullptr;
  return ask(weights.get(), constant, &out, number, lasts);
}

TEST(PackedWeights, OneCopyForAllInterpreters) {
  const Weights weights = start();
  weights->enter();
  const Constant a(1), b(2);
  EXPECT_EQ(ask(weights, a), 1);
  EXPECT_EQ(ask(weights, b), 1);
  EXPECT_EQ(ask(weights, a, 5), 1) << "another form";
  EXPECT_EQ(ask(weights, a), 0);
  EXPECT_EQ(ask(weights, a, 5), 0);
  weights->leave();
  EXPECT_EQ(ask(weights, a), 0);
  weights->leave();
  weights->enter();
  EXPECT_EQ(ask(weights, a), 1) << "nobody was left";
}

TEST(PackedWeights, ConstantsThatComeAndGoAreToldApartByContents) {
  const Weights weights = start();
  Constant a(1);
  EXPECT_EQ(ask(weights, a, 0, false), 1);
  EXPECT_EQ(ask(weights, Constant(1), 0, false), 0);
  a = Constant(7);
  EXPECT_EQ(ask(weights, a, 0, false), 1);
}

class WeightsCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "cygnet_cache_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/weights";
  }
  void TearDown() override {
    unlink(path_.c_str());
    EXPECT_EQ(rmdir(folder_.c_str()), 0) << "nothing else is left in the folder";
  }
  std::string read() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& bytes) const {
    unlink(path_.c_str());
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  void fill() const {
    const Weights weights = start(path_.c_str());
    ask(weights, a_);
    ask(weights, b_);
    ASSERT_TRUE(weights->save_cache(path_.c_str()).ok());
  }

  std::string folder_, path_;
  const Constant a_{1}, b_{2, 1000};
};

TEST_F(WeightsCacheTest, NothingIsPackedAgain) {
  fill();
  const std::string before = read();
  const Weights weights = start(path_.c_str());
  EXPECT_EQ(ask(weights, a_) + ask(weights, b_), 0);
  EXPECT_EQ(ask(weights, Constant(1)), 0) << "another process has it at another place";
  EXPECT_TRUE(weights->save_cache(path_.c_str()).ok());
  EXPECT_EQ(read(), before);
}

TEST_F(WeightsCacheTest, WhatTheFileLacksIsAdded) {
  fill();
  const Constant c(3);
  {
    const Weights weights = start(path_.c_str());
    EXPECT_EQ(ask(weights, a_) + ask(weights, b_) + ask(weights, c), 1);
    EXPECT_EQ(ask(weights, a_, 5), 1);
    EXPECT_TRUE(weights->save_cache(path_.c_str()).ok());
  }
  const Weights weights = start(path_.c_str());
  EXPECT_EQ(ask(weights, a_) + ask(weights, b_) + ask(weights, c) + ask(weights, a_, 5), 0);
}

// ask() compares the bytes: whatever is wrong with the file, they are right.
TEST_F(WeightsCacheTest, DamageIsFound) {
  fill();
  const std::string good = read();
  int packed = 0;
  for (size_t at = 0; at < good.size(); at += at < 256 ? 1 : 37) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    write(bad);
    const Weights weights = start(path_.c_str());
    packed += ask(weights, a_) + ask(weights, b_);
  }
  EXPECT_GT(packed, 50);
}

TEST_F(WeightsCacheTest, ShortFilesAreNotUsed) {
  fill();
  const std::string good = read();
  for (size_t bytes = 0; bytes < good.size(); bytes += bytes < 256 ? 1 : 97) {
    write(good.substr(0, bytes));
    const Weights weights = start(path_.c_str());
    EXPECT_EQ(ask(weights, a_) + ask(weights, b_), 2) << bytes;
  }
}

TEST_F(WeightsCacheTest, TruncatedWhileInUse) {
  fill();
  const Weights weights = start(path_.c_str());
  const void* out = nullptr;
  EXPECT_EQ(ask(weights.get(), a_, &out), 0);
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  volatile uint8_t byte = *static_cast<const uint8_t*>(out);
  static_cast<void>(byte);
  EXPECT_FALSE(weights->intact());
}

TEST_F(WeightsCacheTest, FolderThatDoesNotExist) {
  const std::string path = folder_ + "/none/weights";
  const Weights weights = start(path.c_str());
  ask(weights, a_);
  const Status status = weights->save_cache(path.c_str());
  EXPECT_EQ(status.code(), Code::io);
  EXPECT_NE(std::string(status.message()).find(path + ": the weights cache can't be written: No"),
            std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace cygnet::test
