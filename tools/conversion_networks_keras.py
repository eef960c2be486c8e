# SPDX-License-Identifier: Apache-2.0
"""The Keras networks of tests/data/convert/: {name: (formats kept, builder of (model, input arrays))}."""
import numpy as np
import tensorflow as tf

K, L = tf.keras, tf.keras.layers


def floats(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def integers(limit, *shape, seed=1):
    return np.random.default_rng(seed).integers(0, limit, shape).astype(np.int32)


def normalized(x, activation="relu"):
    x = L.BatchNormalization()(x)
    return L.Activation(activation)(x) if activation else x


def deeplab():
    """Separable blocks at growing atrous rates, pyramid pooling, bilinear enlargement."""
    x = inputs = L.Input((24, 24, 3), name="image")
    x = normalized(L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x))
    for rate in (1, 2, 3):
        x = normalized(L.DepthwiseConv2D(3, padding="same", dilation_rate=rate, use_bias=False)(x))
        x = normalized(L.Conv2D(12, 1, use_bias=False)(x))
    branches = [normalized(L.Conv2D(6, 1, use_bias=False)(x))]
    branches += [normalized(L.Conv2D(6, 3, padding="same", dilation_rate=r)(x)) for r in (2, 4)]
    pooled = L.GlobalAveragePooling2D(keepdims=True)(x)
    pooled = L.UpSampling2D(12, interpolation="bilinear")(normalized(L.Conv2D(6, 1)(pooled)))
    x = normalized(L.Conv2D(8, 1)(L.Concatenate()(branches + [pooled])))
    x = L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(4, 1)(x))
    return K.Model(inputs, L.Softmax()(x)), [floats(2, 24, 24, 3)]


def depthwise_stride_dilation():
    """Stride and dilation at once: TensorFlow's result is the reference, whatever it is."""
    x = inputs = L.Input((12, 12, 4), name="image")
    x = L.DepthwiseConv2D(3, strides=2, dilation_rate=2, padding="same")(x)
    return K.Model(inputs, x), [floats(2, 12, 12, 4)]


def unet():
    x = inputs = L.Input((32, 32, 3), name="image")
    skips = []
    for channels in (6, 8):
        x = normalized(L.Conv2D(channels, 3, padding="same", use_bias=False)(x))
        skips.append(x)
        x = L.Dropout(0.3)(L.MaxPooling2D()(x))
    x = normalized(L.Conv2D(12, 3, padding="same")(x))
    for skip, kernel in zip(reversed(skips), (2, 3)):
        x = L.Conv2DTranspose(skip.shape[-1], kernel, strides=2, padding="same", use_bias=False)(x)
        x = L.Concatenate()([normalized(x), skip])
        x = normalized(L.Conv2D(8, 3, padding="same")(x))
    return K.Model(inputs, L.Conv2D(1, 1, activation="sigmoid")(x)), [floats(2, 32, 32, 3)]


def portrait():
    """Inverted residuals down, bilinear enlargement and skips up."""
    x = inputs = L.Input((32, 32, 3), name="image")

    def block(x, channels, stride):
        wide = normalized(L.Conv2D(x.shape[-1] * 3, 1, use_bias=False)(x), "relu6")
        if stride == 2:
            wide = L.ZeroPadding2D(((0, 1), (0, 1)))(wide)
        y = L.DepthwiseConv2D(3, strides=stride, padding="valid" if stride == 2 else "same", use_bias=False)(wide)
        y = normalized(L.Conv2D(channels, 1, use_bias=False)(normalized(y, "relu6")), None)
        return L.Add()([x, y]) if stride == 1 and x.shape[-1] == channels else y
    x = half = normalized(L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(x), "relu6")
    x = quarter = block(block(x, 8, 2), 8, 1)
    x = block(block(x, 12, 2), 12, 1)
    for skip in (quarter, half):
        x = L.UpSampling2D(2, interpolation="bilinear")(x)
        x = normalized(L.SeparableConv2D(8, 3, padding="same", use_bias=False)(L.Concatenate()([x, skip])))
    x = L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(2, 1)(x))
    return K.Model(inputs, L.Softmax()(x)), [floats(2, 32, 32, 3)]


