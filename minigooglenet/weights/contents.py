"""The contents of a weights file, and the limits for untrusted files.

Sizes, shapes, names and values of every format are checked here before any memory is allocated for them.
"""

import contextlib
import functools
import hashlib
import math
import os
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigooglenet import console, files
from minigooglenet.data.pixels import Pixels
from minigooglenet.data.seen import SeenImages

MOST_BYTES = 2 * 1024**3  # of a file, and of its unpacked contents
# Trained weights compress by a tenth. A file that unpacks to far more than its size is a decompression bomb.
MOST_GROWTH = 20
HARMLESS = 16 * 1024**2  # bytes to which any file may unpack
MOST_HEADER = 2 * 1024**2  # of a safetensors file; GoogLeNet has 25,024
MOST_TEXT = 200  # characters of a name
MOST_NUMBER = 2**31  # of an argument of a model
VARIANCE = "running_var"  # its name in batch norm
MOST_SHOWN = 60  # characters of a value in a message
DTYPES = tuple(map(np.dtype, ("float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64")))

# Exceptions that libraries raise for an invalid file.
BROKEN = (
    ValueError,
    TypeError,
    ArithmeticError,
    OSError,
    EOFError,
    MemoryError,
    RuntimeError,  # such as recursion, encryption and unsupported compression
    zlib.error,
    zipfile.BadZipFile,
)

MOST_REASON = 600  # characters, because a name in a file can have a megabyte
ESCAPE = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"
)  # terminal colours, which names in files and library errors may contain
CHECKPOINT_STATE = "trainer/state"  # the array that identifies a training checkpoint
NOT_VERIFIED = "not verified"  # note: why the values have no checksums
CLASSES = "classes"  # note: whose classes the outputs are, if the file does not contain their names
IMAGENET = "those of ImageNet (ILSVRC 2012)"
PIXELS_ASSUMED = "pixels assumed"  # note: the assumption behind `pixels`
PIXELS_UNKNOWN = "pixels unknown"  # note: why `pixels` is None


class WeightsError(ValueError):
    """A file that cannot be used as weights. The message is "cannot read PATH as weights: " and the reason.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> try:
    ...     mg.weights.read("setup.cfg.missing")
    ... except mg.weights.WeightsError as error:
    ...     print(error)
    cannot read setup.cfg.missing as weights: no such file or directory
    """


class UnknownPixelsWarning(UserWarning):
    """A weights file does not record how images become inputs, and training scripts differ in it.

    `load` issues it; its argument `pixels` chooses a rule instead.

    Examples
    --------
    >>> import warnings
    >>> import minigooglenet as mg
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", mg.weights.UnknownPixelsWarning)
    ...     warnings.warn("pass pixels=", mg.weights.UnknownPixelsWarning)
    >>> len(caught)
    1
    """


def cannot_read(path, reason) -> WeightsError:
    """Return the error for a file that cannot be used, with the reason."""
    text = ESCAPE.sub("", str(reason))[:MOST_REASON]
    text = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
    return WeightsError(f"cannot read {path} as weights: {text}")


@dataclass
class Contents:
    """The contents of a weights file: arrays named as in `graph.params` and `graph.buffers`, and metadata.

    Attributes
    ----------
    arrays : {"node/weight": array}, parameters and buffers together
    model, arguments : arguments of `models.build` that make the network, if the file records them
    pixels : how images become inputs
    classes : names of the outputs
    notes : {name: line of text}, further information
    architecture : the graph as `weights.architecture` describes it, if the file stores it
    training_images : record of the images that the network was trained on

    Examples
    --------
    >>> import minigooglenet as mg
    >>> import numpy as np
    >>> contents = mg.weights.Contents({"fc/bias": np.zeros(2)}, classes=("cat", "dog"))
    >>> sorted(contents.arrays), contents.classes
    (['fc/bias'], ('cat', 'dog'))
    """

    arrays: dict[str, np.ndarray]
    model: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    pixels: Pixels | None = None
    classes: tuple[str, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)
    architecture: dict[str, Any] | None = None
    training_images: SeenImages | None = None

    __repr__ = console.brief


