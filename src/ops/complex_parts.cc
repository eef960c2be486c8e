// SPDX-License-Identifier: Apache-2.0
// REAL, IMAG, COMPLEX_ABS (√(re² + im²)): c64 → f32, c128 → f64.
// Source: tensorflow/lite/kernels/complex_support.cc.
#include <cmath>

#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

enum class Part { real, imaginary, magnitude };

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::complex64, Type::complex128}));
  CYGNET_TRY(expect_type("output 0", op.output(0),
                         {x.type == Type::complex64 ? Type::float32 : Type::float64}));
  return op.set_output(0, x.shape);
}

template <Part kPart>
Status invoke(OpContext& op) {
  with_type<Complex64, Complex128>(op.input(0).type, [&](auto t) {
    using Real = decltype(t.re);
    const auto* x = op.input(0).as<decltype(t)>();
    Real* y = op.output(0).as<Real>();
    each_piece(op, [&](int64_t at, int64_t n) {
      for (int64_t i = at; i < at + n; ++i)
        y[i] = kPart == Part::real        ? x[i].re
               : kPart == Part::imaginary ? x[i].im
                                          : std::hypot(x[i].re, x[i].im);
    });
  });
  return {};
}

template <Part kPart>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = 1,
          .infer = infer,
          .invoke = invoke<kPart>};
}

}  // namespace

extern const OpDef kReal;
extern const OpDef kReal = definition<Part::real>("REAL", schema::BuiltinOperator::REAL);
extern const OpDef kImag;
extern const OpDef kImag = definition<Part::imaginary>("IMAG", schema::BuiltinOperator::IMAG);
extern const OpDef kComplexAbs;
extern const OpDef kComplexAbs =
    definition<Part::magnitude>("COMPLEX_ABS", schema::BuiltinOperator::COMPLEX_ABS);

}  // namespace cygnet::ops
