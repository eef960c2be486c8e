# SPDX-License-Identifier: Apache-2.0
"""One small Keras model for each layer class and each kind of operation, its options drawn at random.

A case is a function of a random generator R that gives (inputs, outputs) of a functional model, and
a function of the input arrays where the model itself can't be computed.
"""
import random

import keras
import numpy as np

L, O, A = keras.layers, keras.ops, keras.activations
CASES = {}
ACTIVATIONS = [None, "relu", "relu6", "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "silu", "gelu",
               "exponential", "hard_sigmoid", "hard_silu", "leaky_relu", "mish", "log_softmax", "softmax", "celu",
               "hard_tanh", "log_sigmoid", "soft_shrink", "hard_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
               "tanh_shrink"]


class R(random.Random):
    def flag(self):
        return self.random() < 0.5

    def act(self):
        return self.choice(ACTIVATIONS)

    def real(self, low=-1.0, high=1.0):
        return round(self.uniform(low, high), 3)


def case(function):
    CASES[function.__name__] = function
    return function


def one(shape, layer, **options):
    """A model of one layer, or of a function of one tensor."""
    x = L.Input(shape, **options)
    return [x], layer(x)


def image(r, channels=None):
    return r.randint(5, 9), r.randint(5, 9), channels or r.randint(1, 5)


def series(r):
    return r.randint(6, 10), r.randint(1, 5)


def some_shape(r, low=1, high=4):
    return tuple(r.randint(2, 5) for _ in range(r.randint(low, high)))


def window(r, directions, dilated=True):
    """kernel_size, strides, padding and dilation_rate of a convolution."""
    options = {"padding": r.choice(["valid", "same"] + (["causal"] if directions == 1 and dilated == "causal" else []))}
    many = (lambda low, high: r.randint(low, high)) if r.flag() else (
        lambda low, high: tuple(r.randint(low, high) for _ in range(directions)))
    options["kernel_size"] = many(1, 3)
    if dilated and r.flag():
        options["dilation_rate"] = many(1, 2)
    elif r.flag():
        options["strides"] = many(1, 3)
    return options


@case
def dense(r):
    return one(some_shape(r), L.Dense(r.randint(1, 6), activation=r.act(), use_bias=r.flag()))


@case
def einsum_dense(r):
    equation, shape, out, bias = r.choice([
        ("ab,bc->ac", (5,), 6, "c"), ("abc,cd->abd", (3, 4), (None, 5), "d"), ("...x,xy->...y", (3, 4), 5, "y"),
        ("abc,cde->abde", (3, 4), (None, 2, 5), "de"), ("abcd,cde->abe", (3, 2, 4), (None, 5), "e"),
        ("abc,bd->adc", (3, 4), (5, 4), "d"), ("abc,bcd->ad", (3, 4), 5, None), ("abc,cd->adb", (3, 4), (5, 3), None),
        ("btd,ndh->btnh", (3, 4), (None, 2, 5), "nh"), ("abc,cd->abd", (3, 4), (3, 5), None),
        ("abc,dc->abd", (3, 4), (None, 6), "d"), ("abcd,ecd->abe", (3, 2, 4), (3, 6), None)])
    return one(shape, L.EinsumDense(equation, out, bias_axes=bias, activation=r.choice([None, "relu", "gelu"])))


@case
def embedding(r):
    return one(some_shape(r, 1, 2), L.Embedding(7, r.randint(1, 6)), dtype="int32")


@case
def reversible_embedding(r):
    layer = L.ReversibleEmbedding(7, 5, tie_weights=r.flag(), logit_soft_cap=r.choice([None, 2.0]))
    ids, x = L.Input((4,), dtype="int32"), L.Input((3, 5))
    return [ids, x], [layer(ids), layer(x, reverse=True)]


@case
def conv_1d(r):
    groups = r.choice([1, 1, 2])
    return one((9, 2 * groups), L.Conv1D(groups * r.randint(1, 3), groups=groups, use_bias=r.flag(), activation=r.act(),
                                         **window(r, 1, "causal")))


@case
def conv_2d(r):
    groups = r.choice([1, 1, 1, 2, 3])
    return one(image(r, groups * r.randint(1, 3)),
               L.Conv2D(groups * r.randint(1, 3), groups=groups, use_bias=r.flag(), activation=r.act(), **window(r, 2)))


