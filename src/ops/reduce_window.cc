// SPDX-License-Identifier: Apache-2.0
// REDUCE_WINDOW and STABLEHLO_REDUCE_WINDOW: a reduction of each position of a sliding window.
//   input 0: x, rank ≥ 1; input 1: the initial value, one element; REDUCE_WINDOW, inputs 2 to 4:
//   sizes, strides and dilations of the window, int64 [rank] each
//   output 0: [(pᵢ − (wᵢ − 1)·dᵢ − 1)/sᵢ + 1] with p the size of x after base dilation and padding,
//   0 where the window does not fit: the function of the initial value and the window's elements
// Types f32, f64, int8, uint8, int16, int32, int64 and bool, the same for inputs 0, 1 and the
// output. Integers wrap around; bools are combined as ALL (MUL, MINIMUM) or ANY (ADD, MAXIMUM).
// STABLEHLO_REDUCE_WINDOW takes sizes from its options. What base dilation and padding put between
// and around the elements is the initial value; negative padding cuts off. The function is what the
// one operator of the body's subgraph says: ADD, MUL, MAXIMUM, MINIMUM, LOGICAL_AND, LOGICAL_OR or
// the STABLEHLO operator of that meaning. Source: LiteRT 2.3, StableHLO's specification.
#include "base/number.h"
#include "ops/binary.h"
#include "ops/movement.h"

