// SPDX-License-Identifier: Apache-2.0
#include "quantize/annotations.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "edit/evaluate.h"
#include "edit/grid.h"
#include "passes/layers.h"

namespace cygnet {
namespace {

bool is(const Node& node, Builtin op) {
  return node.builtin == static_cast<int32_t>(op);
}

std::string tensor_text(const Patch& patch, int32_t tensor) {
  return text("tensor \"", patch.tensor(tensor).name, "\"");
}

[[noreturn]] void fail(Patch& patch, int32_t tensor, const std::string& what) {
  throw Failure(
      text(patch.draft().source, ": trained range of ", tensor_text(patch, tensor), ": ", what));
}

// ---- Constants

// FAKE_QUANT, QUANTIZE or DEQUANTIZE of a constant: the result becomes one that knows its integers.
void fold(Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  const int32_t x = node.inputs[0], y = node.outputs[0];
  const Evaluation e =
      evaluate(node, {patch.tensor(x)}, {patch.tensor(y)}, true, patch.draft().source);
  if (e.deferred) return;
  const GraphTensor result = patch.tensor(y);
  const int32_t constant = patch.copied_constant(result.type, e.shapes[0], e.bytes[0], result.name);
  patch.tensor(constant).quantization = result.quantization;
  patch.keep_grid(node, constant);
  patch.replace(y, constant);
  patch.erase(n);
}

void fold_constants(Patch& patch) {
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (!patch.is(n, Builtin::FAKE_QUANT) && !patch.is(n, Builtin::QUANTIZE) &&
        !patch.is(n, Builtin::DEQUANTIZE))
      continue;
    const Node& node = patch.node(n);
    if (node.inputs.size() == 1 && patch.constant(node.inputs[0]) &&
        !patch.is_output(node.outputs[0]))
      fold(patch, n);
  }
}

// ---- Activations

QuantizedType type_of_fake_quant(Patch& patch, int32_t n) {
  const auto o = patch.options<schema::FakeQuantOptions>(patch.node(n));
  const int32_t x = patch.node(n).inputs[0];
  if (!std::isfinite(o.min) || !std::isfinite(o.max) || !(o.min < o.max))
    fail(patch, x, text("expected min < max, got ", o.min, " and ", o.max));
  if (o.num_bits != 8 && o.num_bits != 16)
    fail(patch, x, text("expected 8 or 16 bits, got ", o.num_bits));
  return fake_quant_type(o.min, o.max, o.num_bits, o.narrow_range);
}

QuantizedType type_of_integers(Patch& patch, int32_t x, int32_t integers) {
  const Grid grid = quantization_grid(patch.tensor(integers));
  if (!grid || grid->type == Type::int4)
    fail(patch, x,
         text("expected INT8, UINT8 or INT16 with a scale, got ", type_name(patch.type(integers))));
  if (grid->scales.size() != 1)
    fail(patch, x, "a scale for each channel is for weights only, and this is computed");
  if (grid->type == Type::int16 && grid->zero_point() != 0)
    fail(patch, x, text("INT16 needs the zero point 0, got ", grid->zero_point()));
  return *grid;
}

// Gives x its type and lets the readers of y, which is x rounded, read x. False where x has another
// type already, or y must stay a tensor of its own.
bool take(Patch& patch, int32_t x, int32_t y, const QuantizedType& type) {
  const Grid known = patch.grid(x);
  if (known && !(*known == type)) return false;
  if (!known) patch.set_grid(x, std::make_shared<const QuantizedType>(type));
  return passes::try_replace(patch, y, x);
}

// x in another type than its own: a FAKE_QUANT whose result has it.
int32_t add_requantization(Patch& patch, int32_t x, const QuantizedType& type,
                           const std::string& name) {
  const double first = type.type == Type::int16 ? -32767 : -128;
  const double last = type.type == Type::int16 ? 32767 : 127;
  const auto zero = static_cast<double>(type.zero_point());
  const auto scale = static_cast<double>(type.scale());
  schema::FakeQuantOptionsT o;
  o.min = static_cast<float>(scale * (first - zero));
  o.max = static_cast<float>(scale * (last - zero));
  o.num_bits = type.type == Type::int16 ? 16 : 8;
  o.narrow_range = type.type == Type::int16;
  const int32_t y = patch.add(Builtin::FAKE_QUANT, {x}, o, Results(name));
  patch.set_grid(y, std::make_shared<const QuantizedType>(type));
  return y;
}

void take_fake_quant(Patch& patch, int32_t n) {
  const int32_t x = patch.node(n).inputs[0], y = patch.node(n).outputs[0];
  if (patch.type(x) != Type::float32) return;
  const QuantizedType type = type_of_fake_quant(patch, n);
  if (take(patch, x, y, type))
    patch.erase(n);
  else
    patch.set_grid(y, std::make_shared<const QuantizedType>(type));
}

void take_pair(Patch& patch, int32_t n) {
  const int32_t x = patch.node(n).inputs[0], integers = patch.node(n).outputs[0];
  if (patch.type(x) != Type::float32) return;
  const std::vector<int32_t> readers = patch.consumers(integers);
  for (int32_t d : readers) {
    if (!patch.is(d, Builtin::DEQUANTIZE)) continue;
    const QuantizedType type = type_of_integers(patch, x, integers);
    const int32_t y = patch.node(d).outputs[0];
    if (!take(patch, x, y, type)) {
      const int32_t again = add_requantization(patch, x, type, std::string(patch.tensor(y).name));
      patch.replace(y, again);
    }
    patch.erase(d);
  }
  if (patch.consumers(integers).empty() && !patch.is_output(integers)) patch.erase(n);
}

// A RELU or its like between two ranges becomes part of the operator before it, which clamps its
// integers anyway: one rounding instead of two, as TensorFlow's converter does it.
void fuse_activation(Patch& patch, int32_t n) {
  using schema::ActivationFunctionType;
  const ActivationFunctionType activation =
      patch.is(n, Builtin::RELU)    ? ActivationFunctionType::RELU
      : patch.is(n, Builtin::RELU6) ? ActivationFunctionType::RELU6
                                    : ActivationFunctionType::RELU_N1_TO_1;
  const int32_t x = patch.node(n).inputs[0], y = patch.node(n).outputs[0];
  const int32_t p = patch.producer(x);
  if (!patch.grid(x) || !patch.grid(y) || !patch.single_use(x) ||
      !passes::takes_activation(patch, p) ||
      passes::fused_activation(patch, p) != ActivationFunctionType::NONE ||
      !passes::set_activation(patch, p, activation))
    return;
  patch.set_grid(x, patch.grid(y));
  patch.bypass(n);
}

// ---- Weights

// Whether the kernels take weights of this type for operand 1 of node n: symmetric, with scales
// along its output channels.
bool fits_weights(const Patch& patch, int32_t n, const QuantizedType& q) {
  const bool narrow = q.type == Type::int8 || q.type == Type::int4;
  const bool symmetric = std::all_of(q.zero_points.begin(), q.zero_points.end(),
                                     [](int64_t zero) { return zero == 0; });
  return narrow && symmetric && (q.scales.size() == 1 || q.axis == passes::channel_axis(patch, n));
}

// Whether all who read a constant can take it so.
bool usable(const Patch& patch, int32_t constant, const QuantizedType& q) {
  const auto& readers = patch.consumers(constant);
  return std::all_of(readers.begin(), readers.end(), [&](int32_t n) {
    const Node& node = patch.node(n);
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] != constant) continue;
      const bool layer = is(node, Builtin::CONV_2D) || is(node, Builtin::DEPTHWISE_CONV_2D) ||
                         is(node, Builtin::TRANSPOSE_CONV) || is(node, Builtin::FULLY_CONNECTED);
      if (layer && k == passes::bias_operand(patch, n)) return false;
      const bool fits = layer && k == 1 ? fits_weights(patch, n, q) : q.scales.size() == 1;
      if (!fits) return false;
    }
    return true;
  });
}

}  // namespace

