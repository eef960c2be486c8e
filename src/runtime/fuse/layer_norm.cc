// SPDX-License-Identifier: Apache-2.0
#include "runtime/fuse/layer_norm.h"

#include <algorithm>

#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

// What a chain is made of: tensors, and the nodes that go.
struct Chain {
  static constexpr int kMostNodes = 12;
  int32_t x = kAbsent, mean = kAbsent, gamma = kAbsent, beta = kAbsent, epsilon = kAbsent;
  int32_t axes = kAbsent;
  int32_t mean_node = -1;
  int32_t nodes[kMostNodes] = {};
  int count = 0;

  bool has(int32_t node) const { return std::find(nodes, nodes + count, node) != nodes + count; }
  void add(int32_t node) {
    if (!has(node) && count < kMostNodes) nodes[count++] = node;
  }
};

class Finder {
 public:
  explicit Finder(const Subgraph& graph) : graph_(graph) {}

  bool prepare() {
    const size_t n = graph_.tensors.size();
    if (!reserve_or_fail(maker_, n) || !reserve_or_fail(uses_, n)) return false;
    maker_.assign(n, -1);
    uses_.assign(n, 0);
    for (size_t k = 0; k < graph_.nodes.size(); ++k) {
      for (int32_t i : graph_.nodes[k].outputs) maker_[i] = static_cast<int32_t>(k);
      for (int32_t i : graph_.nodes[k].inputs)
        if (i != kAbsent) ++uses_[i];
    }
    for (int32_t i : graph_.outputs) uses_[i] = 1 << 20;
    return true;
  }

  // The chain that ends with node `last`; false where there is none.
  bool match(int32_t last, Chain* chain) const {
    if (graph_.nodes[last].outputs.size() != 1) return false;
    const int32_t y = graph_.nodes[last].outputs[0];
    for (const auto form :
         {&Finder::scaled_and_shifted, &Finder::centered_and_shifted, &Finder::centered}) {
      *chain = {};
      if ((this->*form)(y, chain) && is_closed(last, *chain)) return true;
    }
    return false;
  }

 private:
  using Matcher = bool (Finder::*)(int32_t, Chain*) const;

  bool is(int32_t node, Builtin op) const {
    return node >= 0 && graph_.nodes[node].builtin == static_cast<int32_t>(op);
  }

  // The node that makes tensor t, if it is `op`, without an activation, with f32 operands.
  const Node* made_by(int32_t t, Builtin op, Chain* chain) const {
    if (t == kAbsent || graph_.tensors[t].type != Type::float32 || !is(maker_[t], op))
      return nullptr;
    const Node& node = graph_.nodes[maker_[t]];
    if (node.outputs.size() != 1 || node.op == nullptr || has_activation(node, op)) return nullptr;
    for (int32_t i : node.inputs)
      if (i == kAbsent) return nullptr;
    chain->add(maker_[t]);
    return &node;
  }

  static bool has_activation(const Node& node, Builtin op) {
    constexpr auto kNone = schema::ActivationFunctionType::NONE;
    if (node.options == nullptr) return false;
    switch (op) {
      case Builtin::ADD:
        return static_cast<const schema::AddOptions*>(node.options)->fused_activation_function() !=
               kNone;
      case Builtin::SUB:
        return static_cast<const schema::SubOptions*>(node.options)->fused_activation_function() !=
               kNone;
      case Builtin::MUL:
        return static_cast<const schema::MulOptions*>(node.options)->fused_activation_function() !=
               kNone;
      case Builtin::DIV:
        return static_cast<const schema::DivOptions*>(node.options)->fused_activation_function() !=
               kNone;
      default:
        return false;
    }
  }

  // A constant, or one of half precision that is widened.
  bool is_constant(int32_t t) const {
    const GraphTensor& tensor = graph_.tensors[t];
    if (tensor.type != Type::float32) return false;
    if (tensor.constant) return tensor.sparsity == nullptr;
    if (!is(maker_[t], Builtin::DEQUANTIZE)) return false;
    const GraphTensor& half = graph_.tensors[graph_.nodes[maker_[t]].inputs[0]];
    return half.constant && half.type == Type::float16 && half.sparsity == nullptr;
  }

