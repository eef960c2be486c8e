// SPDX-License-Identifier: Apache-2.0
#include "quantize/align.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "quantize/fused_chains.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using schema::BuiltinOperator;

/// A name in more tensors than this says nothing.
constexpr size_t kMostSharers = 8;
/// Entries of the table in which the longest common sequence is sought; above it is guessed.
constexpr size_t kMostEntries = size_t{1} << 25;

/// A tensor that may be a layer's result.
struct Candidate {
  int32_t node = 0, tensor = 0;
  std::vector<std::string> names;  ///< whole names: its own, then those of its conversions
  std::set<std::string> parts;     ///< the joined names of its own name
  int match = -1;                  ///< index of the other side's candidate
  bool by_name = true;
};

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() > end.size() && text.ends_with(end);
}

/// Without what converters append to a name when they change its tensor's type.
std::string plain_name(std::string_view name) {
  constexpr std::array<std::string_view, 8> kEndings = {
      "_int8", "_uint8", "_int16", "_quantized", "_dequantized", "_dequantize", "_quantize", ":0"};
  std::string plain(name);
  for (bool changed = true; changed;) {
    changed = false;
    for (const std::string_view ending : kEndings) {
      if (!ends_with(plain, ending)) continue;
      plain.resize(plain.size() - ending.size());
      changed = true;
    }
  }
  return plain;
}

std::set<std::string> split_name(std::string_view name) {
  std::set<std::string> parts;
  for (size_t from = 0; from <= name.size();) {
    const size_t to = std::min(name.find(';', from), name.size());
    if (to > from) parts.insert(plain_name(name.substr(from, to - from)));
    from = to + 1;
  }
  return parts;
}

/// One side of an alignment.
class Side {
 public:
  explicit Side(const Subgraph& graph) : graph_(graph) {
    from_constants_.resize(graph.tensors.size());
    for (size_t i = 0; i < graph.tensors.size(); ++i)
      from_constants_[i] = graph.tensors[i].constant;
    for (size_t n = 0; n < graph.nodes.size(); ++n) add_node(static_cast<int32_t>(n));
    for (auto n = static_cast<int32_t>(graph.nodes.size()) - 1; n >= 0; --n) lend_name(n);
  }

  std::vector<Candidate>& candidates() { return candidates_; }
  const GraphTensor& tensor(const Candidate& c) const {
    return graph_.tensors[static_cast<size_t>(c.tensor)];
  }
  const Node& node(const Candidate& c) const { return graph_.nodes[static_cast<size_t>(c.node)]; }

  /// Which of its node's results it is.
  std::ptrdiff_t place(const Candidate& c) const {
    const std::span<const int32_t> list = node(c).outputs;
    return std::find(list.begin(), list.end(), c.tensor) - list.begin();
  }

  /// What two layers must have in common that have no name in common.
  using Signature = std::tuple<std::string, int, int, std::vector<int32_t>, std::vector<int32_t>>;
  Signature signature(const Candidate& c) const {
    const Node& n = node(c);
    const Shape& shape = tensor(c).shape;
    std::vector<int32_t> result(shape.begin(), shape.end()), weights;
    if (!result.empty()) result[0] = 0;  // the batch
    for (const int32_t i : n.inputs) {
      if (i == kAbsent || !from_constants_[static_cast<size_t>(i)]) continue;
      const Shape& s = graph_.tensors[static_cast<size_t>(i)].shape;
      if (s.rank >= 2) weights.insert(weights.end(), s.begin(), s.end());
    }
    return {std::string(n.name), static_cast<int>(place(c)), fused_activation(n), result, weights};
  }

 private:
  void add_node(int32_t n) {
    const Node& node = graph_.nodes[static_cast<size_t>(n)];
    bool constant = !node.inputs.empty() && node.op != nullptr && node.op->pure;
    for (const int32_t i : node.inputs)
      if (i != kAbsent && !from_constants_[static_cast<size_t>(i)]) constant = false;
    for (const int32_t i : node.outputs) {
      if (i == kAbsent) continue;
      from_constants_[static_cast<size_t>(i)] = constant;
      const GraphTensor& t = graph_.tensors[static_cast<size_t>(i)];
      if (constant || t.variable || is_conversion(node) || !is_real(t)) continue;
      by_tensor_[i] = candidates_.size();
      candidates_.push_back({n, i, {std::string(t.name)}, split_name(t.name)});
    }
  }

