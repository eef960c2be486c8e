# SPDX-License-Identifier: Apache-2.0
"""The networks of tests/data/convert/ that are written in TensorFlow itself.

FUNCTIONS: {name: (formats kept, builder of (function, specs, arrays))}.
GRAPHS: {name: (formats kept, builder that fills the current TensorFlow 1 graph and gives its inputs)}.
"""
import numpy as np
import tensorflow as tf

V1 = tf.compat.v1


def floats(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def weights(*shape, seed=3):
    scale = np.float32(1 / np.sqrt(np.prod(shape[:-1])))
    return tf.constant(floats(*shape, seed=seed) * scale, name="weights")


def statistics(channels, seed=4):
    """(scale, offset, mean, variance) of a batch normalization."""
    rng = np.random.default_rng(seed)
    return [tf.constant(rng.uniform(low, high, channels).astype(np.float32))
            for low, high in ((0.5, 1.5), (-0.3, 0.3), (-0.3, 0.3), (0.3, 1.5))]


def spec(name, *shape, dtype=tf.float32):
    return tf.TensorSpec(shape, dtype, name=name)


def numbered(*tensors):
    return {f"output_{i}": t for i, t in enumerate(tensors)}


def activation_arithmetic():
    """Activations spelled out in arithmetic, as exporters and papers write them."""
    slope = floats(6, seed=5)

    def call(x):
        relu6 = tf.nn.relu6
        return numbered(
            x * relu6(x + 3) / 6, x * relu6(x + 3) * (1 / 6), x * (relu6(x + 3) * np.float32(1 / 6)),
            relu6(x + 3) * np.float32(1 / 6),
            x * tf.sigmoid(x), tf.sigmoid(x) * x, tf.nn.silu(x),
            0.5 * x * (1 + tf.math.erf(x / np.float32(np.sqrt(2)))), tf.nn.gelu(x),
            0.5 * x * (1 + tf.tanh(np.float32(np.sqrt(2 / np.pi)) * (x + 0.044715 * tf.pow(x, 3)))),
            tf.nn.gelu(x, approximate=True),
            tf.math.log(1 + tf.exp(x)), tf.nn.softplus(x), x * tf.tanh(tf.nn.softplus(x)),
            tf.nn.relu(x) - slope * tf.nn.relu(-x), tf.maximum(x, 0) + slope * tf.minimum(x, 0),
            tf.maximum(x, 0.2 * x), tf.nn.leaky_relu(x, 0.1), tf.nn.elu(x), tf.nn.selu(x),
            0.5 + 0.5 * tf.tanh(0.5 * x), tf.minimum(tf.nn.relu(x), 6), tf.clip_by_value(tf.nn.relu(x), 0, 1),
            tf.clip_by_value(x, -1, 1), tf.clip_by_value(x, 0, 6), tf.maximum(tf.minimum(x, 1), -1),
            x / (1 + tf.exp(-x)), 1 / (1 + tf.exp(-x)))
    return call, [spec("x", None, 5, 6)], [4 * floats(2, 5, 6)]


def decomposed():
    """Operators that today need "Select TF ops" though builtins compute them."""
    window = tf.signal.hann_window(16)

    def call(x, y):
        spectrum = tf.signal.rfft(x * window)
        return numbered(
            tf.math.erf(x), tf.einsum("bij,bjk->bik", x, y), tf.einsum("bij,bjk->bki", x, y),
            tf.einsum("bij,bkj->bik", x, tf.transpose(y, [0, 2, 1])),
            tf.math.real(spectrum), tf.math.imag(spectrum), tf.abs(spectrum),
            tf.cumsum(x, axis=1), tf.cumsum(x, axis=2, exclusive=True, reverse=True),
            tf.math.erfc(x), tf.math.expm1(x), tf.math.log1p(tf.abs(x)), tf.math.xlogy(x, tf.abs(x) + 1),
            tf.reverse(x, [1]), tf.roll(x, 2, axis=2), tf.math.reciprocal(x + 2), tf.linalg.band_part(x, 1, 0),
            tf.math.top_k(x, 3)[0], tf.math.atan2(x, tf.reverse(x, [2]) + 2), tf.math.sign(x),
            tf.tan(x), tf.sinh(x), tf.cosh(x), tf.math.asinh(x), tf.math.atan(x), tf.math.softsign(x),
            tf.math.reduce_logsumexp(x, -1), tf.math.squared_difference(x, 0.5), tf.math.l2_normalize(x, -1))
    return (call, [spec("x", None, 4, 16), spec("y", None, 16, 3)],
            [floats(2, 4, 16), floats(2, 16, 3, seed=2)])


def boxes():
    """Non-max suppression: plain, padded and with soft scores, and the gathering around it."""
    corner = np.abs(floats(12, 2))
    size = 0.3 + 0.2 * np.abs(floats(12, 2, seed=2))
    arrays = [np.concatenate([corner, corner + size], 1), np.abs(floats(12, seed=6))]

    def call(boxes, scores):
        kept, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=boxes, scores=scores, max_output_size=6, iou_threshold=0.4, score_threshold=0.1,
            pad_to_max_output_size=True)
        chosen = tf.image.non_max_suppression(boxes, scores, 5, 0.5)
        soft, soft_scores = tf.image.non_max_suppression_with_scores(boxes, scores, 5, soft_nms_sigma=0.5)
        return numbered(kept, count, tf.gather(boxes, chosen), soft, soft_scores)
    return call, [spec("boxes", 12, 4), spec("scores", 12)], arrays


