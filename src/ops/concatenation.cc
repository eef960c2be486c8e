// SPDX-License-Identifier: Apache-2.0
// CONCATENATION: the inputs side by side along dimension `axis`.
//   inputs: at least one, of one type (of whole bytes, or INT4) and rank, equal in every other
//   dimension output 0: their type; quantized as every input is, save that uint8 inputs with a
//   scale or zero point of their own are rescaled: q' = round(q·r − z·r) + z', r = scale·(1 /
//   scale')
// Option axis: in [−rank, rank); fused activation: none. Source: TFLite's reference kernel,
// LiteRT 2.3.
#include <algorithm>
#include <cstdio>

#include "kernels/kernels.h"
#include "ops/fixed_point.h"
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

constexpr int64_t kTableBytes = 256;

struct NameText {
  char text[24];
};

NameText input_name(int i) {
  NameText name{};
  std::snprintf(name.text, sizeof(name.text), "input %d", i);
  return name;
}

bool same_quantization(const Tensor& a, const Tensor& b) {
  return a.quantization.scale() == b.quantization.scale() &&
         a.quantization.zero_point() == b.quantization.zero_point();
}

bool is_rescaled(const OpContext& op, int i) {
  return op.input(i).type == Type::uint8 && op.output(0).quantization.per_tensor() &&
         op.input(i).quantization.per_tensor() && !same_quantization(op.input(i), op.output(0));
}

Status check_quantization(const OpContext& op, int i) {
  const Tensor& in = op.input(i);
  const Tensor& out = op.output(0);
  if (!is_quantized_type(in.type)) return {};
  if (in.quantization.count == 0 && out.quantization.count == 0) return {};
  const NameText name = input_name(i);
  CYGNET_TRY(expect_per_tensor(name.text, in));
  CYGNET_TRY(expect_per_tensor("output 0", out));
  return in.type == Type::uint8 ? Status()
                                : expect_same_quantization("output 0", out, name.text, in);
}

Status infer(OpContext& op) {
  const auto& options = op.options<schema::ConcatenationOptions>();
  if (options.fused_activation_function() != schema::ActivationFunctionType::NONE)
    return Status::error(Code::unsupported, "fused activation %d is not supported",
                         static_cast<int>(options.fused_activation_function()));
  const Tensor& first = op.input(0);
  CYGNET_TRY(expect_moved_type(op, 0, {Type::int4}));
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", options.axis(), first.shape.rank, &axis));
  Shape shape = first.shape;
  int64_t sum = 0;
  for (int i = 0; i < op.inputs(); ++i) {
    const Tensor& in = op.input(i);
    const NameText name = input_name(i);
    CYGNET_TRY(expect_same_type("input 0", first, name.text, in));
    shape[axis] = in.shape.rank == shape.rank ? in.shape[axis] : shape[axis];
    CYGNET_TRY(expect_shape(name.text, in, shape));
    CYGNET_TRY(check_quantization(op, i));
    sum += in.shape[axis];
  }
  CYGNET_TRY(expect_range("sum of the inputs' dimensions along axis", sum, 0, INT32_MAX));
  shape[axis] = static_cast<int32_t>(sum);
  return op.set_output(0, shape);
}

struct State {
  uint8_t* tables;  ///< [inputs][256]: the byte in the output for each in the input; null: no input
                    ///< is rescaled
};

Status prepare(OpContext& op) {
  CYGNET_TRY(Elements::prepare(op));
  auto* state = op.make_state<State>();
  bool any = false;
  for (int i = 0; i < op.inputs(); ++i) any = any || is_rescaled(op, i);
  if (state == nullptr || !any) return {};
  state->tables =
      static_cast<uint8_t*>(op.allocate(static_cast<size_t>(op.inputs() * kTableBytes)));
  if (state->tables == nullptr) return {};
  const Quantization& out = op.output(0).quantization;
  const float inverse = 1.0f / out.scale();
  for (int i = 0; i < op.inputs(); ++i) {
    if (!is_rescaled(op, i)) continue;
    const float ratio = op.input(i).quantization.scale() * inverse;
    const float bias = static_cast<float>(-op.input(i).quantization.zero_point()) * ratio;
    for (int q = 0; q < kTableBytes; ++q) {
      const int64_t value =
          int64_t{round_to_int32(static_cast<float>(q) * ratio + bias)} + out.zero_point();
      state->tables[i * kTableBytes + q] = static_cast<uint8_t>(std::clamp<int64_t>(value, 0, 255));
    }
  }
  return {};
}

void copy_rescaled(OpContext& op, const Tensor& in, const uint8_t* table, int64_t rows, int64_t row,
                   uint8_t* out, int64_t out_row) {
  for_slices(op, rows, rows * row, [&](int64_t begin, int64_t end, int) {
    for (int64_t y = begin; y < end; ++y)
      kernels().lut_q8(in.as<uint8_t>() + y * row, row, table, out + y * out_row);
  });
}

Status invoke(OpContext& op) {
  const Shape& shape = op.output(0).shape;
  int axis = 0;
  CYGNET_TRY(
      resolve_axis("axis", op.options<schema::ConcatenationOptions>().axis(), shape.rank, &axis));
  if (op.output(0).bytes == 0) return {};
  Elements elements(op);
  const int64_t bytes = elements.bytes();
  const State& state = op.state<State>();
  const int64_t rows = shape.elements(0, axis);
  const int64_t out_row = shape.elements(axis, shape.rank);
  uint8_t* out = elements.out();
  for (int i = 0; i < op.inputs(); ++i) {
    const Tensor& in = op.input(i);
    const int64_t row = in.shape.elements(axis, shape.rank);
    if (row == 0) continue;
    if (state.tables != nullptr && is_rescaled(op, i)) {
      copy_rescaled(op, in, state.tables + i * kTableBytes, rows, row, out, out_row);
    } else {
      StridedCopy copy;
      copy.element_bytes = bytes;
      copy.push(rows, row, out_row);
      copy.push(row, 1, 1);
      run_copy(op, copy, elements.in(i), out);
    }
    out += row * bytes;
  }
  return elements.finish();
}

}  // namespace

extern const OpDef kConcatenation;
const OpDef kConcatenation = {
    .name = "CONCATENATION",
    .builtin = 2,
    .max_version = 7,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ConcatenationOptions),
    .min_inputs = 1,
    .max_inputs = kAnyCount,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
