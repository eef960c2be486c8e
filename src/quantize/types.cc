// SPDX-License-Identifier: Apache-2.0
#include "quantize/types.h"

#include <algorithm>
#include <numeric>

#include "quantize/lstm.h"

namespace cygnet {
namespace {

// Tensors that must have one type, found by union of sets.
class Classes {
 public:
  explicit Classes(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0); }
  int32_t find(int32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(int32_t a, int32_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<int32_t> parent_;
};

void widen(std::optional<Interval>& hull, const Interval& more) {
  if (!hull) hull = Interval{0, 0};
  hull->min = std::min(hull->min, more.min);
  hull->max = std::max(hull->max, more.max);
}

class Chooser {
 public:
  Chooser(const Patch& patch, const TensorFindings& findings, const IntegerOptions& options)
      : patch_(patch), findings_(findings), options_(options) {}

  IntegerTypes choose() {
    for (int32_t n = 0; n < patch_.node_count(); ++n) consider(n);
    do {
      drop_lonely_movers();
      drop_movers_behind_floats();
      assign();
    } while (drop_unknown());
    return std::move(result_);
  }

 private:
  const Scheme& scheme(int32_t n) const {
    return *find_scheme(static_cast<Builtin>(patch_.node(n).builtin));
  }

  void leave(int32_t n, const std::string& reason) {
    const Node& node = patch_.node(n);
    result_.left.push_back({n, std::string(node.name), name_of(n), reason});
  }

  std::string name_of(int32_t n) const {
    const auto outputs = patch_.node(n).outputs;
    return outputs.empty() ? "" : std::string(patch_.tensor(outputs[0]).name);
  }

  // Why node n, which has real operands or results, can't be an integer operator; empty: it can.
  std::string obstacle(int32_t n) const {
    const Node& node = patch_.node(n);
    const Scheme* s = find_scheme(static_cast<Builtin>(node.builtin));
    if (options_.excluded_kinds.contains(std::string(node.name)) ||
        options_.excluded.contains(name_of(n)))
      return "excluded";
    if (s == nullptr || !s->int8) return "has no integer form";
    if (options_.activations == Type::int16 && !s->int16) return "has no 16-bit form";
    if (s->weights >= 0) {
      const int32_t w = node.inputs[static_cast<size_t>(s->weights)];
      if (!patch_.constant(w) || !is_real(patch_, w)) return "its weights are no float constants";
      const auto b = static_cast<size_t>(s->bias);
      if (node.inputs.size() > b && node.inputs[b] != kAbsent && !patch_.constant(node.inputs[b]))
        return "its bias is no constant";
      if (patch_.shape(w).elements() == 0) return "its weights are empty";
    }
    if (patch_.is(n, Builtin::PRELU) && options_.activations == Type::int16 &&
        !patch_.constant(node.inputs[1]))
      return "its slopes are no constants";
    if (is_lstm(patch_, n)) return lstm_obstacle(patch_, n, findings_.seen);
    for (int32_t i : node.inputs)
      if (i != kAbsent && patch_.tensor(i).variable) return "keeps a state";
    for (int32_t i : node.outputs)
      if (patch_.tensor(i).variable) return "sets a state";
    return "";
  }

  void consider(int32_t n) {
    if (patch_.erased(n) || reads_shapes(patch_, n)) return;
    const Node& node = patch_.node(n);
    const bool reads_reals = std::any_of(node.inputs.begin(), node.inputs.end(), [&](int32_t i) {
      return is_real(patch_, i) && !patch_.constant(i);
    });
    if (!reads_reals && real_results(patch_, n).empty()) return;
    const std::string reason = obstacle(n);
    if (reason.empty())
      result_.nodes.insert(n);
    else
      leave(n, reason);
  }

  bool mover(int32_t n) const {
    return result_.nodes.contains(n) && scheme(n).rule == ScaleRule::same;
  }

  // Operators that only move values stay float where floats surround them: connected groups of them
  // without an integer neighbour that computes.
  void drop_lonely_movers() {
    std::set<int32_t> seen;
    const std::vector<int32_t> nodes(result_.nodes.begin(), result_.nodes.end());
    for (int32_t root : nodes) {
      if (!mover(root) || seen.contains(root)) continue;
      std::vector<int32_t> group, todo = {root};
      bool useful = false;
      seen.insert(root);
      while (!todo.empty()) {
        const int32_t n = todo.back();
        todo.pop_back();
        group.push_back(n);
        for (int32_t m : neighbours(n, useful)) {
          if (!result_.nodes.contains(m)) continue;
          if (!mover(m))
            useful = true;
          else if (seen.insert(m).second)
            todo.push_back(m);
        }
      }
      if (useful) continue;
      for (int32_t n : group) {
        result_.nodes.erase(n);
        leave(n, "stands between float operators");
      }
    }
  }

  // Operators that only move the values of float operators stay float too: what they leave may have
  // a smaller range.
  void drop_movers_behind_floats() {
    const std::vector<int32_t> nodes(result_.nodes.begin(), result_.nodes.end());
    for (int32_t n : nodes) {
      if (!mover(n)) continue;
      const std::vector<int32_t> operands = real_operands(patch_, n);
      const auto from_float = [&](int32_t i) {
        return patch_.constant(i) ||
               (patch_.producer(i) >= 0 && !result_.nodes.contains(patch_.producer(i)));
      };
      const auto constant = [&](int32_t i) { return patch_.constant(i); };
      if (std::all_of(operands.begin(), operands.end(), constant) ||
          !std::all_of(operands.begin(), operands.end(), from_float))
        continue;
      result_.nodes.erase(n);
      leave(n, "stands behind float operators");
    }
  }

  // Nodes that make or read n's real tensors; `edge` becomes true where one is an integer input or
  // output of the graph.
  std::vector<int32_t> neighbours(int32_t n, bool& edge) const {
    std::vector<int32_t> list;
    const auto inputs = patch_.subgraph().inputs;
    for (int32_t i : real_operands(patch_, n)) {
      if (patch_.producer(i) >= 0) list.push_back(patch_.producer(i));
      const bool is_input = std::find(inputs.begin(), inputs.end(), i) != inputs.end();
      edge = edge || (is_input && options_.inputs != Type::float32);
    }
    for (int32_t i : real_results(patch_, n)) {
      const auto& readers = patch_.consumers(i);
      list.insert(list.end(), readers.begin(), readers.end());
      edge = edge || (patch_.is_output(i) && options_.outputs != Type::float32);
    }
    return list;
  }

  // Real tensors of a node that moves values.
  std::vector<int32_t> members(int32_t n) const {
    std::vector<int32_t> list = real_operands(patch_, n);
    const std::vector<int32_t> results = real_results(patch_, n);
    list.insert(list.end(), results.begin(), results.end());
    return list;
  }

  void assign() {
    pinned_.clear();
    result_.types.clear();
    result_.shared.clear();
    pin_known();
    spread_pins();
    lend_pins();
    Classes classes(patch_.subgraph().tensors.size());
    std::map<int32_t, std::optional<Interval>> hulls = join(classes);
    for (int32_t n : result_.nodes) {
      std::vector<int32_t> list = members(n);
      for (int32_t i : list) {
        if (patch_.constant(i)) continue;
        if (const auto pin = pinned_.find(i); pin != pinned_.end())
          result_.types[i] = pin->second;
        else if (const auto& hull = hulls[classes.find(i)]; hull)
          result_.types[i] = activation_type(options_.activations, *hull);
      }
      if (scheme(n).rule == ScaleRule::same) share(n, list, classes, hulls);
    }
  }

  void pin_known() {
    for (int32_t n : result_.nodes)
      if (scheme(n).rule == ScaleRule::fixed)
        for (int32_t i : real_results(patch_, n))
          pinned_[i] = fixed_type(scheme(n).op, options_.activations);
    for (const auto& [i, type] : findings_.trained)
      if (!patch_.constant(i) && type.scales.size() == 1 && type.type == options_.activations)
        pinned_.emplace(i, type);
  }

  // Types that are pinned hold for what a single operand is moved to or from.
  void spread_pins() {
    const std::vector<int32_t> order(result_.nodes.begin(), result_.nodes.end());
    const auto spread = [&](int32_t n, bool forward) {
      const std::vector<int32_t> operands = real_operands(patch_, n),
                                 results = real_results(patch_, n);
      if (scheme(n).rule != ScaleRule::same || operands.empty() || results.empty()) return;
      if (forward && operands.size() > 1) return;
      const auto& from = forward ? operands : results;
      const auto pin = pinned_.find(from[0]);
      if (pin == pinned_.end()) return;
      const QuantizedType type = pin->second;
      for (int32_t i : forward ? results : operands)
        if (!patch_.constant(i)) pinned_.emplace(i, type);
    };
    for (int32_t n : order) spread(n, true);
    for (auto n = order.rbegin(); n != order.rend(); ++n)
      if (findings_.trained.contains(first_result(*n)) || trained_behind(*n)) spread(*n, false);
  }

  // What is made for a mover alone is made in the type of the mover's result.
  void lend_pins() {
    for (int32_t n : result_.nodes) {
      const auto pin = pinned_.find(first_result(n));
      if (scheme(n).rule != ScaleRule::same || pin == pinned_.end()) continue;
      for (int32_t i : real_operands(patch_, n)) {
        const int32_t maker = patch_.producer(i);
        if (findings_.trained.contains(i) && patch_.single_use(i) &&
            result_.nodes.contains(maker) && scheme(maker).rule == ScaleRule::own)
          pinned_[i] = pin->second;
      }
    }
  }

  int32_t first_result(int32_t n) const {
    const std::vector<int32_t> results = real_results(patch_, n);
    return results.empty() ? kAbsent : results[0];
  }
  // Whether the type of n's result, and not what calibration saw, is to reach its operands.
  bool trained_behind(int32_t n) const {
    return findings_.seen.empty() && pinned_.contains(first_result(n));
  }

  // Joins tensors without a pin that a mover joins; returns each class's interval.
  std::map<int32_t, std::optional<Interval>> join(Classes& classes) const {
    std::map<int32_t, std::optional<Interval>> hulls;
    for (int32_t n : result_.nodes) {
      if (scheme(n).rule != ScaleRule::same) continue;
      int32_t first = kAbsent;
      for (int32_t i : members(n)) {
        if (pinned_.contains(i)) continue;
        if (first != kAbsent) classes.join(first, i);
        first = i;
      }
    }
    for (int32_t n : result_.nodes)
      for (int32_t i : members(n)) {
        if (pinned_.contains(i)) continue;
        if (patch_.constant(i) && scheme(n).rule != ScaleRule::same) continue;
        std::optional<Interval>& hull = hulls[classes.find(i)];
        if (patch_.constant(i))
          widen(hull, interval_of(patch_, i));
        else if (const auto seen = findings_.seen.find(i); seen != findings_.seen.end())
          widen(hull, seen->second);
      }
    for (int32_t n : result_.nodes) {
      if (!is_lstm(patch_, n) || pinned_.contains(first_result(n))) continue;
      // Results and the state that they are begun with have one type.
      const auto first = findings_.seen.find(patch_.node(n).inputs[kLstmOutputState]);
      if (first != findings_.seen.end()) widen(hulls[classes.find(first_result(n))], first->second);
    }
    for (int32_t n : result_.nodes) {
      if (scheme(n).rule != ScaleRule::same) continue;
      const std::vector<int32_t> list = members(n);
      const auto free =
          std::find_if(list.begin(), list.end(), [&](int32_t i) { return !pinned_.contains(i); });
      if (free == list.end()) continue;
      for (int32_t i : list)
        if (const auto pin = pinned_.find(i); pin != pinned_.end())
          widen(hulls[classes.find(*free)], interval_of(pin->second));
    }
    return hulls;
  }

  // The type in which a mover computes: that of its tensors without a pin, else its only operand's,
  // else its result's.
  void share(int32_t n, const std::vector<int32_t>& list, Classes& classes,
             std::map<int32_t, std::optional<Interval>>& hulls) {
    for (int32_t i : list) {
      if (pinned_.contains(i)) continue;
      if (const auto& hull = hulls[classes.find(i)]; hull)
        result_.shared[n] = activation_type(options_.activations, *hull);
      return;
    }
    const std::vector<int32_t> operands = real_operands(patch_, n);
    const int32_t from = operands.size() == 1 ? operands[0] : first_result(n);
    if (from != kAbsent) result_.shared[n] = pinned_.at(from);
  }

  // Takes out nodes with tensors of which nothing is known; whether there were any.
  bool drop_unknown() {
    std::vector<int32_t> unknown;
    for (int32_t n : result_.nodes) {
      const std::vector<int32_t> list = members(n);
      if (std::any_of(list.begin(), list.end(),
                      [&](int32_t i) { return !patch_.constant(i) && !result_.types.contains(i); }))
        unknown.push_back(n);
    }
    for (int32_t n : unknown) {
      result_.nodes.erase(n);
      leave(n, "nothing is known of its range");
    }
    return !unknown.empty();
  }

  const Patch& patch_;
  const TensorFindings& findings_;
  const IntegerOptions& options_;
  IntegerTypes result_;
  std::map<int32_t, QuantizedType> pinned_;
};

}  // namespace

std::vector<int32_t> real_operands(const Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  const Scheme* s = find_scheme(static_cast<Builtin>(node.builtin));
  std::vector<int32_t> list;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (k > 0 && is_lstm(patch, n)) break;
    if (s != nullptr && s->weights >= 0 &&
        (k == static_cast<size_t>(s->weights) || k == static_cast<size_t>(s->bias)))
      continue;
    if (is_real(patch, node.inputs[k])) list.push_back(node.inputs[k]);
  }
  return list;
}

std::vector<int32_t> real_results(const Patch& patch, int32_t n) {
  std::vector<int32_t> list;
  for (int32_t i : patch.node(n).outputs)
    if (is_real(patch, i)) list.push_back(i);
  return list;
}

bool reads_shapes(const Patch& patch, int32_t n) {
  return patch.is(n, Builtin::SHAPE) || patch.is(n, Builtin::RANK);
}

Interval interval_of(const Patch& patch, int32_t constant) {
  Interval interval;
  for (float v : patch.values<float>(constant)) {
    interval.min = std::min(interval.min, static_cast<double>(v));
    interval.max = std::max(interval.max, static_cast<double>(v));
  }
  return interval;
}

Interval interval_of(const QuantizedType& type) {
  const IntegerRange range = integer_range(type.type, type.type == Type::int16);
  const auto scale = static_cast<double>(type.scale());
  return {scale * static_cast<double>(range.least - type.zero_point()),
          scale * static_cast<double>(range.largest - type.zero_point())};
}

IntegerTypes choose_types(const Patch& patch, const TensorFindings& findings,
                          const IntegerOptions& options) {
  return Chooser(patch, findings, options).choose();
}

}  // namespace cygnet
