// SPDX-License-Identifier: Apache-2.0
// REVERSE_SEQUENCE: the first elements along one dimension in reverse order, as many as a list
// says.
//   input 0: x, any type of whole bytes; input 1: lengths [x.shape[batch_dim]], int32 or int64
//   output 0: as x: y[b, i] = x[b, lengths[b] − 1 − i] for i < lengths[b], else x[b, i]
//   options: seq_dim, batch_dim, which differ
// A length beyond the dimension is an error of the run. Source: TFLite's reference kernel.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status axes_of(const OpContext& op, int* sequence, int* batch) {
  const auto& o = op.options<schema::ReverseSequenceOptions>();
  const int32_t rank = op.input(0).shape.rank;
  CYGNET_TRY(expect_range("seq_dim", o.seq_dim(), 0, rank - 1));
  CYGNET_TRY(expect_range("batch_dim", o.batch_dim(), 0, rank - 1));
  *sequence = o.seq_dim();
  *batch = o.batch_dim();
  if (*sequence == *batch) return bad_model("seq_dim and batch_dim are both %d", *batch);
  return {};
}

Status infer(OpContext& op) {
  int sequence = 0, batch = 0;
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(axes_of(op, &sequence, &batch));
  CYGNET_TRY(expect_integer_vector("input 1", op.input(1), op.input(0).shape[batch]));
  return op.set_output(0, op.input(0).shape);
}

Status invoke(OpContext& op) {
  int sequence = 0, batch = 0;
  CYGNET_TRY(axes_of(op, &sequence, &batch));
  const Tensor& x = op.input(0);
  const Shape& shape = x.shape;
  for (int32_t b = 0; b < shape[batch]; ++b)
    CYGNET_TRY(expect_range("input 1: length", integer_at(op.input(1), b), 0, shape[sequence]));
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 0", x, &bytes));
  // Blocks of what lies behind the later of the two dimensions keep together.
  const int first = std::min(sequence, batch), second = std::max(sequence, batch);
  const int64_t outer = shape.elements(0, first), middle = shape.elements(first + 1, second);
  const int64_t block = shape.elements(second + 1, shape.rank) * bytes;
  const int64_t n1 = shape[first], n2 = shape[second];
  const auto* from = x.as<uint8_t>();
  auto* to = op.output(0).as<uint8_t>();
  for_slices(op, outer * n1, static_cast<int64_t>(x.bytes), [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin; o < end; ++o)
      for (int64_t m = 0; m < middle; ++m)
        for (int64_t j = 0; j < n2; ++j) {
          const int64_t i = o % n1;
          const int64_t length = integer_at(op.input(1), first == batch ? i : j);
          const int64_t at = first == batch ? j : i;
          const int64_t source = at < length ? length - 1 - at : at;
          const int64_t o_from = first == batch ? o : o - i + source;
          const int64_t j_from = first == batch ? source : j;
          copy_bytes(to + ((o * middle + m) * n2 + j) * block,
                     from + ((o_from * middle + m) * n2 + j_from) * block, block);
        }
  });
  return {};
}

}  // namespace

extern const OpDef kReverseSequence;
const OpDef kReverseSequence = {
    .name = "REVERSE_SEQUENCE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::REVERSE_SEQUENCE),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReverseSequenceOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
