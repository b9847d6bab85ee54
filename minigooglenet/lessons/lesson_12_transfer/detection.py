"""The overlap of boxes, non-maximum suppression and average precision."""

import itertools

import numpy as np

from minigooglenet.exercises.exercise import Exercise
from minigooglenet.lessons.lesson_12_transfer import regions

iou = Exercise(
    "12.3",
    "how much two boxes overlap",
    "iou(a, b) -> float",
    minutes=6,
    difficulty=1,
    hints=(
        "Draw two boxes that do not touch. What is the width of their intersection?",
        "A width cannot be negative. The union is the sum of both areas minus the intersection, which both contain.",
        "`width = max(0, min(a[2], b[2]) - ____)`",
    ),
)


@iou.cases
def iou_cases(rng):
    yield (0.0, 0.0, 2.0, 2.0), (1.0, 1.0, 3.0, 3.0)
    yield (0.0, 0.0, 2.0, 3.0), (0.5, 0.5, 1.5, 2.0)  # one inside the other, fractions
    yield (0.0, 0.0, 2.0, 2.0), (3.0, 0.5, 4.0, 1.5)  # apart along x
    yield (0.0, 0.0, 2.0, 2.0), (0.5, 5.0, 1.5, 6.0)  # apart along y
    yield (0.0, 0.0, 2.0, 2.0), (3.0, 4.0, 5.0, 7.0)  # apart along both
    yield (1.0, 2.0, 4.0, 3.5), (2.5, 1.0, 6.5, 3.0)
    yield (0.0, 0.0, 2.0, 4.0), (1.0, 1.0, 3.0, 3.0)
    yield (2.75, 2.5, 4.5, 6.0), (2.0, 2.0, 5.0, 5.0)
    yield (2.0, 2.75, 4.5, 4.25), (2.5, 1.0, 6.5, 3.0)
    yield (2.0, 2.0, 5.0, 5.0), (2.0, 2.0, 5.0, 5.0)


