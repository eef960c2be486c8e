# SPDX-License-Identifier: Apache-2.0
"""Convolution, pooling, normalization, resizing, quantization, boxes."""
import numpy as np
import tensorflow as tf

from tensorflow_cases import RAW, case, floats, integers, raw

TO_NHWC, TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]
X = floats(2, 9, 8, 3)


def nhwc(call):
    """What an NHWC operator makes of NCHW data."""
    return lambda x: tf.transpose(call(tf.transpose(x, TO_NHWC)), TO_NCHW)


# ---- Convolution

for padding in ("SAME", "VALID"):
    for strides in ((1, 1), (2, 2), (2, 1)):
        for dilations in ((1, 1), (2, 2), (1, 3)):
            if strides == (2, 1) and dilations != (1, 1):
                continue
            for kh, kw in ((3, 3), (1, 1), (2, 3)):
                name = f"{padding}_{strides[0]}{strides[1]}_{dilations[0]}{dilations[1]}_{kh}{kw}"
                case(f"Conv2D_{name}", lambda x, p=padding, s=strides, d=dilations, w=floats(kh, kw, 3, 4): RAW.Conv2D(
                    input=x, filter=w, strides=[1, *s, 1], padding=p, dilations=[1, *d, 1]), X, tolerance=5e-6)
                if strides[0] == strides[1]:
                    case(f"DepthwiseConv2dNative_{name}",
                         lambda x, p=padding, s=strides, d=dilations, w=floats(kh, kw, 3, 2): RAW.DepthwiseConv2dNative(
                             input=x, filter=w, strides=[1, *s, 1], padding=p, dilations=[1, *d, 1]), X, tolerance=5e-6)
PADS = [0, 0, 1, 2, 0, 3, 0, 0]
case("Conv2D_explicit", lambda x: RAW.Conv2D(input=x, filter=floats(3, 3, 3, 4), strides=[1, 2, 2, 1], padding="EXPLICIT",
                                             explicit_paddings=PADS), X, tolerance=5e-6)
case("DepthwiseConv2dNative_explicit", lambda x: RAW.DepthwiseConv2dNative(
    input=x, filter=floats(3, 3, 3, 1), strides=[1, 1, 1, 1], padding="EXPLICIT", explicit_paddings=PADS), X, tolerance=5e-6)
case("Conv2D_free", lambda x: RAW.Conv2D(input=x, filter=floats(3, 3, 3, 4), strides=[1, 1, 1, 1], padding="SAME"), X,
     free=("x0",), tolerance=5e-6)
case("Conv2D_groups", lambda x: RAW.Conv2D(input=x, filter=floats(3, 3, 2, 6), strides=[1, 1, 1, 1], padding="SAME"),
     floats(2, 6, 6, 4), tolerance=5e-6)
case("Conv2D_given", lambda x, w: RAW.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME"), X,
     floats(3, 3, 3, 4, seed=2), tolerance=5e-6)
