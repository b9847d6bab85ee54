"""Which folder of a data set is for training and which is held out, by their names; no folder is ignored silently."""

from pathlib import Path
from typing import NamedTuple

from minigooglenet.data import listing, names

TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation", "dev")
TEST = ("test", "testing", "eval", "evaluation")


class Layout(NamedTuple):
    """The folders that contain the class folders of a data set.

    train : folder for training
    held_out : held-out folder, or None if a fraction of `train` is held out
    notes : sentences about folders that are not used
    missed : whether one of those folders was meant for testing, and a fraction of `train` is held out instead
    """

    train: Path
    held_out: Path | None
    notes: tuple[str, ...]
    missed: bool


def find(folder, held_out=None) -> Layout:
    """Return the layout of a folder: `train` next to a held-out folder, or only class folders.

    `held_out` is the name of the held-out folder; without it, the names in VALIDATION and TEST decide.

    Raises
    ------
    ValueError
        If two folders have names for the same part, or a folder that is meant for testing cannot be used.
    """
    folder = Path(folder)
    inside = listing.subfolders(folder)
    training = [name for name in inside if name.casefold() in TRAIN and listing.subfolders(folder / name)]
    if held_out is not None:
        return _chosen(folder, training, held_out)
    if not training:  # without class folders inside, a folder train is a class: images of trains
        return Layout(folder, None, (), False)
    train = folder / _only(folder, training)
    others = [name for name in inside if name not in training]
    validation = _only(folder, [name for name in others if name.casefold() in VALIDATION])
    test = _only(folder, [name for name in others if name.casefold() in TEST])
    notes, missed = [], False
    if validation is not None and not listing.subfolders(folder / validation):
        raise ValueError(_without_classes(folder / validation, train))
    held_out = validation
    if test is not None:
        if not listing.subfolders(folder / test):
            missed = validation is None
            instead = f". A fraction of {train.name} is held out instead." * missed
            notes.append(f"{folder / test} has no class folders, so it is not used{instead}")
        elif validation is None:
            held_out = test
        else:
            other = f"{folder / test} is not used (`evaluate --held-out {test}` evaluates on it)"
            notes.append(f"{folder / validation} is held out; {other}")
    for name in others:
        if name not in (validation, test):
            if held_out is None:
                _check_unknown(folder / name, train)
            notes.append(f"{folder / name} is not used")
    return Layout(train, None if held_out is None else folder / held_out, tuple(notes), missed)


def _chosen(folder, training, held_out):
    train, chosen = _only(folder, training), folder / held_out
    if train is None or not chosen.is_dir() or chosen == folder / train:
        raise ValueError(f"{held_out!r} must be a folder in {folder}, next to a folder train with class folders")
    if not listing.subfolders(chosen):
        raise ValueError(_without_classes(chosen, folder / train))
    return Layout(folder / train, chosen, (), False)


def _only(folder, candidates):
    if len(candidates) > 1:
        raise ValueError(
            f"{folder} has {' and '.join(candidates)}, which are names for the same part of a data set. Merge them, or "
            "move one of them elsewhere."
        )
    return candidates[0] if candidates else None


def _without_classes(folder, train):
    if listing.has_images(folder):
        return (
            f"{folder} has images, but no class folders. Sort the images into one folder per class, as in {train}; "
            "a file of labels is not read."
        )
    return f"{folder} has no class folders. Add one folder per class, named as in {train}, or remove {folder.name}."


def _check_unknown(folder, train):
    """Raise an error if a folder has images in class folders named as in `train`: it was meant for testing."""
    classes = {names.same(name).casefold() for name in listing.subfolders(train)}
    for name in listing.subfolders(folder):
        if names.same(name).casefold() in classes and listing.has_images(folder / name):
            raise ValueError(
                f"{folder} has images of the class {name!r}, as {train} does, but its name does not show its purpose. "
                f"Rename it to val or test, pass held_out={folder.name!r} to hold it out, or move it elsewhere."
            )
