"""Trains and validates the two networks: `python train.py detector|lights --train DIR... --validate DIR... --out DIR`.

Seeded and deterministic for a given version of PyTorch, number of threads and processor. An interrupted training goes on at
the last finished epoch. Prints and writes `<network>.json`: what was measured on the validation pictures, and the CPU time.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

import data
import detector
import lights
import metrics

RECIPES = {
    # epochs, batch, peak learning rate
    "detector": (12, 24, 3e-3),
    "lights": (14, 64, 2e-3),
}
RECALL_HEIGHTS = ((10, 20), (20, 40), (40, 80), (80, 1000))
RECALL_DISTANCES = ((0, 10), (10, 20), (20, 30), (30, 40), (40, 60))
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(4, 15))


def tensor(images):
    """NHWC to NCHW."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


class Training:
    """One network's optimisation: one-cycle learning rate, weights averaged over steps, a checkpoint after each epoch."""

    def __init__(self, name, network, samples, checkpoint, seed, epochs):
        recommended, self.batch, rate = RECIPES[name]
        self.epochs = epochs or recommended
        self.network, self.samples, self.checkpoint, self.seed = network, samples, checkpoint, seed
        self.steps = math.ceil(samples / self.batch)
        decayed = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=rate)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, epochs=self.epochs, steps_per_epoch=self.steps, pct_start=0.12, final_div_factor=100.0
        )
        self.average = {k: v.clone() for k, v in network.state_dict().items()}
        self.step, self.first, self.cpu_s = 0, 0, 0.0

    def resume(self):
        """Goes on where a checkpoint of the same seed stands."""
        if not self.checkpoint.exists():
            return
        saved = torch.load(self.checkpoint, weights_only=True)
        if (saved["seed"], saved["samples"], saved["epochs"]) != (self.seed, self.samples, self.epochs):
            return
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.schedule.load_state_dict(saved["schedule"])
        self.average = saved["average"]
        self.step, self.first, self.cpu_s = saved["step"], saved["epoch"] + 1, saved["cpu_s"]
        print(f"goes on after epoch {saved['epoch']}")

    def save(self, epoch):
        """Writes the checkpoint; a half-written one never stands in its place."""
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "seed": self.seed, "samples": self.samples, "epochs": self.epochs, "epoch": epoch, "step": self.step,
                "cpu_s": self.cpu_s,
                "network": self.network.state_dict(), "average": self.average,
                "optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict(),
            },
            part,
        )  # fmt: skip
        part.replace(self.checkpoint)

    def run(self, loss_of):
        """All epochs; `loss_of(indices, random)` gives a batch's loss. Leaves the averaged weights in the network."""
        self.resume()
        for epoch in range(self.first, self.epochs):
            began, wall = time.process_time(), time.time()
            random = np.random.default_rng((self.seed, epoch))
            order = random.permutation(self.samples)
            self.network.train()
            total = 0.0
            for begin in range(0, self.samples, self.batch):
                loss = loss_of(order[begin : begin + self.batch], random)
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
                self.optimiser.step()
                self.schedule.step()
                self._average()
                total += loss.item()
            self.cpu_s += time.process_time() - began
            self.save(epoch)
            print(
                f"epoch {epoch + 1}/{self.epochs}: loss {total / self.steps:.3f}, {self.cpu_s / 60:.1f} CPU-minutes so far,"
                f" {time.time() - wall:.0f} s of wall time",
                flush=True,
            )
        self.network.load_state_dict(self.average)
        self.network.eval()

    def _average(self):
        self.step += 1
        keep = min(0.995, self.step / (self.step + 10.0))
        with torch.no_grad():
            for key, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.average[key].lerp_(value, 1.0 - keep)
                else:
                    self.average[key].copy_(value)


def train_detector(frames, out, seed, epochs=None):
    """The trained detector and its CPU seconds."""
    torch.manual_seed(seed)
    network = detector.Detector().to(memory_format=torch.channels_last)
    grid = detector.cells()

    def loss_of(indices, random):
        images, boxes, classes = frames.images[indices], frames.boxes[indices].copy(), frames.classes[indices]
        mirrored = random.random(len(indices)) < 0.5
        images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        boxes[mirrored] = data.flip_boxes(boxes[mirrored], classes[mirrored])
        images = data.vary_light(images.astype(np.float32) / 255.0, random)
        most = max(int((classes != -1).sum(1).max()), 1)
        rows = network.logits(tensor(images).contiguous(memory_format=torch.channels_last))
        return detector.loss(rows, torch.from_numpy(boxes[:, :most]), torch.from_numpy(classes[:, :most]), grid)

    training = Training("detector", network, len(frames.images), out / "detector.pt", seed, epochs)
    training.run(loss_of)
    return network, training.cpu_s


def detect(network, images, least=0.02):
    """Boxes, scores and classes found in each of uint8 images [n, h, w, 3]."""
    grid = detector.cells()
    found = []
    with torch.no_grad():
        for begin in range(0, len(images), 32):
            rows = network(tensor(images[begin : begin + 32].astype(np.float32) / 255.0))
            boxes = detector.decode(rows, grid).numpy()
            scores = (rows[..., 4:5] * rows[..., 5:]).numpy()
            for box, score in zip(boxes, scores):
                cell, kind = np.nonzero(score >= least)
                kept = metrics.suppress(box[cell], score[cell, kind], kind)
                found.append((box[cell][kept], score[cell, kind][kept], kind[kept]))
    return found


