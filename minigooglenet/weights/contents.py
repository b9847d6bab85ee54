"""What a weights file holds, and how much of what it declares is believed.

Whatever the file format, sizes, shapes, names and values are checked here before anything is allocated for them.
"""

import contextlib
import hashlib
import math
import os
import re
import zipfile
import zlib
from dataclasses import dataclass, field

import numpy as np

from minigooglenet import console, files
from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import SeenImages

MOST_BYTES = 2 * 1024**3  # of a file, and of what it unpacks to
MOST_HEADER = 2 * 1024**2  # of a safetensors file; GoogLeNet's has 25,024
MOST_TEXT = 200  # characters of a name
MOST_NUMBER = 2**31  # of an argument
VARIANCE = "running_var"  # batch norm's name of it
MOST_SHOWN = 60  # characters of a value in a message
DTYPES = tuple(map(np.dtype, ("float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64")))

# What libraries raise over a file that is not what they expect.
BROKEN = (
    ValueError,
    TypeError,
    ArithmeticError,
    OSError,
    EOFError,
    MemoryError,
    RuntimeError,  # recursion, encryption and compression that is not implemented among them
    zlib.error,
    zipfile.BadZipFile,
)

MOST_REASON = 600  # characters: a file can have names of a megabyte
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")  # what colours a terminal: a file's or a library's words may hold it
CHECKPOINT_STATE = "trainer/state"  # the array by which a training's checkpoint is known
NOT_VERIFIED = "not verified"  # the note that says why nothing vouches for the values
PIXELS_ASSUMED = "pixels assumed"  # the note that says by what right `pixels` is set
PIXELS_UNKNOWN = "pixels unknown"  # the note that says why


class WeightsError(ValueError):
    """A file that cannot be used as weights, with the reason: "cannot read PATH as weights: ..."."""


class UnknownPixelsWarning(UserWarning):
    """A file of weights does not say how images become inputs, and the network may have been trained either way."""


def cannot_read(path, reason) -> WeightsError:
    """Return the error that says why the file at `path` cannot be used."""
    text = ESCAPE.sub("", str(reason))[:MOST_REASON]
    text = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
    return WeightsError(f"cannot read {path} as weights: {text}")


@dataclass
class Contents:
    """Arrays by the names that `graph.params` and `graph.buffers` have, and what else the file says.

    arrays : {"node/weight": array}, parameters and buffers together
    model, arguments : what `models.build` takes to make the network, where the file says it
    pixels : how images become inputs
    classes : names of the outputs
    notes : further things to know, each a line of text
    architecture : the graph, as `weights.architecture` describes it, where the file holds it
    training_images : record of the images that the network was trained on
    """

    arrays: dict[str, np.ndarray]
    model: str | None = None
    arguments: dict = field(default_factory=dict)
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    architecture: dict | None = None
    training_images: SeenImages | None = None

    __repr__ = console.brief


class WeightsReader:
    """What `detect.opened` yields: the reader of one open weights file, with one subclass for each file format.

    FORMAT : the format's name, for people
    declared : Contents as the file declares them, with placeholders for arrays whose values are read later
    arrays() : {name: array} with their values, each checked as far as the format can be
    arrays_for(graph) : the same for one network, in formats whose names or shapes depend on it; else None
    """

    FORMAT = ""
    arrays_for = None

    def read(self) -> Contents:
        """Return all that the file holds."""
        contents = self.declared
        contents.arrays = self.arrays()
        return contents


@contextlib.contextmanager
def open_file(path):
    """Open the regular file at `path` for reading; whatever goes wrong inside, that file is to blame."""
    with reading(path):
        try:
            file = files.open_regular(path)
        except PermissionError:
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise ValueError(reason if isinstance(error, files.NotAFileError) else reason.lower()) from error
        with file:
            if (size := size_of(file)) == 0:
                raise ValueError("the file is empty; perhaps the disk was full when it was written?")
            if size > MOST_BYTES:
                raise ValueError(f"it has {size:,} bytes, more than {MOST_BYTES:,}")
            yield file