@case
def convolution_channels_first(r):
    """TensorFlow computes these only on a GPU: the reference is the same layer in the other order."""
    o = {"kernel_size": r.randint(1, 3), "strides": r.randint(1, 2), "padding": r.choice(["same", "valid"]),
         "activation": r.choice([None, "relu", "sigmoid"])}
    kind = r.choice([lambda f: L.Conv2D(4, data_format=f, **o), lambda f: L.Conv2DTranspose(4, data_format=f, **o),
                     lambda f: L.DepthwiseConv2D(data_format=f, **o), lambda f: L.SeparableConv2D(4, data_format=f, **o)])
    layer, twin = kind("channels_first"), kind("channels_last")

    def reference(arrays):
        x = np.transpose(arrays[0], (0, 2, 3, 1))
        twin.build(x.shape)
        twin.set_weights(layer.get_weights())
        return np.transpose(np.asarray(twin(x)), (0, 3, 1, 2))
    return *one((3, 7, 8), layer), reference


@case
def channels_first_2d(r):
    layer = r.choice([
        lambda o: L.MaxPooling2D(2, data_format="channels_first"),
        lambda o: L.AveragePooling2D(2, padding="same", data_format="channels_first"),
        lambda o: L.GlobalAveragePooling2D(data_format="channels_first", keepdims=r.flag()),
        lambda o: L.GlobalMaxPooling2D(data_format="channels_first", keepdims=r.flag()),
        lambda o: L.ZeroPadding2D(((1, 2), (0, 1)), data_format="channels_first"),
        lambda o: L.Cropping2D(((1, 2), (0, 1)), data_format="channels_first"),
        lambda o: L.UpSampling2D(2, data_format="channels_first"),
        lambda o: L.Flatten(data_format="channels_first"),
        lambda o: L.BatchNormalization(axis=1)])(window(r, 2))
    return one((3, 7, 8), layer)


@case
def channels_first_1d(r):
    layer = r.choice([
        lambda: L.MaxPooling1D(2, data_format="channels_first"),
        lambda: L.AveragePooling1D(2, padding="same", data_format="channels_first"),
        lambda: L.GlobalAveragePooling1D(data_format="channels_first"),
        lambda: L.ZeroPadding1D(2, data_format="channels_first")])()
    return one((3, 7), layer)


@case
def conv_3d(r):
    o = window(r, 3)
    if "dilation_rate" in o:
        o["padding"] = "same"
    return one((5, 6, 4, 2), L.Conv3D(3, use_bias=r.flag(), activation=r.choice([None, "relu"]), **o))


@case
def depthwise_conv_1d(r):
    o = window(r, 1)
    return one(series(r), L.DepthwiseConv1D(depth_multiplier=r.randint(1, 3), use_bias=r.flag(), activation=r.act(), **o))


def one_stride(r, o):
    """TensorFlow takes only equal strides in depthwise convolutions."""
    if isinstance(o.get("strides"), tuple):
        o["strides"] = o["strides"][0]
    return o


@case
def depthwise_conv_2d(r):
    return one(image(r), L.DepthwiseConv2D(depth_multiplier=r.randint(1, 3), use_bias=r.flag(), activation=r.act(),
                                           **one_stride(r, window(r, 2))))


@case
def depthwise_stride_with_dilation(r):
    return one((9, 9, 3), L.DepthwiseConv2D(3, strides=2, dilation_rate=r.randint(2, 3),
                                            padding=r.choice(["same", "valid"])))


@case
def separable_conv_1d(r):
    return one(series(r), L.SeparableConv1D(3, depth_multiplier=r.randint(1, 2), use_bias=r.flag(), **window(r, 1)))


@case
def separable_conv_2d(r):
    return one(image(r), L.SeparableConv2D(3, depth_multiplier=r.randint(1, 2), use_bias=r.flag(), activation=r.act(),
                                           **one_stride(r, window(r, 2))))


def transposed(r, directions):
    o = {"kernel_size": r.randint(1, 5), "strides": r.randint(1, 3), "padding": r.choice(["valid", "same"]),
         "use_bias": r.flag(), "activation": r.choice([None, "relu", "tanh"])}
    if r.random() < 0.3 and o["strides"] > 1:
        o["output_padding"] = r.randint(0, o["strides"] - 1)
    return o


@case
def conv_1d_transpose(r):
    return one(series(r), L.Conv1DTranspose(r.randint(1, 4), **transposed(r, 1)))


