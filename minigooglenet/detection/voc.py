"""PASCAL VOC's annotation files: one XML file per image (Everingham et al. 2010, The PASCAL VOC Challenge, devkit)."""

import collections
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from minigooglenet.detection import annotations
from minigooglenet.detection.annotations import Annotations, Objects, brief, few
from minigooglenet.typing import PathLike

MOST_BYTES = 4 * 1024**2  # of one file; VOC's own have a few kilobytes


class _Object(NamedTuple):
    name: str
    corners: tuple[float, float, float, float]  # x1, y1, x2, y2, half-open
    difficult: bool


class _Content(NamedTuple):
    file: str
    size: tuple[int, int]
    objects: list[_Object]


class _Builder(ElementTree.TreeBuilder):
    """Builds the tree of a file, but rejects a DOCTYPE, whose entities can expand to fill the memory."""

    def doctype(self, name, identifier, system):
        raise ValueError("it has a DOCTYPE, which VOC's files do not need. Delete it.")


def read_voc(paths: Iterable[PathLike], classes: Sequence[str] | None = None) -> Annotations:
    """Return the annotations in VOC's XML files, one file per image. Pixels xmin to xmax become x1, y1, x2, y2.

    VOC's pixels are inclusive and count from 1, so xmin 1, xmax 500 becomes x1 0, x2 500. The ID of an image is the
    name of its XML file without the suffix. Boxes that extend past their image are clipped, because VOC's own files
    have some that start at pixel 0; `notes` has the count. Parts of objects, such as heads, are not read.

    Parameters
    ----------
    paths : paths of the files
    classes : names of the classes in the order of their labels; by default all names in the files, sorted

    Raises
    ------
    ValueError
        If a file is too large, has a DOCTYPE, is not a VOC file, or an object is wrong: an unknown class, a box that is
        not finite, reversed or completely outside its image. The error names the file and the object.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from minigooglenet import detection
    >>> cat = "<object><name>cat</name><bndbox>{}</bndbox></object>".format(
    ...     "<xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>35</ymax>"
    ... )
    >>> size = "<size><width>60</width><height>40</height></size>"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.xml")
    ...     _ = path.write_text(f"<annotation><filename>a.jpg</filename>{size}{cat}</annotation>")
    ...     cats = detection.read_voc([path])
    >>> cats.files, cats.truths[0].boxes.tolist()
    (['a.jpg'], [[10.0, 5.0, 30.0, 35.0]])
    """
    sources, contents, total = list(map(Path, paths)), [], 0
    for path in sources:
        contents.append(_read(path))
        total += len(contents[-1].objects)
        annotations.check_count(path.parent, total)
    names = sorted({one.name for content in contents for one in content.objects}) if classes is None else classes
    labels = {name: label for label, name in enumerate(names)}
    counts, truths = collections.Counter[str](), []
    for path, content in zip(sources, contents, strict=True):
        objects = Objects(content.size, counts)
        for number, (name, corners, difficult) in enumerate(content.objects, 1):
            try:
                if name not in labels:
                    raise ValueError(f"its class {brief(name)} is not one of {few(labels)}")
                objects.add(corners, labels[name], difficult)
            except ValueError as error:
                raise ValueError(f"{path}: object {number}: {error}") from error
        truths.append(objects.truths())
    return Annotations(
        [content.file for content in contents],
        [content.size for content in contents],
        [path.stem for path in sources],
        truths,
        tuple(labels),
        tuple(range(1, len(labels) + 1)),
        annotations.notes(sources[0].parent, counts) if sources else (),
    )


def _read(path):
    """Return the _Content of an XML file."""
    text = annotations.limited(path, MOST_BYTES)
    try:
        root = ElementTree.fromstring(text, parser=ElementTree.XMLParser(target=_Builder()))
        if root.tag != "annotation":
            raise ValueError(f"it starts with <{root.tag:.40}>, not <annotation>")
        size = tuple(_integer(root, f"size/{side}", 1) for side in ("height", "width"))
        file = _text(root, "filename")
        if not annotations.is_inside(file):
            raise ValueError(f"its filename must be inside the folder of the images, got {brief(file)}")
        objects = []
        for number, entry in enumerate(root.iterfind("object"), 1):
            try:
                objects.append(_object(entry))
            except ValueError as error:
                raise ValueError(f"object {number}: {error}") from error
        return _Content(file, size, objects)
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}: invalid XML: {error}") from error
    except (ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise ValueError(f"{path}: {error}") from error


def _object(entry):
    """Return the _Object of an <object>; its parts may have names and boxes too, which are not read."""
    name = _text(entry, "name")
    if not name.isprintable():
        raise ValueError(f"its name has unprintable characters: {brief(name)}")
    x1, y1, x2, y2 = (_number(entry, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
    difficult = entry.find("difficult") is not None and _integer(entry, "difficult", 0)
    if difficult not in (0, 1):
        raise ValueError(f"difficult must be 0 or 1, got {difficult}")
    return _Object(name, (x1 - 1, y1 - 1, x2, y2), bool(difficult))


def _text(entry, tag):
    text = entry.findtext(tag, "").strip()
    if not text:
        raise ValueError(f"it has no <{tag.replace('/', '> with <')}>")
    return text


def _number(entry, tag):
    text = _text(entry, tag)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"<{tag}> must be a number, got {brief(text)}") from None


def _integer(entry, tag, least):
    value = _number(entry, tag)
    if not value.is_integer() or value < least:
        raise ValueError(f"<{tag}> must be an integer of at least {least}, got {value:g}")
    return int(value)
