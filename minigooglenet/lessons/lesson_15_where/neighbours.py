"""Which superpixels of an image are neighbours, by their pixels."""

import itertools

import numpy as np

from minigooglenet.detection.grouping import neighbours_of
from minigooglenet.exercises.exercise import Exercise

neighbours = Exercise(
    "15.3",
    "which regions are neighbours",
    "neighbours(labels) -> pairs (P, 2)",
    minutes=5,
    difficulty=1,
    hints=(
        "Two regions are neighbours if two of their pixels share a side. Which two directions do you have to compare?",
        (
            "In [[0, 0, 1]] the pairs of pixels to the right are (0, 0) and (0, 1). Drop pairs of equal labels, write "
            "the smaller label first, and collect each pair once."
        ),
        "`zip(labels[:, :-1].ravel(), labels[:, ____].ravel())`, the same for rows, then `sorted(set(...))`",
    ),
)


@neighbours.cases
def neighbours_cases(rng):
    rows = [0, 0, 0, 0, 0, 1], [0, 2, 2, 2, 0, 1], [0, 2, 3, 2, 0, 4], [0, 2, 2, 2, 0, 4], [0, 0, 0, 0, 0, 4]
    ring = np.array(rows)  # 3 is inside the box of 0, but does not touch it
    yield (ring,)
    yield (np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3]]),)  # 0 and 3, 1 and 2 touch at a corner
    yield (np.array([[0, 1, 1, 2]]),)
    yield (np.array([[1], [1], [0], [2]]),)
    yield (np.array([[0, 0, 0], [0, 0, 0], [3, 1, 2]]),)  # pairs in the last row only
    yield (np.array([[0, 0, 3], [0, 0, 1], [0, 0, 2]]),)  # pairs in the last column only
    yield (rng.integers(0, 6, (4, 3)).repeat(2, axis=0).repeat(2, axis=1),)


def _pairs(*sides):
    """Return the sorted pairs (P, 2) of different labels at both sides of pixels, each pair once."""
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in sides])
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    return np.unique(pairs, axis=0).reshape(-1, 2)


def _across(labels):
    return labels[:, :-1], labels[:, 1:]


def _down(labels):
    return labels[:-1], labels[1:]


@neighbours.reference
def neighbours_reference(labels):
    return _pairs(_across(labels), _down(labels))


neighbours.engine(neighbours_of)


@neighbours.right
def neighbours_pixel_by_pixel(labels):
    found = set()
    height, width = labels.shape
    for y, x in np.ndindex(height, width):
        for other_y, other_x in ((y, x + 1), (y + 1, x)):
            if other_y < height and other_x < width and labels[y, x] != labels[other_y, other_x]:
                found.add(tuple(sorted((int(labels[y, x]), int(labels[other_y, other_x])))))
    return sorted(found)


@neighbours.right
def neighbours_by_masks(labels):
    found = []
    for i, j in itertools.combinations(range(labels.max() + 1), 2):
        a, b = np.pad(labels == i, 1), labels == j
        near = a[:-2, 1:-1] | a[2:, 1:-1] | a[1:-1, :-2] | a[1:-1, 2:]
        if (near & b).any():
            found.append((i, j))
    return np.array(found)


def _boxes(labels, last=1):
    """Return {label: box} around the pixels of each label; `last` is added to the last row and column."""
    boxes = {}
    for label in np.unique(labels):
        rows, columns = np.nonzero(labels == label)
        boxes[int(label)] = columns.min(), rows.min(), columns.max() + last, rows.max() + last
    return boxes


def _by_boxes(labels, near):
    """Return the pairs of labels whose boxes are near each other."""
    pairs = itertools.combinations(_boxes(labels).items(), 2)
    found = [(i, j) for (i, a), (j, b) in pairs if near(a, b)]
    return np.array(found).reshape(-1, 2)


@neighbours.wrong
def boxes_touch(labels):
    """You compared boxes. Everything inside a ring is inside its box, but only some of it touches the ring."""
    return _by_boxes(labels, lambda a, b: all(a[k] <= b[k + 2] and b[k] <= a[k + 2] for k in (0, 1)))


@neighbours.wrong
def boxes_overlap(labels):
    """You tested whether boxes overlap. Boxes side by side have no common area, and their regions are neighbours."""
    return _by_boxes(labels, lambda a, b: all(a[k] < b[k + 2] and b[k] < a[k + 2] for k in (0, 1)))


@neighbours.wrong
def only_across(labels):
    """You compared each pixel with the one to its right only. Pixels above each other share a side too."""
    return _pairs(_across(labels))


@neighbours.wrong
def only_down(labels):
    """You compared each pixel with the one below only. Pixels side by side share a side too."""
    return _pairs(_down(labels))


@neighbours.wrong
def corners_count(labels):
    """You counted pixels that touch at a corner. Neighbours share a side."""
    diagonals = (labels[:-1, :-1], labels[1:, 1:]), (labels[:-1, 1:], labels[1:, :-1])
    return _pairs(_across(labels), _down(labels), *diagonals)


@neighbours.wrong
def wrapped_around(labels):
    """Your last column is next to the first one, or your last row. np.roll wraps around: use slices."""
    return _pairs(*((labels, np.roll(labels, 1, axis)) for axis in (0, 1)))


@neighbours.wrong
def last_row_and_column_left_out(labels):
    """Both of your loops stop before the last row and the last column, whose pixels have neighbours too."""
    small = labels[:-1, :-1]
    return _pairs((small, labels[:-1, 1:]), (small, labels[1:, :-1]))


@neighbours.wrong
def each_pair_twice(labels):
    """You returned each pair in both orders. Write the smaller label first, and each pair once."""
    pairs = neighbours_reference(labels)
    return np.array(sorted([*pairs.tolist(), *pairs[:, ::-1].tolist()]))


@neighbours.wrong
def its_own_neighbour(labels):
    """You returned pairs of a label with itself. Drop pairs of equal labels."""
    own = [(int(label), int(label)) for label in np.unique(labels)]
    return np.array(sorted([*neighbours_reference(labels).tolist(), *map(list, own)]))


@neighbours.wrong
def once_per_pixel(labels):
    """You returned a pair once for every two pixels that touch. Collect each pair once, for example in a set."""
    pairs = [np.stack([a.ravel(), b.ravel()], axis=1) for a, b in (_across(labels), _down(labels))]
    pairs = np.sort(np.concatenate(pairs), axis=1)
    return np.array(sorted(pairs[pairs[:, 0] != pairs[:, 1]].tolist()))