def recurrent(*layers):
    def build():
        x = inputs = L.Input((7, 5), name="sequence")
        for layer in layers:
            x = layer()(x)
        return K.Model(inputs, x), [floats(2, 7, 5)]
    return build


def stacked():
    """The stack that TensorFlow 2.21's own converter refuses with a free batch."""
    x = inputs = L.Input((9, 6), name="sequence")
    x = L.Bidirectional(L.LSTM(5, return_sequences=True))(x)
    x = L.LayerNormalization()(x)
    x = L.GRU(7, go_backwards=True, return_sequences=True)(x)
    x = L.LSTM(4)(x)
    return K.Model(inputs, L.Dense(3, activation="softmax")(x)), [floats(2, 9, 6)]


def attention():
    """An encoder block: token and position embedding, self-attention, feed-forward, layer norms."""
    tokens = L.Input((10,), dtype="int32", name="tokens")
    x = L.Embedding(50, 16)(tokens)
    for _ in range(2):
        y = L.MultiHeadAttention(num_heads=2, key_dim=8)(x, x)
        x = L.LayerNormalization(epsilon=1e-6)(L.Add()([x, L.Dropout(0.1)(y)]))
        y = L.Dense(16)(L.Dense(32, activation="gelu")(x))
        x = L.LayerNormalization(epsilon=1e-6)(L.Add()([x, y]))
    x = L.GlobalAveragePooling1D()(x)
    return K.Model(tokens, L.Dense(4, activation="softmax")(x)), [integers(50, 2, 10)]


def activations():
    """Every activation that Keras knows by name, and its activation layers, one output each."""
    x = inputs = L.Input((4, 4, 8), name="x")
    names = ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "softplus", "softsign", "swish",
             "hard_sigmoid", "hard_swish", "hard_tanh", "mish", "sigmoid", "log_sigmoid", "tanh",
             "tanh_shrink", "soft_shrink", "hard_shrink", "softmax", "log_softmax", "exponential", "linear",
             "squareplus", "sparse_plus")
    outputs = [L.Activation(n)(x) for n in names]
    layers = [L.PReLU(shared_axes=[1, 2]), L.PReLU(), L.LeakyReLU(negative_slope=0.1), L.ELU(alpha=0.7),
              L.ReLU(max_value=1.5), L.ReLU(negative_slope=0.2, threshold=0.3), L.ReLU(max_value=6),
              L.Softmax(axis=-1), L.Softmax(axis=2)]
    outputs += [layer(x) for layer in layers]
    return K.Model(inputs, outputs), [4 * floats(2, 4, 4, 8)]


def pooling():
    x = inputs = L.Input((9, 7, 4), name="image")
    s = sequence = L.Input((9, 4), name="sequence")
    outputs = []
    for padding in ("same", "valid"):
        outputs += [L.MaxPooling2D((3, 2), strides=2, padding=padding)(x),
                    L.AveragePooling2D((2, 3), strides=(1, 2), padding=padding)(x),
                    L.MaxPooling1D(3, strides=2, padding=padding)(s),
                    L.AveragePooling1D(2, padding=padding)(s)]
    outputs += [L.GlobalMaxPooling2D()(x), L.GlobalAveragePooling2D()(x), L.GlobalMaxPooling1D()(s),
                L.GlobalAveragePooling1D()(s), L.GlobalMaxPooling2D(keepdims=True)(x),
                L.GlobalAveragePooling1D(keepdims=True)(s)]
    return K.Model([inputs, sequence], outputs), [floats(2, 9, 7, 4), floats(2, 9, 4, seed=2)]


def resizing():
    """Padding, cropping and enlarging."""
    x = inputs = L.Input((6, 5, 3), name="image")
    s = sequence = L.Input((6, 3), name="sequence")
    outputs = [L.ZeroPadding2D(((1, 2), (0, 3)))(x), L.ZeroPadding2D(1)(x), L.ZeroPadding1D((2, 1))(s),
               L.Cropping2D(((1, 2), (0, 1)))(x), L.Cropping1D((1, 2))(s),
               L.UpSampling2D((2, 3))(x), L.UpSampling2D(2, interpolation="bilinear")(x),
               L.UpSampling1D(3)(s), L.Resizing(9, 4)(x), L.Resizing(3, 10, interpolation="nearest")(x),
               L.CenterCrop(4, 3)(x), L.Rescaling(1 / 127.5, offset=-1)(x)]
    return K.Model([inputs, sequence], outputs), [floats(2, 6, 5, 3), floats(2, 6, 3, seed=2)]


