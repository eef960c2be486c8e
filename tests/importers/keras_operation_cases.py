# SPDX-License-Identifier: Apache-2.0
"""Cases of keras.ops between the layers of a functional model, and of models of several layers;
see keras_layer_cases.py."""
import keras
import numpy as np

from keras_layer_cases import A, L, O, case, one, some_shape

UNARY = ["abs", "exp", "sqrt", "square", "rsqrt", "log", "log1p", "log2", "log10", "expm1", "sign", "floor", "ceil",
         "round", "sin", "cos", "tanh", "negative", "reciprocal", "sigmoid", "relu", "relu6", "silu", "softplus",
         "softsign", "log_sigmoid", "hard_sigmoid", "hard_silu", "elu", "selu", "gelu", "celu", "leaky_relu", "mish",
         "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "exp2",
         "sinh", "cosh", "tan", "zeros_like", "ones_like", "logical_not", "isnan", "stop_gradient", "trunc"]


def positive(x):
    return O.abs(x) + 0.3


@case
def op_unary(r):
    name = r.choice([n for n in UNARY if hasattr(O, n)])
    return one(some_shape(r), lambda x: O.cast(getattr(O, name)(positive(x) if name in (
        "sqrt", "rsqrt", "log", "log1p", "log2", "log10", "reciprocal") else x * 1.7), "float32"))


@case
def op_activation_functions(r):
    call = r.choice([lambda x: A.relu(x, negative_slope=0.2, max_value=1.0), lambda x: A.relu(x, threshold=0.3),
                     A.softmax, A.silu, A.hard_silu, lambda x: A.elu(x, 0.5), lambda x: A.gelu(x, True), A.gelu,
                     lambda x: A.softmax(x, axis=1), lambda x: A.log_softmax(x, axis=1), lambda x: A.celu(x, 0.5),
                     lambda x: O.leaky_relu(x, 0.1), lambda x: O.threshold(x, 0.2, -1.0), lambda x: A.glu(x, axis=2),
                     lambda x: O.soft_shrink(x, 0.2), lambda x: O.hard_shrink(x, 0.2), lambda x: O.squareplus(x, 1)])
    return one((3, 4), call)


@case
def op_binary(r):
    name = r.choice(["add", "subtract", "multiply", "divide", "maximum", "minimum", "true_divide", "power", "mod",
                     "floor_divide", "arctan2", "divide_no_nan", "logaddexp"])
    f = getattr(O, name)
    shape = some_shape(r)
    array = np.random.default_rng(3).uniform(0.5, 2, shape[-1:] if r.flag() else shape).astype(np.float32)
    a, b = L.Input(shape), L.Input(shape)
    how = r.randint(0, 4)
    if how == 0:
        return [a, b], f(positive(a), positive(b))
    if how == 1:
        return [a], f(positive(a), r.real(0.5, 2))
    if how == 2:
        return [a], f(r.real(0.5, 2), positive(a))
    return [a], f(positive(a), array) if how == 3 else f(array, positive(a))