@case
def conv_2d_transpose(r):
    return one(image(r), L.Conv2DTranspose(r.randint(1, 4), **transposed(r, 2)))


@case
def pooling_1d(r):
    kind = r.choice([L.MaxPooling1D, L.AveragePooling1D])
    return one(series(r), kind(r.randint(1, 4), strides=r.choice([None, 1, 2]), padding=r.choice(["valid", "same"])))


@case
def pooling_2d(r):
    kind = r.choice([L.MaxPooling2D, L.AveragePooling2D])
    return one(image(r), kind((r.randint(1, 4), r.randint(1, 4)), strides=r.choice([None, 1, (2, 1)]),
                              padding=r.choice(["valid", "same"])))


@case
def pooling_3d(r):
    kind = r.choice([L.MaxPooling3D, L.AveragePooling3D])
    return one((5, 6, 4, 2), kind((r.randint(1, 3), r.randint(1, 3), 2), strides=r.choice([None, 1, 2]),
                                  padding=r.choice(["valid", "same"])))


@case
def global_pooling(r):
    kind, shape = r.choice([(L.GlobalMaxPooling1D, (5, 3)), (L.GlobalAveragePooling1D, (5, 3)),
                            (L.GlobalMaxPooling2D, (5, 4, 3)), (L.GlobalAveragePooling2D, (5, 4, 3)),
                            (L.GlobalMaxPooling3D, (2, 5, 4, 3)), (L.GlobalAveragePooling3D, (2, 5, 4, 3))])
    return one(shape, kind(keepdims=r.flag()))


@case
def adaptive_pooling(r):
    kind, shape = r.choice([(L.AdaptiveAveragePooling1D, (8, 3)), (L.AdaptiveMaxPooling1D, (8, 3)),
                            (L.AdaptiveAveragePooling2D, (8, 7, 3)), (L.AdaptiveMaxPooling2D, (8, 7, 3))])
    return one(shape, kind(r.randint(1, 6) if len(shape) == 2 else (r.randint(1, 6), r.randint(1, 6))))


@case
def zero_padding(r):
    pair = lambda: (r.randint(0, 2), r.randint(0, 2))
    layer, shape = r.choice([(lambda: L.ZeroPadding1D(r.choice([2, pair()])), (5, 3)),
                             (lambda: L.ZeroPadding2D(r.choice([2, pair(), (pair(), pair())])), (5, 4, 3)),
                             (lambda: L.ZeroPadding3D(r.choice([2, (1, 0, 2), (pair(), pair(), pair())])), (2, 4, 3, 2))])
    return one(shape, layer())


@case
def cropping(r):
    pair = lambda: (r.randint(0, 2), r.randint(0, 2))
    layer, shape = r.choice([(lambda: L.Cropping1D(r.choice([2, pair()])), (6, 3)),
                             (lambda: L.Cropping2D(r.choice([2, pair(), (pair(), pair())])), (5, 6, 3)),
                             (lambda: L.Cropping3D(r.choice([2, (1, 0, 2), (pair(), pair(), pair())])), (5, 6, 5, 2))])
    return one(shape, layer())


@case
def up_sampling(r):
    layer, shape = r.choice([(lambda: L.UpSampling1D(r.randint(1, 3)), (5, 3)),
                             (lambda: L.UpSampling2D((r.randint(1, 3), r.randint(1, 3)),
                                                     interpolation=r.choice(["nearest", "bilinear"])), (5, 4, 3)),
                             (lambda: L.UpSampling3D((r.randint(1, 3), 2, r.randint(1, 3))), (3, 4, 5, 2))])
    return one(shape, layer())


@case
def batch_normalization(r):
    shape = some_shape(r)
    return one(shape, L.BatchNormalization(axis=r.randint(1, len(shape)), scale=r.flag(), center=r.flag(),
                                           epsilon=r.choice([1e-3, 1e-5])))


@case
def layer_normalization(r):
    shape = some_shape(r, 2)
    axis = r.choice([-1, len(shape), 1, list(range(1, len(shape) + 1)), [-2, -1]])
    return one(shape, L.LayerNormalization(axis=axis, scale=r.flag(), center=r.flag()))