  /// The name of a conversion's result is one of its operand's too.
  void lend_name(int32_t n) {
    const Node& node = graph_.nodes[static_cast<size_t>(n)];
    if (!is_conversion(node) || node.inputs.empty() || node.outputs.empty()) return;
    std::vector<std::string>& names = lent_[node.inputs[0]];
    names.emplace_back(graph_.tensors[static_cast<size_t>(node.outputs[0])].name);
    const std::vector<std::string>& more = lent_[node.outputs[0]];
    names.insert(names.end(), more.begin(), more.end());
    const auto found = by_tensor_.find(node.inputs[0]);
    if (found == by_tensor_.end()) return;
    std::vector<std::string>& own = candidates_[found->second].names;
    own.resize(1);
    own.insert(own.end(), names.begin(), names.end());
  }

  const Subgraph& graph_;
  std::vector<char> from_constants_;
  std::vector<Candidate> candidates_;
  std::unordered_map<int32_t, size_t> by_tensor_;
  std::map<int32_t, std::vector<std::string>> lent_;
};

/// Finds the matches, one rule after the other.
class Aligner {
 public:
  Aligner(const Subgraph& a, const Subgraph& b) : side_a_(a), side_b_(b) {}

  Alignment run() {
    match_by([](const Candidate& c) { return std::vector<std::string>{c.names[0]}; });
    match_by([](const Candidate& c) { return std::vector<std::string>{plain_name(c.names[0])}; });
    match_by([](const Candidate& c) {
      std::vector<std::string> names;
      for (const std::string& name : c.names) names.push_back(plain_name(name));
      return names;
    });
    match_parts();
    match_between();
    return result();
  }

 private:
  std::vector<Candidate>& a() { return side_a_.candidates(); }
  std::vector<Candidate>& b() { return side_b_.candidates(); }

  /// Equal but for the batch, or not known.
  bool fits(const Candidate& x, const Candidate& y) const {
    // Of several results the names may be shuffled, the order is not.
    if (side_a_.node(x).outputs.size() == side_b_.node(y).outputs.size() &&
        side_a_.place(x) != side_b_.place(y))
      return false;
    const GraphTensor &s = side_a_.tensor(x), &t = side_b_.tensor(y);
    if (!s.has_rank || !t.has_rank) return true;
    if (s.shape.rank != t.shape.rank) return false;
    for (int d = 1; d < s.shape.rank; ++d)
      if (s.shape[d] != t.shape[d] && s.shape[d] > 0 && t.shape[d] > 0 && !is_free(s, d) &&
          !is_free(t, d))
        return false;
    return true;
  }
  static bool is_free(const GraphTensor& t, int d) {
    return t.has_signature && d < t.signature.rank && t.signature[d] < 0;
  }

  void pair(int x, int y, bool by_name) {
    a()[static_cast<size_t>(x)].match = y;
    b()[static_cast<size_t>(y)].match = x;
    b()[static_cast<size_t>(y)].by_name = by_name;
  }

  /// Pairs candidates with a key that each side has once.
  template <class Keys>
  void match_by(Keys keys_of) {
    using Holders = std::map<std::string, std::vector<int>>;
    const auto holders = [&](std::vector<Candidate>& list) {
      Holders map;
      for (size_t i = 0; i < list.size(); ++i) {
        if (list[i].match >= 0) continue;
        for (const std::string& key : keys_of(list[i])) {
          std::vector<int>& of_key = map[key];
          if (of_key.empty() || of_key.back() != static_cast<int>(i))
            of_key.push_back(static_cast<int>(i));
        }
      }
      return map;
    };
    const Holders in_a = holders(a()), in_b = holders(b());
    for (const auto& [key, x] : in_a) {
      const auto found = in_b.find(key);
      if (key.empty() || found == in_b.end() || x.size() != 1 || found->second.size() != 1)
        continue;
      const int y = found->second[0];
      Candidate &one = a()[static_cast<size_t>(x[0])], &other = b()[static_cast<size_t>(y)];
      if (one.match < 0 && other.match < 0 && fits(one, other)) pair(x[0], y, true);
    }
  }

