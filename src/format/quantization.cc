// SPDX-License-Identifier: Apache-2.0
#include "format/quantization.h"

namespace cygnet {

Status read_quantization(const schema::QuantizationParameters& source, Quantization* quantization) {
  const auto* scales = source.scale();
  const auto* zero_points = source.zero_point();
  const auto type = static_cast<int>(source.details_type());
  if ((type != 0) != (source.details() != nullptr))
    return bad_model(
        "C2: quantization details: expected a table if and only if the type is not 0, "
        "got type %d with%s",
        type, source.details() == nullptr ? "out a table" : " a table");
  if (type > static_cast<int>(schema::QuantizationDetails::MAX))
    return bad_model("T8: expected quantization details of type 0 to %d, got %d",
                     static_cast<int>(schema::QuantizationDetails::MAX), type);
  if (scales != nullptr) {
    quantization->scales = scales->data();
    quantization->count = static_cast<int32_t>(scales->size());  // FlatBuffers are below 2 GiB
  }
  if (zero_points != nullptr) {
    quantization->zero_points = zero_points->data();
    quantization->zero_point_count = static_cast<int32_t>(zero_points->size());
  }
  quantization->axis = source.quantized_dimension();
  return {};
}

Status verify_blockwise(const schema::Tensor& source, const Subgraph& subgraph, size_t index) {
  if (source.quantization() == nullptr) return {};
  const auto* blocks = source.quantization()->details_as_BlockwiseQuantization();
  if (blocks == nullptr) return {};
  const auto count = static_cast<int32_t>(subgraph.tensors.size());
  if (blocks->scales() < 0 || blocks->scales() >= count)
    return bad_model("T8: scales: expected a tensor index of 0 to %d, got %d", count - 1,
                     blocks->scales());
  if (blocks->zero_points() < -1 || blocks->zero_points() >= count)
    return bad_model("T8: zero points: expected a tensor index of -1 to %d, got %d", count - 1,
                     blocks->zero_points());
  const GraphTensor& tensor = subgraph.tensors[index];
  const GraphTensor& scales = subgraph.tensors[blocks->scales()];
  if (scales.type != Type::float16 && scales.type != Type::float32)
    return bad_model("T8: scales: expected type FLOAT16 or FLOAT32, got %s",
                     type_name(scales.type));
  const int rank = tensor.shape.rank;
  const int32_t block = blocks->block_size();
  const int32_t last = rank == 0 ? 0 : tensor.shape[rank - 1];
  if (block < 1 || last % block != 0)
    return bad_model("T8: expected a block size that divides the last dimension %d, got %d", last,
                     block);
  Shape expected = tensor.shape;
  if (rank > 0) expected[rank - 1] = last / block;
  if (scales.shape == expected) return {};
  return bad_model("T8: scales: expected shape %s for blocks of %d in %s, got %s",
                   shape_text(expected).text, block, shape_text(tensor.shape).text,
                   shape_text(scales.shape).text);
}

}  // namespace cygnet
