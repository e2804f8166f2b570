"""The road user detector: a small anchor-free network, its targets and its loss.

Input: RGB / 255, NCHW, 192 x 320 (half of the simulator's camera picture). Output: [batch, cells, 8], one row per grid cell
of the strides 8, 16 and 32, row by row: x, y, w, h, objectness, one score per class. As in YOLOX (Ge et al. 2021, "YOLOX:
Exceeding YOLO Series in 2021"), centre = (xy + cell) * stride, size = exp(wh) * stride; objectness and scores are
probabilities; a class's score is their product.
"""

import torch
from torch import nn
from torch.nn import functional

CLASSES = ("vehicle", "pedestrian", "cyclist")
STRIDES = (8, 16, 32)
HEIGHT, WIDTH = 192, 320
# The longer side, in pixels of the input, of the boxes that each grid answers for (after FCOS, Tian et al. 2019). They overlap.
SIDES = ((0.0, 56.0), (36.0, 128.0), (88.0, 1e9))


def conv(inputs, outputs, kernel=3, stride=1, relu=True):
    """Convolution, batch normalisation and, unless told not to, ReLU."""
    padding = 0 if kernel == stride else kernel // 2
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.05),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def separable(inputs, outputs, stride=1, relu=True):
    """A depthwise 3 x 3 convolution, then a pointwise one (after Howard et al. 2017, MobileNets; nothing in between)."""
    depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
    return nn.Sequential(depthwise, conv(inputs, outputs, 1, relu=relu))


class Residual(nn.Module):
    """x + separable(x)."""

    def __init__(self, channels):
        super().__init__()
        self.body = separable(channels, channels)

    def forward(self, x):
        return x + self.body(x)


class Detector(nn.Module):
    """Backbone, a top-down neck, and one head shared by the three grids.

    The picture's patches of 4 x 4 pixels go straight to a quarter of its size: full resolution is what costs most.
    """

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 32, 4, stride=4)
        self.stage8 = nn.Sequential(conv(32, 64, stride=2), Residual(64), Residual(64))
        self.stage16 = nn.Sequential(conv(64, 96, stride=2), Residual(96), Residual(96))
        self.stage32 = nn.Sequential(separable(96, 128, 2), Residual(128), Residual(128))
        self.lateral = nn.ModuleList(nn.Conv2d(c, 64, 1) for c in (64, 96, 128))
        self.smooth = nn.ModuleList(separable(64, 64) for _ in STRIDES)
        self.score_branch = separable(64, 64)
        self.box_branch = separable(64, 64)
        self.scores = nn.Conv2d(64, len(CLASSES), 1)
        self.boxes = nn.Conv2d(64, 5, 1)
        # Every cell begins as "nothing here" with probability 0.99 (Lin et al. 2017, "Focal loss", section 3.3).
        nn.init.constant_(self.scores.bias, -2.0)
        nn.init.constant_(self.boxes.bias, 0.0)
        nn.init.constant_(self.boxes.bias[4:], -4.6)

    def logits(self, image):
        """[batch, cells, 8] before the sigmoids: what the loss works on."""
        c8 = self.stage8(self.stem(image))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p32 = self.lateral[2](c32)
        p16 = self.lateral[1](c16) + functional.interpolate(p32, scale_factor=2.0, mode="nearest")
        p8 = self.lateral[0](c8) + functional.interpolate(p16, scale_factor=2.0, mode="nearest")
        rows = []
        for smooth, level in zip(self.smooth, (p8, p16, p32)):
            level = smooth(level)
            grid = torch.cat((self.boxes(self.box_branch(level)), self.scores(self.score_branch(level))), 1)
            rows.append(grid.flatten(2))
        return torch.cat(rows, 2).transpose(1, 2)

    def forward(self, image):
        rows = self.logits(image)
        return torch.cat((rows[..., :4], torch.sigmoid(rows[..., 4:])), -1)