namespace cygnet::ops {
namespace {

using Function = schema::ReduceWindowFunction;
using Builtin = schema::BuiltinOperator;

// One dimension of the window. Position w of output o lies at o·stride + w·dilation − pad among the
// elements, which are `base` apart.
struct Axis {
  int64_t in = 0, out = 0, window = 1, stride = 1, dilation = 1, base = 1, pad = 0;
};

struct Geometry {
  int rank = 0;
  Axis axes[kMaxRank];
  Function function = Function::UNSUPPORTED;
  int64_t window = 1;  // elements
};

Status finish(int64_t pad_behind, Axis* a) {
  constexpr int64_t kMost = INT32_MAX;
  if (a->window < 1 || a->stride < 1 || a->dilation < 1 || a->base < 1)
    return bad_model(
        "window: expected sizes, strides and dilations >= 1, got %lld, %lld, %lld, "
        "%lld",
        static_cast<long long>(a->window), static_cast<long long>(a->stride),
        static_cast<long long>(a->dilation), static_cast<long long>(a->base));
  if (a->window > kMost || a->stride > kMost || a->dilation > kMost || a->base > kMost ||
      a->pad > kMost || a->pad < -kMost || pad_behind > kMost || pad_behind < -kMost)
    return bad_model("window: a number of the options is beyond 2147483647");
  const int64_t dilated = a->in == 0 ? 0 : (a->in - 1) * a->base + 1;
  const int64_t padded = dilated + a->pad + pad_behind, extent = (a->window - 1) * a->dilation + 1;
  if (padded < 0)
    return bad_model("padding: %lld and %lld cut more than %lld", static_cast<long long>(a->pad),
                     static_cast<long long>(pad_behind), static_cast<long long>(dilated));
  a->out = padded < extent ? 0 : (padded - extent) / a->stride + 1;
  return a->out <= kMost ? Status() : bad_model("T3: the output's size is beyond 2147483647");
}

Function function_of(int32_t builtin) {
  switch (static_cast<Builtin>(builtin)) {
    case Builtin::ADD:
    case Builtin::STABLEHLO_ADD:
      return Function::ADD;
    case Builtin::MUL:
    case Builtin::STABLEHLO_MULTIPLY:
      return Function::MUL;
    case Builtin::MAXIMUM:
    case Builtin::STABLEHLO_MAXIMUM:
      return Function::MAXIMUM;
    case Builtin::MINIMUM:
    case Builtin::STABLEHLO_MINIMUM:
      return Function::MINIMUM;
    case Builtin::LOGICAL_AND:
    case Builtin::STABLEHLO_AND:
      return Function::ALL;
    case Builtin::LOGICAL_OR:
    case Builtin::STABLEHLO_OR:
      return Function::ANY;
    default:
      return Function::UNSUPPORTED;
  }
}

using Numbers = const flatbuffers::Vector<int64_t>*;

// An attribute of n numbers; left out: `otherwise` everywhere.
Status expect_count(const char* name, Numbers numbers, int n) {
  if (numbers == nullptr || numbers->size() == 0 || numbers->size() == static_cast<unsigned>(n))
    return {};
  return bad_model("%s: expected %d numbers, got %u", name, n, numbers->size());
}
int64_t at(Numbers numbers, int i, int64_t otherwise) {
  return numbers == nullptr || numbers->size() == 0 ? otherwise
                                                    : numbers->Get(static_cast<unsigned>(i));
}

Status read_stablehlo(const OpContext& op, Geometry* g) {
  const auto& options = op.options<schema::StablehloReduceWindowOptions>();
  CYGNET_TRY(expect_count("window_dimensions", options.window_dimensions(), g->rank));
  CYGNET_TRY(expect_count("window_strides", options.window_strides(), g->rank));
  CYGNET_TRY(expect_count("window_dilations", options.window_dilations(), g->rank));
  CYGNET_TRY(expect_count("base_dilations", options.base_dilations(), g->rank));
  CYGNET_TRY(expect_count("padding", options.padding(), 2 * g->rank));
  for (int i = 0; i < g->rank; ++i) {
    Axis& a = g->axes[i];
    a.window = at(options.window_dimensions(), i, 1);
    a.stride = at(options.window_strides(), i, 1);
    a.dilation = at(options.window_dilations(), i, 1);
    a.base = at(options.base_dilations(), i, 1);
    a.pad = at(options.padding(), 2 * i, 0);
    CYGNET_TRY(finish(at(options.padding(), 2 * i + 1, 0), &a));
  }
  g->function = function_of(op.region_operator(options.body_subgraph_index()));
  return {};
}

Status read_tensors(const OpContext& op, Geometry* g) {
  for (int i = 0; i < g->rank; ++i) {
    Axis& a = g->axes[i];
    a.window = op.input(2).as<int64_t>()[i];
    a.stride = op.input(3).as<int64_t>()[i];
    a.dilation = op.input(4).as<int64_t>()[i];
    CYGNET_TRY(finish(0, &a));
  }
  g->function = op.options<schema::ReduceWindowOptions>().reduce_function();
  return {};
}

template <bool kStablehlo>
Status read_geometry(const OpContext& op, Geometry* g) {
  g->rank = op.input(0).shape.rank;
  for (int i = 0; i < g->rank; ++i) g->axes[i].in = op.input(0).shape[i];
  CYGNET_TRY(kStablehlo ? read_stablehlo(op, g) : read_tensors(op, g));
  if (g->function <= Function::UNSUPPORTED || g->function > Function::MAX)
    return Status::error(Code::unsupported,
                         "%s: expected a sum, product, minimum, maximum, "
                         "conjunction or disjunction",
                         kStablehlo ? "the body's subgraph" : "reduce_function");
  for (int i = 0; i < g->rank; ++i)
    if ((g->window *= g->axes[i].window) > INT32_MAX)
      return bad_model("T3: the window has more than 2147483647 elements");
  return {};
}

template <bool kStablehlo>
Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x,
                         {Type::float32, Type::float64, Type::int8, Type::uint8, Type::int16,
                          Type::int32, Type::int64, Type::boolean}));
  CYGNET_TRY(expect_same_type("input 0", x, "input 1", op.input(1)));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_elements("input 1", op.input(1), 1));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  if (!kStablehlo) {
    static constexpr const char* kNames[] = {"input 2", "input 3", "input 4"};
    for (int i = 2; i < 5; ++i) {
      CYGNET_TRY(expect_type(kNames[i - 2], op.input(i), {Type::int64}));
      CYGNET_TRY(expect_shape(kNames[i - 2], op.input(i), Shape{x.shape.rank}));
    }
    if (!op.known(2) || !op.known(3) || !op.known(4)) return op.defer();
  }
  Geometry g;
  CYGNET_TRY(read_geometry<kStablehlo>(op, &g));
  Shape shape;
  for (int i = 0; i < g.rank; ++i) shape.push(static_cast<int32_t>(g.axes[i].out));
  return op.set_output(0, shape);
}

