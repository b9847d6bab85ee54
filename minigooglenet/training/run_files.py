"""The files of a run: their names, whether they can be written, and what a killed process left of them."""

import contextlib
import glob
import os
import warnings
from pathlib import Path

from minigooglenet.weights import architecture

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS, BEST = "weights.safetensors", "best.safetensors"  # of the last epoch and of the best
SAVED = (CHECKPOINT, WEIGHTS, BEST)


def trained(out) -> bool:
    """Return whether the folder, or that of a member of an ensemble in it, has a checkpoint or weights."""
    folders = [Path(out), *Path(out).glob("member_*")]
    return any((folder / name).exists() for folder in folders for name in SAVED)


def check(out, names) -> None:
    """Raise a ValueError if a file could not be written, because something else has its name in the folder `out`."""
    for name in names:
        path = out / name
        if os.path.lexists(path) and not path.is_file():
            kind = "a link that leads nowhere" if path.is_symlink() and not path.exists() else "not a file"
            kind = "a folder" if path.is_dir() else kind
            raise ValueError(
                f"{path} is {kind}, so nothing can be saved there. Move it away, or choose another folder."
            )


def can_hold(graph, out) -> bool:
    """Return whether the files in the folder `out` can hold the graph; if not, warn before the first step."""
    try:
        architecture.describe(graph)
    except ValueError as error:
        warnings.warn(f"the files in {out} will hold the arrays alone: {error}", stacklevel=3)
        return False
    return True


def sweep(out, names) -> None:
    """Remove what a process that was killed while it wrote left of these files; the folder is locked."""
    for name in names:
        for path in out.glob(f".{glob.escape(name)}.*.part"):
            with contextlib.suppress(OSError):
                path.unlink()


def keep_earlier(out, names) -> str | None:
    """Give files of a run that cannot continue other names, so that a new start does not write over them.

    Returns
    -------
    a sentence about it, None if there are no such files
    """
    there = [name for name in names if os.path.lexists(out / name)]
    if not there:
        return None
    number = 1
    while any(os.path.lexists(out / _earlier(name, number)) for name in names):
        number += 1
    for name in there:
        (out / name).rename(out / _earlier(name, number))
    return (
        f"{out} has weights and no checkpoint, so the run starts from scratch. Its earlier files are kept: "
        f"{', '.join(_earlier(name, number) for name in there)}."
    )


def _earlier(name, number):
    stem, dot, end = name.rpartition(".")
    return f"{stem}.earlier-{number}{dot}{end}"


def identity(path):
    """Return what changes when a file is written again, or None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
