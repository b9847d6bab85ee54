"""Average precision: the area under the envelope, and the mean over 11 or 101 recall levels."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise

averaged = Exercise(
    "15.6",
    "11 points, 101 points, all points",
    "averaged(hits, count, points) -> float",
    minutes=8,
    difficulty=3,
    core=False,
    hints=(
        "At a recall level, which precisions count: those at smaller or at larger recalls?",
        (
            "3 of 10 objects are found at the third hit. The level 0.3 is reached, but np.linspace(0, 1, 11)[3] is "
            "0.30000000000000004, which is more than 3 / 10. Compare integers: level * count <= (points - 1) * hits."
        ),
        "`highest = np.maximum.accumulate(precision[____])[::-1]`",
    ),
)

POINTS = (0, 11, 101)


@averaged.cases
def averaged_cases(rng):
    patterns = [([1, 0, 1, 1, 0], 4), ([1, 1, 1, 0], 10), ([0, 1, 0, 0, 1, 1], 3), ([0, 0], 2), ([1, 1], 2)]
    patterns += [([1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1], 10), ([0, 1, 1, 0, 1, 1, 1, 1, 1], 13)]
    patterns += [(rng.integers(0, 2, 30).tolist(), 20 + int(rng.integers(0, 9)))]
    for hits, count in patterns:
        for points in POINTS:
            yield np.array(hits), count, points


def _staircase(hits, count):
    """Return the number of hits, the precision and its envelope after each detection."""
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    return found, precision, np.maximum.accumulate(precision[::-1])[::-1]


def _at_levels(found, values, count, points, levels=None):
    """Return the mean over recall levels of the value at the first detection that reaches each level."""
    levels = range(points) if levels is None else levels
    first = [int(np.searchsorted((points - 1) * found, level * count)) for level in levels]
    return sum(values[i] for i in first if i < len(values)) / len(levels)


@averaged.reference
def averaged_reference(hits, count, points):
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    if points == 0:
        return highest[hits == 1].sum() / count
    return np.mean([highest[(points - 1) * found >= level * count].max(initial=0) for level in range(points)])


@averaged.right
def averaged_at_first_detections(hits, count, points):
    found, _, highest = _staircase(hits, count)
    return _at_levels(found, highest, count, points) if points else float((highest * hits).sum() / count)


@averaged.right
def averaged_in_loops(hits, count, points):
    staircase, found = [], 0
    for rank, hit in enumerate(hits, 1):
        found += hit
        staircase.append((found, found / rank))
    steps, levels = (points - 1, range(points)) if points else (count, range(1, count + 1))
    best = [max((p for k, p in staircase if k * steps >= level * count), default=0.0) for level in levels]
    return sum(best) / len(best)


@averaged.wrong
def always_eleven(hits, count, points):
    """You used 11 levels always. With points = 0 the result is the area under the envelope."""
    return averaged_at_first_detections(hits, count, points or 11)


@averaged.wrong
def always_all(hits, count, points):
    """You computed the area under the envelope always. With 11 or 101 points, take the mean at these recall levels."""
    return averaged_at_first_detections(hits, count, 0)


@averaged.wrong
def no_envelope(hits, count, points):
    """You used the precision at a recall itself. Use the largest precision at this or any larger recall."""
    found, precision, _ = _staircase(hits, count)
    return _at_levels(found, precision, count, points) if points else (precision * hits).sum() / count


@averaged.wrong
def envelope_from_the_other_end(hits, count, points):
    """You took the largest precision at this or any smaller recall. The envelope falls: start at the largest recall."""
    found, precision, _ = _staircase(hits, count)
    highest = np.maximum.accumulate(precision)
    return _at_levels(found, highest, count, points) if points else (highest * hits).sum() / count


@averaged.wrong
def levels_off_by_rounding(hits, count, points):
    """A recall of exactly 3/10 missed your level 0.30000000000000004, from np.linspace or np.arange: use integers."""
    found, _, highest = _staircase(hits, count)
    if not points:
        return averaged_at_first_detections(hits, count, points)
    levels = np.arange(points) * (1 / (points - 1))
    return np.mean([highest[found / count >= level].max(initial=0) for level in levels])


@averaged.wrong
def recall_above_the_level(hits, count, points):
    """A recall equal to a level did not reach it in your answer. Use >= for the levels."""
    if not points:
        return averaged_at_first_detections(hits, count, points)
    found, _, highest = _staircase(hits, count)
    return np.mean([highest[(points - 1) * found > level * count].max(initial=0) for level in range(points)])


@averaged.wrong
def recall_of_0_left_out(hits, count, points):
    """Your levels start after 0, so there are only 10 or 100 of them. The first level is 0."""
    found, _, highest = _staircase(hits, count)
    if not points:
        return averaged_at_first_detections(hits, count, points)
    return _at_levels(found, highest, count, points, range(1, points))


@averaged.wrong
def divided_by_detections(hits, count, points):
    """You divided the hits by the number of detections. Recall is the fraction of all objects: divide by count."""
    return averaged_at_first_detections(hits, len(hits), points)


@averaged.wrong
def recall_over_found_objects(hits, count, points):
    """You divided by the number of objects that were found. Objects that no detection hits count too."""
    return averaged_at_first_detections(hits, max(1, hits.sum()), points)


@averaged.wrong
def trapezoids(hits, count, points):
    """You connected the points of the jagged curve with straight lines. Add rectangles below the envelope."""
    found, precision, _ = _staircase(hits, count)
    if points:
        return averaged_at_first_detections(hits, count, points)
    recall, precision = np.append(0, found / count), np.append(1, precision)
    return ((recall[1:] - recall[:-1]) * (precision[1:] + precision[:-1]) / 2).sum()