template <class T>
T combine(Function function, T a, T b) {
  switch (function) {
    case Function::ADD:
      if constexpr (std::is_integral_v<T>)
        return wrapping_add(a, b);
      else
        return a + b;
    case Function::MUL:
      if constexpr (std::is_integral_v<T>)
        return wrapping_mul(a, b);
      else
        return a * b;
    case Function::MINIMUM:
      return a <= b ? a : b;
    case Function::MAXIMUM:
      return a >= b ? a : b;
    case Function::ALL:
      return static_cast<T>(a != T(0) && b != T(0));
    default:
      return static_cast<T>(a != T(0) || b != T(0));
  }
}

// Place in x of the window's element `w` at output `o`, −1 where there is none.
int64_t place_of(const Geometry& g, int64_t o, int64_t w) {
  int64_t place = 0, stride = 1;
  for (int i = g.rank - 1; i >= 0; --i) {
    const Axis& a = g.axes[i];
    const int64_t position = o % a.out * a.stride + w % a.window * a.dilation - a.pad;
    if (position < 0 || position % a.base != 0 || position / a.base >= a.in) return -1;
    place += position / a.base * stride;
    stride *= a.in;
    o /= a.out;
    w /= a.window;
  }
  return place;
}

template <class T>
void reduce(OpContext& op, const Geometry& g) {
  const T init = *op.input(1).as<T>();
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  op.parallel_for(op.output(0).shape.elements(), [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin; o < end; ++o) {
      T sum = init;
      for (int64_t w = 0; w < g.window; ++w) {
        const int64_t place = place_of(g, o, w);
        sum = combine(g.function, sum, place < 0 ? init : x[place]);
        if (w % 65536 == 65535 && op.stopped()) return;
      }
      y[o] = sum;
    }
  });
}

template <bool kStablehlo>
Status invoke(OpContext& op) {
  Geometry g;
  CYGNET_TRY(read_geometry<kStablehlo>(op, &g));
  const Type type = op.input(0).type;
  if (type == Type::boolean) {
    const bool all = g.function == Function::ALL || g.function == Function::MUL ||
                     g.function == Function::MINIMUM;
    g.function = all ? Function::ALL : Function::ANY;
    reduce<uint8_t>(op, g);
    return {};
  }
  with_type<float, double, int8_t, uint8_t, int16_t, int32_t, int64_t>(
      type, [&](auto t) { reduce<decltype(t)>(op, g); });
  return {};
}

template <bool kStablehlo>
int64_t macs(const OpContext& op) {
  Geometry g;
  if (!read_geometry<kStablehlo>(op, &g).ok()) return 0;
  return op.output(0).shape.elements() * g.window;  // each at most 2^31 − 1
}

}  // namespace

extern const OpDef kReduceWindow;
const OpDef kReduceWindow = {
    .name = "REDUCE_WINDOW",
    .builtin = 205,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::ReduceWindowOptions),
    .min_inputs = 5,
    .max_inputs = 5,
    .infer = infer<false>,
    .invoke = invoke<false>,
    .macs = macs<false>,
};

extern const OpDef kStablehloReduceWindow;
const OpDef kStablehloReduceWindow = {
    .name = "STABLEHLO_REDUCE_WINDOW",
    .builtin = 198,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::StablehloReduceWindowOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer<true>,
    .invoke = invoke<true>,
    .macs = macs<true>,
};

}  // namespace cygnet::ops