  // Whether t is a constant with an element for each of the last dimension of x.
  bool is_channel_vector(int32_t t, int32_t x) const {
    const Shape &shape = graph_.tensors[t].shape, &rows = graph_.tensors[x].shape;
    return is_constant(t) && shape.rank >= 1 && shape.rank <= rows.rank &&
           shape[shape.rank - 1] > 1 && shape[shape.rank - 1] == rows[rows.rank - 1] &&
           shape.elements(0, shape.rank - 1) == 1;
  }

  bool is_number(int32_t t, int32_t x) const {
    const Shape& shape = graph_.tensors[t].shape;
    return is_constant(t) && shape.rank <= graph_.tensors[x].shape.rank && shape.elements() == 1;
  }

  // The tensor that t is the mean of, over the last dimension, which stays; else kAbsent.
  int32_t mean_of(int32_t t, Chain* chain) const {
    const Node* node = made_by(t, Builtin::MEAN, chain);
    if (node == nullptr || node->inputs.size() != 2 || node->options == nullptr ||
        !static_cast<const schema::ReducerOptions*>(node->options)->keep_dims())
      return kAbsent;
    const GraphTensor &x = graph_.tensors[node->inputs[0]], &axes = graph_.tensors[node->inputs[1]];
    if (x.type != Type::float32 || !x.has_rank || x.shape.rank < 1 || !axes.constant ||
        axes.sparsity != nullptr || axes.type != Type::int32 || axes.shape.elements() != 1)
      return kAbsent;
    const int32_t axis = *axes.as<int32_t>();
    if (axis != -1 && axis != x.shape.rank - 1) return kAbsent;
    chain->axes = node->inputs[1];
    chain->mean_node = maker_[t];
    return node->inputs[0];
  }

  // t is x − mean(x).
  bool deviation(int32_t t, Chain* chain) const {
    const Node* node = made_by(t, Builtin::SUB, chain);
    return node != nullptr && takes_mean(node->inputs[0], node->inputs[1], chain);
  }

  bool takes_mean(int32_t x, int32_t mean, Chain* chain) const {
    if (mean_of(mean, chain) != x || (chain->x != kAbsent && chain->x != x)) return false;
    chain->x = x;
    chain->mean = mean;
    return true;
  }

  // t is the square of x − mean(x).
  bool squared_deviation(int32_t t, Chain* chain) const {
    if (const Node* node = made_by(t, Builtin::SQUARED_DIFFERENCE, chain))
      return takes_mean(node->inputs[0], node->inputs[1], chain) ||
             takes_mean(node->inputs[1], node->inputs[0], chain);
    if (const Node* node = made_by(t, Builtin::SQUARE, chain))
      return deviation(node->inputs[0], chain);
    const Node* node = made_by(t, Builtin::MUL, chain);
    return node != nullptr && node->inputs[0] == node->inputs[1] &&
           deviation(node->inputs[0], chain);
  }

  // t is `root`, RSQRT or SQRT, of variance + epsilon.
  bool root_of_variance(int32_t t, Builtin root, Chain* chain) const {
    const Node* node = made_by(t, root, chain);
    if (node == nullptr) return false;
    const Node* sum = made_by(node->inputs[0], Builtin::ADD, chain);
    if (sum == nullptr) return false;
    for (int k = 0; k < 2; ++k) {
      const Chain before = *chain;
      const int32_t squares = mean_of(sum->inputs[k], chain);
      if (squares != kAbsent && squared_deviation(squares, chain) &&
          is_number(sum->inputs[1 - k], chain->x)) {
        chain->epsilon = sum->inputs[1 - k];
        return true;
      }
      *chain = before;
    }
    return false;
  }

  // t is 1/√(variance + epsilon), times gamma or not.
  bool scale(int32_t t, Chain* chain) const {
    const Chain before = *chain;
    if (root_of_variance(t, Builtin::RSQRT, chain)) return true;
    *chain = before;
    return times_gamma(t, &Finder::plain_scale, chain);
  }
  bool plain_scale(int32_t t, Chain* chain) const {
    return root_of_variance(t, Builtin::RSQRT, chain);
  }

