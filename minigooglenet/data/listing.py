"""The images in a folder of class folders, recognised by their suffix, or without a suffix by their first bytes."""

import os
from pathlib import Path

from minigooglenet import files
from minigooglenet.data import formats, names

# Folders that operating systems and archives put next to images. Hidden files and folders are ignored too.
SYSTEM_FOLDERS = {"__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information", "__pycache__"}

NO_IMAGE = "its name does not have the suffix of an image"


def subfolders(folder) -> list[str]:
    """Return the sorted names of the subfolders, without hidden and system folders."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".") and entry.name.lower() not in SYSTEM_FOLDERS and _is_dir(entry)
        )


def class_folders(folder) -> dict[str, list[str]]:
    """Return {class: its folders}, sorted; folders whose names differ only in their Unicode form are one class."""
    folders = dict[str, list[str]]()
    for name in subfolders(folder):
        folders.setdefault(names.same(name), []).append(name)
    return dict(sorted(folders.items()))


def has_images(folder) -> bool:
    """Return whether the folder itself contains a file with the suffix of an image."""
    with os.scandir(folder) as entries:
        return any(
            not entry.name.startswith(".") and formats.is_image_name(entry.name) and _is_file(entry)
            for entry in entries
        )


def listed(folder):
    """Return ({class: sorted "folder/file" of its images}, {skipped "folder/file": reason})."""
    images, skipped = {}, {}
    for name, folders in class_folders(folder).items():
        taken = dict[str, str]()  # {name in its normal form: "folder/file"}
        for inside in folders:
            with os.scandir(folder / inside) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.name.startswith("."):
                        continue
                    path = f"{inside}/{entry.name}"
                    normal = names.same(entry.name)
                    reason = _unusable(entry) or _duplicate(taken.get(normal))
                    if reason is None:
                        taken[normal] = path
                    else:
                        skipped[path] = reason
        images[name] = sorted(taken.values(), key=names.same)
    return images, skipped


def _unusable(entry) -> str | None:
    """Return why a file in the folder of a class is not an image, or None."""
    if _is_dir(entry):
        return "it is a folder; images must be directly in the folder of their class"
    if not _is_file(entry):
        return _why_no_file(entry)
    if formats.is_image_name(entry.name):
        return None
    kind, suffix = formats.recognise(formats.first_bytes(entry.path)), Path(entry.name).suffix
    if kind in formats.FORMATS and not suffix:
        return None
    if kind:
        return f"{NO_IMAGE}, but it starts as {kind}. Rename or convert it."
    return NO_IMAGE


def _why_no_file(entry):
    try:
        files.check_regular(entry.path)
    except OSError as error:
        return error.strerror or str(error)
    return "it is not a file"


def _duplicate(other):
    return None if other is None else f"its name is the name of {other} in another Unicode form"


def _is_file(entry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _is_dir(entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
