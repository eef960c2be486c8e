// SPDX-License-Identifier: Apache-2.0
// Dense, EinsumDense, Embedding.
#include <algorithm>

#include "importers/keras/layers.h"

namespace cygnet::keras {

Tensors emit_dense(Layer& l) {
  const int32_t x = l.input();
  l.refuse_if(l.rank(x) < 2, "expected an input of rank 2 or more");
  const int32_t units = l.config.integer("units", 0);
  l.refuse_if(units < 1, "units must be positive");
  const int32_t kernel = l.weight("kernel", {l.dim(x, -1), units}, {1, 0});
  const int32_t bias = l.config.flag("use_bias", true) ? l.weight("bias", {units}) : kAbsent;
  return {activate(l, l.dense(x, kernel, bias), l.config.at("activation"))};
}

namespace {

// An equation "ab...c,cd->ab...d" as a matrix product: which dimensions of the input are summed,
// and the kernel's dimensions in the order (results, summed).
struct Einsum {
  std::vector<int32_t> batch;         ///< input dimensions that stay, in the result's order
  std::vector<int32_t> summed;        ///< input dimensions that vanish
  std::vector<int32_t> kernel_order;  ///< result dimensions, then summed ones
  std::vector<int32_t> result_dims;   ///< of the kernel that stay
  std::vector<int32_t> output_order;  ///< of (batch..., result...) as the equation wants it
};

std::string expand_dots(const std::string& part, size_t extra) {
  const size_t dots = part.find("...");
  if (dots == std::string::npos) return part;
  std::string letters;
  for (size_t i = 0; i < extra; ++i) letters += static_cast<char>('0' + i);
  return part.substr(0, dots) + letters + part.substr(dots + 3);
}

Einsum parse_einsum(const Layer& l, std::string equation, size_t input_rank,
                    const std::vector<int32_t>& kernel_dims) {
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const size_t comma = equation.find(','), arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    l.fail(text("equation \"", equation, "\" is not supported"));
  std::string a = equation.substr(0, comma), b = equation.substr(comma + 1, arrow - comma - 1),
              y = equation.substr(arrow + 2);
  if (a.find("...") != std::string::npos) {
    if (input_rank + 3 < a.size() || input_rank > 8) l.fail("input has too few dimensions");
    const size_t extra = input_rank + 3 - a.size();
    a = expand_dots(a, extra);
    y = expand_dots(y, extra);
  }
  if (a.size() != input_rank || b.size() != kernel_dims.size())
    l.fail(text("equation \"", equation, "\" does not fit the ranks"));
  Einsum r;
  std::string kept, made;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool in_result = y.find(a[i]) != std::string::npos;
    const bool in_kernel = b.find(a[i]) != std::string::npos;
    if (in_result == in_kernel) l.fail(text("equation \"", equation, "\" is not supported"));
    (in_result ? r.batch : r.summed).push_back(static_cast<int32_t>(i));
    if (in_result) kept += a[i];
  }
  for (size_t i = 0; i < b.size(); ++i)
    if (a.find(b[i]) == std::string::npos) {
      r.kernel_order.push_back(static_cast<int32_t>(i));
      r.result_dims.push_back(kernel_dims[i]);
      made += b[i];
    }
  for (int32_t d : r.summed)
    r.kernel_order.push_back(static_cast<int32_t>(b.find(a[static_cast<size_t>(d)])));
  const std::string natural = kept + made;
  if (natural.size() != y.size() || r.summed.empty())
    l.fail(text("equation \"", equation, "\" is not supported"));
  for (char c : y) {
    const size_t at = natural.find(c);
    if (at == std::string::npos) l.fail(text("equation \"", equation, "\" is not supported"));
    r.output_order.push_back(static_cast<int32_t>(at));
  }
  return r;
}

bool in_order(const std::vector<int32_t>& order) {
  return std::is_sorted(order.begin(), order.end());
}

int32_t product(const std::vector<int32_t>& dims) {
  int64_t n = 1;
  for (int32_t d : dims) n = std::min<int64_t>(n * d, 0x7fffffff);
  return static_cast<int32_t>(n);
}

}  // namespace

