// SPDX-License-Identifier: Apache-2.0
#include "quantize/isolate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/number.h"
#include "edit/failure.h"

namespace cygnet {

IsolatedModel::IsolatedModel(const Model& model, const std::vector<int32_t>& tensors,
                             int32_t scaled, double factor) {
  Graph graph = model.graph();
  graph.signatures.clear();
  graph.metadata.clear();
  Subgraph& main = graph.subgraphs[0];
  first_input_ = static_cast<int>(main.inputs.size());
  if (scaled != kAbsent) {
    Quantization& q = main.tensors[static_cast<size_t>(scaled)].quantization;
    for (int i = 0; i < q.count; ++i) scales_.push_back(static_cast<float>(q.scales[i] * factor));
    q.scales = scales_.data();
  }
  std::vector<int32_t> inputs(main.inputs.begin(), main.inputs.end());
  std::vector<int32_t> outputs(main.outputs.begin(), main.outputs.end());
  std::vector<int32_t> instead(main.tensors.size(), kAbsent);
  for (const int32_t t : tensors) {
    GraphTensor copy = main.tensors[static_cast<size_t>(t)];
    copy.has_signature = true;
    copy.signature = copy.shape;
    for (int d = 0; d < copy.shape.rank; ++d) copy.signature[d] = -1;
    instead[static_cast<size_t>(t)] = static_cast<int32_t>(main.tensors.size());
    inputs.push_back(instead[static_cast<size_t>(t)]);
    if (std::find(outputs.begin(), outputs.end(), t) == outputs.end()) outputs.push_back(t);
    main.tensors.push_back(copy);
  }
  for (Node& node : main.nodes) {
    std::vector<int32_t> read(node.inputs.begin(), node.inputs.end());
    for (int32_t& i : read)
      if (i != kAbsent && instead[static_cast<size_t>(i)] != kAbsent)
        i = instead[static_cast<size_t>(i)];
    node.inputs = keep(std::move(read));
  }
  main.inputs = keep(std::move(inputs));
  main.outputs = keep(std::move(outputs));
  check(Model::from_graph(std::move(graph), model.path(), model.limits(), &model_));
}

std::span<const int32_t> IsolatedModel::keep(std::vector<int32_t> list) {
  return lists_.emplace_back(std::move(list));
}

namespace {

/// The integer nearest to a real number, halves away from zero.
template <class T>
T to_integer(double real, double scale, double zero_point) {
  constexpr double kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
  if (!std::isfinite(real)) real = 0;
  const double steps = real / scale;
  const double rounded = std::clamp(steps + std::copysign(0.5, steps), -1e6, 1e6);
  return static_cast<T>(std::clamp(std::trunc(rounded) + zero_point, kLow, kHigh));
}

template <class T>
void write_integers(std::span<const float> values, const Quantization& q, const Shape& shape,
                    T* to) {
  if (q.count == 1) {
    const double scale = q.scale(), zero_point = q.zero_point();
    for (size_t i = 0; i < values.size(); ++i) to[i] = to_integer<T>(values[i], scale, zero_point);
    return;
  }
  const int64_t inner = shape.elements(q.axis + 1, shape.rank);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto c = static_cast<int>(static_cast<int64_t>(i) / inner % q.count);
    to[i] = to_integer<T>(values[i], q.scale(c), q.zero_point(c));
  }
}

}  // namespace

void write_real(std::span<const float> values, Tensor* tensor) {
  switch (tensor->type) {
    case Type::float32:
      std::copy(values.begin(), values.end(), tensor->as<float>());
      break;
    case Type::float16:
      for (size_t i = 0; i < values.size(); ++i)
        tensor->as<uint16_t>()[i] = float_to_half(values[i]);
      break;
    case Type::int8:
      write_integers(values, tensor->quantization, tensor->shape, tensor->as<int8_t>());
      break;
    case Type::uint8:
      write_integers(values, tensor->quantization, tensor->shape, tensor->as<uint8_t>());
      break;
    case Type::int16:
      write_integers(values, tensor->quantization, tensor->shape, tensor->as<int16_t>());
      break;
    default:
      throw Failure(text("tensor '", tensor->name, "': expected real numbers, got ",
                         type_name(tensor->type)));
  }
}

}  // namespace cygnet
