// SPDX-License-Identifier: Apache-2.0
#include "runtime/fuse/leaders.h"

#include <algorithm>
#include <utility>

#include "runtime/fuse/steps.h"

namespace cygnet {
namespace {

class Fuser {
 public:
  Fuser(const Subgraph& graph, Plan* plan) : graph_(graph), plan_(*plan) {}

  Status run() {
    const size_t n = plan_.steps.size();
    if (!reserve_or_fail(steps_, n) || !reserve_or_fail(new_index_, n) ||
        !reserve_or_fail(readers_, plan_.tensors.size()))
      return out_of_memory("plan", n * sizeof(Step));
    count_readers();
    for (size_t s = 0; s < n; ++s) {
      Step& step = plan_.steps[s];
      const bool leads = s + 1 < n && can_lead(step, plan_.steps[s + 1]);
      new_index_.push_back(static_cast<int32_t>(steps_.size()));
      if (leads) {
        Step& reader = plan_.steps[s + 1];
        Vector<Step> followers = std::move(step.followers);
        reader.leaders.push_back(std::move(step));
        for (Step& follower : followers) reader.leaders.push_back(std::move(follower));
      } else {
        steps_.push_back(std::move(step));
      }
    }
    replace_steps(&plan_, std::move(steps_), new_index_);
    return base::ran_short() ? out_of_memory("plan", 0) : Status();
  }

 private:
  void count_readers() {
    readers_.assign(plan_.tensors.size(), 0);
    for (const Step& step : plan_.steps)
      each_member(step, [&](const Step& member) {
        for (int32_t i : graph_.nodes[member.node].inputs)
          if (i != kAbsent) ++readers_[i];
      });
    for (int32_t i : graph_.outputs) ++readers_[i];
  }

  bool can_lead(const Step& step, const Step& reader) const {
    if (!reader.wants || step.dynamic || !step.callees.empty() || !step.leaders.empty() ||
        !gains_by_parts(step))
      return false;
    const int32_t wanted = graph_.nodes[reader.node].inputs[0];
    bool makes_it = false, alone = true;
    each_member(step, [&](const Step& member) {
      const Node& node = graph_.nodes[member.node];
      const int32_t made = node.outputs[0];
      makes_it = makes_it || made == wanted;
      alone = alone && node.outputs.size() == 1 && plan_.places[made] == Place::arena &&
              readers_[made] == readers_among(step, made) + (made == wanted ? 1 : 0);
      for (int32_t i : node.inputs) alone = alone && (i == kAbsent || !plan_.tensors[i].variable);
    });
    return makes_it && alone && plan_.tensors[wanted].shape.elements() > 0;
  }

  // How often a step and its followers read a tensor.
  int32_t readers_among(const Step& step, int32_t tensor) const {
    int32_t count = 0;
    each_member(step, [&](const Step& member) {
      const auto& inputs = graph_.nodes[member.node].inputs;
      count += static_cast<int32_t>(std::count(inputs.begin(), inputs.end(), tensor));
    });
    return count;
  }

  const Subgraph& graph_;
  Plan& plan_;
  Vector<Step> steps_;
  Vector<int32_t> new_index_;  // by step of the plan as it was
  Vector<int32_t> readers_;    // by tensor: how often it is read, results of the graph included
};

}  // namespace

Status fuse_leaders(const Subgraph& graph, Plan* plan) {
  return Fuser(graph, plan).run();
}

}  // namespace cygnet