def normalization():
    x = inputs = L.Input((6, 5, 8), name="image")
    outputs = [L.BatchNormalization()(x), L.BatchNormalization(scale=False)(x),
               L.BatchNormalization(center=False, epsilon=0.01)(x), L.LayerNormalization()(x),
               L.LayerNormalization(axis=(1, 2), center=False)(x), L.GroupNormalization(4)(x),
               L.GroupNormalization(-1)(x), L.UnitNormalization()(x), L.RMSNormalization()(x),
               L.Normalization(mean=(0.1,) * 8, variance=(0.5,) * 8)(x)]
    return K.Model(inputs, outputs), [floats(2, 6, 5, 8)]


def convolutions():
    """Convolutions of every kind and rank 1 and 2."""
    x = inputs = L.Input((10, 9, 4), name="image")
    s = sequence = L.Input((12, 4), name="sequence")
    outputs = [L.Conv2D(6, 3, strides=2, padding="same", groups=2)(x), L.Conv2D(5, (1, 3), activation="relu")(x),
               L.SeparableConv2D(6, 3, depth_multiplier=2, activation="relu6")(x),
               L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x),
               L.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu")(x),
               L.Conv2DTranspose(3, 4, strides=3, padding="valid", output_padding=1)(x),
               L.Conv1D(6, 3, padding="causal", dilation_rate=2)(s), L.Conv1D(6, 3, strides=2, padding="same")(s),
               L.SeparableConv1D(5, 3, padding="same")(s), L.DepthwiseConv1D(3)(s),
               L.Conv1DTranspose(4, 3, strides=2, padding="same")(s)]
    return K.Model([inputs, sequence], outputs), [floats(2, 10, 9, 4), floats(2, 12, 4, seed=2)]


