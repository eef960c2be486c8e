# SPDX-License-Identifier: Apache-2.0
"""Element-wise operators, reductions, products."""
import numpy as np
import tensorflow as tf

from tensorflow_cases import RAW, booleans, case, floats, integers, raw

# ---- One operand

for op in ("Abs Ceil Cos Elu Erf Erfc Exp Expm1 Floor Inv Reciprocal LogSoftmax Neg Relu Relu6 Rint Round "
           "Selu Sigmoid Sign Sin Softmax Softplus Softsign Square Tanh Atan Asinh Sinh Cosh Tan "
           "IsFinite IsInf IsNan OnesLike ZerosLike L2Loss Snapshot").split():
    names = {"Elu": "features", "Relu": "features", "Relu6": "features", "Selu": "features",
             "Softplus": "features", "Softsign": "features", "LogSoftmax": "logits", "Softmax": "logits",
             "L2Loss": "t", "Snapshot": "input"}
    x = floats(3, 37)
    if op.startswith("Is"):
        x[0, :3] = np.inf, -np.inf, np.nan
    if op in ("Inv", "Reciprocal"):
        x = x + np.sign(x) * 0.1
    if op == "Tan":
        x = floats(3, 37, low=-1.4, high=1.4)
    case(op, raw(op, names.get(op, "x")), x, free=("x0",))
for op, low, high in (("Log", 0.01, 9), ("Log1p", -0.9, 9), ("Rsqrt", 0.1, 9), ("Sqrt", 0, 9),
                      ("Acos", -0.99, 0.99), ("Asin", -0.99, 0.99), ("Acosh", 1.01, 9),
                      ("Atanh", -0.97, 0.97)):
    case(op, raw(op, "x"), floats(5, 9, low=low, high=high))
case("Log1p_small", raw("Log1p", "x"), floats(40, low=-1e-4, high=1e-4), tolerance=1e-3)
case("Expm1_small", raw("Expm1", "x"), floats(40, low=-1e-4, high=1e-4), tolerance=1e-3)
case("Softplus_wide", raw("Softplus", "features"), floats(60, low=-100, high=100))
case("Sigmoid_wide", raw("Sigmoid", "x"), floats(60, low=-100, high=100))
case("Sinh_small", raw("Sinh", "x"), floats(40, low=-1e-3, high=1e-3), tolerance=1e-3)
case("Atan_wide", raw("Atan", "x"), floats(60, low=-100, high=100))
case("LeakyRelu", raw("LeakyRelu", "features", alpha=0.3), floats(4, 5))
case("LeakyRelu_default", raw("LeakyRelu", "features"), floats(4, 5))
case("LogicalNot", raw("LogicalNot", "x"), booleans(6))
case("Invert", raw("Invert", "x"), integers(6), refused="Invert")
for op in ("Abs", "Neg", "Sign", "Square"):
    case(f"{op}_int32", raw(op, "x"), integers(4, 6))
    case(f"{op}_int64", raw(op, "x"), integers(4, 6, dtype=np.int64))
case("OnesLike_int32", raw("OnesLike", "x"), integers(4))
case("ZerosLike_bool", raw("ZerosLike", "x"), booleans(4))
case("Softmax_rank4", raw("Softmax", "logits"), floats(2, 3, 4, 5))
case("Softmax_rank1", raw("Softmax", "logits"), floats(7))
case("LogSoftmax_rank3", raw("LogSoftmax", "logits"), floats(2, 3, 4))
case("Softmax_axis_1", lambda x: tf.nn.softmax(x, axis=1), floats(2, 3, 4, 5))
case("gelu", tf.nn.gelu, floats(3, 30))
case("gelu_tanh", lambda x: tf.nn.gelu(x, approximate=True), floats(3, 30))
case("mish", lambda x: x * tf.tanh(tf.nn.softplus(x)), floats(3, 30))
case("swish", tf.nn.silu, floats(3, 30))
case("hard_sigmoid", lambda x: tf.nn.relu6(x + 3) / 6, floats(3, 30))
case("logsumexp", lambda x: tf.reduce_logsumexp(x, -1), floats(3, 30))
case("l2_normalize", lambda x: tf.nn.l2_normalize(x, -1), floats(3, 30))
case("moments", lambda x: tf.nn.moments(x, [1, 2]), floats(2, 5, 6, 3))
case("crelu", tf.nn.crelu, floats(3, 5))

# ---- Two operands

