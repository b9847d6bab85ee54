"""Folders of images with boxes, in the layouts of COCO and of PASCAL VOC, recognised by their files."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from minigooglenet.data import layout, listing, names
from minigooglenet.data.dataset import BadImageError
from minigooglenet.data.folders import MOST_PIXELS
from minigooglenet.data.photos import read
from minigooglenet.detection.annotations import Annotations, brief, few, is_inside, limited
from minigooglenet.detection.coco import read_coco
from minigooglenet.detection.detections import Truths
from minigooglenet.detection.voc import read_voc
from minigooglenet.typing import PathLike, UInt8Array

PARTS = {"train": layout.TRAIN, "validation": layout.VALIDATION, "test": layout.TEST}
WHOLE = ""  # the part of a folder without parts
ANNOTATIONS, IMAGES = "annotations", ("images", "JPEGImages")  # subfolders
INSTANCES = "instances"  # the start of the names of COCO's files with boxes, next to files with captions and keypoints
MOST_LIST = 64 * 1024**2  # bytes of a list of names


class LazyImages(Sequence[UInt8Array]):
    """Image files, each decoded when it is indexed.

    Parameters
    ----------
    paths : list of N paths
    sizes : list of N sizes (H, W) that the annotations declare

    Examples
    --------
    >>> from minigooglenet import detection
    >>> len(detection.LazyImages(["a.jpg", "b.jpg"], [(40, 60), (40, 60)]))
    2
    """

    def __init__(self, paths: Sequence[PathLike], sizes: Sequence[tuple[int, int]]) -> None:
        self.paths, self.sizes = list(paths), list(sizes)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> UInt8Array:  # type: ignore[override]
        """Return image `index` as uint8 (3, H, W), or raise a BadImageError that names its file."""
        path, (height, width) = self.paths[operator.index(index)], self.sizes[index]
        try:
            image = read(path, most_pixels=MOST_PIXELS)
        except BadImageError as error:
            raise BadImageError(f"{path}: {error}") from error
        if image.shape[1:] != (height, width):
            rotated = ". Photographs are rotated as their EXIF data require, and boxes must be for the rotated image"
            raise BadImageError(
                f"{path} is {image.shape[2]} x {image.shape[1]} pixels, but its annotations are for {width} x {height}"
                f"{rotated * (image.shape[1:] == (width, height))}"
            )
        return image


@dataclass(repr=False)
class DetectionFolder:
    """Images of a folder, with the boxes and classes of their objects.

    Attributes
    ----------
    images : sequence of N images uint8 (3, H, W), red first, decoded when they are indexed
    truths : list of N `Truths`
    classes : names of the classes; the labels in `truths` are their indices
    image_ids, category_ids : IDs of the images and classes in the annotation files, for files of results
    notes : sentences about boxes that were clipped or dropped

    Examples
    --------
    >>> from minigooglenet import detection
    >>> images = detection.LazyImages(["a.jpg"], [(40, 60)])
    >>> truths = detection.Truths([(0, 0, 9, 9)], [0], [False]).checked()
    >>> detection.DetectionFolder(images, [truths], ("cat", "dog"), [1], (1, 2))
    DetectionFolder(1 images, 1 objects, 2 classes)
    """

    images: LazyImages
    truths: list[Truths]
    classes: tuple[str, ...]
    image_ids: list[int | str]
    category_ids: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.truths)

    def __repr__(self) -> str:
        objects = sum(len(truths.boxes) for truths in self.truths)
        return f"DetectionFolder({len(self):,} images, {objects:,} objects, {len(self.classes)} classes)"


class _Source(NamedTuple):
    """The annotations of one part.

    read : function of the classes that returns Annotations
    name : file or folder, for errors
    homes : folders that may contain the images
    """

    read: Callable[[Sequence[str] | None], Annotations]
    name: Path
    homes: list[Path]


def folder(path: PathLike, part: str | None = None, classes: Sequence[str] | None = None) -> DetectionFolder:
    """Return the images of a folder with their objects. No image is decoded yet.

    The files decide the layout:

    - COCO: a JSON file in the folder or in its subfolder `annotations`; the words train, val and test in the names of
      files give the part. If some names start with `instances`, the others are ignored.
    - VOC: XML files in the folder or in its subfolder `Annotations`; the lists in `ImageSets/Main` give the part.
    - subfolders `train`, `val` and `test` (and other names that `mg.data.image_folder` knows) with either inside.

    The images are next to the annotations, in `images` or `JPEGImages`, or in a folder named as the part. If a folder
    has no parts, or only "train", about a fifth of its images are its validation part; the name of an image decides, as
    in `mg.data.image_folder`.

    Parameters
    ----------
    path : path of the folder, or of one COCO file
    part : "train", "validation" or "test", see `parts`; by default all images, if the folder has no parts
    classes : names of the classes in the order of their labels, such as those of a trained network or of the training
        part; by default the categories of the COCO file, ordered by ID, or all names in VOC's files, sorted

    Raises
    ------
    ValueError
        If the folder has no annotations, or the part is unclear, or an entry is wrong; see `read_coco`, `read_voc`.
    FileNotFoundError
        If an image that the annotations name does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from minigooglenet import detection
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     detection.folder(empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: ... has no annotations. Add a COCO file (.json) or VOC's files (.xml).
    """
    sources = _sources(Path(path))
    if part is None:
        if len(sources) > 1:
            raise ValueError(f"{path} has several parts: {few(sources)}. Pass part={next(iter(sources))!r}.")
        return _opened(next(iter(sources.values())), classes)
    known = _parts(sources)
    if part not in known:
        raise ValueError(f"{path} has no part {part!r}; choose from {few(known)}")
    return _opened(sources[WHOLE], classes, part) if WHOLE in sources else _opened(sources[part], classes)


def parts(path: PathLike) -> tuple[str, ...]:
    """Return the parts that `folder` can read from a folder: some of "train", "validation" and "test".

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from minigooglenet import detection
    >>> with tempfile.TemporaryDirectory() as home:
    ...     for name in ("instances_train.json", "instances_test.json"):
    ...         pathlib.Path(home, name).touch()
    ...     detection.parts(home)
    ('train', 'test')
    """
    return _parts(_sources(Path(path)))


def _parts(sources):
    return ("train", "validation") if WHOLE in sources else tuple(part for part in PARTS if part in sources)


def _opened(source, classes, part=WHOLE):
    """Return the DetectionFolder of a source, or of the part of it that the names of its images decide."""
    content = source.read(classes)
    if part != WHOLE:
        held_out = names.held_out(list(map(_last, content.files)))[0] if content.files else set()
        chosen = (i for i, file in enumerate(content.files) if (_last(file) in held_out) == (part == "validation"))
        content = content.filtered(chosen)
    home = next((home for home in source.homes if content.files and (home / content.files[0]).is_file()), None)
    missing = [file for file in content.files if home is None or not (home / file).is_file()]
    if missing:
        homes = ", ".join(map(str, source.homes)) if home is None else home
        raise FileNotFoundError(
            f"{source.name}: image {brief(missing[0])} does not exist in {homes}; {len(missing):,} of "
            f"{len(content.files):,} images are missing"
        )
    images = LazyImages([home / file for file in content.files], content.sizes)
    return DetectionFolder(images, content.truths, content.classes, content.ids, content.category_ids, content.notes)


def _last(file):
    return file.rpartition("/")[2]


def _sources(path):
    """Return {part: its _Source}; the only part of a folder without parts is WHOLE."""
    if path.is_file():
        return {WHOLE: _coco(path)}
    if not path.is_dir():
        raise FileNotFoundError(f"{path} does not exist")
    sources = _sources_of_files(path) or _sources_of_folders(path)
    if not sources:
        raise ValueError(f"{path} has no annotations. Add a COCO file (.json) or VOC's files (.xml).")
    return {WHOLE: sources["train"]} if [*sources] == ["train"] else sources


def _sources_of_files(folder):
    """Return the sources of the files in a folder or in its subfolder for annotations."""
    inside = [folder / name for name in listing.subfolders(folder) if name.casefold() == ANNOTATIONS]
    for find in (_voc_sources, _coco_sources):
        for candidate in (folder, *inside):
            sources = find(candidate)
            if sources:
                return sources
    return {}


def _sources_of_folders(folder):
    """Return the sources of subfolders that have the name of a part."""
    sources = dict[str, _Source]()
    for name in listing.subfolders(folder):
        part = next((part for part, words in PARTS.items() if name.casefold() in words), None)
        candidates = {} if part is None else _sources_of_files(folder / name)
        if part is None or not candidates:
            continue
        if len(candidates) > 1:
            raise ValueError(f"{folder / name} is a part of a data set, but has parts itself: {few(candidates)}")
        if part in sources:
            raise ValueError(f"{folder} has two folders for the part {part!r}. Merge them, or move one elsewhere.")
        sources[part] = next(iter(candidates.values()))
    return sources


def _coco_sources(folder):
    files = _with_suffix(folder, ".json")
    files = [file for file in files if file.name.casefold().startswith(INSTANCES)] or files
    sources = dict[str, _Source]()
    for file in files:
        part = _part_of(file.stem)
        if part in sources or (sources and WHOLE in (part, *sources)):
            raise ValueError(
                f"{folder} has several COCO files, and their names do not show which is for train, val and test: "
                f"{few(file.name for file in files)}. Rename them, or pass the path of one of them."
            )
        sources[part] = _coco(file)
    return sources


def _coco(file):
    return _Source(partial(read_coco, file), file, _homes(file.parent, _part_of(file.stem)))


def _voc_sources(folder):
    files = _with_suffix(folder, ".xml")
    if not files:
        return {}
    lists = _root(folder) / "ImageSets" / "Main"
    sources = {}
    for part, words in PARTS.items():
        file = next((file for file in (lists / f"{word}.txt" for word in words) if file.is_file()), None)
        if file is not None:
            sources[part] = _Source(partial(_read_listed, file, folder), folder, _homes(folder, part))
    return sources or {WHOLE: _Source(partial(read_voc, files), folder, _homes(folder, WHOLE))}


def _read_listed(file, folder, classes):
    return read_voc(_listed(file, folder), classes)


def _listed(file, folder):
    """Return the XML files of a list, whose lines start with names without a suffix."""
    lines = limited(file, MOST_LIST).decode("utf-8-sig", "replace").splitlines()
    stems = [line.split()[0] for line in lines if line.strip()]
    paths = [folder / f"{stem}.xml" for stem in stems]
    missing = [stem for stem, path in zip(stems, paths, strict=True) if not is_inside(stem) or not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{file} lists {brief(missing[0])}, but {folder} has no such .xml file; {len(missing):,} of {len(stems):,} "
            "are missing"
        )
    return paths


def _with_suffix(folder, suffix):
    return sorted(
        path for path in folder.iterdir() if path.suffix.casefold() == suffix and path.name[0] != "." and path.is_file()
    )


def _root(folder):
    """Return the folder of the data set whose annotations are in `folder`."""
    return folder.parent if folder.name.casefold() == ANNOTATIONS else folder


def _homes(folder, part):
    """Return the folders that may contain the images of a part."""
    root = _root(folder)
    bases = [base for base in (root, *(root / name for name in IMAGES), folder) if base.is_dir()]
    inside = [
        base / name for base in bases for name in listing.subfolders(base) if part != WHOLE and _part_of(name) == part
    ]
    return list(dict.fromkeys(inside + bases))


def _part_of(name):
    """Return the only part whose words a name contains, or WHOLE."""
    words = {*re.findall("[a-z]+", name.casefold())}
    parts = [part for part, known in PARTS.items() if words & {*known}]
    return parts[0] if len(parts) == 1 else WHOLE
