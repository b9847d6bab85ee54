"""Matching detections to true objects under the rules of VOC, ILSVRC and COCO."""

import numpy as np

from minigooglenet.detection.average_precision import match
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.lessons.lesson_12_transfer.regions import overlaps

RULES = ("voc", "ilsvrc", "coco")

matched = Exercise(
    "15.5",
    "which detection gets which object",
    "matched(boxes, truths, rule) -> indices (M,)",
    minutes=9,
    difficulty=3,
    hints=(
        "Two detections overlap the same truth most. What happens to the second one under each of the three rules?",
        (
            "Truths A and B overlap, and both detections are nearest to A. VOC: the second is a duplicate, -1. COCO: A "
            "is taken, so compare B with 0.5. ILSVRC: the same, with a smaller threshold for a small B."
        ),
        "`w * h / ((w + 10) * (h + 10))`, and for VOC: `if ious[i, best] >= 0.5 and best not in ____:`",
    ),
)


@matched.cases
def matched_cases(rng):
    truths = np.array([(0.0, 0, 40, 40), (10.0, 0, 50, 40), (100.0, 100, 110, 110), (200.0, 200, 240, 240)])
    found = [(0.0, 0, 40, 40), (4.0, 0, 44, 40), (104.0, 100, 114, 110), (200.0, 200, 240, 240), (300.0, 0, 340, 40)]
    for rule in RULES:
        yield np.array(found), truths, rule
    for rule in RULES:  # an IoU of exactly 1/2, a miss before a hit, a second truth that is nearer than the first
        large = np.array([(0.0, 0, 16, 16), (4.0, 0, 20, 16), (100.0, 0, 164, 64)])
        hits = [(100.0, 0, 132, 60), (100.0, 0, 132, 64), (100.0, 0, 164, 62), (3.0, 0, 19, 16), (3.0, 1, 19, 16)]
        yield np.array([*hits, (0.0, 1, 16, 16), (1.0, 0, 17, 16)]), large, rule
    for (
        rule
    ) in RULES:  # small truths, for which ILSVRC's threshold is 0.1975, and detections that only touch a tiny one
        low = np.arange(8)[:, None] * [30.0, 20.0] + [2, 6]
        sides = np.array([[8, 1.5], [8, 1.5625], [8, 1.625], [8, 2.5], [8, 3.5], [8, 8], [2, 2], [2, 2]])
        small = np.hstack([low, low + np.maximum(sides, [[8]] * 6 + [[2]] * 2)])
        moved = np.repeat(np.array([[0.0, 0], [2, 0], [0, 2]]), (6, 1, 1), axis=0)
        yield np.hstack([low, low + sides]) + np.tile(moved, 2), small, rule
    for rule in RULES:  # the nearest truth is not reached, a smaller one is
        yield np.array([(0.0, 0, 12, 14)]), np.array([(0.0, 0, 20, 20), (2.0, 2, 10, 10)]), rule
    for rule in RULES:
        for _ in range(2):
            yield *_crowded(rng), rule


def _crowded(rng):
    """Return detections near overlapping truths of 4 to 24 pixels."""
    low = rng.integers(2, 14, (6, 2)) * 2.0
    truths = np.hstack([low, low + rng.integers(4, 25, (6, 2))])
    moved = truths[rng.integers(0, 6, 11)] + rng.choice([-3.0, -1.0, 0.0, 1.0, 2.5], (11, 4))
    return np.hstack([moved[:, :2], np.maximum(moved[:, 2:], moved[:, :2] + 1.5)]), truths


def _thresholds(truths, least=10, most=0.5):
    """Return ILSVRC's threshold of each truth: 5 pixels more on every side must not make a detection wrong."""
    widths, heights = (truths[:, 2:] - truths[:, :2]).T
    return np.minimum(most, widths * heights / ((widths + least) * (heights + least)))


def _matched(boxes, truths, rule, thresholds=None, again=False, above=False):
    """Return the index of each detection's truth; the other arguments are deviations from the rules."""
    thresholds = _thresholds(truths) if thresholds is None else thresholds
    least = thresholds if rule == "ilsvrc" else np.full(len(truths), 0.5)
    ious, taken, result = overlaps(boxes, truths), set(), []
    for row in ious:
        reached = row > least if above else row >= least
        free = [j for j in range(len(truths)) if rule == "voc" or (reached[j] and (again or j not in taken))]
        best = max(free, key=lambda j: row[j]) if free else None
        hit = best is not None and reached[best] and (again or best not in taken)
        taken |= {best} if hit else set()
        result.append(best if hit else -1)
    return np.array(result)


@matched.reference
def matched_reference(boxes, truths, rule):
    ious, taken, result = overlaps(boxes, truths), np.zeros(len(truths), bool), []
    widths, heights = (truths[:, 2:] - truths[:, :2]).T
    least = np.full(len(truths), 0.5)
    if rule == "ilsvrc":
        least = np.minimum(least, widths * heights / ((widths + 10) * (heights + 10)))
    for row in ious:
        candidates = row if rule == "voc" else np.where(taken | (row < least), -1, row)
        best = int(candidates.argmax())
        hit = candidates[best] >= least[best] and not taken[best]
        taken[best] |= hit
        result.append(best if hit else -1)
    return np.array(result)


matched.engine(match)