PAIRS = [((3, 4), (3, 4)), ((2, 1, 4), (3, 1)), ((3, 4), ()), ((4,), (2, 3, 4))]
for op in ("Add AddV2 Sub Mul Div RealDiv Maximum Minimum SquaredDifference Equal NotEqual Less LessEqual Greater "
           "GreaterEqual FloorDiv FloorMod DivNoNan Atan2 Xdivy TruncateMod Mod MulNoNan").split():
    for number, (a, b) in enumerate(PAIRS):
        y = floats(*b, seed=2)
        y = (y + np.sign(y) * 0.05).astype(np.float32)
        case(f"{op}_{number}", raw(op, "x", "y"), floats(*a), y, tolerance=4e-6)
for op in ("AddV2 Sub Mul Maximum Minimum SquaredDifference Equal NotEqual Less LessEqual Greater GreaterEqual "
           "FloorDiv FloorMod TruncateDiv TruncateMod Mod Div").split():
    for kind in (np.int32, np.int64):
        y = integers(4, low=1, high=7, seed=3, dtype=kind) * np.array([1, -1, 1, -1], kind)
        refused = "INT64 is not supported" if "Div" in op and kind == np.int64 else ""
        case(f"{op}_{np.dtype(kind)}", raw(op, "x", "y"), integers(3, 4, dtype=kind), y, refused=refused)
for op in ("LogicalAnd", "LogicalOr"):
    case(op, raw(op, "x", "y"), booleans(3, 4), booleans(4, seed=2))
case("logical_xor", tf.math.logical_xor, booleans(3, 4), booleans(4, seed=2))
for op in ("Equal", "NotEqual"):
    case(f"{op}_bool", raw(op, "x", "y"), booleans(3, 4), booleans(4, seed=2))
case("Pow", raw("Pow", "x", "y"), floats(3, 4, low=0.1), floats(4, seed=2))
case("Pow_constant", lambda x: x ** 3, floats(3, 4))
case("Pow_int32", raw("Pow", "x", "y"), integers(3, 4, low=-4, high=4), integers(4, low=0, high=4, seed=2))
case("Xlogy", raw("Xlogy", "x", "y"), np.where(booleans(3, 8), floats(3, 8), 0).astype(np.float32),
     floats(3, 8, low=0.1, high=4, seed=2))
case("Xlogy_zero", raw("Xlogy", "x", "y"), np.array([0, 0, 2, 3], np.float32), np.array([0, 2, 3, 1], np.float32))
case("Xlog1py", raw("Xlog1py", "x", "y"), np.where(booleans(3, 8), floats(3, 8), 0).astype(np.float32),
     floats(3, 8, low=-0.5, high=4, seed=2))
case("Xdivy_zero", raw("Xdivy", "x", "y"), np.array([0, 0, 2, 3], np.float32), np.array([0, 2, 3, 1], np.float32))
case("DivNoNan_zero", raw("DivNoNan", "x", "y"), np.array([0, 5, 2, 3], np.float32),
     np.array([0, 0, 3, 1], np.float32))
case("MulNoNan_zero", raw("MulNoNan", "x", "y"), np.array([np.inf, 5, 2, np.nan], np.float32),
     np.array([0, 0, 3, 0], np.float32))
case("ApproximateEqual", raw("ApproximateEqual", "x", "y", tolerance=0.5), floats(20), floats(20, seed=2))
case("AddN", lambda *x: RAW.AddN(inputs=list(x)), floats(3, 4), floats(3, 4, seed=2), floats(3, 4, seed=3))
case("AddN_one", lambda x: RAW.AddN(inputs=[x]), floats(3, 4))
case("AddN_int32", lambda *x: RAW.AddN(inputs=list(x)), integers(3, 4), integers(3, 4, seed=2))
case("AccumulateNV2", lambda *x: RAW.AccumulateNV2(inputs=list(x), shape=(3, 4)), floats(3, 4),
     floats(3, 4, seed=2), floats(3, 4, seed=3))
case("ClipByValue", lambda x: RAW.ClipByValue(t=x, clip_value_min=-1.0, clip_value_max=2.0), floats(3, 9))
case("ClipByValue_int32", lambda x: RAW.ClipByValue(t=x, clip_value_min=-3, clip_value_max=5), integers(3, 9))
case("clip_by_norm", lambda x: tf.clip_by_norm(x, 2.0), floats(3, 9))
case("Select", raw("Select", "condition", "x", "y"), booleans(3, 4), floats(3, 4), floats(3, 4, seed=2))
case("Select_rows", raw("Select", "condition", "x", "y"), booleans(3), floats(3, 4), floats(3, 4, seed=2))
case("Select_scalar", raw("Select", "condition", "x", "y"), booleans(), floats(3, 4), floats(3, 4, seed=2))
case("Select_int32", raw("Select", "condition", "x", "y"), booleans(3, 4), integers(3, 4), integers(3, 4, seed=2))
case("SelectV2", raw("SelectV2", "condition", "t", "e"), booleans(3, 1), floats(4), floats(3, 4, seed=2))
case("SelectV2_rank5", raw("SelectV2", "condition", "t", "e"), booleans(2, 1, 3, 1, 2), floats(2, 2, 3, 2, 2),
     floats(2, seed=2))