/// x contracted with the next variable by an equation; no bias, no activation.
int32_t einsum(Layer& l, int32_t x, const std::string& equation, const std::string& variable) {
  Weights ahead = l.weights;
  const Array kernel = l.weights.array(ahead.next(variable));
  const Einsum r = parse_einsum(l, equation, static_cast<size_t>(l.rank(x)), kernel.dims);
  const std::vector<int32_t> dims = l.dims_of(x);
  std::vector<int32_t> order = r.batch, shape, summed;
  for (int32_t d : r.summed) {
    order.push_back(d);
    summed.push_back(l.dim(x, d));
  }
  std::vector<int32_t> expected(kernel.dims.size(), -1);
  for (size_t i = 0; i < summed.size(); ++i)
    expected[static_cast<size_t>(r.kernel_order[r.result_dims.size() + i])] = summed[i];
  const int32_t results = product(r.result_dims), sums = product(summed);
  const int32_t matrix = l.weight_as(variable, expected, {results, sums}, r.kernel_order);
  int32_t y = in_order(order) ? x : l.transpose(x, order);
  for (int32_t d : r.batch) shape.push_back(dims[static_cast<size_t>(d)]);
  std::vector<int32_t> flat = shape;
  flat.push_back(sums);
  if (r.summed.size() > 1) y = l.reshape(y, flat);
  y = l.dense(y, matrix, kAbsent);
  shape.insert(shape.end(), r.result_dims.begin(), r.result_dims.end());
  if (r.result_dims.size() != 1) y = l.reshape(y, shape);
  return in_order(r.output_order) ? y : l.transpose(y, r.output_order);
}

Tensors emit_einsum_dense(Layer& l) {
  int32_t y = einsum(l, l.input(), l.config.text("equation", ""), "kernel");
  if (l.config.has("bias_axes") && l.weights.has_next("bias")) {
    const Array bias = l.weights.array(Weights(l.weights).next("bias"));
    y = l.plus(y, l.weight("bias", bias.dims));
  }
  return {activate(l, y, l.config.at("activation"))};
}

namespace {

int32_t look_up(Layer& l, int32_t table) {
  schema::GatherOptionsT options;
  options.axis = 0;
  const int32_t y = l.add(Builtin::GATHER, {table, l.cast(l.input(), Type::int32)}, options);
  if (l.config.flag("mask_zero", false)) l.import.masked.insert(y);
  return y;
}

int32_t size(const Layer& l, const char* key) {
  return l.config.integer(key, -1);
}

}  // namespace

Tensors emit_embedding(Layer& l) {
  return {look_up(l, l.weight("embeddings", {size(l, "input_dim"), size(l, "output_dim")}))};
}

// An embedding that also runs backwards: x · tableᵀ, or with a table of its own.
Tensors emit_reversible_embedding(Layer& l) {
  const int32_t rows = size(l, "input_dim"), width = size(l, "output_dim");
  const auto asked = l.call.keywords.find("reverse");
  const bool reverse = asked != l.call.keywords.end() && asked->second.literal.is_flag() &&
                       asked->second.literal.flag();
  const int32_t table = l.weight("embeddings", {rows, width});
  if (!reverse) return {look_up(l, table)};
  const int32_t matrix = l.config.flag("tie_weights", true)
                             ? table
                             : l.weight("reverse_embeddings", {width, rows}, {1, 0});
  const int32_t y = l.dense(l.input(), matrix, kAbsent);
  if (!l.config.has("logit_soft_cap")) return {y};
  const float cap = static_cast<float>(l.config.number("logit_soft_cap", 1));
  return {l.times(l.add(Builtin::TANH, {l.times(y, 1.0f / cap)}), cap)};
}

// Steps of which every element equals mask_value become 0; layers that leave out such steps are
// refused when they meet them.
Tensors emit_masking(Layer& l) {
  const int32_t x = l.input();
  const Config value = l.config.at("mask_value");
  const float empty = value.is_number() ? static_cast<float>(value.number()) : 0;
  l.refuse_if(!value.null() && !value.is_number(), "this mask_value is not supported");
  const int32_t differs = l.add_typed(Builtin::NOT_EQUAL, {x, l.e.scalar(empty)}, Type::boolean,
                                      schema::NotEqualOptionsT());
  const int32_t any = l.reduce(Builtin::REDUCE_ANY, differs, {l.rank(x) - 1}, true);
  const int32_t y = l.times(x, l.to_float(any));
  l.import.masked.insert(y);
  return {y};
}

}  // namespace cygnet::keras
