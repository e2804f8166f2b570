"""Average precision, recall and accuracy, in numpy."""

import numpy as np


def overlaps(boxes, box):
    """IoU of boxes [n, 4] with one box (left, top, right, bottom)."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    common = np.clip(high - low, 0.0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return common / np.maximum(areas - common, 1e-9)


def suppress(boxes, scores, classes, threshold=0.45, most=100):
    """Indices that non-maximum suppression per class keeps, best first."""
    kept = []
    order = np.argsort(-scores, kind="stable")
    while len(order) and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(best)
        same = classes[order] == classes[best]
        order = order[~(same & (overlaps(boxes[order], boxes[best]) > threshold))]
    return np.array(kept, dtype=np.int64)


def match(found, truth, threshold=0.5):
    """Matches one picture's detections of one class, best score first, to its boxes.

    `found` is (boxes, scores), `truth` (boxes, counts: False where a box neither has to be found nor is wrong to find).
    Gives per detection 1 (right), 0 (wrong) or -1 (does not count), and per box the score at which it was found, or 0.
    """
    boxes, scores = found
    targets, counts = truth
    verdict = np.zeros(len(boxes), dtype=np.int8)
    found_at = np.zeros(len(targets), dtype=np.float64)
    for i in np.argsort(-scores, kind="stable"):
        if not len(targets):
            continue
        overlap = overlaps(targets, boxes[i])
        free = np.where(counts & (found_at == 0.0), overlap, 0.0)
        if free.max() >= threshold:
            verdict[i] = 1
            found_at[free.argmax()] = scores[i]
        elif np.where(counts, 0.0, overlap).max() >= threshold:
            verdict[i] = -1
    return verdict, found_at


def average_precision(verdicts, scores, boxes):
    """Area under the precision-recall curve, precision made monotone (Everingham et al. 2010, all points)."""
    if boxes == 0:
        return float("nan")
    counted = verdicts >= 0
    order = np.argsort(-scores[counted], kind="stable")
    right = verdicts[counted][order] == 1
    recall = np.cumsum(right) / boxes
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate(([0.0], recall))) * precision))


def confusion(truth, guess, classes):
    """Counts [true, guessed]."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (truth, guess), 1)
    return table