case("SelectV2_int64", raw("SelectV2", "condition", "t", "e"), booleans(3, 4),
     integers(3, 4, dtype=np.int64), integers(4, seed=2, dtype=np.int64))
case("Bucketize", lambda x: RAW.Bucketize(input=x, boundaries=[-1.5, 0.0, 0.5, 2.0]), floats(3, 9))
case("Bucketize_int32", lambda x: RAW.Bucketize(input=x, boundaries=[-3.0, 0.0, 4.0]), integers(3, 9))
for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "RightShift"):
    case(op, raw(op, "x", "y"), integers(5), integers(5, seed=2), refused=op)

KINDS = {"float32": floats(3, 7), "int32": integers(3, 7), "int64": integers(3, 7, dtype=np.int64),
         "bool": booleans(3, 7), "uint8": integers(3, 7, low=0, high=200, dtype=np.uint8),
         "int8": integers(3, 7, dtype=np.int8), "int16": integers(3, 7, dtype=np.int16),
         "float16": floats(3, 7).astype(np.float16), "float64": floats(3, 7).astype(np.float64)}
for source, array in KINDS.items():
    for target in KINDS:
        if source != target:
            positive = np.abs(array) if target == "uint8" and source != "bool" else array
            case(f"Cast_{source}_{target}", lambda x, t=target: tf.cast(x, t), positive)

# ---- Reductions

for op in ("Sum", "Mean", "Prod", "Max", "Min", "EuclideanNorm"):
    for name, axes, keep in (("last", [-1], False), ("spatial", [1, 2], True), ("all", [0, 1, 2, 3], False),
                             ("none", [], False), ("first", 0, False), ("mixed", [-1, 0], True)):
        case(f"{op}_{name}", lambda x, o=op, a=axes, k=keep: getattr(RAW, o)(
            input=x, axis=np.array(a, np.int32), keep_dims=k), floats(2, 3, 4, 5, low=0.5, high=1.5),
             tolerance=1e-5 if op == "Prod" else 2e-6)
for op in ("Sum", "Prod", "Max", "Min"):
    for kind in (np.int32, np.int64):
        case(f"{op}_{np.dtype(kind)}", lambda x, o=op: getattr(RAW, o)(input=x, axis=[1]),
             integers(3, 4, low=-5, high=5, dtype=kind))
case("Mean_int32", lambda x: RAW.Mean(input=x, axis=[1]), integers(3, 4, low=-5, high=5))
for op in ("All", "Any"):
    for axes, keep in (([1], False), ([0, 1], True)):
        case(f"{op}_{len(axes)}", lambda x, o=op, a=axes, k=keep: getattr(RAW, o)(input=x, axis=a, keep_dims=k),
             booleans(4, 3))
for op in ("ArgMax", "ArgMin"):
    for axis in (0, -1, 1):
        for kind in ("int32", "int64"):
            case(f"{op}_{axis}_{kind}", lambda x, o=op, a=axis, k=kind: getattr(RAW, o)(
                input=x, dimension=a, output_type=k), floats(3, 4, 5))
    case(f"{op}_of_int32", lambda x, o=op: getattr(RAW, o)(input=x, dimension=1), integers(3, 9))
for op in ("Cumsum", "Cumprod"):
    for axis in (0, 1, -1):
        for exclusive in (False, True):
            for reverse in (False, True):
                case(f"{op}_{axis}_{exclusive:d}{reverse:d}",
                     lambda x, o=op, a=axis, e=exclusive, r=reverse: getattr(RAW, o)(
                         x=x, axis=a, exclusive=e, reverse=r), floats(3, 5, 4, low=0.3, high=1.8), tolerance=1e-5)
case("Cumsum_int32", lambda x: RAW.Cumsum(x=x, axis=0), integers(7))
case("Cumprod_free", lambda x: RAW.Cumprod(x=x, axis=1), floats(3, 6), free=("x0",))
case("CumulativeLogsumexp", lambda x: RAW.CumulativeLogsumexp(x=x, axis=1), floats(3, 6),
     refused="CumulativeLogsumexp")
