// SPDX-License-Identifier: Apache-2.0
// SQUEEZE: input 0 without dimensions of size 1: those that the option squeeze_dims names (negative
// ones count from the end), or all where it names none. Any type of fixed size.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& in = op.input(0);
  CYGNET_TRY(expect_same_type("input 0", in, "output 0", op.output(0)));
  bool drop[kMaxRank] = {};
  const auto* list = op.options<schema::SqueezeOptions>().squeeze_dims();
  if (list == nullptr || list->size() == 0) {
    for (int i = 0; i < in.shape.rank; ++i) drop[i] = in.shape[i] == 1;
  } else {
    for (int32_t d : *list) {
      int axis = 0;
      CYGNET_TRY(resolve_axis("squeeze_dims", d, in.shape.rank, &axis));
      if (in.shape[axis] != 1)
        return bad_model("squeeze_dims: dimension %d of %s is not 1", axis,
                         shape_text(in.shape).text);
      drop[axis] = true;
    }
  }
  Shape shape;
  for (int i = 0; i < in.shape.rank; ++i)
    if (!drop[i]) shape.push(in.shape[i]);
  return op.set_output(0, shape);
}

}  // namespace

extern const OpDef kSqueeze;
const OpDef kSqueeze = {
    .name = "SQUEEZE",
    .builtin = 43,
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SqueezeOptions),
    .sharing = Sharing::view,
    .infer = infer,
    .invoke = invoke_view,
};

}  // namespace cygnet::ops
