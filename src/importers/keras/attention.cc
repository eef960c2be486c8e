// SPDX-License-Identifier: Apache-2.0
// Attention: softmax(q · kᵀ) · v.
#include <algorithm>
#include <cmath>
#include <cstdlib>

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

// Which keys a query may look at.
struct Sight {
  bool causal = false;  ///< none behind the query's own step
  int32_t window = 0;   ///< only those closer than this; 0: any
};

// What to add to scores [..., T, S]: far below all else where a query must not look. kAbsent:
// nothing.
int32_t blindness(Layer& l, int32_t scores, const Sight& sight) {
  if (!sight.causal && sight.window == 0) return kAbsent;
  const int32_t t = l.dim(scores, -2), s = l.dim(scores, -1);
  l.refuse_if(int64_t{t} * s > (1 << 26), "the mask would be too large");
  std::vector<float> mask;
  mask.reserve(static_cast<size_t>(t) * static_cast<size_t>(s));
  for (int32_t i = 0; i < t; ++i)
    for (int32_t j = 0; j < s; ++j) {
      const bool seen =
          (!sight.causal || j <= i) && (sight.window == 0 || std::abs(i - j) < sight.window);
      mask.push_back(seen ? 0 : kMasked);
    }
  return l.constant({t, s}, mask);
}

// As blindness, for a mask [B, T, S] or [B, heads, T, S] of flags or of numbers that are 0 where
// nothing is seen.
int32_t hidden(Layer& l, int32_t mask) {
  if (mask == kAbsent) return kAbsent;
  l.refuse_if(l.rank(mask) != 3 && l.rank(mask) != 4,
              text("expected a mask of rank 3 or 4, got ", l.rank(mask)));
  const int32_t seen = l.to_float(l.cast(mask, Type::boolean));
  const int32_t y = l.times(l.minus(l.e.scalar(1.0f), seen), kMasked);
  if (l.rank(mask) == 4) return y;
  std::vector<int32_t> dims = l.dims_of(mask);
  dims.insert(dims.begin() + 1, 1);
  return l.reshape(y, dims);
}

// A query that sees nothing looks at everything alike, for whatever reasons it sees nothing.
int32_t hide(Layer& l, int32_t scores, const Sight& sight, int32_t mask) {
  const int32_t a = blindness(l, scores, sight), b = hidden(l, mask);
  if (a == kAbsent && b == kAbsent) return scores;
  if (a == kAbsent || b == kAbsent) return l.plus(scores, a == kAbsent ? b : a);
  return l.plus(scores, l.add(Builtin::MINIMUM, {b, a}, schema::MaximumMinimumOptionsT()));
}

// One projection of an attention layer: its name, and its attribute without the leading "_".
struct Projection {
  const char* name;
  const char* attribute;
};

// x [N, T, C] projected to [N, heads, T, depth].
int32_t heads_of(Layer& l, int32_t x, const Projection& which, int32_t heads, int32_t depth) {
  const Weights mine = l.weights;
  l.weights = mine.child(which.name, which.attribute);
  const int32_t c = l.dim(x, 2), width = heads * depth;
  const int32_t kernel = l.weight_as("kernel", {c, heads, depth}, {width, c}, {1, 2, 0});
  const int32_t bias =
      l.config.flag("use_bias", true) ? l.weight_as("bias", {heads, depth}, {width}) : kAbsent;
  l.weights = mine;
  const int32_t y = l.dense(x, kernel, bias);
  return l.transpose(l.reshape(y, {kRest, l.dim(x, 1), heads, depth}), {0, 2, 1, 3});
}

// x [N, T, heads·depth] → [N, T, ...]
int32_t project_back(Layer& l, int32_t x, int32_t heads, int32_t depth) {
  const Weights mine = l.weights;
  l.weights = mine.child("attention_output", "output_dense");
  Weights ahead = l.weights;
  const std::vector<int32_t> dims = l.weights.array(ahead.next("kernel")).dims;
  l.refuse_if(dims.size() < 3, "the output's kernel has too few dimensions");
  const std::vector<int32_t> own(dims.begin() + 2, dims.end());
  int64_t width = 1;
  std::vector<int32_t> wanted = {heads, depth}, order, shape = {kRest, l.dim(x, 1)};
  for (size_t i = 0; i < own.size(); ++i) {
    width *= own[i];
    wanted.push_back(own[i]);
    order.push_back(static_cast<int32_t>(i) + 2);
    shape.push_back(own[i]);
  }
  l.refuse_if(width < 1 || width > (1 << 24), "the output's kernel is too large");
  order.insert(order.end(), {0, 1});
  const int32_t n = static_cast<int32_t>(width);
  const int32_t kernel = l.weight_as("kernel", wanted, {n, heads * depth}, order);
  const int32_t bias = l.config.flag("use_bias", true) ? l.weight_as("bias", own, {n}) : kAbsent;
  l.weights = mine;
  const int32_t y = l.dense(x, kernel, bias);
  return own.size() == 1 ? y : l.reshape(y, shape);
}

struct Heads {
  int32_t query, pairs;  ///< heads of the queries, of keys and values
  int32_t depth, width;  ///< of each key, each value
};

