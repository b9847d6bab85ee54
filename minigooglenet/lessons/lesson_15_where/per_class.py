"""Non-maximum suppression per class, with boxes, scores and labels in the same order."""

import numpy as np

from minigooglenet.detection import nms_per_class
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.lessons.lesson_12_transfer.regions import overlaps

suppressed = Exercise(
    "15.4",
    "suppression per class",
    "suppressed(boxes, scores, labels, t) -> boxes (P, 4), scores (P,), labels (P,)",
    minutes=9,
    difficulty=2,
    core=False,
    hints=(
        "Can a dog suppress a cat? Compare a box with those that you kept, of which class?",
        (
            "Collect the indices of the kept detections, the best score first, and index all three arrays with them at "
            "the end. For equal scores np.argsort(-scores, kind='stable') keeps the order of the list."
        ),
        "`if all(labels[i] != labels[j] or iou(boxes[i], boxes[j]) <= t for j in ____): kept.append(i)`",
    ),
)


@suppressed.cases
def suppressed_cases(rng):
    # the same box twice in each of two classes; the best of the second class is between the scores of the first
    box, moved, half = (0.0, 0.0, 4.0, 4.0), (0.0, 0.0, 4.0, 3.0), (0.0, 0.0, 4.0, 2.0)
    boxes = np.array([moved, box, box, moved, half])
    yield boxes, np.array([0.5, 0.75, 0.625, 0.875, 0.25]), np.array([0, 0, 1, 1, 0]), 0.5  # IoU of half and box is t
    twins = np.array([(1.0, 0, 5, 4), (0.0, 0, 4, 4), (20.0, 0, 24, 4), (0.0, 9, 4, 13), (0.0, 8, 4, 12)])
    yield twins, np.array([0.5, 0.5, 0.25, 0.5, 0.5]), np.array([2, 2, 0, 1, 1]), 0.4
    chain = np.array([(4.0, 0, 8, 2), (0.0, 0, 4, 2), (2.0, 0, 6, 2), (3.0, 0, 7, 2)])
    yield chain, np.array([0.5, 0.875, 0.75, 0.25]), np.array([1, 1, 1, 0]), 0.3
    for t in (0.2, 0.45):
        low = rng.integers(0, 7, (14, 2))
        boxes = np.hstack([low, low + rng.integers(2, 8, (14, 2))]) / 2
        yield boxes, rng.integers(1, 9, 14) / 16, rng.integers(0, 3, 14), t


def _kept(boxes, scores, labels, t, order=None, by_class=True, by="kept", equal=False):
    """Return the indices of the kept detections, in the order in which they are visited."""
    order = np.argsort(-scores, kind="stable") if order is None else order
    ious, kept, seen = overlaps(boxes, boxes), [], []
    for i in order:
        rivals = [j for j in {"kept": kept, "seen": seen}[by] if labels[i] == labels[j] or not by_class]
        if not any(ious[i, j] >= t if equal else ious[i, j] > t for j in rivals):
            kept.append(int(i))
        seen.append(i)
    return kept


def _chosen(kept, boxes, scores, labels):
    return boxes[kept], scores[kept], labels[kept]


@suppressed.reference
def suppressed_reference(boxes, scores, labels, t):
    return _chosen(_kept(boxes, scores, labels, t), boxes, scores, labels)


suppressed.engine(nms_per_class)


@suppressed.right
def suppressed_class_by_class(boxes, scores, labels, t):
    kept, ious = [], overlaps(boxes, boxes)
    for label in set(labels.tolist()):
        left = sorted(np.flatnonzero(labels == label).tolist(), key=lambda i: (-scores[i], i))
        while left:
            best = left.pop(0)
            kept.append(best)
            left = [i for i in left if ious[best, i] <= t]
    kept.sort(key=lambda i: (-scores[i], i))
    return [boxes[i] for i in kept], [scores[i] for i in kept], [labels[i] for i in kept]


@suppressed.right
def suppressed_with_classes_apart(boxes, scores, labels, t):
    moved = boxes + 2 * boxes.max() * labels[:, None]  # boxes of different classes never overlap
    order = np.lexsort((np.arange(len(scores)), -scores))
    ious, alive, kept = overlaps(moved, moved), np.ones(len(boxes), bool), []
    for i in order:
        if alive[i]:
            kept.append(i)
            alive &= ious[i] <= t
    return _chosen(np.array(kept), boxes, scores, labels)


@suppressed.wrong
def classes_mixed(boxes, scores, labels, t):
    """A box suppressed one of another class: a dog in front of a cat removes the cat. Compare within a class."""
    return _chosen(_kept(boxes, scores, labels, t, by_class=False), boxes, scores, labels)


@suppressed.wrong
def class_after_class(boxes, scores, labels, t):
    """These are the right detections, but class after class. Return all of them with the best score first."""
    kept = _kept(boxes, scores, labels, t)
    return _chosen(sorted(kept, key=lambda i: labels[i]), boxes, scores, labels)


@suppressed.wrong
def order_of_the_list(boxes, scores, labels, t):
    """These are the right detections in the order of the list. Return the best score first."""
    return _chosen(sorted(_kept(boxes, scores, labels, t)), boxes, scores, labels)


@suppressed.wrong
def labels_not_filtered(boxes, scores, labels, t):
    """Your labels belong to other boxes: you returned the first labels of the list. Use the indices for all three."""
    kept = _kept(boxes, scores, labels, t)
    return boxes[kept], scores[kept], labels[: len(kept)]


@suppressed.wrong
def only_scores_sorted(boxes, scores, labels, t):
    """Your scores belong to other boxes: you sorted them, but not boxes and labels. Use the indices for all three."""
    kept = _kept(boxes, scores, labels, t)
    return boxes[sorted(kept)], scores[kept], labels[sorted(kept)]


@suppressed.wrong
def ties_reversed(boxes, scores, labels, t):
    """With equal scores you kept the later detection. np.argsort(scores)[::-1] reverses them: sort -scores, stably."""
    order = np.argsort(scores, kind="stable")[::-1]
    return _chosen(_kept(boxes, scores, labels, t, order), boxes, scores, labels)


@suppressed.wrong
def a_removed_box_removes(boxes, scores, labels, t):
    """You let a removed box remove another one. Compare only with boxes that you kept."""
    return _chosen(_kept(boxes, scores, labels, t, by="seen"), boxes, scores, labels)


@suppressed.wrong
def equal_counts_as_above(boxes, scores, labels, t):
    """You removed a box whose IoU is exactly t. It stays: only an IoU above t removes it."""
    return _chosen(_kept(boxes, scores, labels, t, equal=True), boxes, scores, labels)


@suppressed.wrong
def worst_first(boxes, scores, labels, t):
    """You kept the worst boxes. Sort the scores in descending order."""
    return _chosen(_kept(boxes, scores, labels, t, np.argsort(scores, kind="stable")), boxes, scores, labels)


@suppressed.wrong
def one_per_class(boxes, scores, labels, t):
    """You kept only the best detection of each class. An image may contain several objects of one class."""
    kept = _kept(boxes, scores, labels, t)
    best = [i for rank, i in enumerate(kept) if labels[i] not in labels[kept[:rank]]]
    return _chosen(best, boxes, scores, labels)
