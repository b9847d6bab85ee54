"""The files of a run: their names, whether they can be written, and the cleanup after a killed process."""

import contextlib
import glob
import os
import warnings
from pathlib import Path

from minigooglenet.weights import architecture

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS, BEST = "weights.safetensors", "best.safetensors"  # of the last and of the best epoch
SAVED = (CHECKPOINT, WEIGHTS, BEST)
SKIPPED, CURVE, MATRIX, NORMS = "skipped.csv", "training_curve", "confusion_matrix", "gradient_norms"  # at the end
ENDING = (SKIPPED, *(f"{name}{suffix}" for name in (CURVE, MATRIX, NORMS) for suffix in (".png", ".txt")))


def trained(out) -> bool:
    """Return whether the folder, or the folder of an ensemble member in it, has a checkpoint or weights."""
    folders = [Path(out), *Path(out).glob("member_*")]
    return any((folder / name).exists() for folder in folders for name in SAVED)


def check(out, names) -> None:
    """Raise a ValueError if a file cannot be written, because its name in the folder `out` is not a file."""
    for name in names:
        path = out / name
        if os.path.lexists(path) and not path.is_file():
            kind = "a broken link" if path.is_symlink() and not path.exists() else "not a file"
            kind = "a folder" if path.is_dir() else kind
            raise ValueError(
                f"{path} is {kind}, so nothing can be saved there. Move it away, or choose another folder."
            )


def can_hold(graph, out) -> bool:
    """Return whether the files in the folder `out` can store the graph; if not, warn before the first step."""
    try:
        architecture.describe(graph)
    except ValueError as error:
        warnings.warn(f"the files in {out} will contain only the arrays, not the graph: {error}", stacklevel=3)
        return False
    return True


def before_the_end(logs) -> tuple[str, ...]:
    """Return the names of the files that a run with these logs writes before its end."""
    return (*SAVED, *(log.path.name for log in logs))


def sweep(out, logs) -> None:
    """Remove partly written files of a run, left by a killed process; the folder must be locked."""
    for name in (*before_the_end(logs), *ENDING):
        for path in out.glob(f".{glob.escape(name)}.*.part"):
            with contextlib.suppress(OSError):
                path.unlink()


def keep_earlier(out, names) -> str | None:
    """Rename the files of a run that cannot continue, so that a new run does not overwrite them.

    Returns
    -------
    a sentence about it, or None if no such files exist
    """
    existing = [name for name in names if os.path.lexists(out / name)]
    if not existing:
        return None
    number = 1
    while any(os.path.lexists(out / _earlier(name, number)) for name in names):
        number += 1
    for name in existing:
        (out / name).rename(out / _earlier(name, number))
    return (
        f"{out} has weights but no checkpoint, so the run starts from scratch. Its earlier files are kept: "
        f"{', '.join(_earlier(name, number) for name in existing)}."
    )


def _earlier(name, number):
    stem, dot, end = name.rpartition(".")
    return f"{stem}.earlier-{number}{dot}{end}"


def identity(path):
    """Return values that change when a file is written again, or None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
