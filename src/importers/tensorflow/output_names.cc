// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/output_names.h"

#include <vector>

namespace cygnet::tensorflow {
namespace {

// Operators with several outputs of one tensor each: their names, in order.
struct Row {
  std::string_view op;
  std::vector<std::string_view> names;
};
const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"CombinedNonMaxSuppression",
       {"nmsed_boxes", "nmsed_scores", "nmsed_classes", "valid_detections"}},
      {"FusedBatchNorm",
       {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}},
      {"FusedBatchNormV2",
       {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}},
      {"FusedBatchNormV3",
       {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2",
        "reserve_space_3"}},
      {"LookupTableExportV2", {"keys", "values"}},
      {"MaxPoolWithArgmax", {"output", "argmax"}},
      {"Merge", {"output", "value_index"}},
      {"NonMaxSuppressionV4", {"selected_indices", "valid_outputs"}},
      {"NonMaxSuppressionV5", {"selected_indices", "selected_scores", "valid_outputs"}},
      {"Qr", {"q", "r"}},
      {"SparseReshape", {"output_indices", "output_shape"}},
      {"SparseSlice", {"output_indices", "output_values", "output_shape"}},
      {"StringSplitV2", {"indices", "values", "shape"}},
      {"Svd", {"s", "u", "v"}},
      {"Switch", {"output_false", "output_true"}},
      {"TensorListPopBack", {"output_handle", "tensor"}},
      {"TopK", {"values", "indices"}},
      {"TopKV2", {"values", "indices"}},
      {"Unique", {"y", "idx"}},
      {"UniqueV2", {"y", "idx"}},
      {"UniqueWithCounts", {"y", "idx", "count"}},
      {"UniqueWithCountsV2", {"y", "idx", "count"}},
  };
  return table;
}

}  // namespace

size_t output_index(const NodeDef& node, const InputName& input) {
  for (const Row& row : rows())
    if (row.op == node.op)
      for (size_t k = 0; k < row.names.size(); ++k)
        if (row.names[k] == input.output) return k;
  return static_cast<size_t>(input.index);
}

}  // namespace cygnet::tensorflow
