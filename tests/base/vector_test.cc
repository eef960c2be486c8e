// SPDX-License-Identifier: Apache-2.0
#include "base/vector.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace cygnet {
namespace {

/// Counts how many of its kind are alive.
struct Counted {
  static inline int alive = 0;
  int value = 0;
  Counted() { ++alive; }
  explicit Counted(int v) : value(v) { ++alive; }
  Counted(const Counted& other) : value(other.value) { ++alive; }
  Counted(Counted&& other) noexcept : value(other.value) {
    other.value = -1;
    ++alive;
  }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }
};

template <class T>
std::vector<T> copy(const Vector<T>& v) {
  return {v.begin(), v.end()};
}

TEST(Vector, FollowsStdVector) {
  std::mt19937 random(7);
  Vector<std::string> ours;
  std::vector<std::string> theirs;
  for (int step = 0; step < 3000; ++step) {
    const std::string value = "a value too long for the string itself " + std::to_string(step);
    const size_t at = theirs.empty() ? 0 : random() % theirs.size();
    switch (random() % 8) {
      case 0:
      case 1:
        ours.push_back(value), theirs.push_back(value);
        break;
      case 2:
        ours.insert(ours.begin() + at, value);
        theirs.insert(theirs.begin() + static_cast<ptrdiff_t>(at), value);
        break;
      case 3:
        ours.insert(ours.begin() + at, {value, "b", value});
        theirs.insert(theirs.begin() + static_cast<ptrdiff_t>(at), {value, "b", value});
        break;
      case 4:
        ours.resize(at, value), theirs.resize(at, value);
        break;
      case 5:
        ours.resize(at + 9), theirs.resize(at + 9);
        break;
      case 6:
        if (theirs.empty()) break;
        ours.erase(ours.begin() + at);
        theirs.erase(theirs.begin() + static_cast<ptrdiff_t>(at));
        break;
      default:
        if (step % 50 == 0) ours.assign(at, value), theirs.assign(at, value);
    }
    ASSERT_EQ(copy(ours), theirs) << "step " << step;
    ASSERT_GE(ours.capacity(), ours.size());
  }
}

TEST(Vector, DestroysWhatItConstructs) {
  {
    Vector<Counted> v(5);
    v.emplace_back(3);
    v.insert(v.begin() + 2, Counted(4));
    v.resize(20);
    v.erase(v.begin());
    v.resize(6);
    Vector<Counted> other(v);
    other = Vector<Counted>(3);
    other = v;
    Vector<Counted> moved(std::move(other));
    EXPECT_EQ(moved.size(), 6u);
    EXPECT_EQ(Counted::alive, 12);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Vector, ArgumentsMayReferToItsOwnElements) {
  Vector<std::string> v;
  v.push_back("an element that has its own memory on the heap");
  for (int i = 0; i < 100; ++i) v.push_back(v[0]);
  for (const std::string& s : v) ASSERT_EQ(s, v[0]);
  v.assign(3, v[0]);
  EXPECT_EQ(v[2], "an element that has its own memory on the heap");
}

TEST(Vector, HoldsWhatOnlyMoves) {
  Vector<std::unique_ptr<int>> v;
  for (int i = 0; i < 10; ++i) v.push_back(std::make_unique<int>(i));
  EXPECT_EQ(*v[9], 9);
}

TEST(Vector, ReserveOrFailReportsAndLeavesTheVectorAlone) {
  Vector<int> v{1, 2, 3};
  base::set_allocation_hook([](size_t) { return false; });
  const bool made_room = reserve_or_fail(v, 1000);
  base::set_allocation_hook(nullptr);
  EXPECT_FALSE(made_room);
  EXPECT_EQ(copy(v), (std::vector<int>{1, 2, 3}));
  EXPECT_TRUE(reserve_or_fail(v, 1000));
  EXPECT_GE(v.capacity(), 1000u);
}

TEST(Vector, FailedGrowthIsNoticed) {
  base::clear_ran_short();
  Vector<int> v;
  base::set_allocation_hook([](size_t) { return false; });
  v.push_back(1);
  base::set_allocation_hook(nullptr);
  EXPECT_EQ(v.size(), 1u);
  EXPECT_TRUE(base::ran_short());
  base::clear_ran_short();
}

}  // namespace
}  // namespace cygnet