@matched.right
def matched_in_loops(boxes, truths, rule):
    taken, result = [], []
    for x1, y1, x2, y2 in boxes:
        best, most = -1, 0
        for j, (a1, b1, a2, b2) in enumerate(truths):
            both = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
            w, h = a2 - a1, b2 - b1
            iou = both / ((x2 - x1) * (y2 - y1) + w * h - both)
            least = min(0.5, w * h / ((w + 10) * (h + 10))) if rule == "ilsvrc" else 0.5
            if rule != "voc" and (j in taken or iou < least):
                continue
            if iou > most:
                best, most = j, iou
        if rule == "voc" and (most < 0.5 or best in taken):
            best = -1
        taken.append(best)
        result.append(best)
    return result


@matched.right
def matched_with_lists(boxes, truths, rule):
    return _matched(boxes, truths, rule)


@matched.wrong
def a_truth_matched_twice(boxes, truths, rule):
    """You matched a truth to two detections. Under each of the three rules, a truth is matched only once."""
    return _matched(boxes, truths, rule, again=True)


@matched.wrong
def next_best_under_voc(boxes, truths, rule):
    """Under VOC's rule you matched the next best truth. There a detection whose best truth is taken is a duplicate."""
    return _matched(boxes, truths, "coco" if rule == "voc" else rule)


@matched.wrong
def duplicate_under_coco(boxes, truths, rule):
    """Under COCO's rule you rejected a detection whose best truth is taken. It may match another truth there."""
    return _matched(boxes, truths, "voc" if rule == "coco" else rule)


@matched.wrong
def duplicate_under_every_rule(boxes, truths, rule):
    """You used VOC's matching for all rules. COCO and ILSVRC choose among the truths that are not taken."""
    if rule != "ilsvrc":
        return _matched(boxes, truths, "voc")
    ious, least = overlaps(boxes, truths), _thresholds(truths)
    best, result = ious.argmax(axis=1), []
    for row, j in zip(ious, best.tolist(), strict=True):
        result.append(j if row[j] >= least[j] and j not in result else -1)
    return np.array(result)


@matched.wrong
def above_instead_of_at_least(boxes, truths, rule):
    """You rejected a detection with an IoU of exactly 0.5. At least 0.5 is enough."""
    return _matched(boxes, truths, rule, above=True)


@matched.wrong
def small_objects_like_large_ones(boxes, truths, rule):
    """Under ILSVRC's rule you compared with 0.5 always. The threshold of a small truth is smaller."""
    return _matched(boxes, truths, "coco" if rule == "ilsvrc" else rule)


@matched.wrong
def threshold_above_one_half(boxes, truths, rule):
    """Your threshold of large truths is above 0.5. ILSVRC takes the smaller of 0.5 and the formula."""
    return _matched(boxes, truths, rule, _thresholds(truths, most=1))


@matched.wrong
def tolerance_of_five(boxes, truths, rule):
    """You added 5 to width and height. ILSVRC allows 5 pixels on both sides, so add 10."""
    return _matched(boxes, truths, rule, _thresholds(truths, least=5))


@matched.wrong
def small_thresholds_under_every_rule(boxes, truths, rule):
    """You used ILSVRC's thresholds under all rules. VOC and COCO compare with 0.5."""
    if rule == "coco":
        return _matched(boxes, truths, "ilsvrc")
    if rule == "ilsvrc":
        return _matched(boxes, truths, rule)
    ious, least, result = overlaps(boxes, truths), _thresholds(truths), []
    for row, j in zip(ious, ious.argmax(axis=1).tolist(), strict=True):
        result.append(j if row[j] >= least[j] and j not in result else -1)
    return np.array(result)


@matched.wrong
def size_of_the_detection(boxes, truths, rule):
    """You computed ILSVRC's threshold from the detection. It depends on the size of the truth."""
    if rule != "ilsvrc":
        return _matched(boxes, truths, rule)
    ious, least, taken, result = overlaps(boxes, truths), _thresholds(boxes), [], []
    for row, threshold in zip(ious, least, strict=True):
        free = [j for j in range(len(truths)) if row[j] >= threshold and j not in taken]
        taken.append(max(free, key=lambda j: row[j], default=-1))
        result.append(taken[-1])
    return np.array(result)


@matched.wrong
def first_truth_that_overlaps_enough(boxes, truths, rule):
    """You matched the first truth in the list that overlaps enough. Match the one with the largest IoU."""
    least = _thresholds(truths) if rule == "ilsvrc" else np.full(len(truths), 0.5)
    taken = []
    for row in overlaps(boxes, truths):
        enough = [j for j in range(len(truths)) if row[j] >= least[j] and (rule == "voc" or j not in taken)]
        first = enough[0] if enough else -1
        taken.append(-1 if first in taken else first)
    return np.array(taken)


@matched.wrong
def a_miss_takes_its_truth(boxes, truths, rule):
    """A detection below the threshold took the truth away from a later one. Only a hit takes a truth."""
    ious, taken, result = overlaps(boxes, truths), set(), []
    least = _thresholds(truths) if rule == "ilsvrc" else np.full(len(truths), 0.5)
    for row in ious:
        free = [j for j in range(len(truths)) if rule == "voc" or j not in taken]
        best = max(free, key=lambda j: row[j], default=-1)
        hit = best >= 0 and row[best] >= least[best] and best not in taken
        taken |= {best} if best >= 0 and row[best] > 0 else set()
        result.append(best if hit else -1)
    return np.array(result)