def control_flow():
    """A While with a counter and an If in its body, and an If on a value."""
    def call(x, steps):
        def body(i, y):
            y = tf.cond(tf.reduce_sum(y) > 0, lambda: y * 0.5 - 0.1, lambda: y + 0.3)
            return i + 1, y
        _, y = tf.while_loop(lambda i, _: i < steps, body, (0, x))
        z = tf.cond(steps > 2, lambda: tf.nn.relu(y), lambda: -y)
        return numbered(y, z)
    return call, [spec("x", 3, 4), spec("steps", dtype=tf.int32)], [floats(3, 4), np.int32(5)]


def variables():
    """Resource variables, nested function calls, several inputs, a free height and width."""
    kernel, bias = tf.Variable(floats(3, 3, 2, 4), name="kernel"), tf.Variable(floats(4, seed=2), name="bias")

    @tf.function
    def layer(x):
        return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)

    def call(image, gain):
        y = layer(image) * gain
        return numbered(tf.reduce_mean(y, [1, 2]), y)
    call.kept = (kernel, bias, layer)
    return call, [spec("image", None, 6, 6, 2), spec("gain")], [floats(2, 6, 6, 2), np.float32(1.5)]


def data_movement():
    def call(x, ids):
        a, b, c = tf.split(x, [2, 3, 1], axis=2)
        u = tf.unstack(x, axis=1)
        return numbered(
            tf.concat([c, a], 2), tf.stack(u[:2], 2), tf.tile(b, [1, 2, 1]), tf.pad(x, [[0, 0], [1, 2], [0, 1]]),
            tf.pad(x, [[0, 0], [1, 2], [0, 1]], "REFLECT"), tf.pad(x, [[0, 0], [1, 1], [2, 1]], constant_values=0.5),
            x[:, ::2, 1:-1], x[:, -1], x[..., tf.newaxis, 2], tf.gather(x, ids, axis=2), tf.one_hot(ids, 6),
            tf.transpose(x, [0, 2, 1]), tf.expand_dims(x, 1), tf.squeeze(tf.expand_dims(x, 3), 3),
            tf.where(x > 0, x, tf.zeros_like(x)), tf.cast(x * 3, tf.int32), tf.argmax(x, 2, output_type=tf.int32),
            tf.reduce_max(x, 1), tf.reduce_min(x, [1, 2]), tf.reduce_sum(x, 2, keepdims=True),
            tf.reduce_prod(x, 1), tf.reduce_any(x > 0.5, 1), tf.math.is_finite(x), tf.fill([2, 3], 0.25),
            tf.range(5), tf.broadcast_to(c, tf.shape(x)), tf.gather_nd(x, [[0, 1], [1, 2]]),
            tf.nn.space_to_depth(tf.reshape(x, [-1, 4, 6, 1]), 2), tf.floor(x), tf.round(x * 4), tf.math.ceil(x),
            tf.math.floormod(x, 0.3), tf.math.rsqrt(tf.abs(x) + 1), tf.sqrt(tf.abs(x)), tf.logical_not(x > 0))
    return call, [spec("x", None, 4, 6), spec("ids", 3, dtype=tf.int32)], [floats(2, 4, 6), np.int32([5, 0, 2])]


