"""The parts of the training: `python -m unittest` in this folder."""

import unittest

import numpy as np
import torch

import data
import detector
import lights
import metrics


class Detection(unittest.TestCase):
    def test_rows_match_the_cells(self):
        network = detector.Detector().eval()
        with torch.no_grad():
            rows = network(torch.zeros(1, 3, detector.HEIGHT, detector.WIDTH))
        self.assertEqual(tuple(rows.shape), (1, detector.cells()[0].numel(), 8))

    def test_what_a_cell_is_told_decodes_to_the_box(self):
        grid = detector.cells()
        column, row, stride = grid
        for box in ([20.0, 30.0, 26.0, 44.0], [100.0, 60.0, 180.0, 120.0], [0.0, 0.0, 300.0, 190.0]):
            boxes = torch.tensor([[box]])
            index, ignored = detector.assign(boxes, torch.tensor([[1]]), grid)
            cells = torch.nonzero(index[0] == 0).flatten()
            self.assertTrue(1 <= len(cells) <= 18, box)
            self.assertFalse(ignored.any())
            x, y = (box[0] + box[2]) / 2.0, (box[1] + box[3]) / 2.0
            rows = torch.zeros(1, len(column), 8)
            rows[0, :, 0], rows[0, :, 1] = x / stride - column, y / stride - row
            rows[0, :, 2] = torch.log((box[2] - box[0]) / stride)
            rows[0, :, 3] = torch.log((box[3] - box[1]) / stride)
            found = detector.decode(rows, grid)[0, cells]
            torch.testing.assert_close(found, boxes[0].expand(len(cells), 4), atol=1e-3, rtol=0.0)

    def test_ignored_boxes_have_no_positive_cells(self):
        index, ignored = detector.assign(torch.tensor([[[40.0, 40.0, 90.0, 90.0]]]), torch.tensor([[-2]]), detector.cells())
        self.assertTrue((index == -1).all())
        self.assertTrue(ignored.any() and not ignored.all())

    def test_overlap(self):
        a, b = torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0])
        overlap, generalised = detector.box_overlap(a, b)
        self.assertAlmostEqual(overlap.item(), 1.0 / 3.0, places=6)
        self.assertAlmostEqual(generalised.item(), 1.0 / 3.0, places=6)
        self.assertAlmostEqual(detector.box_overlap(a, a + 4.0)[1].item(), -28.0 / 36.0, places=6)

    def test_a_picture_can_be_learnt(self):
        torch.manual_seed(3)
        network, grid = detector.Detector(), detector.cells()
        image = torch.full((2, 3, detector.HEIGHT, detector.WIDTH), 0.3)
        image[:, 0, 60:100, 40:100] = 1.0
        boxes, classes = torch.tensor([[[40.0, 60.0, 100.0, 100.0]]] * 2), torch.tensor([[0], [0]])
        optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
        losses = []
        for _ in range(20):
            loss = detector.loss(network.logits(image), boxes, classes, grid)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        self.assertLess(losses[-1], 0.5 * losses[0])


class Data(unittest.TestCase):
    def test_cutting_out_the_whole_picture_at_its_size_is_the_picture(self):
        picture = np.random.default_rng(1).integers(0, 255, (12, 9, 3), dtype=np.uint8)
        np.testing.assert_array_equal(data.cut(picture, (0, 0, 9, 12), 12, 9), picture)

    def test_half_the_size_is_the_mean(self):
        picture = np.zeros((4, 4, 3), np.uint8)
        picture[0, 0] = 100
        self.assertEqual(data.halve(picture)[0, 0, 0], 25)

    def test_mirroring_twice_changes_nothing(self):
        boxes = np.array([[[10.0, 20.0, 40.0, 50.0], [0.0, 0.0, 0.0, 0.0]]], np.float32)
        classes = np.array([[1, -1]])
        once = data.flip_boxes(boxes, classes)
        self.assertEqual(once[0, 0].tolist(), [280.0, 20.0, 310.0, 50.0])
        np.testing.assert_array_equal(data.flip_boxes(once, classes), boxes)


class Metrics(unittest.TestCase):
    def test_average_precision_by_hand(self):
        # Right, wrong, right of three boxes: precision 1 up to recall 1/3, 2/3 up to 2/3.
        ap = metrics.average_precision(np.array([1, 0, 1, -1]), np.array([0.9, 0.8, 0.7, 0.6]), 3)
        self.assertAlmostEqual(ap, 1.0 / 3.0 + 2.0 / 9.0)

    def test_matching(self):
        boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60], [80, 80, 90, 90]], float)
        truth = np.array([[0, 0, 10, 10], [50, 50, 60, 60]], float), np.array([True, False])
        verdict, found_at = metrics.match((boxes, np.array([0.9, 0.8, 0.7, 0.6])), truth)
        self.assertEqual(verdict.tolist(), [1, 0, -1, 0])
        self.assertEqual(found_at.tolist(), [0.9, 0.0])

    def test_suppression_is_per_class(self):
        boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9.5], [0, 0, 10, 9.5]])
        kept = metrics.suppress(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 0, 1]))
        self.assertEqual(kept.tolist(), [0, 2])


class Lights(unittest.TestCase):
    def test_output_is_a_probability(self):
        network = lights.LightClassifier().eval()
        with torch.no_grad():
            found = network(torch.rand(3, 3, lights.HEIGHT, lights.WIDTH))
        self.assertEqual(tuple(found.shape), (3, 4))
        torch.testing.assert_close(found.sum(1), torch.ones(3))
        self.assertLess(sum(p.numel() for p in network.parameters()), 50_000)


if __name__ == "__main__":
    unittest.main()
