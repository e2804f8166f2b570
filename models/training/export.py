"""From trained weights to ONNX and a model card: `python export.py detector|lights --run DIR --models DIR`.

Writes `auriga_camera.onnx` and `.toml`, or `auriga_lights.onnx` and `.toml`. Batch normalisation is folded into the
convolutions. The file is run in ONNX Runtime on one thread, must agree with PyTorch, and its time is printed.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import detector
import lights

IR_VERSION = 10
OPSET = 17
AGREEMENT = 2e-4

HEAD = """\
# Written by models/training/export.py.
name = "{name}"
task = "{task}"
file = "{name}.onnx"
sha256 = "{sha256}"
origin = "models/training: data set, train.py and export.py with seed {seed}, as its README says"
licence = "MIT OR Apache-2.0"
training_data = "frames of Auriga's own simulator, nothing else: {frames} pictures of the town, random places and light"
accuracy = "{accuracy}"
classes = [{classes}]

[[inputs]]
name = "image"
dtype = "f32"
shape = {input_shape}
layout = "nchw"

[[outputs]]
name = "{output}"
dtype = "f32"
shape = {output_shape}

[preprocessing]
color = "rgb"
resize = "stretch"
scale = 0.00392156862745098

[postprocessing]
"""

DETECTOR_TAIL = """\
family = "yolox"
strides = [8, 16, 32]
score_threshold = {threshold}
nms_iou_threshold = 0.45
"""

# The cut-out that the classifier expects is said in a comment: a card has no field for it.
LIGHTS_TAIL = """\
# The cut-out is the light's housing as projected, {margin} times its size about its centre, stretched.
family = "classification"
score_threshold = 0.5
"""


def percent(value):
    """0.9312 as "93.1 %"."""
    return "none" if value is None else f"{100.0 * value:.1f} %"


def detector_accuracy(report):
    """The card's sentence."""
    classes = ", ".join(
        f"{name} AP50 {100.0 * c['ap50']:.1f}, recall {percent(c['recall'])}, precision {percent(c['precision'])}"
        for name, c in report["classes"].items()
    )
    return f"measured by train.py on {report['frames']} other simulator frames, same town, threshold included: {classes}"


def lights_accuracy(report):
    """The card's sentence."""
    recalls = ", ".join(f"{name} {percent(value)}" for name, value in report["recall"].items())
    return (
        f"measured by train.py on {report['crops']} cut-outs of other simulator frames, moved and scaled at random:"
        f" {percent(report['accuracy'])} right; {recalls}"
    )


def export(network, example, output, path):
    """Writes the network as ONNX with tensors `image` and `output`."""
    torch.onnx.export(
        network, (example,), path, input_names=["image"], output_names=[output], opset_version=OPSET, dynamo=False
    )
    model = onnx.load(path)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "", ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def check(network, path, shape):
    """ONNX Runtime must agree with PyTorch; gives the median milliseconds on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(7)
    spent, worst = [], 0.0
    for _ in range(30):
        image = random.random(shape, dtype=np.float32)
        began = time.process_time()
        found = session.run(None, {"image": image})[0]
        spent.append(1e3 * (time.process_time() - began))
        with torch.no_grad():
            worst = max(worst, float(np.abs(found - network(torch.from_numpy(image)).numpy()).max()))
    if worst > AGREEMENT:
        raise SystemExit(f"{path}: ONNX Runtime differs from PyTorch by {worst:.2e}, more than {AGREEMENT:.0e}")
    print(f"{path}: differs from PyTorch by {worst:.1e} at most, {float(np.median(spent)):.2f} ms of CPU time on one thread")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=("detector", "lights"))
    parser.add_argument("--run", type=Path, required=True, help="the folder that train.py wrote to")
    parser.add_argument("--models", type=Path, required=True, help="where the ONNX file and its card go")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    is_detector = arguments.network == "detector"
    report = json.loads((arguments.run / f"{arguments.network}.json").read_text(encoding="utf-8"))
    network = detector.Detector() if is_detector else lights.LightClassifier()
    network.load_state_dict(torch.load(arguments.run / f"{arguments.network}_weights.pt", weights_only=True))
    network.eval()
    part = detector if is_detector else lights
    shape = [1, 3, part.HEIGHT, part.WIDTH]
    name, output = ("auriga_camera", "rows") if is_detector else ("auriga_lights", "probabilities")
    path = arguments.models / f"{name}.onnx"
    export(network, torch.zeros(shape), output, path)
    check(network, path, shape)
    rows = sum((part.HEIGHT // s) * (part.WIDTH // s) for s in detector.STRIDES)
    text = HEAD.format(
        name=name,
        task="detection_2d" if is_detector else "traffic_light_state",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        seed=report["seed"],
        frames=report["training_frames"],
        accuracy=detector_accuracy(report) if is_detector else lights_accuracy(report),
        classes=", ".join(f'"{c}"' for c in part.CLASSES),
        input_shape=shape,
        output=output,
        output_shape=[1, rows, 5 + len(part.CLASSES)] if is_detector else [1, len(part.CLASSES)],
    )
    tail = DETECTOR_TAIL.format(threshold=report.get("score_threshold")) if is_detector else LIGHTS_TAIL
    (arguments.models / f"{name}.toml").write_text(text + tail.format(margin=lights.MARGIN), encoding="utf-8")


if __name__ == "__main__":
    main()