  /// For each of `list` the one of `others` with which it shares most of the joined names; of
  /// equally good ones the last, as it has all the operators that were fused.
  std::vector<int> best_sharers(const std::vector<Candidate>& list,
                                const std::vector<Candidate>& others, bool list_is_a) const {
    std::unordered_map<std::string, std::vector<int>> holders;
    for (size_t i = 0; i < others.size(); ++i)
      if (others[i].match < 0)
        for (const std::string& part : others[i].parts)
          holders[part].push_back(static_cast<int>(i));
    std::vector<int> best(list.size(), -1);
    for (size_t i = 0; i < list.size(); ++i) {
      if (list[i].match >= 0) continue;
      std::map<int, int> shared;
      for (const std::string& part : list[i].parts) {
        const auto found = holders.find(part);
        if (found == holders.end() || found->second.size() > kMostSharers) continue;
        for (const int other : found->second) ++shared[other];
      }
      double most = 0;
      for (const auto& [other, count] : shared) {
        const Candidate& c = others[static_cast<size_t>(other)];
        if (list_is_a ? !fits(list[i], c) : !fits(c, list[i])) continue;
        const double share = static_cast<double>(count) /
                             static_cast<double>(std::min(list[i].parts.size(), c.parts.size()));
        if (share > 0.5 && share >= most) {
          most = share;
          best[i] = other;
        }
      }
    }
    return best;
  }

  void match_parts() {
    const std::vector<int> of_a = best_sharers(a(), b(), true),
                           of_b = best_sharers(b(), a(), false);
    for (size_t x = 0; x < of_a.size(); ++x)
      if (of_a[x] >= 0 && of_b[static_cast<size_t>(of_a[x])] == static_cast<int>(x))
        pair(static_cast<int>(x), of_a[x], true);
  }

  /// The longest chain of matches that ascends on both sides, as pairs.
  std::vector<std::pair<int, int>> anchors() {
    std::vector<int> tails, before(a().size(), -1);  // tails[k]: the end of the best chain of k + 1
    const auto b_of = [&](int x) { return a()[static_cast<size_t>(x)].match; };
    for (size_t x = 0; x < a().size(); ++x) {
      if (a()[x].match < 0) continue;
      const auto at = std::lower_bound(tails.begin(), tails.end(), a()[x].match,
                                       [&](int tail, int value) { return b_of(tail) < value; });
      if (at != tails.begin()) before[x] = *(at - 1);
      if (at == tails.end())
        tails.push_back(static_cast<int>(x));
      else
        *at = static_cast<int>(x);
    }
    std::vector<std::pair<int, int>> chain;
    for (int x = tails.empty() ? -1 : tails.back(); x >= 0; x = before[static_cast<size_t>(x)])
      chain.emplace_back(x, b_of(x));
    std::reverse(chain.begin(), chain.end());
    return chain;
  }

  void match_between() {
    std::pair<int, int> from = {-1, -1};
    std::vector<std::pair<int, int>> ends = anchors();
    ends.emplace_back(static_cast<int>(a().size()), static_cast<int>(b().size()));
    for (const auto& to : ends) {
      match_gap(free_between(a(), from.first, to.first), free_between(b(), from.second, to.second));
      from = to;
    }
  }

  static std::vector<int> free_between(const std::vector<Candidate>& list, int from, int to) {
    std::vector<int> free;
    for (int i = from + 1; i < to; ++i)
      if (list[static_cast<size_t>(i)].match < 0) free.push_back(i);
    return free;
  }

  void match_gap(const std::vector<int>& xs, const std::vector<int>& ys) {
    if (xs.empty() || ys.empty()) return;
    std::map<Side::Signature, int> numbers;
    const auto number_all = [&](Side& side, const std::vector<int>& list) {
      std::vector<int> result;
      for (const int i : list)
        result.push_back(numbers
                             .emplace(side.signature(side.candidates()[static_cast<size_t>(i)]),
                                      static_cast<int>(numbers.size()))
                             .first->second);
      return result;
    };
    const std::vector<int> p = number_all(side_a_, xs), q = number_all(side_b_, ys);
    for (const auto& [i, j] : common_sequence(p, q)) pair(xs[i], ys[j], false);
  }

