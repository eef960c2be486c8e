// SPDX-License-Identifier: Apache-2.0
// RESHAPE: the elements of input 0 in a new shape.
//   input 0: any shape and type of fixed size; input 1 (optional): int32 [rank], the new shape
//   output 0: the new shape, the type of input 0
// The shape comes from input 1 if that is a vector, else from the option new_shape, where the list
// [0] stands for a scalar (old models). One dimension may be −1: what is left over.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status push_dimension(int64_t d, Shape* shape) {
  if (shape->rank == kMaxRank)
    return bad_model("T2: new shape has more than %d dimensions", kMaxRank);
  CYGNET_TRY(expect_range("new shape: dimension", d, -1, INT32_MAX));
  shape->push(static_cast<int32_t>(d));
  return {};
}

Status shape_from_options(const OpContext& op, Shape* shape) {
  const auto* list = op.options<schema::ReshapeOptions>().new_shape();
  if (list == nullptr)
    return bad_model("new shape: neither a shape vector nor the option new_shape is given");
  if (list->size() == 1 && list->Get(0) == 0) return {};
  for (int32_t d : *list) CYGNET_TRY(push_dimension(d, shape));
  return {};
}

// Replaces the −1, and checks that no element is lost or made up.
Status complete(const Shape& in, Shape* shape) {
  int stretch = -1;
  int64_t known = 1;
  for (int i = 0; i < shape->rank; ++i) {
    if ((*shape)[i] < 0) {
      if (stretch >= 0)
        return bad_model("new shape %s: more than one dimension is -1", shape_text(*shape).text);
      stretch = i;
    } else if (__builtin_mul_overflow(known, int64_t{(*shape)[i]}, &known)) {
      return bad_model("T3: new shape %s is too large", shape_text(*shape).text);
    }
  }
  const int64_t elements = in.elements();
  if (stretch >= 0 && known > 0 && elements % known == 0) {
    (*shape)[stretch] = static_cast<int32_t>(elements / known);
    return {};
  }
  if (stretch < 0 && known == elements) return {};
  return bad_model("new shape %s does not hold the elements of input 0 %s", shape_text(*shape).text,
                   shape_text(in).text);
}

Status infer(OpContext& op) {
  const Tensor& in = op.input(0);
  CYGNET_TRY(expect_same_type("input 0", in, "output 0", op.output(0)));
  const Tensor* list = op.input_or_null(1);
  Shape shape;
  if (list != nullptr && list->shape.rank == 1) {
    CYGNET_TRY(expect_type("input 1", *list, {Type::int32, Type::int64}));
    if (!op.known(1)) return op.defer();
    for (int32_t i = 0; i < list->shape[0]; ++i)
      CYGNET_TRY(push_dimension(integer_at(*list, i), &shape));
  } else {
    CYGNET_TRY(shape_from_options(op, &shape));
  }
  CYGNET_TRY(complete(in.shape, &shape));
  return op.set_output(0, shape);
}

}  // namespace

extern const OpDef kReshape;
const OpDef kReshape = {
    .name = "RESHAPE",
    .builtin = 22,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReshapeOptions),
    .sharing = Sharing::view,
    .min_inputs = 1,
    .max_inputs = 2,
    .optional_inputs = 0b10,
    .infer = infer,
    .invoke = invoke_view,
};

}  // namespace cygnet::ops
