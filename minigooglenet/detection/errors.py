"""Why a detection is wrong: class, location, both, duplicate or background; and which objects are missed.

The types are those of TIDE (Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", 2020,
section 2.2).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigooglenet import checks, console
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.average_precision import checked_pairs, match
from minigooglenet.detection.detections import Detections, Truths
from minigooglenet.typing import Array

TYPES = ("class", "location", "both", "duplicate", "background", "missed")


class ErrorTypes(NamedTuple):
    """The type of each detection, and the missed objects, image by image.

    Attributes
    ----------
    types : one array (M,) of strings for each image, in the order of its detections: "hit", an error of `TYPES`, or
        "ignored" for a detection of a difficult object
    missed : one array (K,) of booleans for each image, in the order of its objects
    counts : {type of error: number}, in the order of `TYPES`

    Examples
    --------
    >>> from minigooglenet import detection
    >>> truths = detection.Truths([(0, 0, 10, 10), (50, 50, 60, 60)], [0, 1], [False, False])
    >>> detections = detection.Detections([(0, 0, 10, 9), (0, 0, 10, 10), (0, 0, 4, 10)], [0.9, 0.8, 0.7], [0, 0, 1])
    >>> result = detection.error_types([detections], [truths])
    >>> result.types[0].tolist(), result.missed[0].tolist()
    (['hit', 'duplicate', 'both'], [False, True])
    """

    types: tuple[Array, ...]
    missed: tuple[Array, ...]
    counts: dict[str, int]

    def __repr__(self) -> str:
        return console.brief(self)


def error_types(
    detections: Sequence[Detections], truths: Sequence[Truths], foreground: float = 0.5, background: float = 0.1
) -> ErrorTypes:
    """Return the type of each detection, and the missed objects.

    A hit has an IoU of at least `foreground` with an object of its class that no better detection hit, as in the rule
    "coco". The first type below that describes another detection is its type.

    * location: its largest IoU with an object of its class is at least `background`, but below `foreground`
    * class: its IoU with an object of another class is at least `foreground`
    * duplicate: its IoU with an object of its class is at least `foreground`, but a better detection hit that object
    * both: its IoU with an object of another class is at least `background`
    * background: it overlaps every object by less

    An object is missed if no detection hits it, and if it is not the object of a class or location error. Difficult
    objects are never missed; they only turn detections of their class into "ignored".

    Parameters
    ----------
    detections, truths : one for each image, in the same order; drop detections of low scores first
    foreground, background : IoU in [0, 1]

    Examples
    --------
    >>> from minigooglenet import detection
    >>> truths = detection.Truths([(0, 0, 10, 10)], [0], [False])
    >>> detections = detection.Detections([(0, 0, 10, 4), (70, 70, 80, 80)], [0.9, 0.8], [0, 0])
    >>> detection.error_types([detections], [truths]).counts
    {'class': 0, 'location': 1, 'both': 0, 'duplicate': 0, 'background': 1, 'missed': 0}
    """
    checks.number(background, "background", 0, checks.number(foreground, "foreground", 0, 1))
    results = [
        _types_of_image(predicted, truth, foreground, background)
        for predicted, truth in checked_pairs(detections, truths)
    ]
    types, missed = tuple(types for types, _ in results), tuple(missed for _, missed in results)
    counts = {name: sum(int(np.sum(image == name)) for image in types) for name in TYPES}
    counts["missed"] = sum(int(image.sum()) for image in missed)
    return ErrorTypes(types, missed, counts)


def _types_of_image(detections, truths, foreground, background):
    ious = geometry.iou_of_arrays(detections.boxes, truths.boxes)
    same = detections.labels[:, None] == truths.labels
    best_first = np.argsort(-detections.scores, kind="stable")
    matched = np.empty(len(best_first), np.int64)
    least = np.full(len(truths.boxes), foreground)
    matched[best_first] = match(np.where(same, ious, 0.0)[best_first], truths.difficult, least, "coco")

    explains = ~truths.difficult & (ious > 0)
    same_iou, same_object = _best(np.where(explains & same, ious, -1.0))
    other_iou, other_object = _best(np.where(explains & ~same, ious, -1.0))
    reasons = {
        "location": (same_iou >= background) & (same_iou < foreground),
        "class": other_iou >= foreground,
        "duplicate": same_iou >= foreground,
        "both": other_iou >= background,
    }
    types = np.select(list(reasons.values()), list(reasons), "background")
    right = matched >= 0
    types[right] = np.where(truths.difficult[matched[right]], "ignored", "hit")

    missed = ~truths.difficult
    missed[matched[right]] = False
    missed[same_object[types == "location"]] = False
    missed[other_object[types == "class"]] = False
    return types, missed


def _best(ious):
    """Return the largest IoU of each row of (M, K), and its index; -1 and 0 if K is 0."""
    padded = np.pad(ious, ((0, 0), (0, 1)), constant_values=-1.0)
    return padded.max(axis=1), padded.argmax(axis=1)
