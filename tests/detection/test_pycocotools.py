"""The COCO rule, compared with pycocotools on random worlds."""

import contextlib
import io

import numpy as np
import pytest

from minigooglenet.detection import Detections, Truths, evaluate

COCO = pytest.importorskip("pycocotools.coco").COCO
COCOeval = pytest.importorskip("pycocotools.cocoeval").COCOeval
CLASSES = ("cat", "dog", "cow")


def world(seed, with_difficult=True):
    """Return detections and truths of a few images: crowded objects, and near, wrong and duplicate detections.

    Boxes are integers, so that overlaps are often exactly the threshold, and scores are multiples of 1/8, so that many
    are equal.
    """
    rng = np.random.default_rng(seed)
    detections, truths = [], []
    for _ in range(rng.integers(1, 5)):
        count = rng.integers(0, 7)
        low = rng.integers(0, 20, (count, 2))
        boxes = np.hstack([low, low + rng.integers(1, 15, (count, 2))])
        labels = rng.integers(0, len(CLASSES), count)
        truths.append(Truths(boxes, labels, rng.random(count) < 0.25 * with_difficult).checked())
        near = rng.integers(0, count, 12) if count else np.zeros(0, int)
        moved = boxes[near] + rng.integers(-2, 3, (len(near), 4))
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        noise = np.array([(1, 1, 9, 9), (12, 3, 20, 20)])
        scores = rng.integers(1, 8, len(moved) + 2) / 8
        renamed = np.where(rng.random(len(near)) < 0.8, labels[near], rng.integers(0, len(CLASSES), len(near)))
        all_labels = np.concatenate([renamed, rng.integers(0, len(CLASSES), 2)])
        detections.append(Detections(np.concatenate([moved, noise]), scores, all_labels).checked())
    return detections, truths


class OrdinaryIoU(COCOeval):
    """pycocotools with the ordinary IoU for ignored objects: for a crowd, it divides by the area of the detection."""

    def computeIoU(self, image, category):  # noqa: N802 (the name is pycocotools')
        crowds = [(annotation, annotation["iscrowd"]) for annotation in self._gts[image, category]]
        for annotation, _ in crowds:
            annotation["iscrowd"] = 0
        try:
            return super().computeIoU(image, category)
        finally:
            for annotation, value in crowds:
                annotation["iscrowd"] = value


def judged(detections, truths):
    """Return pycocotools' evaluation at an IoU of 0.5, before it is accumulated."""
    truth_rows = [
        {"image_id": image, "category_id": int(label), "bbox": _sized(box), "iscrowd": int(difficult)}
        for image, true in enumerate(truths, start=1)
        for box, label, difficult in zip(*true, strict=True)
    ]
    for number, row in enumerate(truth_rows, start=1):
        row.update(id=number, area=row["bbox"][2] * row["bbox"][3])
    found_rows = [
        {"image_id": image, "category_id": int(label), "bbox": _sized(box), "score": float(score)}
        for image, found in enumerate(detections, start=1)
        for box, score, label in zip(*found, strict=True)
    ]
    true = COCO()
    true.dataset = {
        "info": {},
        "images": [{"id": image} for image in range(1, len(truths) + 1)],
        "categories": [{"id": label, "name": name} for label, name in enumerate(CLASSES)],
        "annotations": truth_rows,
    }
    true.createIndex()
    evaluation = OrdinaryIoU(true, true.loadRes(found_rows), "bbox")
    evaluation.params.iouThrs = [0.5]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e9]], ["all"]
    evaluation.params.maxDets = [1000]
    evaluation.evaluate()
    return evaluation


def average(evaluation, label, recalls):
    """Return pycocotools' average precision of a class at these recalls, or NaN without objects."""
    evaluation.params.recThrs = recalls
    evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, label, 0, 0]
    return np.nan if precision[0] == -1 else precision.mean()


def _sized(box):
    x1, y1, x2, y2 = map(float, box)
    return [x1, y1, x2 - x1, y2 - y1]


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_coco_rule_agrees_with_pycocotools(start):
    for seed in range(start, start + 20):
        detections, truths = world(seed, with_difficult=seed % 2 == 0)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = judged(detections, truths)
            for points in ("101", "11", "all"):
                result = evaluate(detections, truths, CLASSES, "coco", points)
                for label, curve in enumerate(result.curves):
                    recalls = (
                        np.arange(1, max(curve.objects, 1) + 1) / max(curve.objects, 1)
                        if points == "all"
                        else np.linspace(0, 1, int(points))
                    )
                    expected = average(evaluation, label, recalls)
                    assert result.ap[label] == pytest.approx(expected, abs=1e-12, nan_ok=True), (seed, points, label)


def test_equal_overlaps_match_as_in_pycocotools():
    detections = [Detections([(20, 0, 120, 100), (0, 0, 100, 100)], [0.9, 0.8], [0, 0])]
    truths = [Truths([(0, 0, 100, 100), (40, 0, 140, 100)], [0, 0], [False] * 2)]
    with contextlib.redirect_stdout(io.StringIO()):
        expected = average(judged(detections, truths), 0, np.linspace(0, 1, 101))
    assert evaluate(detections, truths, CLASSES, "coco", "101").ap[0] == pytest.approx(expected, abs=1e-12)


def test_worlds_contain_the_awkward_cases():
    ties = nothing = ignored = excluded = 0
    for seed in range(200):
        detections, truths = world(seed, with_difficult=seed % 2 == 0)
        result = evaluate(detections, truths, CLASSES, "coco")
        ties += any(len({*found.scores}) < len(found.scores) for found in detections)
        nothing += any(not len(true.boxes) for true in truths)
        ignored += sum(len(curve.hits) for curve in result.curves) < sum(len(found.scores) for found in detections)
        excluded += bool(result.excluded)
    assert min(ties, nothing, ignored, excluded) > 20
