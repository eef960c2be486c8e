// SPDX-License-Identifier: Apache-2.0
#include "runtime/fuse/followers.h"

#include <algorithm>

#include "runtime/fuse/steps.h"

namespace cygnet {
namespace {

class Fuser {
 public:
  Fuser(const Subgraph& graph, Plan* plan) : graph_(graph), plan_(*plan) {}

  Status run() {
    const size_t n = plan_.steps.size();
    if (!reserve_or_fail(steps_, n) || !reserve_or_fail(group_of_, n) ||
        !reserve_or_fail(maker_, plan_.tensors.size()) ||
        !reserve_or_fail(last_reader_, plan_.tensors.size()))
      return out_of_memory("plan", n * sizeof(Step));
    find_readers();
    maker_.assign(plan_.tensors.size(), -1);
    for (size_t s = 0; s < n; ++s) {
      Step& step = plan_.steps[s];
      const Node& node = graph_.nodes[step.node];
      int32_t group = group_to_join(static_cast<int32_t>(s));
      if (group < 0) {
        group = static_cast<int32_t>(steps_.size());
        steps_.push_back(std::move(step));
      } else {
        steps_[group].followers.push_back(std::move(step));
      }
      group_of_.push_back(group);
      for (int32_t i : node.outputs) maker_[i] = group;
    }
    replace_steps(&plan_, std::move(steps_), group_of_);
    return base::ran_short() ? out_of_memory("plan", 0) : Status();
  }

 private:
  void find_readers() {
    last_reader_.assign(plan_.tensors.size(), -1);
    const auto n = static_cast<int32_t>(plan_.steps.size());
    for (int32_t s = 0; s < n; ++s)
      for (int32_t i : graph_.nodes[plan_.steps[s].node].inputs)
        if (i != kAbsent) last_reader_[i] = s;
    for (int32_t i : graph_.outputs) last_reader_[i] = n;
  }

  // Elements of a tensor that has memory in the arena and whole bytes for elements, else −1.
  int64_t arena_elements(int32_t i) const {
    const Tensor& tensor = plan_.tensors[i];
    return plan_.places[i] == Place::arena && type_bits(tensor.type) >= 8 ? tensor.shape.elements()
                                                                          : -1;
  }

  bool can_follow(const Step& step, const Node& node) const {
    return !step.dynamic && step.callees.empty() && gains_by_parts(step) &&
           node.inputs.size() <= 3 && arena_elements(node.outputs[0]) > 0;
  }

  bool can_lead(const Step& step) const {
    if (step.dynamic || !step.callees.empty()) return false;
    return step.op->produces || (step.op->by_parts != nullptr && step.op->by_parts(step.context));
  }

  // Whether tensor i, which a step of group `group` makes, has its elements handed over in parts.
  bool comes_in_parts(int32_t i, const Step& group) const {
    if (graph_.nodes[group.node].outputs[0] == i) return true;
    return std::any_of(group.followers.begin(), group.followers.end(), [&](const Step& follower) {
      return graph_.nodes[follower.node].outputs[0] == i;
    });
  }

  // The step of steps_ that step s can follow, or −1.
  int32_t group_to_join(int32_t s) const {
    const Step& step = plan_.steps[s];
    const Node& node = graph_.nodes[step.node];
    if (!can_follow(step, node)) return -1;
    int32_t latest = -1;
    for (int32_t i : node.inputs)
      if (i != kAbsent) latest = std::max(latest, maker_[i]);
    if (latest < 0 || !can_lead(steps_[latest])) return -1;
    const Step& group = steps_[latest];
    const int64_t elements = arena_elements(node.outputs[0]);
    if (arena_elements(graph_.nodes[group.node].outputs[0]) != elements) return -1;
    const bool adjacent = latest + 1 == static_cast<int32_t>(steps_.size());
    for (int32_t i : node.inputs) {
      if (i == kAbsent) continue;
      if (plan_.tensors[i].variable) return -1;
      if (maker_[i] != latest) continue;
      if (arena_elements(i) != elements || !comes_in_parts(i, group)) return -1;
      if (!adjacent && last_reader_[i] != s) return -1;
    }
    return latest;
  }

  const Subgraph& graph_;
  Plan& plan_;
  Vector<Step> steps_;
  Vector<int32_t> group_of_;     // by step of the plan as it was: the step it is or follows
  Vector<int32_t> maker_;        // by tensor: the step that makes it or leads who does, or −1
  Vector<int32_t> last_reader_;  // by tensor: step of the plan as it was; its size for results
};

}  // namespace

Status fuse_followers(const Subgraph& graph, Plan* plan) {
  return Fuser(graph, plan).run();
}

}  // namespace cygnet
