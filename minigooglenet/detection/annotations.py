"""The objects that an annotation file describes, and the rules and limits of both COCO's and VOC's files."""

import collections
import json
import math
import reprlib
from collections.abc import Iterable
from pathlib import PureWindowsPath
from typing import Any, NamedTuple

import numpy as np

from minigooglenet import console, files
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection.detections import Truths

MOST_BYTES = 512 * 1024**2  # of a JSON file; COCO's largest, instances_train2017.json, is smaller
MOST_BOXES = 2_000_000  # COCO's training set has less than half as many
MOST_BRACKETS = 10 * MOST_BOXES  # lists and objects of a JSON file; an empty list has 3 bytes there, 64 in memory
MOST_TEXT = 120  # characters of a value in an error
CLIPPED, EMPTY = "boxes that extend past their image, clipped", "boxes without area, dropped"


class Annotations(NamedTuple):
    """The images and objects of an annotation file; the images themselves are not opened.

    Attributes
    ----------
    files : list of N names of image files, with "/" between folders
    sizes : list of N declared sizes (H, W)
    ids : list of N image IDs, integers or text
    truths : list of N `Truths`
    classes : names of the classes
    category_ids : the ID of each class in the file
    notes : sentences about boxes that were clipped or dropped

    Examples
    --------
    >>> from minigooglenet import detection
    >>> annotated = detection.Annotations(["a.jpg"], [(4, 6)], [7], [detection.Truths([], [], [])], ("cat",), (1,), ())
    >>> annotated.filtered([0]).ids
    [7]
    """

    files: list[str]
    sizes: list[tuple[int, int]]
    ids: list[int | str]
    truths: list[Truths]
    classes: tuple[str, ...]
    category_ids: tuple[int, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return console.brief(self)

    def filtered(self, indices: Iterable[int]) -> "Annotations":
        """Return the annotations of some of the images."""
        chosen = list(indices)
        return self._replace(
            files=[self.files[i] for i in chosen],
            sizes=[self.sizes[i] for i in chosen],
            ids=[self.ids[i] for i in chosen],
            truths=[self.truths[i] for i in chosen],
        )


class Objects:
    """The objects of one image while its file is read, and the number of boxes that were changed so far.

    Boxes that extend past their image are clipped and counted, and boxes without area are dropped and counted, because
    published data sets have both. A box completely outside its image, or reversed, raises an error, because its image
    or its form is probably wrong.
    """

    def __init__(self, size: tuple[int, int], counts: collections.Counter[str]) -> None:
        self.size, self.counts = size, counts
        self.boxes: list[tuple[float, ...]] = []
        self.labels: list[int] = []
        self.difficult: list[bool] = []

    def add(self, corners: tuple[float, float, float, float], label: int, difficult: bool) -> None:
        """Add an object; raise a ValueError without the name of the file if its box is wrong."""
        x1, y1, x2, y2 = corners
        height, width = self.size
        if not all(map(math.isfinite, corners)):
            raise ValueError(f"its box {_numbers(corners)} has a value that is not finite")
        if x2 < x1 or y2 < y1:
            raise ValueError(f"its box {_numbers(corners)} (x1, y1, x2, y2) is reversed")
        if x2 == x1 or y2 == y1:
            self.counts[EMPTY] += 1
            return
        inside = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
        if inside[2] <= inside[0] or inside[3] <= inside[1]:
            raise ValueError(
                f"its box {_numbers(corners)} (x1, y1, x2, y2) is outside its image, which is {width} wide and "
                f"{height} high"
            )
        self.counts[CLIPPED] += inside != tuple(corners)
        self.boxes.append(inside)
        self.labels.append(label)
        self.difficult.append(difficult)

    def truths(self) -> Truths:
        """Return the objects."""
        return Truths(geometry.checked(self.boxes), np.array(self.labels, np.int64), np.array(self.difficult, bool))


def notes(path, counts: collections.Counter[str]) -> tuple[str, ...]:
    """Return a sentence for each rule that changed boxes."""
    return tuple(f"{path}: {rule}: {counts[rule]:,}" for rule in (CLIPPED, EMPTY) if counts[rule])


def json_of(path) -> Any:
    """Return the content of a JSON file, without outlines of objects, which take up most of COCO's files.

    Raises
    ------
    ValueError
        If the file is larger than the limits or is not valid JSON; NaN is not valid.
    OSError
        If the file cannot be opened.
    """
    content = limited(path, MOST_BYTES)
    brackets = content.count(b"[") + content.count(b"{")
    if brackets > MOST_BRACKETS:
        raise ValueError(f"{path} has {brackets:,} lists and objects, more than the limit of {MOST_BRACKETS:,}")
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, object_hook=_without_outlines, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: byte {error.start:,} is invalid") from error
    except json.JSONDecodeError as error:
        reason = f"invalid JSON at line {error.lineno}, column {error.colno}" if text.strip() else "it is empty"
        raise ValueError(f"cannot read {path}: {reason}") from error
    except RecursionError:
        raise ValueError(f"cannot read {path}: it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"cannot read {path}: {error}") from error


def limited(path, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes."""
    size = files.check_regular(path).st_size
    if size > most:
        raise ValueError(f"{path} has {size:,} bytes, more than the limit of {most:,}")
    return files.read_bytes(path)


def check_count(path, count: int) -> None:
    """Raise a ValueError if a file has more boxes than the limit."""
    if count > MOST_BOXES:
        raise ValueError(f"{path} has {count:,} boxes, more than the limit of {MOST_BOXES:,}")


def is_inside(name: str) -> bool:
    """Return whether a file name stays inside the folder that it is relative to, on every system."""
    path = PureWindowsPath(name)  # it knows drives and both separators
    return bool(path.parts) and not path.anchor and ".." not in path.parts and "\0" not in name


def brief(value: object) -> str:
    """Return a value from a file as short text for an error."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = MOST_TEXT
    return shortened.repr(value)


def few(values) -> str:
    """Return the first values as text."""
    values = list(values)
    return ", ".join(map(brief, values[:5])) + (f" and {len(values) - 5} more" if len(values) > 5 else "")


def _without_outlines(entry):
    entry.pop("segmentation", None)
    return entry


def _constant(name):
    raise ValueError(f"{name} is not valid JSON")


def _numbers(corners):
    return "(" + ", ".join(f"{value:g}" for value in corners) + ")"