  // t is gamma · what `inner` matches.
  bool times_gamma(int32_t t, Matcher inner, Chain* chain) const {
    return with_vector(t, Builtin::MUL, inner, &Chain::gamma, chain);
  }

  bool with_vector(int32_t t, Builtin op, Matcher inner, int32_t Chain::*vector,
                   Chain* chain) const {
    const Node* node = made_by(t, op, chain);
    if (node == nullptr) return false;
    for (int k = 0; k < 2; ++k) {
      const Chain before = *chain;
      if ((this->*inner)(node->inputs[k], chain) &&
          is_channel_vector(node->inputs[1 - k], chain->x)) {
        chain->*vector = node->inputs[1 - k];
        return true;
      }
      *chain = before;
    }
    return false;
  }

  // t is factor · scale, in either order.
  bool is_product(int32_t t, int32_t factor, int32_t scale, Chain* chain) const {
    const Node* node = made_by(t, Builtin::MUL, chain);
    return node != nullptr && ((node->inputs[0] == factor && node->inputs[1] == scale) ||
                               (node->inputs[1] == factor && node->inputs[0] == scale));
  }

  // t is −mean · scale.
  bool is_negative_offset(int32_t t, int32_t scale, Chain* chain) const {
    const Node* node = made_by(t, Builtin::MUL, chain);
    if (node == nullptr) return false;
    for (int k = 0; k < 2; ++k) {
      if (node->inputs[1 - k] != scale) continue;
      const Node* negative = made_by(node->inputs[k], Builtin::NEG, chain);
      if (negative != nullptr && negative->inputs[0] == chain->mean) return true;
    }
    return false;
  }

  // t is beta − mean·scale.
  bool is_shift(int32_t t, int32_t scale, Chain* chain) const {
    const Chain before = *chain;
    if (const Node* node = made_by(t, Builtin::SUB, chain)) {
      chain->beta = node->inputs[0];
      if (is_channel_vector(node->inputs[0], chain->x) &&
          is_product(node->inputs[1], chain->mean, scale, chain))
        return true;
    }
    *chain = before;
    if (const Node* node = made_by(t, Builtin::ADD, chain))
      for (int k = 0; k < 2; ++k)
        if (is_channel_vector(node->inputs[k], chain->x) &&
            is_negative_offset(node->inputs[1 - k], scale, chain)) {
          chain->beta = node->inputs[k];
          return true;
        }
    *chain = before;
    return is_negative_offset(t, scale, chain);
  }

  // y is x·scale + (beta − mean·scale), or x·scale − mean·scale.
  bool scaled_and_shifted(int32_t y, Chain* chain) const {
    const Chain start = *chain;
    for (const Builtin op : {Builtin::ADD, Builtin::SUB}) {
      for (int k = 0; k < (op == Builtin::ADD ? 2 : 1); ++k) {
        *chain = start;
        const Node* node = made_by(y, op, chain);
        if (node == nullptr) break;
        const Node* product = made_by(node->inputs[k], Builtin::MUL, chain);
        if (product == nullptr) continue;
        for (int side = 0; side < 2; ++side) {
          const Chain before = *chain;
          const int32_t factor = product->inputs[side], multiplier = product->inputs[1 - side];
          if (scale(multiplier, chain) && chain->x == factor &&
              (op == Builtin::ADD ? is_shift(node->inputs[1 - k], multiplier, chain)
                                  : is_product(node->inputs[1], chain->mean, multiplier, chain)))
            return true;
          *chain = before;
        }
      }
    }
    return false;
  }

  // t is (x − mean)/√(variance + epsilon), as a quotient or a product; times gamma in the product.
  bool normalized(int32_t t, Chain* chain) const {
    const Chain before = *chain;
    if (const Node* node = made_by(t, Builtin::DIV, chain))
      return deviation(node->inputs[0], chain) &&
             root_of_variance(node->inputs[1], Builtin::SQRT, chain);
    const Node* node = made_by(t, Builtin::MUL, chain);
    if (node == nullptr) return false;
    for (int k = 0; k < 2; ++k) {
      if (deviation(node->inputs[k], chain) && scale(node->inputs[1 - k], chain)) return true;
      *chain = before;
      chain->add(maker_[t]);
    }
    return false;
  }