case("SegmentSum", lambda x: RAW.SegmentSum(data=x, segment_ids=[0, 0, 1, 3, 3]), floats(5, 4))
case("UnsortedSegmentSum", lambda x: RAW.UnsortedSegmentSum(data=x, segment_ids=[1, 0, 1, 3, 3], num_segments=5),
     floats(5, 4))
case("Bincount_refused", lambda x: RAW.DenseBincount(input=x, size=5, weights=[], binary_output=False),
     integers(9, low=0, high=4), refused="DenseBincount")

# ---- Products

for a in (False, True):
    for b in (False, True):
        x, y = floats(*((4, 3) if a else (3, 4))), floats(*((5, 4) if b else (4, 5)), seed=2)
        case(f"MatMul_{a:d}{b:d}", raw("MatMul", "a", "b", transpose_a=a, transpose_b=b), x, y)
        case(f"MatMul_constant_{a:d}{b:d}", lambda x, y=y, a=a, b=b: RAW.MatMul(
            a=x, b=y, transpose_a=a, transpose_b=b), x)
        case(f"MatMul_constant_left_{a:d}{b:d}", lambda y, x=x, a=a, b=b: RAW.MatMul(
            a=x, b=y, transpose_a=a, transpose_b=b), y)
        x = floats(2, 3, *((4, 3) if a else (3, 4)))
        y = floats(2, 1, *((5, 4) if b else (4, 5)), seed=2)
        case(f"BatchMatMulV2_{a:d}{b:d}", raw("BatchMatMulV2", "x", "y", adj_x=a, adj_y=b), x, y)
        case(f"BatchMatMulV2_constant_{a:d}{b:d}", lambda x, y=y, a=a, b=b: RAW.BatchMatMulV2(
            x=x, y=y, adj_x=a, adj_y=b), x)
case("MatMul_int32", raw("MatMul", "a", "b"), integers(3, 4), integers(4, 5, seed=2), refused="INT32 is not supported")
case("BatchMatMul", raw("BatchMatMul", "x", "y"), floats(6, 3, 4), floats(6, 4, 2, seed=2))
case("BatchMatMulV3", raw("BatchMatMulV3", "x", "y", Tout=tf.float32), floats(6, 3, 4), floats(6, 4, 2, seed=2))
case("BatchMatMulV2_matrix", lambda x: RAW.BatchMatMulV2(x=x, y=floats(4, 5, seed=2)), floats(2, 3, 4),
     free=("x0",))
case("MatMul_free", lambda x: RAW.MatMul(a=x, b=floats(4, 5, seed=2)), floats(3, 4), free=("x0",))
case("tensordot", lambda x: tf.tensordot(x, floats(4, 5, 6, seed=2), 1), floats(2, 3, 4), free=("x0",))
case("Cross", raw("Cross", "a", "b"), floats(4, 3), floats(4, 3, seed=2))
EQUATIONS = {
    "matmul": ("ij,jk->ik", (3, 4), (4, 5)), "transposed": ("ij,kj->ki", (3, 4), (5, 4)),
    "batch": ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), "attention": ("aecd,abcd->acbe", (2, 5, 3, 4), (2, 6, 3, 4)),
    "attention_back": ("acbe,aecd->abcd", (2, 3, 6, 5), (2, 5, 3, 4)),
    "dense": ("abc,cde->abde", (2, 3, 4), (4, 5, 6)), "dense_out": ("abcd,cde->abe", (2, 3, 4, 5), (4, 5, 6)),
    "last": ("...x,xy->...y", (2, 3, 4), (4, 5)), "ellipses": ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    "ellipses_broadcast": ("...ij,...jk->...ik", (2, 3, 4), (4, 5)), "outer": ("i,j->ij", (3,), (4,)),
    "dot": ("i,i->", (5,), (5,)), "vector": ("ij,j->i", (3, 4), (4,)), "left_vector": ("i,ij->j", (3,), (3, 4)),
    "elementwise": ("ij,ij->ij", (3, 4), (3, 4)), "sums": ("ij,jk->k", (3, 4), (4, 5)),
    "diagonal_product": ("bij,bij->b", (2, 3, 4), (2, 3, 4)), "two_batches": ("abij,abjk->abik", (2, 3, 4, 5), (2, 3, 5, 6)),
    "mixed": ("abc,bd->acd", (2, 3, 4), (3, 5)), "bilinear": ("bhwc,hkc->bhwk", (2, 3, 4, 5), (3, 6, 5)),
}
for name, (equation, a, b) in EQUATIONS.items():
    case(f"Einsum_{name}", lambda x, y, q=equation: RAW.Einsum(inputs=[x, y], equation=q), floats(*a),
         floats(*b, seed=2), tolerance=4e-6)
    case(f"Einsum_{name}_constant", lambda x, q=equation, b=b: RAW.Einsum(
        inputs=[x, floats(*b, seed=2)], equation=q), floats(*a), tolerance=4e-6)
