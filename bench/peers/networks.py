#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the networks that the engines are compared on, with seeded random weights.

  bench/peers/networks.py FOLDER [--only mobilenet_v2,lstm] [--kinds f32,int8] [--onnx] [--list]

Writes FOLDER/NETWORK_{f32,f16,dyn,int8}.tflite with TensorFlow's converter (float32, float16
weights, dynamic range, full integer with int8 inputs and outputs) and, with --onnx,
FOLDER/NETWORK_{f32,int8}.onnx from them, int8 as QDQ. Files that are there stay.

Needs tensorflow; the network lstm needs tf_keras, --onnx needs tf2onnx and onnx. Weights are
random, so outputs mean nothing; shapes, operators and types are those of the real networks.
"""
import argparse
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

SEED = 7
KINDS = ("f32", "f16", "dyn", "int8")
CALIBRATION_SAMPLES = 4


def applications(name, side, **options):
    """A builder of a network of keras.applications."""
    def build(keras):
        image = keras.Input((side, side, 3), batch_size=1)
        return getattr(keras.applications, name)(weights=None, input_tensor=image, **options)
    return build


def conv_norm(layers, x, channels, size=1, strides=1, activation="relu6"):
    x = layers.Conv2D(channels, size, strides, "same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6.0)(x) if activation == "relu6" else x


def separable(layers, x, channels, size=3, strides=1, dilation=1):
    """Depthwise and 1x1 convolution, each with batch norm and RELU6."""
    x = layers.DepthwiseConv2D(size, strides, "same", dilation_rate=dilation, use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    return conv_norm(layers, x, channels)


def portrait(keras):
    """Portrait cut-out: MobileNetV2 x 0.5 at 256, decoder of bilinear upsampling and separable
    convolutions, softmax over 2 classes for each pixel."""
    layers = keras.layers
    image = keras.Input((256, 256, 3), batch_size=1)
    encoder = keras.applications.MobileNetV2(weights=None, input_tensor=image, alpha=0.5, include_top=False)
    skips = [encoder.get_layer(name).output for name in
             ("block_13_expand_relu", "block_6_expand_relu", "block_3_expand_relu", "block_1_expand_relu")]
    x = encoder.get_layer("block_16_project_BN").output
    for skip, channels in zip(skips, (96, 64, 48, 16)):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = separable(layers, layers.Concatenate()([x, skip]), channels)
    x = layers.Conv2D(2, 1)(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2D(2, 3, padding="same")(x)
    return keras.Model(image, layers.Softmax()(x))


def inverted_residual(layers, x, channels, strides, expansion, dilation):
    inputs = x
    width = x.shape[-1]
    if expansion > 1:
        x = conv_norm(layers, x, width * expansion)
    x = layers.DepthwiseConv2D(3, strides, "same", dilation_rate=dilation, use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = conv_norm(layers, x, channels, activation=None)
    return layers.Add()([inputs, x]) if strides == 1 and width == channels else x


def deeplab(side):
    """DeepLabV3: MobileNetV2 with output stride 16 and dilated last blocks, ASPP of depthwise
    separable convolutions of rates 6, 12 and 18, logits of 21 classes resized to the input's size."""
    def build(keras):
        layers = keras.layers
        image = keras.Input((side, side, 3), batch_size=1)
        x = conv_norm(layers, image, 32, 3, 2)
        for expansion, channels, repeats, strides, dilation in (
                (1, 16, 1, 1, 1), (6, 24, 2, 2, 1), (6, 32, 3, 2, 1), (6, 64, 4, 2, 1), (6, 96, 3, 1, 1),
                (6, 160, 3, 1, 2), (6, 320, 1, 1, 2)):
            for i in range(repeats):
                x = inverted_residual(layers, x, channels, strides if i == 0 else 1, expansion, dilation)
        size = x.shape[1]
        pooled = conv_norm(layers, layers.GlobalAveragePooling2D(keepdims=True)(x), 256)
        pooled = layers.UpSampling2D(size, interpolation="bilinear")(pooled)
        branches = [pooled, conv_norm(layers, x, 256)]
        branches += [separable(layers, x, 256, dilation=rate) for rate in (6, 12, 18)]
        x = conv_norm(layers, layers.Concatenate()(branches), 256)
        x = layers.Conv2D(21, 1)(x)
        return keras.Model(image, layers.Resizing(side, side, interpolation="bilinear")(x))
    return build