def judge_detector(frames, found):
    """AP50 and recall per class, the score threshold with the best mean F1, and precision there."""
    report = {"frames": len(found), "classes": {}}
    collected = {}
    for kind, name in enumerate(detector.CLASSES):
        verdicts, scores, found_at, heights, distances = [], [], [], [], []
        for i, (boxes, score, kinds) in enumerate(found):
            here = frames.true_classes[i] == kind
            counts = frames.classes[i][here] >= 0
            verdict, at = metrics.match((boxes[kinds == kind], score[kinds == kind]), (frames.boxes[i][here], counts))
            verdicts.append(verdict)
            scores.append(score[kinds == kind])
            found_at.append(at[counts])
            truth = frames.boxes[i][here][counts]
            heights.append(2.0 * (truth[:, 3] - truth[:, 1]))
            distances.append(frames.distances[i][here][counts])
        collected[name] = [np.concatenate(x) for x in (verdicts, scores, found_at, heights, distances)]
    report["score_threshold"] = threshold = max(THRESHOLDS, key=lambda t: np.mean([f1(c, t) for c in collected.values()]))
    for name, (verdicts, scores, found_at, heights, distances) in collected.items():
        sure = scores >= threshold
        report["classes"][name] = {
            "boxes": len(found_at),
            "ap50": round(metrics.average_precision(verdicts, scores, len(found_at)), 4),
            "recall": share(found_at >= threshold),
            "precision": share(verdicts[sure & (verdicts >= 0)] == 1),
            "recall_by_height_px": by_range(heights, found_at >= threshold, RECALL_HEIGHTS),
            "recall_by_distance_m": by_range(distances, found_at >= threshold, RECALL_DISTANCES),
        }
    return report


def f1(collected, threshold):
    """The harmonic mean of precision and recall at a score threshold."""
    verdicts, scores, found_at = collected[:3]
    right = float((verdicts[scores >= threshold] == 1).sum())
    wrong = float((verdicts[scores >= threshold] == 0).sum())
    missed = float((found_at < threshold).sum())
    return 2.0 * right / max(2.0 * right + wrong + missed, 1.0)


def share(flags):
    """The share of true ones, or none."""
    return round(float(np.mean(flags)), 4) if len(flags) else None


def by_range(values, flags, ranges):
    """The share of true flags by ranges of a value: {range: [share, count]}."""
    picked = {(low, high): flags[(values >= low) & (values < high)] for low, high in ranges}
    return {f"{low}-{high}": [share(f), len(f)] for (low, high), f in picked.items()}


def train_lights(frames, out, seed, epochs=None):
    """The trained classifier and its CPU seconds."""
    torch.manual_seed(seed)
    network = lights.LightClassifier()
    # All states weigh the same, however often they are seen.
    counts = np.bincount(frames.colours, minlength=len(lights.CLASSES))
    weight = torch.from_numpy((len(frames.colours) / len(lights.CLASSES) / np.maximum(counts, 1)).astype(np.float32))

    def loss_of(indices, random):
        images = frames.crops[indices]
        mirrored = random.random(len(indices)) < 0.5
        images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        images = data.vary_light(images.astype(np.float32) / 255.0, random)
        logits = network.logits(tensor(images))
        target = torch.from_numpy(frames.colours[indices])
        return torch.nn.functional.cross_entropy(logits, target, weight, label_smoothing=0.02)

    training = Training("lights", network, len(frames.crops), out / "lights.pt", seed, epochs)
    training.run(loss_of)
    return network, training.cpu_s


def judge_lights(network, frames):
    """Accuracy, per class and by height, and the table of confusions."""
    guess = []
    with torch.no_grad():
        for begin in range(0, len(frames.crops), 256):
            crops = tensor(frames.crops[begin : begin + 256].astype(np.float32) / 255.0)
            guess.append(network(crops).argmax(1).numpy())
    guess = np.concatenate(guess)
    right = guess == frames.colours
    return {
        "crops": len(guess),
        "accuracy": share(right),
        "recall": {name: share(right[frames.colours == i]) for i, name in enumerate(lights.CLASSES)},
        "accuracy_by_height_px": by_range(frames.heights, right, ((5, 9), (9, 14), (14, 20), (20, 40), (40, 1000))),
        "confusion_true_by_guessed": metrics.confusion(frames.colours, guess, len(lights.CLASSES)).tolist(),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=("detector", "lights"))
    parser.add_argument("--train", nargs="+", required=True, help="folders of the training set")
    parser.add_argument("--validate", nargs="+", required=True, help="folders of the validation set")
    parser.add_argument("--out", type=Path, required=True, help="for checkpoints, weights and the report")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="other than recommended")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    is_detector = arguments.network == "detector"
    frames = data.Frames(arguments.train, arguments.seed, 0 if is_detector else 3)
    checked = data.Frames(arguments.validate, arguments.seed + 1, 0 if is_detector else 3)
    print(f"{len(frames.images)} frames to train on, {len(checked.images)} to validate with", flush=True)
    if is_detector:
        network, cpu_s = train_detector(frames, arguments.out, arguments.seed, arguments.epochs)
        report = judge_detector(checked, detect(network, checked.images))
    else:
        network, cpu_s = train_lights(frames, arguments.out, arguments.seed, arguments.epochs)
        report = judge_lights(network, checked)
    report |= {
        "seed": arguments.seed, "epochs": arguments.epochs or RECIPES[arguments.network][0],
        "threads": arguments.threads, "training_frames": len(frames.images),
        "cpu_minutes_training": round(cpu_s / 60.0, 1), "cpu_minutes_all": round(time.process_time() / 60.0, 1),
    }  # fmt: skip
    torch.save(network.state_dict(), arguments.out / f"{arguments.network}_weights.pt")
    (arguments.out / f"{arguments.network}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