class WeightsReader:
    """The reader of one open weights file, with one subclass per file format; `detect.opened` yields it.

    FORMAT : name of the format, in messages
    declared : Contents as the file declares them, with placeholders for arrays whose values are read later
    arrays() : {name: array} with values, each checked as far as the format allows
    arrays_for(graph) : the same for one network, in formats whose names or shapes depend on it; else None
    """

    FORMAT = ""
    declared: Contents
    arrays_for: Any = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return {name: array} with values."""
        raise NotImplementedError

    @functools.cached_property
    def _arrays(self):
        return self.arrays()

    def array(self, name: str) -> np.ndarray:
        """Return one array with values. A format that can read one array alone overrides this."""
        return self._arrays[name]

    def read(self) -> Contents:
        """Return the contents of the file."""
        contents = self.declared
        contents.arrays = self.arrays()
        return contents


@contextlib.contextmanager
def open_file(path):
    """Open the regular file at `path` for reading; errors inside the block become WeightsErrors about it."""
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
                raise ValueError("the file is empty. Was the disk full when it was written?")
            if size > MOST_BYTES:
                raise ValueError(f"it has {size:,} bytes, more than {MOST_BYTES:,}")
            yield file


def size_of(file) -> int:
    """Return the size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def most_unpacked(size: int) -> int:
    """Return the number of bytes to which a file of `size` bytes may unpack."""
    return min(MOST_BYTES, max(HARMLESS, MOST_GROWTH * size))


def digest_of(file, algorithm: str) -> str:
    """Return the hexadecimal digest of an open file."""
    file.seek(0)
    return hashlib.file_digest(file, algorithm).hexdigest()


@contextlib.contextmanager
def reading(path):
    """Turn errors inside the block into WeightsErrors about the file at `path`."""
    try:
        yield
    except WeightsError:
        raise
    except BROKEN as error:
        raise cannot_read(path, error or type(error).__name__) from error


def check_text(value, what: str) -> str:
    """Return `value`, after checking that it is a short line of text."""
    if isinstance(value, str) and len(value) > MOST_TEXT:
        raise ValueError(f"{what} has {len(value):,} characters, more than {MOST_TEXT}")
    return check_line(value, what)


def check_line(value, what: str) -> str:
    """Return `value`, after checking that it is one line of printable text, of any length."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be text, got {some(value)}")
    if not value.isprintable():
        raise ValueError(f"{what} must be a line of printable text, got {some(value)}")
    return value


def some(value) -> str:
    """Return the beginning of the repr of a value for a message."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def check_contents(contents: Contents) -> Contents:
    """Return `contents`, after checking that a file may contain its model, arguments, classes and notes."""
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
    """Raise a ValueError if an array contains NaN or infinity, or is a running variance with values below 0."""
    if array.dtype.kind != "f" or not array.size:
        return
    if not np.isfinite(array.min()) or not np.isfinite(array.max()):
        count = array.size - np.count_nonzero(np.isfinite(array))
        raise ValueError(f"in {some(name)}, {count:,} of {array.size:,} values are not finite")
    if name.replace(".", "/").rpartition("/")[2] == VARIANCE and (least := array.min()) < 0:
        count = np.count_nonzero(array < 0)
        raise ValueError(
            f"in {some(name)}, {count:,} of {array.size:,} values are below 0 (minimum {least:g}), but a variance is "
            "never negative"
        )


def single(name, array) -> np.ndarray:
    """Return a copy of an array in single precision, after checking that all its values are finite."""
    with np.errstate(over="ignore"):  # values too large for float32 raise an error below
        array = np.array(array, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} contains values that are not finite")
    check_values(name, array)
    return array


def placeholder(name: str, shape, dtype: np.dtype) -> np.ndarray:
    """Return a read-only array of this shape and dtype that takes no memory."""
    if dtype not in DTYPES:
        raise TypeError(f"array {name!r} has dtype {dtype}; only integers and floats of 16, 32 or 64 bits can be read")
    if math.prod(shape) * dtype.itemsize > MOST_BYTES:
        raise ValueError(f"array {name!r} declares the shape {tuple(shape)}, more than {MOST_BYTES:,} bytes")
    try:
        return np.broadcast_to(np.zeros((), dtype), tuple(shape))
    except ValueError as error:
        raise ValueError(f"array {name!r} declares a shape that NumPy rejects: {error}") from error


def array_name(name) -> str:
    """Return the name of an array in a file, after checking that it is printable and not a path to another folder."""
    parts = check_line(name, "the name of an array").replace("\\", "/").split("/")
    if parts[0] == "" or ".." in parts:
        raise ValueError(f"{some(name)} is not a valid array name")
    return name
