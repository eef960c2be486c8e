// SPDX-License-Identifier: Apache-2.0
#include "runtime/thread_choice.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "runtime/plan.h"

namespace cygnet::test {
namespace {

// Microseconds that a step takes alone and shared.
struct Cost {
  int alone, shared;
};

void spend(int us) {
  const int64_t end = base::now_ns() + us * 1000;
  while (base::now_ns() < end) {
  }
}

// Runs the steps until nothing is measured any more; whether each then runs alone.
std::vector<bool> settle(ThreadChoice* choice, Vector<Step>* steps,
                         const std::vector<Cost>& costs) {
  int runs = 0;
  while (choice->begin_run(steps)) {
    for (size_t i = 0; i < costs.size(); ++i) {
      spend((*steps)[i].context.alone() ? costs[i].alone : costs[i].shared);
      choice->end_step(&(*steps)[i]);
    }
    choice->end_run(steps);
    EXPECT_LT(++runs, 40);
  }
  std::vector<bool> alone;
  for (const Step& step : *steps) alone.push_back(step.context.alone());
  return alone;
}

std::vector<bool> choose(const std::vector<Cost>& costs, bool may_share = true, int threads = 2) {
  Vector<Step> steps;
  for (size_t i = 0; i < costs.size(); ++i) steps.emplace_back().may_share = may_share;
  ThreadChoice choice;
  choice.start(steps, threads);
  return settle(&choice, &steps, costs);
}

TEST(ThreadChoice, EachStepAsIsFaster) {
  EXPECT_EQ(choose({{4000, 2000}, {1000, 2000}}), (std::vector<bool>{false, true}));
}

TEST(ThreadChoice, OneThreadWhereTheWholeGainsNothing) {
  EXPECT_EQ(choose({{2000, 2200}, {1000, 1500}}), (std::vector<bool>{true, true}));
}

TEST(ThreadChoice, LittleWorkIsNotMeasured) {
  EXPECT_EQ(choose({{10, 5}}, false), (std::vector<bool>{true}));
}

TEST(ThreadChoice, OneThreadHasNoChoice) {
  EXPECT_EQ(choose({{10, 5}}, true, 1), (std::vector<bool>{false}));
}

TEST(ThreadChoice, MeasuresAgainAfterSomeRuns) {
  Vector<Step> steps;
  steps.emplace_back().may_share = true;
  ThreadChoice choice;
  choice.start(steps, 2);
  EXPECT_EQ(settle(&choice, &steps, {{1000, 2000}}), (std::vector<bool>{true}));
  int runs = 0;
  while (!choice.begin_run(&steps)) ASSERT_LT(++runs, 1000);
  EXPECT_GT(runs, 10);
  choice.end_step(&steps[0]);
  choice.end_run(&steps);
  EXPECT_EQ(settle(&choice, &steps, {{2000, 1000}}), (std::vector<bool>{false}));
}

}  // namespace
}  // namespace cygnet::test
