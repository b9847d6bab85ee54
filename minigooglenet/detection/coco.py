"""COCO's annotation files: JSON with images, annotations and categories (Lin et al. 2014, cocodataset.org, format)."""

import collections
from collections.abc import Sequence

from minigooglenet.detection import annotations
from minigooglenet.detection.annotations import Annotations, Objects, brief, few
from minigooglenet.typing import PathLike


def read_coco(path: PathLike, classes: Sequence[str] | None = None) -> Annotations:
    """Return the annotations in a COCO JSON file. Boxes x, y, width, height become x1, y1, x2, y2.

    A crowd (`iscrowd` 1) is difficult. Images keep the order of the file, and objects too. Outlines of objects are not
    read. Boxes that extend past their image are clipped, and boxes without area are dropped, as tools for COCO do,
    because its own files have both; `notes` has the counts.

    Parameters
    ----------
    path : path of the file
    classes : names of the classes in the order of their labels; by default the categories of the file, ordered by ID

    Raises
    ------
    ValueError
        If the file is too large, is not a COCO file, or an entry is wrong: a duplicate ID, an unknown image or
        category, a box that is not finite, reversed or completely outside its image. The error names the entry.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> from minigooglenet import detection
    >>> content = {
    ...     "images": [{"id": 7, "file_name": "a.jpg", "width": 60, "height": 40}],
    ...     "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 30], "iscrowd": 0}],
    ...     "categories": [{"id": 3, "name": "cat"}],
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "instances.json")
    ...     _ = path.write_text(json.dumps(content))
    ...     cats = detection.read_coco(path)
    >>> cats.files, cats.truths[0].boxes.tolist()
    (['a.jpg'], [[10.0, 5.0, 30.0, 35.0]])
    """
    content = annotations.json_of(path)
    if not isinstance(content, dict):
        hint = ". It looks like a file of results, which read_results reads." if isinstance(content, list) else ""
        raise ValueError(f"{path} must have images, annotations and categories, got {brief(content)}{hint}")
    missing = [key for key in ("images", "annotations", "categories") if not isinstance(content.get(key), list)]
    if missing:
        raise ValueError(f"{path} is not a COCO file: it has no list {brief(missing[0])}")
    annotations.check_count(path, len(content["annotations"]))
    categories = _by_id(path, content, "categories")
    names, labels = _classes(path, categories, classes)
    images = _by_id(path, content, "images")
    counts = collections.Counter[str]()
    objects = {key: Objects(_size(path, position, entry), counts) for key, (position, entry) in images.items()}
    for index, entry in enumerate(content["annotations"]):
        position = f"annotations[{index}]"
        try:
            _add(entry, objects, labels, categories)
        except (ValueError, TypeError, OverflowError) as error:  # OverflowError: an integer of 400 digits
            number = f" (id {brief(entry['id'])})" if isinstance(entry, dict) and "id" in entry else ""
            raise ValueError(f"{path}: {position}{number}: {error}") from error
    return Annotations(
        [_file(path, position, entry) for position, entry in images.values()],
        [one.size for one in objects.values()],
        list(images),
        [one.truths() for one in objects.values()],
        names,
        tuple(labels),
        annotations.notes(path, counts),
    )


def _by_id(path, content, key):
    """Return {ID: (position, entry)} of a list of entries."""
    entries = {}
    for index, entry in enumerate(content[key]):
        position = f"{path}: {key}[{index}]"
        number = entry.get("id") if isinstance(entry, dict) else None
        kinds = (int,) if key == "categories" else (int, str)
        if type(number) not in kinds:
            expected = "integer" if key == "categories" else "integer or text"
            raise ValueError(f"{position} must have an 'id', {expected}, got {brief(entry)}")
        if number in entries:
            raise ValueError(f"{position} has the id {brief(number)} of an earlier entry")
        entries[number] = position, entry
    return entries


def _classes(path, categories, classes):
    """Return (names of the classes, {category ID: label}) in the order of the labels."""
    numbers = {}
    for number, (position, entry) in sorted(categories.items()):
        name = entry.get("name")
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise ValueError(f"{position} must have a printable 'name', got {brief(name)}")
        if name in numbers:
            raise ValueError(f"{position} has the name {brief(name)} of another category")
        numbers[name] = number
    if not numbers:
        raise ValueError(f"{path} has no categories")
    names = tuple(numbers if classes is None else classes)
    missing = [name for name in names if name not in numbers]
    if missing:
        raise ValueError(f"{path} has no category {brief(missing[0])}; it has {few(numbers)}")
    return names, {numbers[name]: label for label, name in enumerate(names)}


def _size(path, position, entry):
    sizes = entry.get("height"), entry.get("width")
    if not all(type(size) is int and size > 0 for size in sizes):
        raise ValueError(f"{position} must have 'height' and 'width', positive integers, got {brief(sizes)}")
    return sizes


def _file(path, position, entry):
    name = entry.get("file_name")
    if not isinstance(name, str) or not annotations.is_inside(name):
        raise ValueError(f"{position} must have a 'file_name' inside the folder of the images, got {brief(name)}")
    return name


def _add(entry, objects, labels, categories):
    """Add an annotation to the objects of its image; errors do not name the file."""
    if not isinstance(entry, dict):
        raise TypeError(f"it must be an object, got {brief(entry)}")
    image, category, crowd = entry.get("image_id"), entry.get("category_id"), entry.get("iscrowd", 0)
    if type(image) not in (int, str) or image not in objects:
        raise ValueError(f"image_id {brief(image)} is not in 'images'")
    if type(category) is not int or category not in categories:
        raise ValueError(f"category_id {brief(category)} is not in 'categories', which has {few(categories)}")
    if category not in labels:
        name = categories[category][1]["name"]
        raise ValueError(f"its category {brief(name)} is not one of the {len(labels)} classes")
    if type(crowd) not in (int, bool) or crowd not in (0, 1):
        raise ValueError(f"iscrowd must be 0 or 1, got {brief(crowd)}")
    x, y, width, height = bbox(entry)
    objects[image].add((x, y, x + width, y + height), labels[category], bool(crowd))


def bbox(entry) -> list[float]:
    """Return x, y, width and height of an entry, as floats."""
    values = entry.get("bbox")
    if not isinstance(values, list) or len(values) != 4 or not all(type(value) in (int, float) for value in values):
        raise ValueError(f"bbox must be four numbers, x, y, width and height, got {brief(values)}")
    x, y, width, height = map(float, values)
    if width < 0 or height < 0:
        raise ValueError(f"bbox {brief(values)} has a negative width or height; it must be x, y, width and height")
    return [x, y, width, height]
