// SPDX-License-Identifier: Apache-2.0
// Attention: softmax(q · kᵀ) · v.
#include <cmath>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

constexpr float kMasked = -1e9f;

struct Operands {
  int32_t query, value, key;
};

// Keras's order is query, value, key; the key defaults to the value.
Operands operands(Layer& l) {
  Tensors list = l.inputs;
  for (const char* name : {"query", "value", "key"})
    if (l.keyword(name) != kAbsent) list.push_back(l.keyword(name));
  l.refuse_if(list.size() < 2 || list.size() > 3, "expected query, value and, if need be, key");
  for (const char* name : {"query_mask", "value_mask", "key_mask", "mask"})
    l.refuse_if(l.keyword(name) != kAbsent, text(name, " is not supported"));
  for (int32_t x : list) l.expect_rank(x, 3);
  return {list[0], list[1], list.size() > 2 ? list[2] : list[1]};
}

bool asks(const Layer& l, const char* key) {
  const auto found = l.call.keywords.find(key);
  return found != l.call.keywords.end() && found->second.literal.is_flag() &&
         found->second.literal.flag();
}

// scores [..., T, S] with what a query must not see far below all else.
int32_t causal(Layer& l, int32_t scores) {
  if (!asks(l, "use_causal_mask")) return scores;
  const int32_t t = l.dim(scores, -2), s = l.dim(scores, -1);
  l.refuse_if(int64_t{t} * s > (1 << 26), "the mask would be too large");
  std::vector<float> mask(static_cast<size_t>(t) * static_cast<size_t>(s), 0);
  for (int32_t i = 0; i < t; ++i)
    for (int32_t j = i + 1; j < s; ++j)
      mask[static_cast<size_t>(i) * static_cast<size_t>(s) + static_cast<size_t>(j)] = kMasked;
  return l.plus(scores, l.constant({t, s}, mask));
}

// x [N, T, C] projected to [N, heads, T, depth].
int32_t heads_of(Layer& l, int32_t x, const char* name, int32_t heads, int32_t depth) {
  const Weights mine = l.weights;
  l.weights = mine.child(name, text(name, "_dense"));
  const int32_t c = l.dim(x, 2), width = heads * depth;
  const int32_t kernel = l.weight_as("kernel", {c, heads, depth}, {width, c}, {1, 2, 0});
  const int32_t bias = l.config.flag("use_bias", true)
                           ? l.weight_as("bias", {heads, depth}, {width})
                           : kAbsent;
  l.weights = mine;
  const int32_t y = l.dense(x, kernel, bias);
  return l.transpose(l.reshape(y, {kRest, l.dim(x, 1), heads, depth}), {0, 2, 1, 3});
}

int32_t project_back(Layer& l, int32_t x, int32_t heads, int32_t depth) {
  const Weights mine = l.weights;
  l.weights = mine.child("attention_output", "output_dense");
  Weights ahead = l.weights;
  const std::vector<int32_t> dims = l.weights.array(ahead.next("kernel")).dims;
  l.refuse_if(dims.size() != 3, "an output of several dimensions is not supported");
  const int32_t kernel =
      l.weight_as("kernel", {heads, depth, dims[2]}, {dims[2], heads * depth}, {2, 0, 1});
  const int32_t bias =
      l.config.flag("use_bias", true) ? l.weight("bias", {dims[2]}) : kAbsent;
  l.weights = mine;
  return l.dense(x, kernel, bias);
}

}  // namespace

// Vaswani et al. 2017. The query is scaled by 1/√depth.
Tensors emit_multi_head_attention(Layer& l) {
  const Operands in = operands(l);
  const int32_t heads = l.config.integer("num_heads", 0), depth = l.config.integer("key_dim", 0);
  const int32_t width = l.config.integer("value_dim", depth);
  l.refuse_if(heads < 1 || depth < 1 || width < 1 || int64_t{heads} * std::max(depth, width) > (1 << 24),
              "num_heads or key_dim is out of range");
  l.refuse_if(asks(l, "return_attention_scores"), "return_attention_scores is not supported");
  l.refuse_if(l.config.flag("use_gate", false), "use_gate is not supported");
  const Config axes = l.config.at("attention_axes");
  l.refuse_if(!axes.null() && axes.integers() != std::vector<int32_t>{1},
              "attention over other axes than 1 is not supported");
  const int32_t q = heads_of(l, in.query, "query", heads, depth);
  const int32_t k = heads_of(l, in.key, "key", heads, depth);
  const int32_t v = heads_of(l, in.value, "value", heads, width);
  const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
  int32_t scores = causal(l, l.matmul(l.times(q, scale), k, false, true));
  const int32_t mask = l.keyword("attention_mask");
  if (mask != kAbsent) {
    l.expect_rank(mask, 3);
    const int32_t hidden = l.minus(l.e.scalar(1.0f), l.to_float(mask));
    std::vector<int32_t> dims = l.dims_of(mask);
    dims.insert(dims.begin() + 1, 1);
    scores = l.plus(scores, l.reshape(l.times(hidden, kMasked), dims));
  }
  const int32_t mixed = l.matmul(l.softmax(scores, 3), v, false, false);
  const int32_t y = l.reshape(l.transpose(mixed, {0, 2, 1, 3}),
                              {kRest, l.dim(in.query, 1), heads * width});
  return {project_back(l, y, heads, width)};
}

// Luong et al. 2015: dot products, with a learnt factor where use_scale.
Tensors emit_attention(Layer& l) {
  const Operands in = operands(l);
  l.refuse_if(l.config.text("score_mode", "dot") != "dot", "only the score mode \"dot\" is supported");
  int32_t scores = l.matmul(in.query, in.key, false, true);
  if (l.config.flag("use_scale", false)) scores = l.times(scores, l.weight("scale", {}));
  return {l.matmul(l.softmax(causal(l, scores), 2), in.value, false, false)};
}

// Bahdanau et al. 2015: scores are sums of scale·tanh(q + k).
Tensors emit_additive_attention(Layer& l) {
  const Operands in = operands(l);
  const int32_t c = l.dim(in.query, 2);
  const int32_t q = l.reshape(in.query, {kRest, l.dim(in.query, 1), 1, c});
  const int32_t k = l.reshape(in.key, {kRest, 1, l.dim(in.key, 1), c});
  int32_t both = l.add(Builtin::TANH, {l.plus(q, k)});
  if (l.config.flag("use_scale", true)) both = l.times(both, l.weight("scale", {c}));
  const int32_t scores = l.reduce(Builtin::SUM, both, {3}, false);
  return {l.matmul(l.softmax(causal(l, scores), 2), in.value, false, false)};
}

}  // namespace cygnet::keras