def placed(name, *shape, seed=1, batch=2):
    """A placeholder with a free batch and an array for it."""
    return (V1.placeholder(tf.float32, [None, *shape], name=name), floats(batch, *shape, seed=seed))


def atrous():
    """Dilated convolutions as SpaceToBatchND ... BatchToSpaceND, normalized behind or inside the pair."""
    x, array = placed("input", 14, 13, 4)

    def normalize(x, seed):
        return V1.nn.fused_batch_norm(x, *statistics(x.shape[-1], seed), epsilon=1e-3, is_training=False)[0]
    x = V1.nn.depthwise_conv2d(x, weights(3, 3, 4, 1), [1, 1, 1, 1], "SAME", rate=[2, 2])
    x = tf.nn.relu6(normalize(x, 4))
    x = tf.nn.conv2d(x, weights(1, 1, 4, 8), 1, "SAME")
    x = tf.nn.relu6(normalize(x, 5))

    def inside(x, _, __):
        y = V1.nn.depthwise_conv2d_native(x, weights(3, 3, 8, 1, seed=8), [1, 1, 1, 1], "VALID")
        return tf.nn.relu6(normalize(y, 6))
    x = V1.nn.with_space_to_batch(x, [2, 2], "SAME", inside, filter_shape=[3, 3])
    x = tf.nn.relu(normalize(V1.nn.convolution(x, weights(3, 3, 8, 6), "SAME", dilation_rate=[3, 3]), 7))
    x = V1.nn.bias_add(V1.nn.convolution(x, weights(3, 3, 6, 6), "VALID", dilation_rate=[2, 2]), floats(6))

    def scaled(x, _, __):
        return tf.nn.conv2d(x, weights(3, 3, 6, 5), 1, "VALID") * floats(5, seed=2) + floats(5, seed=9)
    x = V1.nn.with_space_to_batch(x, [2, 2], "SAME", scaled, filter_shape=[3, 3])
    V1.image.resize_bilinear(x, [28, 26], align_corners=True, name="output_0")
    return {"input": array}


def depthwise_stride_rate():
    """A strided convolution between SpaceToBatchND and BatchToSpaceND: not what the mathematics says of stride
    and dilation at once, but what networks were trained with."""
    x, array = placed("input", 12, 12, 4)

    def strided(x, _, padding):
        return V1.nn.depthwise_conv2d_native(x, weights(3, 3, 4, 1), [1, 2, 2, 1], padding)
    y = V1.nn.with_space_to_batch(x, [2, 2], "SAME", strided, filter_shape=[3, 3])
    tf.identity(y, name="output_0")
    return {"input": array}


def is_training_switch():
    """Batch normalization that chooses its statistics by a placeholder whose default says inference."""
    V1.disable_control_flow_v2()
    x, array = placed("input", 8, 8, 3)
    training = V1.placeholder_with_default(False, [], name="is_training")
    for seed in (4, 5):
        x = tf.nn.conv2d(x, weights(3, 3, x.shape[-1], 6), 1, "SAME")
        scale, offset, mean, variance = statistics(6, seed)

        def normalize(x, flag):
            given = () if flag else (mean, variance)
            return V1.nn.fused_batch_norm(x, scale, offset, *given, epsilon=1e-3, is_training=flag)[0]
        y = x
        x = tf.nn.relu(V1.cond(training, lambda: normalize(y, True), lambda: normalize(y, False)))
    tf.reduce_mean(x, [1, 2], name="output_0")
    V1.enable_control_flow_v2()
    return {"input": array}


def is_training_false():
    """TF-Slim's way when is_training was False as the graph was built: the moving statistics, plain."""
    x, array = placed("input", 9, 9, 3)
    x = tf.nn.conv2d(x, weights(3, 3, 3, 6), [1, 2, 2, 1], "SAME")
    scale, offset, mean, variance = statistics(6)
    x = tf.nn.relu6(tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3))
    x = tf.nn.depthwise_conv2d(x, weights(3, 3, 6, 2), [1, 1, 1, 1], "SAME")
    x = V1.nn.fused_batch_norm(x, *statistics(12), is_training=False)[0]
    x = tf.nn.avg_pool2d(tf.nn.relu6(x), 5, 1, "VALID")
    x = tf.squeeze(tf.nn.conv2d(x, weights(1, 1, 12, 4), 1, "SAME") + floats(4), [1, 2])
    tf.nn.softmax(tf.identity(V1.nn.dropout(x, rate=0.0)), name="output_0")
    return {"input": array}


