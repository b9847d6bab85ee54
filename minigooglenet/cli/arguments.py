"""Kinds of arguments that several commands take."""

import argparse
import os
import warnings
from pathlib import Path

from minigooglenet import console, files, weights
from minigooglenet.course import course_file
from minigooglenet.data.formats import is_image_name
from minigooglenet.data.pixel_names import FORM, NAMED, pixels_of
from minigooglenet.evaluation.prediction import check_form
from minigooglenet.exercises.find import FOLDERS, add_folder
from minigooglenet.weights.contents import PIXELS_ASSUMED

NO_TABLE = (".safetensors", ".npz", ".caffemodel", ".pth", ".pt", ".onnx", ".ipynb", ".py", ".zip")


def seed(text: str) -> int:
    """Return a seed: a whole number of at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a seed is a whole number of at least 0, got {text!r}")
    return int(text)


def whole(text: str) -> int:
    """Return a whole number of at least 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Return a length of time above 0."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, got {text!r}")
    return found


def output(*paths):
    """Return the console for a command that writes to `paths`, each a file's path, "-" for standard output, or None.

    If a path is "-", standard output is only for it, and people read the rest on standard error.

    Raises
    ------
    ValueError
        If two of them are "-", or one is named like an image, weights, a notebook or a program.
    OSError
        If a file could not be written there. It is raised before the work whose result it would hold.
    """
    given = [path for path in paths if path]
    if given.count(files.STDOUT) > 1:
        raise ValueError("only one of the outputs can go to standard output (-)")
    for path in given:
        if is_image_name(str(path)) or Path(path).suffix.lower() in NO_TABLE:
            raise ValueError(f"{path} would be overwritten with CSV or JSON: name a .csv or .json file, or -")
        check_folder(path)
    return console.stderr() if files.STDOUT in given else console.stdout()


def written(out, path) -> None:
    """Print the path of a file that was written."""
    if path != files.STDOUT:
        out.print(f"written: {path}", markup=False, soft_wrap=True)


def check_folder(path) -> None:
    """Raise an OSError unless a file can be written at `path`, or `path` is "-"."""
    if path == files.STDOUT:
        return
    folder = Path(os.path.realpath(path)).parent  # Path.resolve raises a RuntimeError for a link to itself
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {folder}")
    if Path(path).is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; name a file in it")


def add_pixels(parser) -> None:
    """Add --pixels, for weights that do not say how images become inputs, or say it wrongly."""
    parser.add_argument(
        "--pixels",
        type=pixels,
        metavar="RULE",
        help=f"how images become inputs, instead of what the weights say: {', '.join(NAMED)}, or {FORM}",
    )


def pixels(text: str):
    """Return the Pixels that a text names."""
    try:
        return pixels_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def load_weights(path, pixels, out):
    """Return the classifier of images that `weights.load` does; print what is assumed.

    Raises
    ------
    ValueError
        If the network does not classify images, or `pixels` is None and training scripts of this kind differ in how
        images become inputs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", weights.UnknownPixelsWarning)
        try:
            loaded = weights.load(path, pixels=pixels)
        except weights.UnknownPixelsWarning as warning:
            raise ValueError(str(warning)) from warning
    graph = loaded.graph
    try:
        check_form(next(iter(graph.inputs.values())), graph.shapes[graph.main])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if pixels is None and PIXELS_ASSUMED in loaded.notes:
        out.print(f"{path}: {PIXELS_ASSUMED} {loaded.notes[PIXELS_ASSUMED]}", markup=False, soft_wrap=True)
    return loaded


def add_lessons(parser) -> None:
    """Add --lesson, which can be repeated."""
    parser.add_argument("--lesson", metavar="NN", action="append", help="one lesson; can be repeated (default: all)")


def add_exercises(parser) -> None:
    """Add --exercises, for exercises of a course's own."""
    parser.add_argument(
        "--exercises", metavar="DIR", help="folder of your own exercises (see `minigooglenet exercise`)"
    )


def use_course(options):
    """Add a course's own exercises, and return the plan that its course file contains, None without one.

    options : with `course`, and with `exercises`, which becomes the folder that the course file names by default
    """
    if options.course and options.exercises is None:
        options.exercises = course_file.own_exercises(options.course)
    use_exercises(options.exercises)
    return course_file.read(options.course) if options.course else None


def use_exercises(folder) -> None:
    """Add a folder of exercises, here and in every process that this one starts."""
    if folder is not None:
        add_folder(folder)
        others = [each for each in os.environ.get(FOLDERS, "").split(os.pathsep) if each]
        os.environ[FOLDERS] = os.pathsep.join(dict.fromkeys([*others, str(Path(folder).resolve())]))
