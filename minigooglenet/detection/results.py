"""COCO's result format: JSON with the image, category, box and score of each detection (cocodataset.org, results)."""

import json
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigooglenet import files
from minigooglenet.detection import annotations
from minigooglenet.detection.annotations import brief, few
from minigooglenet.detection.coco import bbox
from minigooglenet.detection.detections import Detections
from minigooglenet.typing import PathLike

Rows = tuple[list[tuple[float, ...]], list[float], list[int]]  # boxes, scores and labels of an image


def results_json(detections: Sequence[Detections], image_ids: Sequence[int | str], category_ids: Sequence[int]) -> str:
    """Return detections as text in COCO's result format, one line per detection.

    Parameters
    ----------
    detections : list of N `Detections`, one per image
    image_ids : list of N image IDs
    category_ids : the ID of each class, in the order of the labels

    Raises
    ------
    ValueError, TypeError
        If the numbers of images differ, or detections are wrong.

    Examples
    --------
    >>> from minigooglenet import detection
    >>> cats = detection.Detections([(10, 5, 30, 35)], [0.75], [0])
    >>> print(detection.results_json([cats], image_ids=[7], category_ids=[3]))
    [
    {"image_id": 7, "category_id": 3, "bbox": [10.0, 5.0, 20.0, 30.0], "score": 0.75}
    ]
    <BLANKLINE>
    """
    if len(detections) != len(image_ids):
        raise ValueError(
            f"detections and image_ids must have equal lengths, got {len(detections)} and {len(image_ids)}"
        )
    lines = []
    for image_id, one in zip(image_ids, detections, strict=True):
        boxes, scores, labels = one.checked(len(category_ids), what=f"image {brief(image_id)}")
        for (x1, y1, x2, y2), score, label in zip(boxes.tolist(), scores.tolist(), labels.tolist(), strict=True):
            box = [x1, y1, x2 - x1, y2 - y1]
            category = operator.index(category_ids[label])
            entry = {"image_id": _plain(image_id), "category_id": category, "bbox": box, "score": score}
            lines.append(json.dumps(entry))
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def write_results(
    path: PathLike, detections: Sequence[Detections], image_ids: Sequence[int | str], category_ids: Sequence[int]
) -> None:
    """Write detections to a file in COCO's result format, atomically. The arguments are those of `results_json`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from minigooglenet import detection
    >>> cats = detection.Detections([(10, 5, 30, 35)], [0.75], [0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "results.json")
    ...     detection.write_results(path, [cats], image_ids=[7], category_ids=[3])
    ...     path.stat().st_size > 80
    True
    """
    files.write_text(path, results_json(detections, image_ids, category_ids))


def read_results(path: PathLike, image_ids: Sequence[int | str], category_ids: Sequence[int]) -> list[Detections]:
    """Return the detections in a file in COCO's result format, one `Detections` per image, in the order of the file.

    Corners differ from the written ones by rounding at most, because the file has x, y, width and height.

    Parameters
    ----------
    path : path of the file
    image_ids : list of N image IDs, the order of the images
    category_ids : the ID of each class, in the order of the labels

    Raises
    ------
    ValueError
        If the file is too large, or an entry is wrong: an unknown image or category, a box without area, a score that
        is not finite. The error names the entry.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from minigooglenet import detection
    >>> text = '[{"image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 30], "score": 0.75}]'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "results.json")
    ...     _ = path.write_text(text)
    ...     detection.read_results(path, image_ids=[7, 8], category_ids=[3])[0].boxes.tolist()
    [[10.0, 5.0, 30.0, 35.0]]
    """
    entries = annotations.json_of(path)
    if not isinstance(entries, list):
        raise ValueError(f"{path} must be a list of results, got {brief(entries)}")
    annotations.check_count(path, len(entries))
    images: dict[int | str, Rows] = {image_id: ([], [], []) for image_id in image_ids}
    indices = {category_id: label for label, category_id in enumerate(category_ids)}
    if len(images) < len(image_ids) or len(indices) < len(category_ids):
        raise ValueError("image_ids and category_ids must not repeat an ID")
    for index, entry in enumerate(entries):
        try:
            _add(entry, images, indices)
        except (ValueError, TypeError, OverflowError) as error:  # OverflowError: an integer of 400 digits
            raise ValueError(f"{path}: result {index}: {error}") from error
    return [
        Detections(np.array(boxes).reshape(-1, 4), np.array(scores, np.float64), np.array(labels, np.int64)).checked()
        for boxes, scores, labels in images.values()
    ]


def _plain(image_id):
    return image_id if isinstance(image_id, str) else operator.index(image_id)


def _add(entry, images, labels):
    """Append a result to the lists of its image; errors do not name the file."""
    if not isinstance(entry, dict):
        raise TypeError(f"it must be an object, got {brief(entry)}")
    image, category = entry.get("image_id"), entry.get("category_id")
    score: Any = entry.get("score")
    if type(image) not in (int, str) or image not in images:
        raise ValueError(f"image_id {brief(image)} is unknown; the images are {few(images)}")
    if type(category) is not int or category not in labels:
        raise ValueError(f"category_id {brief(category)} is unknown; the categories are {few(labels)}")
    if type(score) not in (int, float) or not math.isfinite(score):
        raise ValueError(f"score must be a finite number, got {brief(score)}")
    x, y, width, height = bbox(entry)
    corners = x, y, x + width, y + height
    if not all(map(math.isfinite, corners)) or x + width == x or y + height == y:
        raise ValueError(f"bbox {brief(entry['bbox'])} has no area, or a value that is not finite")
    for column, value in zip(images[image], (corners, float(score), labels[category]), strict=True):
        column.append(value)