def _parts(a, b, clamp_x=True, clamp_y=True, more=0):
    """Return (intersection, area of a, area of b)."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + more
    height = min(a[3], b[3]) - max(a[1], b[1]) + more
    width, height = max(0, width) if clamp_x else width, max(0, height) if clamp_y else height
    areas = [(box[2] - box[0] + more) * (box[3] - box[1] + more) for box in (a, b)]
    return width * height, *areas


def _iou(a, b, **how):
    both, first, second = _parts(a, b, **how)
    return both / (first + second - both)


@iou.reference
def iou_reference(a, b):
    return _iou(a, b)


@iou.right
def iou_by_corners(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.clip(high - low, 0, None))
    return both / (np.prod(np.subtract(a[2:], a[:2])) + np.prod(np.subtract(b[2:], b[:2])) - both)


@iou.right
def iou_by_grid(a, b):
    xs, ys = (sorted({a[i], a[i + 2], b[i], b[i + 2]}) for i in (0, 1))
    inside = np.zeros(2)
    for x0, x1 in itertools.pairwise(xs):
        for y0, y1 in itertools.pairwise(ys):
            covered = [box[0] <= x0 and x1 <= box[2] and box[1] <= y0 and y1 <= box[3] for box in (a, b)]
            inside += (x1 - x0) * (y1 - y0) * np.array([all(covered), any(covered)])
    return inside[0] / inside[1]


@iou.wrong
def one_pixel_added(a, b):
    """You added 1 to each width, which counts pixels. These boxes are floats, so a width is x1 - x0."""
    return _iou(a, b, more=1)


@iou.wrong
def not_clipped(a, b):
    """If boxes are apart along both axes, the product of two negative lengths is a positive area. Clip both at 0."""
    return _iou(a, b, clamp_x=False, clamp_y=False)


@iou.wrong
def one_axis_clipped(a, b):
    """You clipped the width at 0, but not the height."""
    return _iou(a, b, clamp_y=False)


@iou.wrong
def corner_and_size(a, b):
    """You read the last two numbers as width and height. They are the opposite corner."""
    return _iou(*((box[0], box[1], box[0] + box[2], box[1] + box[3]) for box in (a, b)))


@iou.wrong
def over_the_smaller_box(a, b):
    """You divided by the smaller area, so a small box inside a large one gets 1. Divide by the union."""
    both, first, second = _parts(a, b)
    return both / min(first, second)


@iou.wrong
def over_the_sum(a, b):
    """You divided by the sum of the areas, so identical boxes get 1/2. The union counts the intersection only once."""
    both, first, second = _parts(a, b)
    return both / (first + second)


@iou.wrong
def over_the_first_box(a, b):
    """You divided by the area of a, so iou(a, b) differs from iou(b, a). Divide by the union."""
    both, first, _ = _parts(a, b)
    return both / first


nms = Exercise(
    "12.4",
    "one box per object",
    "nms(boxes, scores, t) -> indices of the kept boxes, the best first",
    minutes=12,
    difficulty=2,
    core=False,
    hints=(
        "Which boxes can remove others? Start with the best box.",
        "If A overlaps B and B overlaps C, and A is the best, A removes B. A removed box removes no other, so C stays.",
        "`if all(iou(boxes[i], boxes[j]) <= t for j in ____): kept.append(i)`",
    ),
)


@nms.cases
def nms_cases(rng):
    chain = [(4.0, 0.0, 8.0, 2.0), (0.0, 0.0, 4.0, 2.0), (2.0, 0.0, 6.0, 2.0)]  # scores: ends, then the middle
    yield np.array(chain), np.array([0.5, 0.9, 0.7]), 0.3
    exactly = [(0.0, 0.0, 2.0, 2.0), (0.0, 0.0, 2.0, 1.0), (0.0, 0.0, 2.0, 1.5)]  # IoU 1/2 with the first, and more
    yield np.array(exactly), np.array([0.8, 0.6, 0.4]), 0.5
    corners = np.repeat(np.array([[0.0, 0.0], [20.0, 20.0], [40.0, 0.0]]), 4, axis=0)
    corners = corners + np.tile([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [9.0, 1.0]], (3, 1))
    order = rng.permutation(12)
    boxes = np.hstack([corners, corners + 10])[order]
    yield boxes, rng.permutation(12) / 16 + 0.1, 0.4
    yield np.array(exactly), np.array([0.4, 0.6, 0.8]), 1.0  # no IoU is above 1, so all stay
    for t in (0.2, 0.5):
        low = rng.integers(0, 7, (12, 2))
        yield np.hstack([low, low + rng.integers(2, 8, (12, 2))]) / 2, rng.permutation(12) / 16 + 0.1, t


def _kept(boxes, scores, t, order=None, by="kept", equal=False):
    order = np.argsort(-np.asarray(scores)) if order is None else order
    kept, seen = [], []
    for i in order:
        against = {"kept": kept, "seen": seen, "best": order[:1] if seen else []}[by]
        overlaps = [_iou(boxes[i], boxes[j]) for j in against]
        if all(value < t if equal else value <= t for value in overlaps):
            kept.append(int(i))
        seen.append(i)
    return kept


@nms.reference
def nms_reference(boxes, scores, t):
    return _kept(boxes, scores, t)


@nms.right
def nms_by_popping(boxes, scores, t):
    left, kept = list(np.argsort(scores)), []
    while left:
        best = left.pop()
        kept.append(best)
        left = [i for i in left if _iou(boxes[i], boxes[best]) <= t]
    return kept


@nms.right
def nms_by_a_matrix(boxes, scores, t):
    low, high = np.maximum(boxes[:, None, :2], boxes[None, :, :2]), np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    both, areas = np.clip(high - low, 0, None).prod(axis=2), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    overlaps, alive, kept = both / (areas[:, None] + areas - both), np.array(scores, float), []
    while alive.max() > -1:
        kept.append(int(alive.argmax()))
        alive[(overlaps[kept[-1]] > t) | (np.arange(len(alive)) == kept[-1])] = -1
    return np.array(kept)


@nms.wrong
def worst_first(boxes, scores, t):
    """You kept the worst boxes. Sort the scores in descending order."""
    return _kept(boxes, scores, t, np.argsort(scores))


@nms.wrong
def not_sorted(boxes, scores, t):
    """You went through the boxes in the order of the list. Go through them in the order of their scores."""
    return _kept(boxes, scores, t, np.arange(len(boxes)))


@nms.wrong
def a_removed_box_removes(boxes, scores, t):
    """You let a removed box remove another one. Compare only with boxes that you kept."""
    return _kept(boxes, scores, t, by="seen")


@nms.wrong
def only_the_best_removes(boxes, scores, t):
    """You compared only with the best box, so other duplicates remain. Compare with every kept box."""
    return _kept(boxes, scores, t, by="best")


@nms.wrong
def equal_counts_as_above(boxes, scores, t):
    """You removed a box whose IoU is exactly t. It stays: only an IoU above t removes it."""
    return _kept(boxes, scores, t, equal=True)


@nms.wrong
def order_lost(boxes, scores, t):
    """These are the right boxes in the wrong order. Return the best first."""
    return sorted(_kept(boxes, scores, t))


@nms.wrong
def removed_boxes_returned(boxes, scores, t):
    """You returned the removed boxes. Return the kept ones."""
    kept = _kept(boxes, scores, t)
    return [int(i) for i in np.argsort(-np.asarray(scores)) if i not in kept]


average_precision = Exercise(
    "12.5",
    "average precision",
    "average_precision(found, truths) -> float",
    minutes=15,
    difficulty=3,
    core=False,
    hints=(
        "Sort the detections, the best first. Which of them hit a truth that no earlier detection hit?",
        (
            "After each detection, precision is hits / detections so far and recall is hits / all truths. Replace each "
            "precision by the largest at this or any later detection, and add precision * increase of recall."
        ),
        "`precision = np.cumsum(hit) / ____`, then the running maximum from the end",
    ),
)


def _crowded(rng):
    """Return overlapping boxes as truths, and a detection near each of them, near one of them twice."""
    low = rng.integers(0, 9, (8, 2)) / 2
    boxes = np.hstack([low, low + rng.integers(3, 9, (8, 2))])
    moved = boxes + rng.choice([-0.5, 0.0, 0.5], boxes.shape)
    scores = (rng.permutation(9) + 1) / 10
    detections = [((i % 8) % 3, float(score), tuple(moved[i % 8].tolist())) for i, score in enumerate(scores)]
    return detections, [(i % 3, tuple(box)) for i, box in enumerate(boxes.tolist())]


@average_precision.cases
def average_precision_cases(rng):
    a, b, c = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (0.0, 20.0, 10.0, 30.0)
    near_a, near_b = (1.0, 0.0, 11.0, 10.0), (20.0, 1.0, 30.0, 11.0)
    yield [(0, 0.9, near_a), (0, 0.8, c), (0, 0.7, b)], [(0, a), (0, b), (0, (40.0, 40.0, 50.0, 50.0))]
    yield (  # not sorted; a duplicate, a box in the wrong image, a truth without a detection
        [
            (1, 0.55, c),
            (0, 0.95, near_a),
            (0, 0.90, a),
            (2, 0.80, b),
            (1, 0.70, near_b),
            (0, 0.40, near_b),
            (1, 0.30, (50.0, 50.0, 60.0, 60.0)),
        ],
        [(0, a), (0, b), (1, b), (1, c), (2, c), (2, a)],
    )
    yield [(0, 0.2, b)], [(0, a)]
    c = (2.0, 0.0, 12.0, 10.0)  # two truths that overlap: the best one is matched, even if it was hit before
    twice = [(0, 0.9, c), (0, 0.8, (2.0, 0.0, 12.0, 9.0)), (0, 0.7, a)]
    yield [*twice, (1, 0.6, (0.0, 0.0, 10.0, 5.5)), (2, 0.5, (0.0, 0.0, 10.0, 4.5))], [(0, a), (0, c), (1, a), (2, a)]
    half, lower, right = (0.0, 0.0, 10.0, 5.0), (0.0, 4.0, 10.0, 14.0), (4.0, 0.0, 14.0, 10.0)  # IoU with a: 1/2, 3/7
    yield [(0, 0.9, half), (1, 0.8, lower), (2, 0.7, right), (0, 0.6, b)], [(0, a), (0, b), (1, a), (2, a)]
    for _ in range(3):
        yield _crowded(rng)


def _average(found, truths, of_found=False, envelope=True, **how):
    hits, taken = regions.hits(found, truths, **how)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    if envelope:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * hits).sum() / (max(1, len(taken)) if of_found else len(truths)))


@average_precision.reference
def average_precision_reference(found, truths):
    return _average(found, truths)


@average_precision.right
def average_precision_as_a_staircase(found, truths):
    order, free, points, hits = sorted(found, key=lambda one: one[1], reverse=True), list(truths), [], 0
    for rank, (image, _, box) in enumerate(order, 1):
        in_image = sorted((truth for truth in truths if truth[0] == image), key=lambda truth: _iou(truth[1], box))
        if in_image and _iou(in_image[-1][1], box) >= 0.5 and in_image[-1] in free:
            free.remove(in_image[-1])
            hits += 1
        points.append((hits / len(truths), hits / rank))
    area = 0.0
    for level in range(1, len(truths) + 1):  # the steps of the staircase
        area += max((p for r, p in points if r >= level / len(truths) - 1e-12), default=0) / len(truths)
    return area


@average_precision.right
def average_precision_of_reversed_boxes(found, truths):
    return np.float64(_average([*found][::-1], tuple(truths)))


@average_precision.wrong
def duplicates_count_twice(found, truths):
    """You counted two hits on one truth. Only the first one is a hit."""
    return _average(found, truths, repeat=True)


@average_precision.wrong
def next_truth_matched(found, truths):
    """If the best truth of a detection was hit before, the detection is not a hit. You matched it to another truth."""
    return _average(found, truths, other=True)


@average_precision.wrong
def image_ignored(found, truths):
    """You matched a box to a truth in another image."""
    return _average(found, truths, images=False)


@average_precision.wrong
def not_sorted(found, truths):
    """You used the detections in the order of the list. Sort them by score, the largest first."""
    return _average(found, truths, ordered=False)


@average_precision.wrong
def recall_over_hit_truths(found, truths):
    """You divided by the number of truths that were hit. Divide by the number of all truths."""
    return _average(found, truths, of_found=True)


@average_precision.wrong
def no_envelope(found, truths):
    """You used the precision after each detection. Use the largest precision at this or any larger recall."""
    return _average(found, truths, envelope=False)


@average_precision.wrong
def last_precision(found, truths):
    """That is the precision of the whole list, for which the order does not matter. Take the order into account."""
    return float(regions.hits(found, truths)[0].mean())