def kws(keras):
    """Keyword spotting: DS-CNN of 64 channels on 49 x 10 MFCCs, 12 words (Zhang et al., 2017)."""
    layers = keras.layers
    sound = keras.Input((49, 10, 1), batch_size=1)
    x = layers.Conv2D(64, (10, 4), 2, "same", use_bias=False)(sound)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(4):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(64, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(sound, layers.Dense(12, "softmax")(x))


def lstm(keras):
    """Two LSTM layers of 128 over 64 steps of 64 values. Keras 2 makes fused LSTM operators."""
    layers = keras.layers
    steps = keras.Input((64, 64), batch_size=1)
    x = layers.LSTM(128, return_sequences=True)(steps)
    x = layers.LSTM(128, return_sequences=True)(x)
    return keras.Model(steps, layers.Dense(10, "softmax")(x))


def transformer_layer(layers, x, heads, width, pre_norm):
    """Self-attention and a GELU network of 4 x width; layer norm before (ViT) or after (BERT)."""
    def attend(inputs):
        # A key with its bias, as in both papers; heads as one product with batch `heads`.
        return layers.MultiHeadAttention(heads, width // heads)(inputs, inputs)

    def feed(inputs):
        return layers.Dense(width)(layers.Dense(4 * width, "gelu")(inputs))

    for part in (attend, feed):
        if pre_norm:
            x = layers.Add()([x, part(layers.LayerNormalization(epsilon=1e-6)(x))])
        else:
            x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, part(x)]))
    return x


class Positions:
    """Makes the layer that adds learned positions, for a given Keras."""

    @staticmethod
    def layer(keras):
        class AddPositions(keras.layers.Layer):
            def build(self, shape):
                self.table = self.add_weight(shape=(1, *shape[1:]), initializer="uniform", name="positions")

            def call(self, x):
                return x + self.table
        return AddPositions()


def bert(keras):
    """BERT-tiny: 2 layers of width 128 with 2 heads over 128 tokens."""
    layers = keras.layers
    tokens = keras.Input((128,), batch_size=1, dtype="int32")
    x = layers.Embedding(1000, 128)(tokens)
    x = layers.LayerNormalization(epsilon=1e-6)(Positions.layer(keras)(x))
    for _ in range(2):
        x = transformer_layer(layers, x, 2, 128, False)
    return keras.Model(tokens, layers.Dense(2)(x[:, 0]))


def vit(keras):
    """ViT-tiny: patches of 16 of a 224 picture, 12 layers of width 192 with 3 heads, mean pooling."""
    layers = keras.layers
    image = keras.Input((224, 224, 3), batch_size=1)
    x = layers.Reshape((196, 192))(layers.Conv2D(192, 16, 16)(image))
    x = Positions.layer(keras)(x)
    for _ in range(12):
        x = transformer_layer(layers, x, 3, 192, True)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
    return keras.Model(image, layers.Dense(1000)(x))


NETWORKS = {
    "mobilenet_v2": applications("MobileNetV2", 224),
    "portrait": portrait,
    "mobilenet_v3s": applications("MobileNetV3Small", 224, include_preprocessing=False),
    "resnet50": applications("ResNet50", 224),
    "efficientnet_b0": applications("EfficientNetB0", 224),
    "mobilenet_v1": applications("MobileNet", 224),
    "deeplab257": deeplab(257),
    "kws": kws,
    "nasnet_mobile": applications("NASNetMobile", 224),
    "inception_v3": applications("InceptionV3", 299),
    "densenet121": applications("DenseNet121", 224),
    "bert_tiny": bert,
    "vit_tiny": vit,
    "lstm": lstm,
    "deeplab513": deeplab(513),
}


def randomize(model, np):
    """Batch norm as after training: scales about 1 and small shifts, so that no activation dies."""
    rng = np.random.default_rng(SEED)
    for layer in getattr(model, "layers", []):
        if layer.__class__.__name__ != "BatchNormalization":
            continue
        values = []
        for weight in layer.weights:
            name = weight.name.split("/")[-1].split(":")[0]
            low, high = {"gamma": (0.8, 1.2), "beta": (-0.3, 0.3), "moving_mean": (-0.1, 0.1),
                         "moving_variance": (0.5, 1.5)}[name]
            values.append(rng.uniform(low, high, weight.shape).astype(np.float32))
        layer.set_weights(values)