for equation in ("ij->ji", "ijk->ik", "ij->", "i...->...i", "ii->i", "ii->", "bii->bi"):
    case(f"Einsum_{equation}".replace("->", "_to_").replace(".", ""), lambda x, q=equation: RAW.Einsum(
        inputs=[x], equation=q), floats(*([4] * len(equation.split("->")[0].replace("...", "k")))))
case("Einsum_three", lambda x, y, z: tf.einsum("ij,jk,kl->il", x, y, z), floats(2, 3), floats(3, 4), floats(4, 5),
     tolerance=4e-6)
case("Einsum_free", lambda x: RAW.Einsum(inputs=[x, floats(4, 5, 6, seed=2)], equation="abc,cde->abde"),
     floats(3, 2, 4), free=("x0",))
case("Einsum_free_attention", lambda x, y: RAW.Einsum(inputs=[x, y], equation="aecd,abcd->acbe"),
     floats(2, 5, 3, 4), floats(2, 6, 3, 4), free=("x0", "x1"))

# ---- Fourier transforms: complex tensors exist only between operators

case("RFFT_abs", lambda x: tf.abs(RAW.RFFT(input=x, fft_length=[16])), floats(3, 16), tolerance=1e-5)
case("RFFT_padded", lambda x: tf.abs(tf.signal.rfft(x, fft_length=[20])), floats(3, 16), tolerance=1e-5)
case("RFFT_cropped", lambda x: tf.abs(tf.signal.rfft(x, fft_length=[12])), floats(3, 16), tolerance=1e-5)
case("RFFT_parts", lambda x: [tf.math.real(RAW.RFFT(input=x, fft_length=[15])),
                              tf.math.imag(RAW.RFFT(input=x, fft_length=[15]))], floats(2, 3, 15), tolerance=1e-5)
case("RFFT_angle", lambda x: tf.math.angle(RAW.RFFT(input=x, fft_length=[8])), floats(3, 8) + 1, tolerance=1e-4,
     free=("x0",))
case("IRFFT", lambda x: RAW.IRFFT(input=tf.complex(x, x * 0.5), fft_length=[16]), floats(3, 9), tolerance=1e-5)
case("IRFFT_odd", lambda x: RAW.IRFFT(input=tf.complex(x, x * 0.5), fft_length=[15]), floats(3, 8), tolerance=1e-5)
case("RFFT_IRFFT", lambda x: RAW.IRFFT(input=RAW.RFFT(input=x, fft_length=[16]), fft_length=[16]), floats(3, 16),
     tolerance=1e-5)
case("FFT", lambda x: tf.abs(RAW.FFT(input=tf.cast(x, tf.complex64))), floats(3, 10), tolerance=1e-5)
case("IFFT", lambda x: tf.math.real(RAW.IFFT(input=RAW.FFT(input=tf.complex(x, x * x)))), floats(3, 10), tolerance=1e-5)
case("RFFT2D", lambda x: tf.abs(RAW.RFFT2D(input=x, fft_length=[8, 10])), floats(2, 8, 10), tolerance=1e-5)
case("fnet", lambda x: tf.math.real(tf.signal.fft2d(tf.cast(x, tf.complex64))), floats(2, 8, 6), tolerance=1e-5)
case("complex_product", lambda x, y: tf.math.imag(tf.complex(x, y) * tf.complex(y, x) + tf.complex(x, x)),
     floats(3, 4), floats(3, 4, seed=2))
case("complex_moved", lambda x: tf.math.imag(tf.transpose(tf.reshape(RAW.RFFT(input=x, fft_length=[6]), [3, 2, 2]),
                                                           [2, 0, 1])), floats(3, 6), tolerance=1e-5)
case("stft", lambda x: tf.abs(tf.signal.stft(x, 16, 8)), floats(2, 64), tolerance=1e-5)
case("complex_output", lambda x: tf.complex(x, x), floats(3), refused="complex")
