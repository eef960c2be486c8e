# SPDX-License-Identifier: Apache-2.0
"""Suppression of overlapping boxes, detection's last step, and MediaPipe's landmark operators."""
import numpy as np
from flatbuffers import flexbuffers

from generator import generator
from models import Case, Operand


@generator("NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5", "f32")
def non_max_suppression(r, op, kind):
    n, most, soft = r.integer(1, 30), r.integer(0, 12), op.endswith("5")
    boxes = r.rng.uniform(0, 4, (n, 2, 2)).astype(np.float32)
    boxes[:, 1] = boxes[:, 0] + r.rng.uniform(0, 3, (n, 2))
    if r.chance(0.3):
        boxes = boxes[:, ::-1]
    inputs = [Operand((n, 4), "f32", data=boxes.reshape(n, 4), fed=True), Operand((n,), "f32", low=0, high=1),
              Operand((), "i32", data=[most], fed=r.chance(0.3)),
              Operand((), "f32", data=[r.choice([0.3, 0.5, r.real(0, 1)])]),
              Operand((), "f32", data=[r.choice([0.0, 0.2, r.real(0, 1)])])]
    outputs = [Operand((most,), "i32"), Operand((), "i32")]
    if soft:
        inputs.append(Operand((), "f32", data=[r.choice([0.0, 0.5, r.real(0.1, 1)])]))
        outputs.insert(1, Operand((most,), "f32"))
    name = "NonMaxSuppressionV5Options" if soft else "NonMaxSuppressionV4Options"
    return Case(inputs, outputs, (name, {}))


def used_detections(regular, boxes_of, classes):
    """Compares what LiteRT has written: behind the detections it leaves what was in memory before."""
    def compare(ours, theirs):
        for got, want in zip(ours, theirs):
            count = int(want[3][0])
            if int(got[3][0]) != count:
                return f"{got[3][0]} detections instead of {count}"
            if regular:
                places = np.arange(count)
            else:
                places = (np.arange(count)[:, None] * boxes_of + np.arange(min(boxes_of, classes))).ravel()
            for i, tolerance in ((0, 1e-5), (1, 0), (2, 1e-6)):
                apart = np.abs(got[i][0][places] - want[i][0][places])
                if apart.size and apart.max() > tolerance * max(1, np.abs(want[i][0][places]).max()):
                    return f"output {i} differs by {apart.max()}"
        return None
    return compare


