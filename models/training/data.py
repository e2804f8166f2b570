"""From the simulator's frames to training arrays.

A data set is a folder with PNG pictures and `labels.jsonl`, one line per picture, as the example `dataset` of `sim-bridge`
writes it. Pixels: x to the right, y down, boxes [left, top, right, bottom] with exclusive ends.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

import detector
import lights

KINDS = {
    "car": 0, "van": 0, "truck": 0, "bus": 0,
    "pedestrian": 1,
    "cyclist": 2,
}  # fmt: skip
COLOURS = {"off": 0, "red": 1, "red_amber": 1, "amber": 2, "green": 3}
# What is smaller or more hidden neither has to be found nor is wrong to find. Pixels of the camera's picture.
LEAST_HEIGHT, LEAST_PIXELS, LEAST_VISIBLE = 10, 40, 0.25
# A light that is smaller, or turned farther away, is not read.
LIGHT_HEIGHT, LIGHT_WIDTH, LIGHT_ASPECT, LIGHT_VISIBLE = 5, 2, 1.2, 0.6
MOST_BOXES = 48


class Frames:
    """A data set in memory, at the detector's size.

    `images` uint8 [frames, 192, 320, 3]; `boxes` float32 [frames, most, 4] in the detector's pixels; `classes` int64
    [frames, most]: class, -1 padding, -2 ignored; `true_classes` the class of ignored ones too; `distances` metres.
    `crops` uint8 [lights, 96, 32, 3], `colours` int64 [lights], `heights` float32 [lights] (camera pixels).
    """

    def __init__(self, folders, seed, copies):
        """Reads `folders`; `copies` cut-outs per light, moved and scaled at random (0: one, exact)."""
        self._random = np.random.default_rng(seed)
        self._copies = copies
        images, labels = [], []
        self.crops, self.colours, self.heights = [], [], []
        for folder in map(Path, folders):
            with open(folder / "labels.jsonl", encoding="utf-8") as lines:
                for line in lines:
                    label = json.loads(line)
                    picture = np.asarray(Image.open(folder / label["image"]).convert("RGB"))
                    images.append(halve(picture))
                    labels.append(label)
                    self._add_lights(picture, label["lights"])
        self.images = np.stack(images)
        self._add_objects(labels)
        self.crops = np.stack(self.crops) if self.crops else np.zeros((0, lights.HEIGHT, lights.WIDTH, 3), np.uint8)
        self.colours = np.array(self.colours, dtype=np.int64)
        self.heights = np.array(self.heights, dtype=np.float32)

    def _add_objects(self, labels):
        count = len(labels)
        self.boxes = np.zeros((count, MOST_BOXES, 4), dtype=np.float32)
        self.classes = np.full((count, MOST_BOXES), -1, dtype=np.int64)
        self.true_classes = np.full((count, MOST_BOXES), -1, dtype=np.int64)
        self.distances = np.zeros((count, MOST_BOXES), dtype=np.float32)
        for i, label in enumerate(labels):
            # The most visible first, should there be too many.
            objects = sorted(label["objects"], key=lambda o: -o["visible_pixels"])[:MOST_BOXES]
            for j, thing in enumerate(objects):
                box = np.array(thing["full_box"], dtype=np.float32)
                hidden = thing["visible_pixels"] < LEAST_VISIBLE * thing["total_pixels"]
                small = box[3] - box[1] < LEAST_HEIGHT or thing["visible_pixels"] < LEAST_PIXELS
                self.boxes[i, j] = box / 2.0
                self.true_classes[i, j] = KINDS[thing["kind"]]
                self.classes[i, j] = -2 if hidden or small else KINDS[thing["kind"]]
                self.distances[i, j] = thing["distance_m"]

    def _add_lights(self, picture, found):
        """Cut-outs of the lights, and beside every third one a cut-out of what is near it, labelled "off"."""
        for light in found:
            left, top, right, bottom = box = light["full_box"]
            faces = abs(light["aspect"]) < LIGHT_ASPECT
            if not faces or right - left < LIGHT_WIDTH or bottom - top < LIGHT_HEIGHT:
                continue
            share = light["visible_pixels"] / max(light["total_pixels"], 1)
            if 0.05 < share < LIGHT_VISIBLE:
                continue  # Half hidden: nobody can say.
            colour = COLOURS[light["colour"]] if share >= LIGHT_VISIBLE else 0
            for copy in range(max(self._copies, 1)):
                grow, shift = lights.MARGIN, (0.0, 0.0)
                if self._copies > 0:
                    grow = self._random.uniform(1.0, 2.2)
                    shift = self._random.uniform(-0.28, 0.28, 2) * (right - left, bottom - top)
                self._add_crop(picture, box, grow, shift, colour)
                if copy % 3 == 2:
                    away = self._random.choice((-1.0, 1.0), 2) * self._random.uniform(2.5, 4.0, 2)
                    self._add_crop(picture, box, grow, away * (right - left, bottom - top), 0)

    def _add_crop(self, picture, box, grow, shift, colour):
        left, top, right, bottom = box
        x, y = (left + right) / 2.0 + shift[0], (top + bottom) / 2.0 + shift[1]
        half = (right - left) * grow / 2.0, (bottom - top) * grow / 2.0
        self.crops.append(cut(picture, (x - half[0], y - half[1], x + half[0], y + half[1])))
        self.colours.append(colour)
        self.heights.append(bottom - top)


def halve(picture):
    """Half the size: the mean of 2 x 2 pixels, which is what bilinear resizing by exactly one half gives."""
    quads = picture.astype(np.uint16)
    total = quads[0::2, 0::2] + quads[1::2, 0::2] + quads[0::2, 1::2] + quads[1::2, 1::2]
    return ((total + 2) // 4).astype(np.uint8)


def cut(picture, box, height=lights.HEIGHT, width=lights.WIDTH):
    """The box of a picture, stretched to height x width, bilinear between pixel centres, edges repeated. uint8."""
    left, top, right, bottom = box
    x = np.clip(left + (np.arange(width) + 0.5) * (right - left) / width - 0.5, 0, picture.shape[1] - 1)
    y = np.clip(top + (np.arange(height) + 0.5) * (bottom - top) / height - 0.5, 0, picture.shape[0] - 1)
    x0, y0 = x.astype(np.int64), y.astype(np.int64)
    x1, y1 = np.minimum(x0 + 1, picture.shape[1] - 1), np.minimum(y0 + 1, picture.shape[0] - 1)
    fx, fy = (x - x0)[None, :, None], (y - y0)[:, None, None]
    upper = picture[y0][:, x0] * (1 - fx) + picture[y0][:, x1] * fx
    lower = picture[y1][:, x0] * (1 - fx) + picture[y1][:, x1] * fx
    return np.round(upper * (1 - fy) + lower * fy).astype(np.uint8)


def flip_boxes(boxes, classes):
    """Boxes of mirrored pictures; padding stays where it is."""
    mirrored = boxes.copy()
    mirrored[..., 0], mirrored[..., 2] = detector.WIDTH - boxes[..., 2], detector.WIDTH - boxes[..., 0]
    return np.where((classes == -1)[..., None], boxes, mirrored)


def vary_light(batch, random):
    """Brightness, contrast, colour and noise of a float batch [n, h, w, 3] in 0..1, a little."""
    shape = (len(batch), 1, 1, 1)
    gain = random.uniform(0.75, 1.3, shape).astype(np.float32)
    tint = random.uniform(0.94, 1.06, (len(batch), 1, 1, 3)).astype(np.float32)
    lift = random.uniform(-0.06, 0.06, shape).astype(np.float32)
    return np.clip(batch * (gain * tint) + lift, 0.0, 1.0)
