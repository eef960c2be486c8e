// SPDX-License-Identifier: Apache-2.0
#include "quantize/random_samples.h"

#include <cstring>
#include <random>

#include "edit/failure.h"
#include "quantize/align.h"
#include "quantize/difference.h"

namespace cygnet {
namespace {

constexpr int kIntegers = 10;

using Generator = std::mt19937_64;

/// In [0, 1), the same on every machine.
double share(Generator& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

template <class T>
void store(T value, size_t i, std::vector<uint8_t>* bytes) {
  std::memcpy(bytes->data() + i * sizeof(T), &value, sizeof(T));
}

/// The numbers between which an input's values are to lie.
Representable bounds(const Tensor& tensor, const Tensor* other) {
  Representable range(tensor);
  if (range.scale == 0 && other != nullptr) range = Representable(*other);
  if (range.scale == 0) range.least = -1, range.largest = 1;
  return range;
}

SampleArray random_array(const GraphTensor& tensor, const Tensor* other, Generator& random) {
  SampleArray array;
  array.shape = tensor.shape;
  const auto count = static_cast<size_t>(tensor.shape.elements());
  if (is_real(tensor)) {
    const Representable range = bounds(tensor, other);
    array.bytes.resize(count * sizeof(float));
    for (size_t i = 0; i < count; ++i)
      store(static_cast<float>(range.least + (range.largest - range.least) * share(random)), i,
            &array.bytes);
    return array;
  }
  array.type = tensor.type;
  const int bits = type_bits(tensor.type);
  if (bits < 8 || tensor.type == Type::float64)
    throw Failure(text("no random values for input '", tensor.name, "' of type ",
                       type_name(tensor.type), "; give data"));
  array.bytes.resize(count * static_cast<size_t>(bits) / 8);
  const int below = tensor.type == Type::boolean ? 2 : kIntegers;
  for (size_t i = 0; i < count; ++i)  // little endian: the lowest byte is the number
    array.bytes[i * static_cast<size_t>(bits) / 8] = static_cast<uint8_t>(share(random) * below);
  return array;
}

}  // namespace

std::vector<Sample> random_samples(const Graph& graph, const Graph* other, size_t count,
                                   uint64_t seed) {
  const Subgraph& main = graph.subgraphs[0];
  std::vector<Sample> samples;
  Generator random(seed);
  for (size_t n = 0; n < count; ++n) {
    Sample& sample = samples.emplace_back();
    sample.name = text("random sample ", n);
    for (size_t i = 0; i < main.inputs.size(); ++i) {
      const GraphTensor* beside = nullptr;
      if (other != nullptr && i < other->subgraphs[0].inputs.size())
        beside = &other->subgraphs[0].tensors[static_cast<size_t>(other->subgraphs[0].inputs[i])];
      sample.inputs.push_back(
          random_array(main.tensors[static_cast<size_t>(main.inputs[i])], beside, random));
    }
  }
  return samples;
}

}  // namespace cygnet