def samples(model, np):
    """Random inputs, for calibration."""
    rng = np.random.default_rng(SEED)
    for _ in range(CALIBRATION_SAMPLES):
        inputs = []
        for tensor in model.inputs:
            shape = [int(d) for d in tensor.shape]
            whole = "int" in str(tensor.dtype)
            inputs.append(rng.integers(0, 10, shape).astype(np.int32) if whole else
                          rng.uniform(-1, 1, shape).astype(np.float32))
        yield inputs


def freeze_model(tf, model):
    """The model as a function without variables."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as freeze
    function = tf.function(lambda *x: model(list(x) if len(x) > 1 else x[0], training=False))
    signature = [tf.TensorSpec(t.shape, t.dtype) for t in model.inputs]
    return freeze(function.get_concrete_function(*signature))


def convert(tf, model, kind):
    """The bytes of the .tflite file of one kind."""
    import numpy as np
    with tempfile.TemporaryDirectory() as folder:
        if model.__module__.startswith("tf_keras"):  # frozen, its LSTM would be loops
            model.save(folder, save_format="tf")
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        else:
            converter = tf.lite.TFLiteConverter.from_concrete_functions([freeze_model(tf, model)], None)
        return convert_kind(tf, converter, model, kind, np)


def convert_kind(tf, converter, model, kind, np):
    if kind != "f32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "f16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        converter.representative_dataset = lambda: samples(model, np)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if all("int" not in str(t.dtype) for t in model.inputs):
            converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return converter.convert()


def write(path, data):
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_bytes(data)
    partial.replace(path)


def erfc_by_erf(context, node, name, _):
    """ONNX has no Erfc: 1 - Erf, for tf2onnx."""
    import numpy as np
    node.type, node.domain = "Erf", ""
    one = context.make_const(name + "_one", np.float32(1)).output[0]
    difference = context.insert_new_node_on_output("Sub", node.output[0], name=name + "_difference")
    context.replace_inputs(difference, [one, node.output[0]])
    return difference


def make_onnx(source, target, model):
    """A .tflite file as ONNX; quantized tensors become QuantizeLinear and DequantizeLinear. Float
    models with operators that ONNX lacks come from TensorFlow's graph, which has them in parts."""
    import tf2onnx
    made, _ = tf2onnx.convert.from_tflite(str(source), opset=17)
    if any(node.op_type.startswith("TFL_") for node in made.graph.node):
        if not source.stem.endswith("_f32"):
            raise ValueError("operators that ONNX lacks")
        import tensorflow as tf
        frozen = freeze_model(tf, model())
        made, _ = tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(), input_names=[t.name for t in frozen.inputs],
            output_names=[t.name for t in frozen.outputs], opset=17,
            custom_op_handlers={"Erfc": (erfc_by_erf, [])})
    write(target, made.SerializeToString())


def build(name):
    """The Keras model of a network."""
    import numpy as np
    import tensorflow as tf
    if name == "lstm":
        import tf_keras as keras
    else:
        keras = tf.keras
    keras.utils.set_random_seed(SEED)
    model = NETWORKS[name](keras)
    randomize(model, np)
    return model


def make(name, folder, kinds, onnx):
    wanted = [k for k in kinds if not (folder / f"{name}_{k}.tflite").exists()]
    if wanted:
        import tensorflow as tf
        model = build(name)
        for kind in wanted:
            write(folder / f"{name}_{kind}.tflite", convert(tf, model, kind))
            print(f"{name}_{kind}.tflite", flush=True)
    for kind in kinds if onnx else ():
        target = folder / f"{name}_{kind}.onnx"
        if kind not in ("f32", "int8") or target.exists():
            continue
        try:
            make_onnx(folder / f"{name}_{kind}.tflite", target, lambda: build(name))
            print(target.name, flush=True)
        except Exception as error:  # the exporter refuses some operators; the rest goes on
            print(f"{target.name}: {type(error).__name__}: {error}".splitlines()[0], file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--only", help="networks, with commas between (all)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of f32, f16, dyn and int8 (all)")
    parser.add_argument("--onnx", action="store_true", help="make ONNX files of f32 and int8 too")
    parser.add_argument("--list", action="store_true", help="print the networks' names")
    args = parser.parse_args()
    if args.list:
        print("\n".join(NETWORKS))
        return
    if args.folder is None:
        parser.error("FOLDER is missing")
    names = args.only.split(",") if args.only else list(NETWORKS)
    kinds = args.kinds.split(",")
    for unknown in [n for n in names if n not in NETWORKS] + [k for k in kinds if k not in KINDS]:
        parser.error(f"unknown network or kind: {unknown}")
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        make(name, args.folder, kinds, args.onnx)


if __name__ == "__main__":
    main()