def cells(height=HEIGHT, width=WIDTH):
    """Column, row and stride of every cell: three tensors [cells]."""
    columns, rows, strides = [], [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(
            torch.arange(height // stride, dtype=torch.float32),
            torch.arange(width // stride, dtype=torch.float32),
            indexing="ij",
        )
        columns.append(x.flatten())
        rows.append(y.flatten())
        strides.append(torch.full((x.numel(),), float(stride)))
    return torch.cat(columns), torch.cat(rows), torch.cat(strides)


def decode(rows, grid):
    """Boxes [batch, cells, 4] (left, top, right, bottom, pixels of the input) of the raw rows."""
    column, row, stride = grid
    x = (rows[..., 0] + column) * stride
    y = (rows[..., 1] + row) * stride
    size = rows[..., 2:4].clamp(max=6.0).exp() * stride[:, None] / 2.0
    return torch.stack((x - size[..., 0], y - size[..., 1], x + size[..., 0], y + size[..., 1]), -1)


def assign(boxes, classes, grid):
    """Which box each cell answers for: indices [batch, cells], -1 for none; and the cells that don't count.

    `boxes` is [batch, most, 4]; `classes` [batch, most] holds a class, -1 for padding, -2 for "ignore what is here".
    A cell answers for a box if its centre lies in the middle of it (1.5 strides at most from the centre) and the box's
    longer side suits its grid; the smallest box wins.
    """
    column, row, stride = (t[None, :, None] for t in grid)
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    left, top, right, bottom = (t[:, None, :] for t in boxes.unbind(-1))
    width, height = right - left, bottom - top
    reach_x = torch.minimum(torch.maximum(width / 2.0, 0.75 * stride), 1.5 * stride)
    reach_y = torch.minimum(torch.maximum(height / 2.0, 0.75 * stride), 1.5 * stride)
    near = ((x - (left + right) / 2.0).abs() < reach_x) & ((y - (top + bottom) / 2.0).abs() < reach_y)
    side = torch.maximum(width, height)
    suits = torch.zeros_like(near)
    for number, (low, high) in zip(STRIDES, SIDES):
        suits |= (stride == number) & (side >= low) & (side < high)
    mine = near & suits & (classes[:, None, :] >= 0)
    area = torch.where(mine, width * height, torch.inf)
    least, index = area.min(-1)
    taken = torch.isfinite(least)
    inside = (x > left) & (x < right) & (y > top) & (y < bottom) & (classes[:, None, :] == -2)
    return torch.where(taken, index, -1), inside.any(-1) & ~taken


def box_overlap(a, b):
    """IoU of boxes [..., 4], pairwise along the leading dimensions, and the generalised one (Rezatofighi et al. 2019)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0.0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - common
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    overlap = common / union.clamp(min=1e-6)
    return overlap, overlap - (hull - union) / hull.clamp(min=1e-6)


def loss(rows, boxes, classes, grid):
    """The loss of a batch; `rows` from `logits`, the rest as in `assign`. Weights as in YOLOX: box 5, others 1."""
    index, ignored = assign(boxes, classes, grid)
    positive = index >= 0
    count = positive.sum().clamp(min=1)
    entropy = functional.binary_cross_entropy_with_logits
    objectness = entropy(rows[..., 4], positive.float(), reduction="none")
    total = torch.where(ignored, 0.0, objectness).sum()
    picture, cell = torch.nonzero(positive, as_tuple=True)
    chosen = index[picture, cell]
    target = boxes[picture, chosen]
    overlap, generalised = box_overlap(decode(rows, grid)[picture, cell], target)
    wanted = functional.one_hot(classes[picture, chosen], len(CLASSES)) * overlap.detach()[:, None]
    total = total + 5.0 * (1.0 - generalised).sum()
    total = total + entropy(rows[picture, cell, 5:], wanted, reduction="sum")
    return total / count