@case
def group_normalization(r):
    shape, axis = r.choice([((4, 6), -1), ((3, 4, 6), -1), ((3, 4, 6), 3), ((6, 3, 4), 1), ((3, 6, 4), 2)])
    return one(shape, L.GroupNormalization(groups=r.choice([-1, 1, 2, 3]), axis=axis, scale=r.flag(), center=r.flag()))


@case
def other_normalizations(r):
    shape = some_shape(r, 2)
    kind = r.choice([lambda: L.UnitNormalization(axis=r.choice([-1, 1, [1, 2]])),
                     lambda: L.RMSNormalization(),
                     lambda: L.SpectralNormalization(L.Dense(3))])
    return one(shape, kind())


@case
def normalization(r):
    shape = some_shape(r, 1, 3)
    axis = r.choice([-1, None, 1])
    layer = L.Normalization(axis=axis, invert=r.flag())
    if r.flag():
        layer.adapt(np.random.default_rng(1).normal(1, 2, (40, *shape)).astype(np.float32))
    else:
        size = () if axis is None else shape[axis if axis < 0 else axis - 1]
        layer = L.Normalization(axis=axis, mean=np.full(size, 0.3), variance=np.full(size, 1.7), invert=r.flag())
    return one(shape, layer)


@case
def rescaling(r):
    return one(image(r, 3), L.Rescaling(r.choice([1 / 255, [0.1, 0.2, 0.3]]), r.choice([0.0, -1.0, [0.1, 0.2, 0.3]])),
               dtype=r.choice(["float32", "uint8", "int32"]))


@case
def resizing(r):
    mode = r.choice([{}, {}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 0.5}])
    return one((8, 6, 3), L.Resizing(r.randint(3, 12), r.randint(3, 12), interpolation=r.choice(["bilinear", "nearest"]),
                                     **mode))


@case
def center_crop(r):
    return one((8, 9, 3), L.CenterCrop(r.randint(2, 8), r.randint(2, 9)))


@case
def activation_names(r):
    return one(some_shape(r), L.Activation(r.act() or "linear"))


@case
def activation_glu(r):
    return one((3, 6), L.Activation("glu"))


@case
def relu_layers(r):
    layer = r.choice([
        lambda: L.ReLU(max_value=r.choice([None, 6.0, 1.5]), negative_slope=r.choice([0.0, 0.2]),
                       threshold=r.choice([0.0, 0.5])),
        lambda: L.LeakyReLU(negative_slope=r.real(0, 1)), lambda: L.ELU(alpha=r.choice([1.0, 0.5])),
        lambda: L.PReLU(shared_axes=r.choice([None, [1], [1, 2]]))])
    return one(some_shape(r, 3), layer())


@case
def softmax_layers(r):
    shape = some_shape(r, 2, 3)
    return one(shape, L.Softmax(axis=r.choice([-1, 1, (1, 2)])))


@case
def softmax_mask(r):
    x, mask = L.Input((4, 5)), L.Input((4, 5), dtype="bool")
    return [x, mask], L.Softmax()(x, mask=mask)


@case
def merging(r):
    shape = some_shape(r, 1, 3)
    kind = r.choice([L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum])
    count = r.randint(2, 4)
    other = tuple(d if r.random() < 0.7 else 1 for d in shape)
    inputs = [L.Input(shape if i != 1 else other) for i in range(count)]
    return inputs, kind()(inputs)


@case
def merging_ranks(r):
    inputs = [L.Input((3, 4)), L.Input((4,))] if r.flag() else [L.Input((4,)), L.Input((3, 4))]
    return inputs, r.choice([L.Add, L.Multiply, L.Maximum, L.Subtract])()(inputs)


@case
def subtract_concatenate(r):
    shape = some_shape(r, 2, 3)
    inputs = [L.Input(shape), L.Input(shape)]
    return inputs, r.choice([L.Subtract(), L.Concatenate(axis=r.choice([-1, 1, 2]))])(inputs)


@case
def dot(r):
    a, b, axes = r.choice([((4,), (4,), 1), ((3, 4), (5, 4), 2), ((3, 4), (3, 5), 1), ((3, 4), (5, 3), (1, 2)),
                           ((4,), (3, 4), (1, 2)), ((3, 4), (4,), (2, 1)), ((3, 4), (5, 4), -1),
                           ((3, 2, 4), (4, 5), (3, 1)), ((3, 4), (4, 2, 5), (2, 1))])
    inputs = [L.Input(a), L.Input(b)]
    return inputs, L.Dot(axes=axes, normalize=r.flag())(inputs)