@generator("CUSTOM:TFLite_Detection_PostProcess", "f32 u8")
def detection(r, op, kind):
    n, classes, background = r.integer(1, 25), r.integer(1, 6), r.integer(0, 1)
    regular, boxes_of = r.chance(0.5), r.integer(1, 3)
    width, all_classes = r.choice([4, 4, 6]), classes + background
    if kind == "u8":
        n = min(n, 250 // all_classes)
    # No two scores are the same: the order of equal ones is not defined.
    ranks = r.rng.permutation(n * all_classes).reshape(1, n, all_classes)
    custom = flexbuffers.Dumps({
        "max_detections": r.integer(1, 10), "max_classes_per_detection": boxes_of, "num_classes": classes,
        "detections_per_class": r.integer(1, 20), "use_regular_nms": regular,
        "nms_score_threshold": r.choice([0.0, 0.3, r.real(0, 0.9)]), "nms_iou_threshold": r.choice([0.5, r.real(0.1, 1)]),
        "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0})
    if kind == "u8":
        inputs = [Operand((1, n, width), "u8", 0.07, 120), Operand((1, n, all_classes), "u8", 1 / 256, 0, data=ranks, fed=True),
                  Operand((n, 4), "u8", 1 / 200, 0)]
        # Anchors have a size.
        inputs[2].data, inputs[2].fed = r.rng.integers(20, 250, (n, 4)), r.chance(0.3)
    else:
        inputs = [Operand((1, n, width), "f32", low=-8, high=8),
                  Operand((1, n, all_classes), "f32", data=(ranks / ranks.size).astype(np.float32), fed=True),
                  Operand((n, 4), "f32", data=r.rng.uniform(0.1, 1, (n, 4)), fed=r.chance(0.3))]
    m = 10 * boxes_of
    outputs = [Operand((1, m, 4)), Operand((1, m)), Operand((1, m)), Operand((1,))]
    return Case(inputs, outputs, custom=custom, compare=used_detections(regular, boxes_of, classes))


# ---- MediaPipe: LiteRT does not have these; what they are is a formula

def near(want, tolerance):
    """Compares with a result computed here."""
    def compare(ours, theirs):
        apart = np.abs(ours[0][0].astype(np.float64) - want) / np.maximum(1, np.abs(want))
        return None if apart.size == 0 or apart.max() <= tolerance else f"differs by {apart.max()}"
    return compare


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@generator("CUSTOM:Landmarks2TransformMatrix", "f32")
def landmarks_to_matrix(r, op, kind):
    n = r.integer(2, 20)
    xyz = r.rng.uniform(0, 190, (n, 3)).astype(np.float32)
    left, right = (int(i) for i in r.rng.permutation(n)[:2])
    subset = [r.integer(0, n - 1) for _ in range(r.integer(2, 9))]
    h, w = r.integer(2, 32), r.integer(2, 32)
    (dx, dy), scales = (xyz[right] - xyz[left])[:2].astype(float), (r.real(0.5, 2), r.real(0.5, 2))
    matrix = np.eye(4)
    if r.chance(0.5):
        version, target = 2, r.choice([0.0, r.real(-1, 1)])
        angle = target - np.arctan2(dy, dx)
        custom = {"subset_idxs": subset, "left_rotation_idx": left, "right_rotation_idx": right,
                  "target_rotation_radians": target, "output_height": h, "output_width": w,
                  "scale_x": scales[0], "scale_y": scales[1]}
    else:
        version, angle = 1, -np.arctan(dy / dx)
        custom = {"subset": subset, "left_rotation_idx": left, "right_rotation_idx": right, "dimensions": 3,
                  "landmarks_range": 192, "bbox_size_multiplier": scales[0], "input_hw": [48, 40], "output_hw": [h, w]}
    points = xyz[subset, :2].astype(float) @ turn(angle).T
    low, high = points.min(0), points.max(0)
    centre = turn(-angle) @ ((low + high) / 2)
    if version == 2:
        scale = np.diag(np.array(scales) * (high - low) / [w, h])
        a = turn(-angle) @ scale
        shift = a @ np.array([-w / 2, -h / 2]) + centre
    else:
        picture = np.diag([(40 - 1) / 2, (48 - 1) / 2])
        box = np.diag((high - low) * scales[0] / 192)
        a = picture @ turn(-angle) @ box @ np.diag([2 / (w - 1), 2 / (h - 1)])
        shift = picture @ (turn(-angle) @ box @ [-1, -1] + centre / 192 * 2 - 1 + 1)
    matrix[:2, :2], matrix[:2, 3] = a, shift
    shape = (1, n, 3) if version == 2 else (1, 1, 1, 3 * n)
    return Case([Operand(shape, "f32", data=xyz.reshape(shape), fed=True)], [Operand((1, 4, 4), "f32")],
                custom=flexbuffers.Dumps(custom), version=version, compare=near(matrix[None], 2e-4))


@generator("CUSTOM:TransformTensorBilinear", "f32")
def transform_tensor(r, op, kind):
    h, w, c, rows, columns = (r.integer(1, 12) for _ in range(5))
    x = r.rng.uniform(-1, 1, (h, w, c)).astype(np.float32)
    matrix = np.eye(4, dtype=np.float32)
    matrix[:2, :2] = turn(r.real(-1, 1)) * r.real(0.4, 1.6)
    matrix[:2, 3] = r.rng.uniform(-1, 4, 2)
    y, x_at = np.mgrid[0:rows, 0:columns] + 0.5
    m = matrix.astype(float)
    px = m[0, 0] * x_at + m[0, 1] * y + m[0, 3] - 0.5
    py = m[1, 0] * x_at + m[1, 1] * y + m[1, 3] - 0.5
    inside = (px >= 0) & (px <= w - 1) & (py >= 0) & (py <= h - 1)
    left, top = np.floor(px).astype(int), np.floor(py).astype(int)
    padded = np.pad(x.astype(float), ((0, 2), (0, 2), (0, 0)))
    u, v = (px - left)[..., None], (py - top)[..., None]
    at = lambda j, i: padded[np.clip(j, 0, h), np.clip(i, 0, w)]  # noqa: E731
    want = (1 - v) * ((1 - u) * at(top, left) + u * at(top, left + 1)) + \
        v * ((1 - u) * at(top + 1, left) + u * at(top + 1, left + 1))
    return Case([Operand((1, h, w, c), "f32", data=x, fed=True), Operand((1, 4, 4), "f32", data=matrix, fed=True)],
                [Operand((1, rows, columns, c), "f32")],
                custom=flexbuffers.Dumps({"output_height": rows, "output_width": columns}), version=2,
                compare=near(np.where(inside[..., None], want, 0)[None], 2e-5))


@generator("CUSTOM:TransformLandmarks", "f32")
def transform_landmarks(r, op, kind):
    shape, matrix = (1, r.integer(1, 20), r.integer(2, 3)), r.rng.uniform(-2, 2, (1, 4, 4)).astype(np.float32)
    x = r.rng.uniform(-9, 9, shape).astype(np.float32)
    want = x.astype(float)
    want[..., :2] = x[..., :2].astype(float) @ matrix[0, :2, :2].T.astype(float) + matrix[0, :2, 3]
    return Case([Operand(shape, "f32", data=x, fed=True), Operand((1, 4, 4), "f32", data=matrix, fed=True)],
                [Operand(shape, "f32")], version=2, compare=near(want, 1e-5))
