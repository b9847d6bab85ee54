"""Arguments of several commands, and their parsing."""

import argparse
import os
import warnings
from pathlib import Path

from minigooglenet import console, files, jobs, weights
from minigooglenet.course import course_file
from minigooglenet.data.formats import is_image_name
from minigooglenet.data.pixel_names import FORM, NAMED, pixels_of
from minigooglenet.evaluation.prediction import check_form
from minigooglenet.exercises.find import FOLDERS, add_folder
from minigooglenet.weights.contents import PIXELS_ASSUMED

NO_TABLE = (".safetensors", ".npz", ".caffemodel", ".pth", ".pt", ".onnx", ".ipynb", ".py", ".zip")


def seed(text: str) -> int:
    """Return a seed: an integer of at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, got {text!r}")
    return int(text)


def positive(text: str) -> int:
    """Return an integer of at least 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    return _above_zero(text, "seconds")


def megabytes(text: str) -> float:
    """Return a number of megabytes above 0."""
    return _above_zero(text, "megabytes")


def _above_zero(text, unit):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"must be a number of {unit} above 0, got {text!r}")
    return value


def fraction(text: str) -> float:
    """Return a number in [0, 1]."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number in [0, 1], got {text!r}")
    return value


def part(text: str) -> jobs.Part:
    """Return an element of an array of jobs, such as 3/8."""
    try:
        return jobs.part(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_independent(parser, things) -> None:
    """Add the options of commands that train several `things` independently: --jobs, --restarts, --job and --dask."""
    group = parser.add_argument_group(f"independent {things}")
    add = group.add_argument
    add("--jobs", type=positive, default=1, metavar="N", help=f"number of {things} to train in parallel (default: 1)")
    add(
        "--restarts",
        type=seed,
        default=2,
        metavar="N",
        help="number of times that a crashed process is started again (default: 2)",
    )
    add(
        "--job",
        type=part,
        metavar="i/n",
        help=f"element of an array of jobs, which trains every n-th of the {things} from the i-th (default: all)",
    )
    add("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster that trains them (default: this machine)")


def check_independent(options) -> None:
    """Raise a ValueError if these options contradict one another."""
    if options.dask is not None and options.jobs > 1:
        raise ValueError("--dask runs as many at once as the cluster has threads. Leave out --jobs.")


def image_files(arguments) -> list[Path]:
    """Return the image files, and the images of each folder sorted by name."""
    paths = []
    for path in map(Path, arguments):
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if is_image_name(file.name) and not file.name.startswith(".") and not file.is_dir()
            )
            if not inside:
                raise ValueError(f"folder {path} contains no images")
            paths += inside
        else:
            paths.append(path)
    return list(dict.fromkeys(paths))


def output(*paths):
    """Return the console for a command that writes to `paths`: file paths, "-" for standard output, or None.

    If one path is "-", standard output gets only that file's text, and everything else goes to standard error.

    Raises
    ------
    ValueError
        If two paths are "-", or a path has the suffix of an image, a weights file, a notebook or a program.
    OSError
        If a file cannot be written at a path. It is raised before the work starts.
    """
    given = [path for path in paths if path]
    if given.count(files.STDOUT) > 1:
        raise ValueError("only one of the outputs can go to standard output (-)")
    for path in given:
        if is_image_name(str(path)) or Path(path).suffix.lower() in NO_TABLE:
            raise ValueError(f"{path} would be overwritten with CSV or JSON. Choose a .csv or .json file, or -.")
        files.check_writable(path)
    return console.stderr() if files.STDOUT in given else console.stdout()


def report_written(out, path) -> None:
    """Print the path of a written file."""
    if path != files.STDOUT:
        out.print(f"written: {path}", markup=False, soft_wrap=True)


def add_pixels(parser) -> None:
    """Add --pixels, for weights files that do not record how images become inputs, or record it wrongly."""
    parser.add_argument(
        "--pixels",
        type=pixels,
        metavar="RULE",
        help=f"rule that turns images into inputs, instead of the rule in the file: {', '.join(NAMED)}, or {FORM}",
    )


def pixels(text: str):
    """Return the Pixels for a name or a text form."""
    try:
        return pixels_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def load_weights(path, pixels, out):
    """Return the image classifier that `weights.load` returns; print the assumptions that it makes.

    Raises
    ------
    ValueError
        If the network does not classify images, or if `pixels` is None and the input rule of the weights is unknown.
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
    parser.add_argument(
        "--lesson", metavar="NN", action="append", help="lesson, such as 03; can be repeated (default: all)"
    )


def add_exercises(parser) -> None:
    """Add --exercises for a folder of exercises that are not in the package."""
    parser.add_argument(
        "--exercises", metavar="DIR", help="folder with your own exercises (see `minigooglenet exercise`)"
    )


def use_course(options):
    """Add the exercises of a course, and return the plan in its course file, or None without a course file.

    options : has `course` and `exercises`; if `exercises` is None, it becomes the folder that the course file names
    """
    if options.course and options.exercises is None:
        options.exercises = course_file.own_exercises(options.course)
    use_exercises(options.exercises)
    return course_file.read(options.course) if options.course else None


def use_exercises(folder) -> None:
    """Add a folder of exercises, in this process and in every process that it starts."""
    if folder is not None:
        add_folder(folder)
        folders = [path for path in os.environ.get(FOLDERS, "").split(os.pathsep) if path]
        os.environ[FOLDERS] = os.pathsep.join(dict.fromkeys([*folders, str(Path(folder).resolve())]))