@case
def reshaping(r):
    layer, shape = r.choice([
        (lambda: L.Permute((2, 1)), (3, 4)), (lambda: L.Permute((3, 1, 2)), (3, 4, 2)), (lambda: L.Flatten(), (3, 4, 2)),
        (lambda: L.Flatten(), ()), (lambda: L.Reshape((2, -1)), (3, 4)), (lambda: L.Reshape((12,)), (3, 4)),
        (lambda: L.Reshape((-1,)), (3, 4)), (lambda: L.RepeatVector(3), (4,)), (lambda: L.Identity(), (4, 3))])
    return one(shape, layer())


@case
def removed(r):
    layer = r.choice([L.Dropout(0.3), L.SpatialDropout2D(0.2), L.GaussianNoise(0.2), L.GaussianDropout(0.2),
                      L.AlphaDropout(0.2), L.ActivityRegularization(0.1), L.RandomFlip(), L.RandomRotation(0.1),
                      L.RandomZoom(0.1), L.RandomContrast(0.1), L.RandomBrightness(0.1), L.RandomTranslation(0.1, 0.1)])
    return one((6, 5, 3), lambda x: L.ReLU()(layer(x)))


@case
def masking(r):
    return one((5, 3), lambda x: L.Dense(4)(L.Masking(0.0)(O.relu(x - 0.5))))


@case
def time_distributed(r):
    inner, shape = r.choice([(lambda: L.Dense(3, activation="relu"), (4, 5)), (lambda: L.Conv2D(3, 3), (2, 6, 5, 3)),
                             (lambda: L.BatchNormalization(), (4, 5, 2)), (lambda: L.Flatten(), (3, 4, 2)),
                             (lambda: L.MaxPooling2D(), (2, 6, 5, 3)), (lambda: L.LayerNormalization(), (4, 5, 2))])
    return one(shape, L.TimeDistributed(inner()))


@case
def recurrent(r):
    kind = r.choice([L.LSTM, L.GRU, L.SimpleRNN])
    return one((5, 3), kind(4, return_sequences=r.flag(), use_bias=r.flag(), go_backwards=r.flag()))


@case
def bidirectional(r):
    kind = r.choice([L.LSTM, L.GRU, L.SimpleRNN])
    mode = r.choice(["concat", "sum", "mul", "ave"])
    return one((5, 3), L.Bidirectional(kind(4, return_sequences=r.flag()), merge_mode=mode))


@case
def multi_head_attention(r):
    q, v = L.Input((4, 6)), L.Input((5, 6))
    layer = L.MultiHeadAttention(r.randint(1, 3), r.randint(2, 4), value_dim=r.choice([None, 3]), use_bias=r.flag(),
                                 output_shape=r.choice([None, 7]), dropout=r.choice([0.0, 0.1]),
                                 use_gate=r.random() < 0.2, sliding_window=r.choice([None, None, 2]))
    causal = r.flag()
    # Where two masks together hide all keys from a query, Keras's two ways of computing differ.
    how = r.choice([0, 1, 3] if layer.get_config()["sliding_window"] else [0, 1, 2, 3])
    if how == 0:
        return [q], layer(q, q, use_causal_mask=causal)
    if how == 1:
        return [q, v], layer(q, v, use_causal_mask=causal)
    if how == 2:
        k, m = L.Input((5, 8)), L.Input((4, 5), dtype="bool")
        return [q, v, k, m], layer(q, v, key=k, attention_mask=m)
    return [q, v], list(layer(q, v, return_attention_scores=True))


@case
def group_query_attention(r):
    q, v = L.Input((4, 6)), L.Input((5, 6))
    layer = L.GroupQueryAttention(3, 4, r.choice([1, 2, 4]), use_bias=r.flag(), use_gate=r.random() < 0.2)
    return [q, v], layer(q, v, use_causal_mask=r.flag())


@case
def attention(r):
    inputs = [L.Input((4, 6)), L.Input((5, 6))] + ([L.Input((5, 6))] if r.flag() else [])
    layer = r.choice([lambda: L.Attention(use_scale=r.flag(), score_mode=r.choice(["dot", "concat"])),
                      lambda: L.AdditiveAttention(use_scale=r.flag())])()
    return inputs, layer(inputs, use_causal_mask=r.flag())