def size_of(file) -> int:
    """Return the size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def digest_of(file, algorithm: str) -> str:
    """Return the hexadecimal digest of a whole open file."""
    file.seek(0)
    return hashlib.file_digest(file, algorithm).hexdigest()


@contextlib.contextmanager
def reading(path):
    """Say of whatever goes wrong inside that the file at `path` is to blame."""
    try:
        yield
    except WeightsError:
        raise
    except BROKEN as error:
        raise cannot_read(path, error or type(error).__name__) from error


def check_text(value, what: str) -> str:
    """Return a short line of text, once it is one."""
    if isinstance(value, str) and len(value) > MOST_TEXT:
        raise ValueError(f"{what} has {len(value):,} characters, more than {MOST_TEXT}")
    return check_line(value, what)


def check_line(value, what: str) -> str:
    """Return a line of printable text of any length, once it is one."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be text, got {some(value)}")
    if not value.isprintable():
        raise ValueError(f"{what} must be a line of printable text, got {some(value)}")
    return value


def some(value) -> str:
    """Return the beginning of a value's repr, for a message."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def check_contents(contents: Contents) -> Contents:
    """Return contents whose model, arguments, classes and notes are what a file may say."""
    if contents.model is not None:
        check_text(contents.model, "the model")
    for name, value in contents.arguments.items():
        check_text(name, "the name of an argument")
        if isinstance(value, str):
            check_text(value, f"argument {name!r}")
        elif value is not None and (not isinstance(value, int | float) or not abs(value) <= MOST_NUMBER):
            raise ValueError(f"argument {name!r} must be text, a number up to {MOST_NUMBER:,} or None, got {value!r}")
    for name in contents.classes or ():
        check_text(name, "the name of a class")
    for name, value in contents.notes.items():
        check_text(value, f"note {check_text(name, 'the name of a note')!r}")
    return contents


def check_values(name: str, array) -> None:
    """Raise a ValueError if an array holds NaN or infinity, or is a batch norm's running variance and below 0."""
    if array.dtype.kind != "f" or not array.size:
        return
    if not np.isfinite(array.min()) or not np.isfinite(array.max()):
        count = array.size - np.count_nonzero(np.isfinite(array))
        raise ValueError(f"{some(name)} holds {count:,} of {array.size:,} values that are not finite")
    if name.replace(".", "/").rpartition("/")[2] == VARIANCE and (least := array.min()) < 0:
        count = np.count_nonzero(array < 0)
        raise ValueError(
            f"{some(name)} holds {count:,} of {array.size:,} values below 0, the least {least:g}, and a variance is "
            "never negative"
        )


def single(name, array) -> np.ndarray:
    """Return an array of its own in single precision, once all its values are finite there."""
    with np.errstate(over="ignore"):  # what a float32 cannot hold is told below
        array = np.array(array, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} holds values that are not finite")
    check_values(name, array)
    return array


def placeholder(name: str, shape, dtype: np.dtype) -> np.ndarray:
    """Return an array of that shape and type that takes no memory and cannot be written to."""
    if dtype not in DTYPES:
        raise TypeError(f"array {name!r} holds {dtype}; floats of 16, 32 or 64 bits can be read, and integers")
    if math.prod(shape) * dtype.itemsize > MOST_BYTES:
        raise ValueError(f"array {name!r} declares the shape {tuple(shape)}, more than {MOST_BYTES:,} bytes")
    try:
        return np.broadcast_to(np.zeros((), dtype), tuple(shape))
    except ValueError as error:
        raise ValueError(f"array {name!r} declares a shape that NumPy cannot make: {error}") from error


def array_name(name) -> str:
    """Return the name of an array as files have it, once it is one: printable, and not a path that leads elsewhere."""
    parts = check_line(name, "the name of an array").replace("\\", "/").split("/")
    if parts[0] == "" or ".." in parts:
        raise ValueError(f"{some(name)} is no name of an array")
    return name