@case
def op_compare(r):
    f = getattr(O, r.choice(["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]))
    g = getattr(O, r.choice(["logical_and", "logical_or", "logical_xor"]))
    a, b = L.Input((3, 4)), L.Input((3, 4))
    return [a, b], [O.cast(g(f(a, b), a > 0.1), "float32"), O.where(f(a, 0.2), a, b), O.where(a < b, 0.0, b)]


@case
def op_reduce(r):
    name = r.choice(["sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "amax", "amin"])
    shape = some_shape(r, 2)
    axis = r.choice([-1, 1, (1, 2), (-1, -2)])
    return one(shape, lambda x: getattr(O, name)(x, axis=axis, keepdims=r.flag()))


@case
def op_arg(r):
    name, axis = r.choice(["argmax", "argmin"]), r.choice([-1, 1, 2])
    return one((4, 5), lambda x: O.cast(getattr(O, name)(x, axis=axis), "float32"))


@case
def op_any_all(r):
    name, axis = r.choice(["any", "all"]), r.choice([-1, 1, (1, 2)])
    return one((2, 2), lambda x: O.cast(getattr(O, name)(x > 0, axis=axis, keepdims=r.flag()), "float32"))


@case
def op_shape(r):
    call = r.choice([
        lambda x: O.reshape(x, (-1, 12)), lambda x: O.reshape(x, (-1, 2, 2, 3)), lambda x: O.transpose(x, (0, 2, 1)),
        lambda x: O.expand_dims(x, r.choice([1, -1, 2])), lambda x: O.squeeze(O.expand_dims(x, 2), 2),
        lambda x: O.swapaxes(x, 1, 2), lambda x: O.swapaxes(x, -1, -2), lambda x: O.moveaxis(x, 1, 2),
        lambda x: O.tile(x, (1, 2, 3)), lambda x: O.repeat(x, 3, axis=r.choice([1, 2, -1])),
        lambda x: O.flip(x, axis=r.choice([1, -1])), lambda x: O.roll(x, r.choice([1, -2]), axis=r.choice([1, 2])),
        lambda x: O.pad(x, ((0, 0), (1, 2), (0, 1))), lambda x: O.pad(x, [[0, 0], [1, 0], [0, 1]], constant_values=2.0),
        lambda x: O.pad(x, [[0, 0], [1, 1], [2, 1]], mode="reflect"),
        lambda x: O.cumsum(x, axis=r.choice([1, 2])), lambda x: O.diff(x, axis=1), lambda x: O.copy(x),
        lambda x: O.take(x, np.array([2, 0], "int32"), axis=1), lambda x: O.take(x, 1, axis=2)])
    return one((3, 4), call)


@case
def op_index(r):
    call = r.choice([
        lambda x: x[:, 1:], lambda x: x[:, ::2, :3], lambda x: x[:, 0], lambda x: x[:, -1, :], lambda x: x[..., -1],
        lambda x: x[..., 1:3], lambda x: x[:, None], lambda x: x[:, :, 1, None], lambda x: x[:, -3:-1], lambda x: x[:, 1, 2:],
        lambda x: x[:, ::-1], lambda x: x[..., ::-2]])
    return one((5, 4), call)


@case
def op_join(r):
    a, b = L.Input((3, 4)), L.Input((3, 4))
    call = r.choice([lambda: O.concatenate([a, b], axis=r.choice([-1, 1])), lambda: O.stack([a, b], axis=r.choice([-1, 1, 2])),
                     lambda: O.hstack([a, b]), lambda: O.split(a, 2, axis=-1), lambda: O.split(a, [1, 3], axis=2),
                     lambda: O.unstack(a, axis=1), lambda: O.matmul(a, O.swapaxes(b, 1, 2)),
                     lambda: O.einsum("bij,bkj->bik", a, b), lambda: O.einsum("bij,bij->bi", a, b),
                     lambda: O.einsum("bij,bjk->bik", a, O.transpose(b, (0, 2, 1))),
                     lambda: O.clip(a, -0.3, 0.4) + O.clip(b, -0.1, 10.0)])
    return [a, b], call()


@case
def op_matmul_constant(r):
    w = np.random.default_rng(2).normal(size=(4, 5)).astype(np.float32)
    return one((3, 4), lambda x: O.matmul(x, w) if r.flag() else O.einsum("bij,jk->bik", x, w))


@case
def op_nn(r):
    call = r.choice([
        lambda x: O.max_pool(x, 2, 2), lambda x: O.average_pool(x, 2, 1, padding="same"),
        lambda x: O.normalize(x, axis=-1), lambda x: O.image.resize(x, (5, 9)), lambda x: O.softmax(x, axis=2),
        lambda x: O.image.resize(x, (3, 3), interpolation="nearest"),
        lambda x: O.top_k(O.reshape(x, (-1, 192)), 3)[0], lambda x: O.moments(x, axes=(1, 2))[0]])
    return one((6, 8, 4), call)


@case
def op_one_hot(r):
    return one((4,), lambda x: O.one_hot(x, 7, axis=r.choice([-1, 1])), dtype="int32")


@case
def op_of_nested(r):
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, [O.relu(inner_in) * 2.0, O.sum(L.Dense(4)(inner_in), axis=-1, keepdims=True)])
    a = L.Input((4,))
    y, s = inner(a)
    return [a], O.add(y, s)


@case
def nested(r):
    inner_in = L.Input((5,))
    h = L.Dense(5, activation="relu")(inner_in)
    inner = keras.Model(inner_in, r.choice([h, L.Add()([h, inner_in])]))
    tail = keras.Sequential([L.Dense(4), L.ReLU(), L.Dense(3)])
    a, b = L.Input((5,)), L.Input((5,))
    return [a, b], tail(L.Concatenate()([inner(a), inner(b)]) if r.flag() else inner(a) * inner(b))


@case
def shared_layer(r):
    layer, norm = L.Dense(4), L.BatchNormalization()
    a, b = L.Input((4,)), L.Input((4,))
    return [a, b], [norm(layer(a)) + norm(layer(b)), layer(layer(a))]


@case
def auto_names(r):
    """Weights of many layers of one class find their places."""
    x = L.Input((4,))
    y = x
    for i in range(12):
        y = L.Dense(4, activation="tanh", name=r.choice([None, f"other_{i}", f"dense_x{i}"]))(y)
        if r.flag():
            y = O.add(y, 0.5)
        if r.flag():
            y = L.LayerNormalization()(y)
    return [x], y