// heads of keys or values [N, pairs, S, depth] repeated for all queries'.
int32_t repeated(Layer& l, int32_t x, const Heads& h) {
  if (h.query == h.pairs) return x;
  const int32_t s = l.dim(x, 2), depth = l.dim(x, 3), times = h.query / h.pairs;
  const int32_t rows = l.reshape(x, {kRest, h.pairs, 1, s * depth});
  const int32_t copies =
      l.add(Builtin::TILE, {rows, l.e.list({1, 1, times, 1})}, schema::TileOptionsT());
  return l.reshape(copies, {kRest, h.query, s, depth});
}

Tensors attend(Layer& l, const Heads& h) {
  const Operands in = operands(l);
  l.refuse_if(h.query < 1 || h.pairs < 1 || h.query % h.pairs != 0 || h.depth < 1 || h.width < 1 ||
                  int64_t{h.query} * std::max(h.depth, h.width) > (1 << 24),
              "the number or the size of the heads is out of range");
  const int32_t q = heads_of(l, in.query, {"query", "query_dense"}, h.query, h.depth);
  const int32_t k = heads_of(l, in.key, {"key", "key_dense"}, h.pairs, h.depth);
  const int32_t v = heads_of(l, in.value, {"value", "value_dense"}, h.pairs, h.width);
  const float scale = 1.0f / std::sqrt(static_cast<float>(h.depth));
  int32_t scores = l.matmul(l.times(q, scale), repeated(l, k, h), false, true);
  const Sight sight{asks(l, "use_causal_mask"), l.config.integer("sliding_window", 0)};
  scores = l.softmax(hide(l, scores, sight, l.keyword("attention_mask")), 3);
  int32_t mixed = l.matmul(scores, repeated(l, v, h), false, false);
  if (l.config.flag("use_gate", false)) {
    const int32_t gate = heads_of(l, in.query, {"gate", "gate_dense"}, h.query, h.width);
    mixed = l.times(mixed, l.add(Builtin::LOGISTIC, {gate}));
  }
  const int32_t y =
      l.reshape(l.transpose(mixed, {0, 2, 1, 3}), {kRest, l.dim(in.query, 1), h.query * h.width});
  const int32_t result = project_back(l, y, h.query, h.width);
  return asks(l, "return_attention_scores") ? Tensors{result, scores} : Tensors{result};
}

}  // namespace

// Vaswani et al. 2017. The query is scaled by 1/√depth.
Tensors emit_multi_head_attention(Layer& l) {
  const int32_t heads = l.config.integer("num_heads", 0), depth = l.config.integer("key_dim", 0);
  const Config axes = l.config.at("attention_axes");
  l.refuse_if(!axes.null() && axes.integers() != std::vector<int32_t>{1},
              "attention over other axes than 1 is not supported");
  return attend(l, {heads, heads, depth, l.config.integer("value_dim", depth)});
}

// Ainslie et al. 2023: several heads of queries share one of keys and values.
Tensors emit_group_query_attention(Layer& l) {
  const int32_t depth = l.config.integer("head_dim", 0);
  return attend(l, {l.config.integer("num_query_heads", 0),
                    l.config.integer("num_key_value_heads", 0), depth, depth});
}

namespace {

Tensors mix(Layer& l, int32_t scores, int32_t value) {
  const int32_t weights = l.softmax(hide(l, scores, {asks(l, "use_causal_mask"), 0}, kAbsent), 2);
  const int32_t y = l.matmul(weights, value, false, false);
  return asks(l, "return_attention_scores") ? Tensors{y, weights} : Tensors{y};
}

// Σ scale·tanh(q + k) over the last dimension; `inside`: scale multiplies what tanh gets.
int32_t additive_scores(Layer& l, const Operands& in, int32_t scale, bool inside) {
  const int32_t c = l.dim(in.query, 2);
  const int32_t q = l.reshape(in.query, {kRest, l.dim(in.query, 1), 1, c});
  const int32_t k = l.reshape(in.key, {kRest, 1, l.dim(in.key, 1), c});
  int32_t both = l.plus(q, k);
  if (inside && scale != kAbsent) both = l.times(both, scale);
  both = l.add(Builtin::TANH, {both});
  if (!inside && scale != kAbsent) both = l.times(both, scale);
  return l.reduce(Builtin::SUM, both, {3}, false);
}

}  // namespace

// Luong et al. 2015: dot products, with a learnt factor where use_scale; or sums of tanh.
Tensors emit_attention(Layer& l) {
  const Operands in = operands(l);
  const std::string mode = l.config.text("score_mode", "dot");
  l.refuse_if(mode != "dot" && mode != "concat",
              text("score_mode \"", mode, "\" is not supported"));
  const int32_t scale = l.config.flag("use_scale", false) ? l.weight("scale", {}) : kAbsent;
  if (mode == "concat") {
    const int32_t scores = additive_scores(l, in, scale, true);
    return mix(l, l.times(scores, l.weight("concat_score_weight", {})), in.value);
  }
  int32_t scores = l.matmul(in.query, in.key, false, true);
  if (scale != kAbsent) scores = l.times(scores, scale);
  return mix(l, scores, in.value);
}

// Bahdanau et al. 2015.
Tensors emit_additive_attention(Layer& l) {
  const Operands in = operands(l);
  const int32_t scale =
      l.config.flag("use_scale", true) ? l.weight("scale", {l.dim(in.query, 2)}) : kAbsent;
  return mix(l, additive_scores(l, in, scale, false), in.value);
}

}  // namespace cygnet::keras