  static std::vector<std::pair<size_t, size_t>> common_sequence(const std::vector<int>& p,
                                                                const std::vector<int>& q) {
    std::vector<std::pair<size_t, size_t>> pairs;
    size_t i = 0, j = 0;
    if (p.size() * q.size() > kMostEntries) {  // the next equal one each
      for (; i < p.size(); ++i) {
        const auto next = std::find(q.begin() + static_cast<std::ptrdiff_t>(j), q.end(), p[i]);
        if (next == q.end()) continue;
        pairs.emplace_back(i, static_cast<size_t>(next - q.begin()));
        j = pairs.back().second + 1;
      }
      return pairs;
    }
    const size_t width = q.size() + 1;
    std::vector<uint32_t> length((p.size() + 1) * width);
    for (size_t r = p.size(); r-- > 0;)
      for (size_t c = q.size(); c-- > 0;)
        length[r * width + c] =
            p[r] == q[c] ? length[(r + 1) * width + c + 1] + 1
                         : std::max(length[(r + 1) * width + c], length[r * width + c + 1]);
    while (i < p.size() && j < q.size()) {
      if (p[i] == q[j])
        pairs.emplace_back(i++, j++);
      else if (length[(i + 1) * width + j] >= length[i * width + j + 1])
        ++i;
      else
        ++j;
    }
    return pairs;
  }

  Alignment result() {
    Alignment alignment;
    for (const Candidate& x : a()) {
      if (x.match < 0) continue;
      const Candidate& y = b()[static_cast<size_t>(x.match)];
      alignment.layers.push_back({x.node, y.node, x.tensor, y.tensor, x.names[0],
                                  std::string(side_a_.node(x).name),
                                  std::string(side_b_.node(y).name), y.by_name});
    }
    const auto matched = static_cast<int>(alignment.layers.size());
    alignment.only_a = static_cast<int>(a().size()) - matched;
    alignment.only_b = static_cast<int>(b().size()) - matched;
    return alignment;
  }

  Side side_a_, side_b_;
};

}  // namespace

bool is_conversion(const Node& node) {
  return node.builtin == static_cast<int32_t>(BuiltinOperator::QUANTIZE) ||
         node.builtin == static_cast<int32_t>(BuiltinOperator::DEQUANTIZE);
}

bool is_real(const Tensor& tensor) {
  switch (tensor.type) {
    case Type::float32:
    case Type::float16:
      return true;
    case Type::int8:
    case Type::uint8:
    case Type::int16:
      return tensor.quantization.count > 0;
    default:
      return false;
  }
}

Alignment align(const Graph& a, const Graph& b) {
  Alignment alignment = Aligner(a.subgraphs[0], b.subgraphs[0]).run();
  follow_fusions(a.subgraphs[0], b.subgraphs[0], &alignment.layers);
  return alignment;
}

std::vector<int> layers_of_nodes(const Subgraph& graph, const std::vector<int32_t>& tensors) {
  std::vector<int> of_tensor(graph.tensors.size(), -1), maker(graph.tensors.size(), -1);
  for (size_t i = 0; i < tensors.size(); ++i)
    of_tensor[static_cast<size_t>(tensors[i])] = static_cast<int>(i);
  const std::vector<int> made = of_tensor;
  std::vector<int> of_node(graph.nodes.size(), -1);
  // Backwards: a tensor that is no layer's belongs to the first layer that reads it.
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    int& layer = of_node[n];
    for (const int32_t i : node.outputs) {
      const int own = i == kAbsent ? -1 : made[static_cast<size_t>(i)];
      if (own >= 0 && layer < 0) layer = own;
    }
    for (const int32_t i : node.outputs)
      if (i != kAbsent && layer < 0) layer = of_tensor[static_cast<size_t>(i)];
    if (layer < 0) continue;
    for (const int32_t i : node.inputs)
      if (i != kAbsent && made[static_cast<size_t>(i)] < 0)
        of_tensor[static_cast<size_t>(i)] = layer;
  }
  // Forwards: what no layer reads belongs to the layer that it reads.
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    int& layer = of_node[n];
    if (layer < 0)
      for (const int32_t i : graph.nodes[n].inputs)
        if (i != kAbsent)
          layer = std::max({layer, made[static_cast<size_t>(i)], maker[static_cast<size_t>(i)]});
    for (const int32_t i : graph.nodes[n].outputs)
      if (i != kAbsent) maker[static_cast<size_t>(i)] = layer;
  }
  return of_node;
}

}  // namespace cygnet