case("DepthwiseConv2dNative_given", lambda x, w: RAW.DepthwiseConv2dNative(
    input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME"), X, floats(3, 3, 3, 2, seed=2), tolerance=5e-6)
W = floats(3, 3, 3, 4)
case("Conv2D_nchw", lambda x: RAW.Conv2D(input=x, filter=W, strides=[1, 1, 2, 2], padding="SAME", data_format="NCHW"),
     floats(2, 3, 9, 8), tolerance=5e-6,
     reference=nhwc(lambda x: RAW.Conv2D(input=x, filter=W, strides=[1, 2, 2, 1], padding="SAME")))
case("Conv2D_nchw_explicit", lambda x: RAW.Conv2D(
    input=x, filter=W, strides=[1, 1, 1, 1], padding="EXPLICIT", explicit_paddings=[0, 0, 0, 0, 1, 2, 0, 3],
    data_format="NCHW"), floats(2, 3, 9, 8), tolerance=5e-6,
     reference=nhwc(lambda x: RAW.Conv2D(input=x, filter=W, strides=[1, 1, 1, 1], padding="EXPLICIT",
                                         explicit_paddings=PADS)))
case("DepthwiseConv2dNative_nchw", lambda x: RAW.DepthwiseConv2dNative(
    input=x, filter=W, strides=[1, 1, 1, 1], padding="SAME", data_format="NCHW"), floats(2, 3, 9, 8), tolerance=5e-6,
     reference=nhwc(lambda x: RAW.DepthwiseConv2dNative(input=x, filter=W, strides=[1, 1, 1, 1], padding="SAME")))
for padding in ("SAME", "VALID"):
    for h in (12, 13):
        function = lambda x, p=padding: tf.nn.depthwise_conv2d(x, floats(3, 3, 3, 2), [1, 2, 2, 1], p, dilations=[2, 2])
        case(f"depthwise_stride_in_grid_{padding}_{h}", function, floats(2, h, h, 3), tolerance=5e-6,
             warns="(--atrous=true: as the mathematics says)")
    case(f"depthwise_stride_true_{padding}", function, floats(2, 13, 13, 3), tolerance=5e-6,
         flags=("--inputs", "x0", "--atrous", "true"), warns="(--atrous=tf: as TensorFlow computes)",
         reference=lambda x, p=padding: RAW.DepthwiseConv2dNative(
             input=x, filter=floats(3, 3, 3, 2), strides=[1, 2, 2, 1], padding=p, dilations=[1, 2, 2, 1]))
case("conv1d", lambda x: tf.nn.conv1d(x, floats(3, 3, 5), 2, "SAME"), floats(2, 11, 3), free=("x0",), tolerance=5e-6)
case("conv1d_dilated", lambda x: tf.nn.convolution(x, floats(3, 3, 5), padding="SAME", dilations=2), floats(2, 11, 3),
     tolerance=5e-6)
case("separable", lambda x: tf.nn.separable_conv2d(x, floats(3, 3, 3, 2), floats(1, 1, 6, 4), [1, 1, 1, 1], "SAME"), X,
     tolerance=5e-6)
case("atrous", lambda x: tf.compat.v1.nn.with_space_to_batch(
    x, [2, 2], "SAME", lambda y, _, p: tf.nn.conv2d(y, floats(3, 3, 3, 4), 1, p), filter_shape=[3, 3]), X, tolerance=5e-6)
for padding in ("SAME", "VALID"):
    for stride, k in ((2, 3), (2, 2), (1, 3), (3, 2)):
        case(f"conv2d_transpose_{padding}_{stride}_{k}", lambda x, p=padding, s=stride, k=k: tf.nn.conv2d_transpose(
            x, floats(k, k, 5, 3), (2, 4 * s + (max(k - s, 0) if p == "VALID" else 0),
                                    5 * s + (max(k - s, 0) if p == "VALID" else 0), 5), s, p), floats(2, 4, 5, 3),
             tolerance=5e-6)
case("conv2d_transpose_free", lambda x: tf.nn.conv2d_transpose(
    x, floats(3, 3, 5, 3), tf.stack([tf.shape(x)[0], 8, 10, 5]), 2, "SAME"), floats(2, 4, 5, 3), free=("x0",), tolerance=5e-6)
case("conv1d_transpose", lambda x: tf.nn.conv1d_transpose(x, floats(3, 5, 3), (2, 14, 5), 2, "SAME"), floats(2, 7, 3),
     tolerance=5e-6)
case("Conv2DBackpropInput_dilated", lambda x: RAW.Conv2DBackpropInput(
    input_sizes=(2, 4, 5, 5), filter=floats(3, 3, 5, 3), out_backprop=x, strides=[1, 1, 1, 1], padding="SAME",
    dilations=[1, 2, 2, 1]), floats(2, 4, 5, 3), refused="dilations are not supported")
for padding in ("SAME", "VALID"):
    case(f"Conv3D_{padding}", lambda x, p=padding: RAW.Conv3D(
        input=x, filter=floats(2, 3, 3, 3, 4), strides=[1, 1, 2, 2, 1], padding=p), floats(2, 5, 7, 6, 3), tolerance=5e-6)
case("Conv3D_dilated", lambda x: tf.nn.conv3d(x, floats(2, 3, 3, 3, 4), [1] * 5, "VALID", dilations=[1, 1, 2, 2, 1]),
     floats(2, 5, 7, 6, 3), tolerance=5e-6)
case("conv3d_transpose", lambda x: tf.nn.conv3d_transpose(x, floats(2, 3, 3, 4, 3), (2, 6, 8, 8, 4), 2, "SAME"),
     floats(2, 3, 4, 4, 3), refused="Conv3DBackpropInputV2")
case("Dilation2D", lambda x: RAW.Dilation2D(input=x, filter=floats(3, 3, 3), strides=[1, 1, 1, 1], rates=[1, 1, 1, 1],
                                            padding="SAME"), X, refused="Dilation2D")

# ---- Pooling, bias, normalization

for op in ("MaxPool", "AvgPool"):
    value = "input" if op == "MaxPool" else "value"
    for padding in ("SAME", "VALID"):
        for k, s in ((2, 2), (3, 1), (3, 2)):
            case(f"{op}_{padding}_{k}{s}", raw(op, value, ksize=[1, k, k, 1], strides=[1, s, s, 1], padding=padding), X)
    case(f"{op}_nchw", raw(op, value, ksize=[1, 1, 3, 2], strides=[1, 1, 2, 1], padding="SAME", data_format="NCHW"),
         floats(2, 3, 9, 8), reference=nhwc(raw(op, value, ksize=[1, 3, 2, 1], strides=[1, 2, 1, 1], padding="SAME")))
case("MaxPool_explicit", raw("MaxPool", "input", ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="EXPLICIT",
                             explicit_paddings=[0, 0, 1, 1, 1, 0, 0, 0]), X - 4)
case("MaxPoolV2", lambda x: RAW.MaxPoolV2(input=x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME"), X)
case("pool1d", lambda x: [tf.nn.max_pool1d(x, 2, 2, "SAME"), tf.nn.avg_pool1d(x, 3, 1, "SAME")], floats(2, 9, 3))
case("MaxPool3D", lambda x: RAW.MaxPool3D(input=x, ksize=[1, 2, 3, 2, 1], strides=[1, 2, 2, 1, 1], padding="SAME"),
     floats(2, 5, 7, 6, 3))
case("AvgPool3D", lambda x: RAW.AvgPool3D(input=x, ksize=[1, 2, 3, 2, 1], strides=[1, 2, 2, 1, 1], padding="VALID"),
     floats(2, 5, 7, 6, 3))
case("BiasAdd", lambda x: RAW.BiasAdd(value=x, bias=floats(3)), X)
case("BiasAdd_nchw", lambda x: RAW.BiasAdd(value=x, bias=floats(3), data_format="NCHW"), floats(2, 3, 4, 5))
case("BiasAdd_rank2", lambda x: RAW.BiasAdd(value=x, bias=floats(5)), floats(2, 5))
case("BiasAddV1", lambda x: RAW.BiasAddV1(value=x, bias=floats(5)), floats(2, 5))
STATISTICS = dict(scale=floats(3), offset=floats(3, seed=2), mean=floats(3, seed=3), variance=floats(3, low=0.2, seed=4))
for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    kind = {} if op == "FusedBatchNorm" else {"U": tf.float32}
    case(op, lambda x, o=op: getattr(RAW, o)(x=x, **STATISTICS, epsilon=1e-3, is_training=False)[0], X, tolerance=5e-6)
case("FusedBatchNormV3_nchw", lambda x: RAW.FusedBatchNormV3(
    x=x, **STATISTICS, epsilon=1e-3, is_training=False, data_format="NCHW")[0], floats(2, 3, 9, 8), tolerance=5e-6,
     reference=nhwc(lambda x: RAW.FusedBatchNormV3(x=x, **STATISTICS, epsilon=1e-3, is_training=False)[0]))
case("FusedBatchNormV3_training", lambda x: RAW.FusedBatchNormV3(
    x=x, scale=floats(3), offset=floats(3, seed=2), mean=[], variance=[], epsilon=1e-3, is_training=True)[0], X,
     tolerance=1e-5, warns="training mode")
case("FusedBatchNormV3_rank5", lambda x: RAW.FusedBatchNormV3(
    x=x, **STATISTICS, epsilon=1e-3, is_training=False, data_format="NDHWC")[0], floats(2, 3, 4, 5, 3), tolerance=5e-6,
     reference=lambda x: tf.nn.batch_normalization(x, *(STATISTICS[k] for k in ("mean", "variance", "offset", "scale")),
                                                   1e-3))
case("LRN", lambda x: RAW.LRN(input=x, depth_radius=2, bias=1.5, alpha=0.3, beta=0.7), floats(2, 3, 4, 9))
case("LRN_default", lambda x: RAW.LRN(input=x), floats(2, 3, 4, 9))

# ---- Resizing

for op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"):
    for corners, centers in ((False, False), (True, False), (False, True)):
        for size in ((12, 15), (4, 3), (9, 8), (1, 1)):
            case(f"{op}_{corners:d}{centers:d}_{size[0]}x{size[1]}",
                 raw(op, "images", size=size, align_corners=corners, half_pixel_centers=centers), X, tolerance=5e-6)
    case(f"{op}_free", raw(op, "images", size=(18, 16), half_pixel_centers=True), X, free=("x0",), tolerance=5e-6)
for corners in (False, True):
    for size in ((12, 15), (4, 3)):
        case(f"ResizeArea_{corners:d}_{size[0]}x{size[1]}", raw("ResizeArea", "images", size=size, align_corners=corners), X,
             tolerance=5e-6)
for method in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
    case(f"resize_{method}", lambda x, m=method: tf.image.resize(x, (12, 15), m), X, tolerance=1e-5)
case("resize_antialias", lambda x: tf.image.resize(x, (4, 3), antialias=True), X, tolerance=1e-5)
case("CropAndResize", lambda x: RAW.CropAndResize(
    image=x, boxes=[[0.1, 0.2, 0.8, 0.9], [0.0, 0.0, 1.0, 1.0]], box_ind=[0, 1], crop_size=[4, 5]), X, refused="CropAndResize")
case("ResizeBilinear_of_int32", lambda x: RAW.ResizeBilinear(images=x, size=(12, 15)), integers(2, 5, 6, 3))
case("ResizeBilinear_of_uint8", lambda x: RAW.ResizeBilinear(images=x, size=(12, 15)),
     integers(2, 5, 6, 3, low=0, high=255, dtype=np.uint8))

# ---- Quantization in training

for bits, narrow in ((8, False), (8, True), (4, False)):
    case(f"FakeQuantWithMinMaxArgs_{bits}{narrow:d}", lambda x, b=bits, n=narrow: RAW.FakeQuantWithMinMaxArgs(
        inputs=x, min=-1.7, max=2.3, num_bits=b, narrow_range=n), floats(3, 9))
    case(f"FakeQuantWithMinMaxVars_{bits}{narrow:d}", lambda x, b=bits, n=narrow: RAW.FakeQuantWithMinMaxVars(
        inputs=x, min=-1.7, max=2.3, num_bits=b, narrow_range=n), floats(3, 9))
case("FakeQuantWithMinMaxVarsPerChannel", lambda x: RAW.FakeQuantWithMinMaxVarsPerChannel(
    inputs=x, min=[-1.7, -1.0, -2.0], max=[2.3, 1.5, 1.0]), floats(7, 3))
case("QuantizeAndDequantizeV2", lambda x: RAW.QuantizeAndDequantizeV2(
    input=x, input_min=-2.0, input_max=2.0, range_given=True), floats(3, 9))
case("QuantizeAndDequantizeV2_unsigned", lambda x: RAW.QuantizeAndDequantizeV2(
    input=x, input_min=-1.0, input_max=2.0, range_given=True, signed_input=False), floats(3, 9))
case("QuantizeAndDequantizeV3", lambda x: RAW.QuantizeAndDequantizeV3(
    input=x, input_min=-2.0, input_max=2.0, num_bits=8, range_given=True, narrow_range=True), floats(3, 9))

# ---- Boxes

CORNERS = np.random.default_rng(7).uniform(0, 0.6, (12, 2)).astype(np.float32)
BOXES = np.concatenate([CORNERS, CORNERS + 0.3], 1)
SCORES = floats(12, low=0.05, high=0.95, seed=8)
case("NonMaxSuppression", lambda b, s: RAW.NonMaxSuppression(boxes=b, scores=s, max_output_size=5, iou_threshold=0.4),
     BOXES, SCORES)
case("NonMaxSuppressionV2", lambda b, s: RAW.NonMaxSuppressionV2(boxes=b, scores=s, max_output_size=5, iou_threshold=0.4),
     BOXES, SCORES)
case("NonMaxSuppressionV3", lambda b, s: RAW.NonMaxSuppressionV3(
    boxes=b, scores=s, max_output_size=9, iou_threshold=0.4, score_threshold=0.3), BOXES, SCORES)
for pad in (False, True):
    case(f"NonMaxSuppressionV4_{pad:d}", lambda b, s, p=pad: RAW.NonMaxSuppressionV4(
        boxes=b, scores=s, max_output_size=9, iou_threshold=0.4, score_threshold=0.3, pad_to_max_output_size=p), BOXES, SCORES)
    for sigma in (0.0, 0.5):
        case(f"NonMaxSuppressionV5_{pad:d}_{sigma}", lambda b, s, p=pad, v=sigma: RAW.NonMaxSuppressionV5(
            boxes=b, scores=s, max_output_size=9, iou_threshold=0.4 if v == 0 else 1.0, score_threshold=0.1, soft_nms_sigma=v,
            pad_to_max_output_size=p), BOXES, SCORES)
case("NonMaxSuppressionV4_at_the_limit", lambda b, s: RAW.NonMaxSuppressionV4(
    boxes=b, scores=s, max_output_size=3, iou_threshold=0.5, score_threshold=0.0),
     np.array([[0, 0, 2, 2], [0, 0, 2, 1], [0, 0, 2, 4]], np.float32), np.array([0.9, 0.8, 0.7], np.float32))
for most in (6, 20):
    case(f"non_max_suppression_with_scores_{most}", lambda b, s, m=most: tf.image.non_max_suppression_with_scores(
        b, s, m, iou_threshold=0.3, soft_nms_sigma=0.5), BOXES, SCORES)
case("CombinedNonMaxSuppression", lambda b, s: tf.image.combined_non_max_suppression(
    b, s, 4, 6, 0.4, 0.2), np.stack([BOXES, BOXES[::-1]])[:, :, None], floats(2, 12, 3, low=0.05, high=0.95, seed=9),
     refused="CombinedNonMaxSuppression")

# ---- Layers of a few operators

case("layer_norm", lambda x: tf.nn.batch_normalization(x, *tf.nn.moments(x, [-1], keepdims=True), floats(6), floats(6), 1e-3),
     floats(2, 5, 6), free=("x0",), tolerance=1e-5)
case("attention", lambda q, k, v: tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 2.0), v), floats(2, 5, 4),
     floats(2, 6, 4, seed=2), floats(2, 6, 3, seed=3), free=("x0", "x1", "x2"), tolerance=1e-5)
case("upsampling", lambda x: tf.repeat(tf.repeat(x, 2, 1), 2, 2), X, free=("x0",))
case("leaky", lambda x: tf.maximum(x, 0.2 * x), X)
case("prelu", lambda x: tf.nn.relu(x) - floats(3, low=0.1) * tf.nn.relu(-x), X)
