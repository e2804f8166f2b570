"""The light-state classifier: what a traffic light shows in a cut-out.

Input: RGB / 255, NCHW, 96 x 32 (height x width), the light's housing with some surroundings, stretched. Output: [batch, 4],
probabilities of `CLASSES`. "off" is a dark light as well as a cut-out in which no light can be seen.
"""

import torch
from torch import nn

from detector import conv, separable

CLASSES = ("off", "red", "amber", "green")
HEIGHT, WIDTH = 96, 32
# How far a cut-out reaches in use, in multiples of the housing's projected size, about its centre.
MARGIN = 1.25


class LightClassifier(nn.Module):
    """Four convolutions; the rows are kept apart up to the last layer, because a lens's place tells its colour too."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 16, stride=2), conv(16, 24, stride=2), conv(24, 32, stride=2), separable(32, 48)
        )
        self.last = nn.Linear(48 * 6, len(CLASSES))

    def logits(self, crop):
        """[batch, 4] before the softmax."""
        features = self.features(crop)  # [batch, 48, 12, 4]
        rows = nn.functional.max_pool2d(features, (2, 4))
        return self.last(rows.flatten(1))

    def forward(self, crop):
        return torch.softmax(self.logits(crop), -1)