  // y is normalized(x), times gamma or not.
  bool centered(int32_t y, Chain* chain) const {
    const Chain before = *chain;
    if (normalized(y, chain)) return true;
    *chain = before;
    return times_gamma(y, &Finder::normalized_once, chain);
  }
  bool normalized_once(int32_t t, Chain* chain) const {
    return normalized(t, chain) && chain->gamma == kAbsent;
  }

  // y is that plus beta.
  bool centered_and_shifted(int32_t y, Chain* chain) const {
    return with_vector(y, Builtin::ADD, &Finder::centered, &Chain::beta, chain);
  }

  // Whether only the chain reads what the chain makes, its last result left out.
  bool is_closed(int32_t last, const Chain& chain) const {
    if (chain.count == Chain::kMostNodes || graph_.tensors[chain.x].type != Type::float32)
      return false;
    for (int k = 0; k < chain.count; ++k) {
      if (chain.nodes[k] == last) continue;
      const int32_t t = graph_.nodes[chain.nodes[k]].outputs[0];
      int32_t inside = 0;
      for (int j = 0; j < chain.count; ++j) {
        const auto& inputs = graph_.nodes[chain.nodes[j]].inputs;
        inside += static_cast<int32_t>(std::count(inputs.begin(), inputs.end(), t));
      }
      if (inside != uses_[t]) return false;
    }
    return true;
  }

  const Subgraph& graph_;
  Vector<int32_t> maker_;  // by tensor: the node that makes it, or −1
  Vector<int32_t> uses_;   // by tensor: how often nodes take it; many for a result of the graph
};

constexpr int kOperands = 5;

// Replaces the chain that ends with node `last`.
void replace(const Chain& chain, int32_t last, Plan* plan) {
  Vector<Node>& nodes = plan->rewritten.nodes;
  const size_t first = plan->fused_operands.size();
  for (int32_t i : {chain.x, chain.axes, chain.gamma, chain.beta, chain.epsilon})
    plan->fused_operands.push_back(i);
  const std::span<const int32_t> outputs = nodes[last].outputs;
  const Node mean = nodes[chain.mean_node];
  for (int k = 0; k < chain.count; ++k) {
    Node& gone = nodes[chain.nodes[k]];
    gone.builtin = kFusedAway;
    gone.inputs = gone.outputs = {};
  }
  nodes[last] = mean;
  nodes[last].name = "LAYER_NORM";
  nodes[last].inputs = {plan->fused_operands.data() + first, kOperands};
  nodes[last].outputs = outputs;
}

}  // namespace

Status fuse_layer_norms(const Subgraph& graph, Plan* plan) {
  const auto is_root = [](const Node& node) {
    return node.builtin == static_cast<int32_t>(Builtin::RSQRT) ||
           node.builtin == static_cast<int32_t>(Builtin::SQRT);
  };
  // Each chain has a root of its own.
  const auto most = std::count_if(graph.nodes.begin(), graph.nodes.end(), is_root);
  if (most == 0) return {};
  Finder finder(graph);
  Vector<bool> gone;
  if (!finder.prepare() || !reserve_or_fail(gone, graph.nodes.size()) ||
      !reserve_or_fail(plan->fused_operands, static_cast<size_t>(most) * kOperands))
    return out_of_memory("plan", graph.nodes.size());
  gone.assign(graph.nodes.size(), false);
  // From the back, so that of two chains that end in one another the longer is found first.
  for (auto last = static_cast<int32_t>(graph.nodes.size()) - 1; last >= 0; --last) {
    Chain chain;
    if (gone[last] || !finder.match(last, &chain)) continue;
    if (plan->rewritten.nodes.empty()) plan->rewritten = graph;
    replace(chain, last, plan);
    for (int k = 0; k < chain.count; ++k) gone[chain.nodes[k]] = true;
  }
  return base::ran_short() ? out_of_memory("plan", 0) : Status();
}

}  // namespace cygnet