bool has_trained_ranges(const Draft& draft) {
  if (draft.graph.subgraphs.empty()) return false;
  const Subgraph& main = draft.graph.subgraphs[0];
  std::vector<bool> quantized(main.tensors.size(), false);
  for (const Node& node : main.nodes) {
    if (is(node, Builtin::FAKE_QUANT)) return true;
    if (node.inputs.empty() || node.outputs.empty() || node.inputs[0] == kAbsent) continue;
    const auto x = static_cast<size_t>(node.inputs[0]);
    if (is(node, Builtin::DEQUANTIZE) && quantized[x]) return true;
    if (is(node, Builtin::QUANTIZE) && main.tensors[node.inputs[0]].type == Type::float32)
      quantized[static_cast<size_t>(node.outputs[0])] = true;
  }
  return false;
}

Annotations take_trained_ranges(Draft& draft, const OpRegistry& registry) {
  Patch patch(draft, registry, 0);
  fold_constants(patch);
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n) {
    if (patch.is(n, Builtin::FAKE_QUANT))
      take_fake_quant(patch, n);
    else if (patch.is(n, Builtin::QUANTIZE))
      take_pair(patch, n);
  }
  for (int32_t n = 0; n < end; ++n)
    if (patch.is(n, Builtin::RELU) || patch.is(n, Builtin::RELU6) ||
        patch.is(n, Builtin::RELU_N1_TO_1))
      fuse_activation(patch, n);
  patch.remove_dead();
  patch.finish();
  Annotations annotations;
  for (int32_t i = 0; i < static_cast<int32_t>(patch.subgraph().tensors.size()); ++i) {
    const Grid grid = patch.grid(i);
    if (!grid || patch.type(i) != Type::float32) continue;
    if (!patch.constant(i))
      patch.set_grid(i, nullptr);
    else if (!usable(patch, i, *grid))
      continue;
    annotations.emplace(i, *grid);
  }
  return annotations;
}

}  // namespace cygnet