def merging():
    """Layers that merge, reshape and look up."""
    a, b = L.Input((6, 4), name="a"), L.Input((6, 4), name="b")
    ids = L.Input((6,), dtype="int32", name="ids")
    e = L.Embedding(20, 4)(ids)
    pair = [a, b]
    outputs = [layer(pair) for layer in (
        L.Add(), L.Subtract(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum(), L.Concatenate(),
        L.Concatenate(axis=1), L.Dot(axes=2), L.Dot(axes=(1, 1), normalize=True))]
    flat = L.Flatten()(L.Add()([a, e]))
    outputs += [L.Permute((2, 1))(a), L.Reshape((3, 8))(a), L.Reshape((-1, 2))(b), L.RepeatVector(3)(flat),
                L.EinsumDense("abc,cde->abde", output_shape=(6, 2, 3), bias_axes="de")(a),
                L.TimeDistributed(L.Dense(3, activation="relu"))(b), L.Dense(5)(a),
                L.GaussianNoise(0.1)(L.SpatialDropout1D(0.2)(L.AlphaDropout(0.1)(b)))]
    return K.Model([a, b, ids], outputs), [floats(2, 6, 4), floats(2, 6, 4, seed=2), integers(20, 2, 6)]


def nested():
    """A Sequential in a Functional in a Functional, one used twice; inputs and outputs out of order."""
    encoder = K.Sequential([L.Input((8, 8, 2)), L.Conv2D(4, 3, padding="same", activation="relu"),
                            L.BatchNormalization(), L.MaxPooling2D()], name="encoder")
    i = L.Input((8, 8, 2))
    tower = K.Model(i, L.GlobalAveragePooling2D()(L.Conv2D(6, 3)(encoder(i))), name="tower")
    left, right = L.Input((8, 8, 2), name="left"), L.Input((8, 8, 2), name="right")
    shared = L.Dense(5, activation="tanh", name="shared")
    p, q = shared(tower(left)), shared(tower(right))
    near = L.Dot(axes=-1, normalize=True, name="near")([p, q])
    model = K.Model([right, left], [near, L.Subtract(name="gap")([p, q])])
    return model, [floats(2, 8, 8, 2), floats(2, 8, 8, 2, seed=2)]


def sequential():
    model = K.Sequential([L.Input((6, 6, 1), name="image"), L.Conv2D(4, 3, activation="relu"), L.Flatten(),
                          L.Dropout(0.5), L.Dense(8, activation="relu"), L.Dense(3, activation="softmax")])
    return model, [floats(2, 6, 6, 1)]


def operations():
    """keras.ops between layers: arithmetic with numbers and arrays, indices, joining, products."""
    O, A = K.ops, K.activations
    a, b = L.Input((3, 4), name="a"), L.Input((3, 4), name="b")
    mixed = O.where(a > b, a * 2.0, 1.0 - b) / (O.abs(b) + floats(4, seed=2) ** 2 + 0.5)
    halves = O.split(mixed, 2, axis=-1)
    y = O.concatenate([halves[1], O.flip(halves[0], axis=1)], axis=1)[:, ::2, None]
    z = O.einsum("bij,bkj->bik", a, O.tanh(b)) + A.relu(O.matmul(a, floats(4, 3)), negative_slope=0.1, max_value=0.4)
    s = O.logsumexp(O.take(z, [2, 0], axis=1), axis=-1, keepdims=True) * O.std(b, axis=(1, 2), keepdims=True)
    return K.Model([a, b], [L.Dense(3)(O.squeeze(y, 2)), z, s]), [floats(2, 3, 4), floats(2, 3, 4, seed=5)]


def volumes():
    """Layers of three directions, poolings to a given size, grouped attention, channels in front."""
    x, s, f = L.Input((5, 6, 4, 2), name="x"), L.Input((7, 6), name="s"), L.Input((3, 6, 7), name="f")
    y = L.Conv3D(3, (2, 3, 3), strides=(1, 2, 1), padding="same", activation="relu")(x)
    y = L.AveragePooling3D((2, 1, 2), padding="same")(L.ZeroPadding3D((1, 0, 1))(y))
    z = L.GroupQueryAttention(4, 4, 2)(s, s, use_causal_mask=True)
    front = L.MaxPooling2D(2, data_format="channels_first")(f)
    return K.Model([x, s, f], [L.GlobalMaxPooling3D()(y), L.AdaptiveAveragePooling1D(3)(z), front]), [
        floats(2, 5, 6, 4, 2), floats(2, 7, 6), floats(2, 3, 6, 7)]


NETWORKS = {
    "deeplab": (("keras", "pb"), deeplab),
    "depthwise_stride_dilation": (("h5", "pb"), depthwise_stride_dilation),
    "unet": (("h5", "saved_model"), unet),
    "portrait": (("pb",), portrait),
    "lstm": (("saved_model", "keras"), recurrent(
        lambda: L.LSTM(6, return_sequences=True), lambda: L.LSTM(4, go_backwards=True))),
    "gru": (("pb", "h5"), recurrent(
        lambda: L.GRU(6, return_sequences=True), lambda: L.GRU(4, reset_after=False))),
    "simple_rnn": (("keras",), recurrent(lambda: L.SimpleRNN(5, return_sequences=True))),
    "bidirectional": (("h5", "pb"), recurrent(
        lambda: L.Bidirectional(L.LSTM(5, return_sequences=True)),
        lambda: L.Bidirectional(L.GRU(3), merge_mode="sum"))),
    "stacked": (("keras", "saved_model"), stacked),
    "attention": (("keras", "pb"), attention),
    "activations": (("keras", "pb"), activations),
    "pooling": (("h5", "pb"), pooling),
    "resizing": (("keras", "pb"), resizing),
    "normalization": (("keras", "pb"), normalization),
    "convolutions": (("h5", "pb"), convolutions),
    "merging": (("keras", "pb"), merging),
    "nested": (("h5", "keras", "saved_model"), nested),
    "sequential": (("h5", "keras", "pb"), sequential),
    "operations": (("h5",), operations),
    "volumes": (("keras",), volumes),
}