def batch_statistics():
    """A graph that was frozen while training: the normalization uses the batch's own statistics."""
    x, array = placed("input", 8, 8, 3)
    x = tf.nn.conv2d(x, weights(3, 3, 3, 6), 1, "SAME")
    scale, offset, _, _ = statistics(6)
    x = V1.nn.fused_batch_norm(x, scale, offset, epsilon=1e-3, is_training=True)[0]
    tf.nn.relu(x, name="output_0")
    return {"input": array}


def fake_quant():
    """Quantization-aware training: fake quantization of weights (per tensor and channel) and values."""
    quant = tf.quantization.fake_quant_with_min_max_vars
    quant_channels = tf.quantization.fake_quant_with_min_max_vars_per_channel
    x, array = placed("input", 8, 8, 3)
    x = quant(x, -1.0, 1.0)
    kernel = quant(weights(3, 3, 3, 6), -0.2, 0.2, narrow_range=True)
    x = quant(tf.nn.relu6(tf.nn.conv2d(x, kernel, 1, "SAME") + floats(6)), 0.0, 6.0)
    low, high = -np.linspace(0.1, 0.3, 4, dtype=np.float32), np.linspace(0.1, 0.3, 4, dtype=np.float32)
    kernel = quant_channels(weights(1, 1, 6, 4), low, high, num_bits=8, narrow_range=True)
    x = tf.nn.conv2d(x, kernel, 1, "SAME") + floats(4)
    tf.identity(quant(x, -2.5, 2.5), name="output_0")
    return {"input": array}


def channels_first():
    """NCHW throughout, as written on a graphics card: transposed around each convolution to run here."""
    x, array = placed("input", 3, 8, 8)

    def conv(x, k, stride=1):
        y = tf.nn.conv2d(tf.transpose(x, [0, 2, 3, 1]), weights(3, 3, x.shape[1], k), stride, "SAME")
        return tf.transpose(y, [0, 3, 1, 2])
    x = tf.nn.relu(conv(x, 6) + floats(6).reshape(1, 6, 1, 1))
    x = tf.nn.relu(conv(x, 6) + x)
    x = tf.reshape(x, [-1, 2, 3, 8, 8])
    x = tf.reshape(tf.transpose(x, [0, 2, 1, 3, 4]), [-1, 6, 8, 8])
    tf.reduce_mean(conv(x, 4, 2), [2, 3], name="output_0")
    return {"input": array}


def tf1_variables():
    """TensorFlow 1 variables of both kinds, one of them cut into parts."""
    x, array = placed("input", 6, 6, 2)
    with V1.variable_scope("layer"):
        kernel = V1.get_variable("kernel", initializer=weights(3, 3, 2, 4), use_resource=False)
        bias = V1.get_variable("bias", initializer=tf.constant(floats(4)), use_resource=True)
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
        parts = V1.get_variable("dense", shape=[144, 3], use_resource=False,
                                initializer=V1.random_normal_initializer(0, 0.1, seed=5),
                                partitioner=V1.fixed_size_partitioner(2))
    x = tf.matmul(tf.reshape(x, [-1, 144]), tf.convert_to_tensor(parts))
    tf.nn.softmax(x, name="output_0")
    return {"input": array}


FUNCTIONS = {
    "activation_arithmetic": (("pb",), activation_arithmetic),
    "decomposed": (("saved_model", "pb"), decomposed),
    "boxes": (("saved_model", "pb"), boxes),
    "control_flow": (("saved_model", "pb"), control_flow),
    "variables": (("saved_model", "pbtxt"), variables),
    "data_movement": (("pb",), data_movement),
}

GRAPHS = {
    "atrous": (("pb",), atrous),
    "depthwise_stride_rate": (("pb",), depthwise_stride_rate),
    "is_training_switch": (("pb",), is_training_switch),
    "is_training_false": (("pb", "pbtxt"), is_training_false),
    "batch_statistics": (("pb",), batch_statistics),
    "fake_quant": (("pb",), fake_quant),
    "channels_first": (("pb",), channels_first),
    "tf1_variables": (("saved_model",), tf1_variables),
}
