"""A machine for the pickles in torch files. It builds plain values and calls nothing that a file names.

A pickle is a program for a stack machine. Python's unpickler imports the names in it and calls them, so a pickle can
run any code. This machine knows only the instructions that state dicts need, and its caller lists the permitted names
and the functions of this package that replace them. Everything else is an error.
"""

import io
import itertools
import pickle
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from minigooglenet.weights.contents import MOST_SHOWN

MOST_STEPS = 300_000  # instructions; a state dict needs about 30 per array
MOST_PASSED = 300_000  # values that all calls get; a tensor gets about 15
MOST_BYTES = 64 * 1024**2  # of a pickle, which does not contain the values of tensors

TRUNCATED = "its pickle is truncated or corrupt"

# The instructions by the argument after them. The constants of the same names in `pickle` are their codes.
PLAIN = (
    *("NONE", "NEWTRUE", "NEWFALSE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "FROZENSET"),
    *("MARK", "POP", "POP_MARK", "MEMOIZE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS", "ADDITEMS"),
    *("SETITEM", "SETITEMS", "STACK_GLOBAL", "REDUCE", "NEWOBJ", "NEWOBJ_EX", "BUILD", "BINPERSID", "STOP"),
)
NUMBER = {"BININT": "<i", "BININT1": "<B", "BININT2": "<H", "BINFLOAT": ">d"}
INDEX = {"BINPUT": "<B", "LONG_BINPUT": "<I", "BINGET": "<B", "LONG_BINGET": "<I", "PROTO": "<B", "FRAME": "<Q"}
UNICODE = {"BINUNICODE": "<I", "SHORT_BINUNICODE": "<B", "BINUNICODE8": "<Q"}  # with the struct format of a length
PYTHON_2 = {"SHORT_BINSTRING": "<B", "BINSTRING": "<i"}  # text
BYTES = {"SHORT_BINBYTES": "<B", "BINBYTES": "<I"}
INTEGER = {"LONG1": "<B"}
LINES = ("GLOBAL",)
CODES = {
    getattr(pickle, name): name for name in (*PLAIN, *NUMBER, *INDEX, *UNICODE, *PYTHON_2, *BYTES, *INTEGER, *LINES)
}

LITERALS = {*NUMBER, *UNICODE, *PYTHON_2, *BYTES, *INTEGER}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class NotPermittedError(ValueError):
    """A pickle contains a name that is not permitted."""

    def __init__(self, name):
        super().__init__(f"it contains a Python object, {name[:MOST_SHOWN]}, that could run any code")


class Name(NamedTuple):
    """A permitted name in a pickle, such as torch.FloatStorage, and the function that replaces it, if any."""

    name: str
    function: Callable[..., Any] | None


class Skipped:
    """An object that is not needed, such as the options of a training script. Its contents are dropped."""

    def __init__(self, *arguments):
        pass


def run(file: io.BytesIO, permitted: Mapping[str, Callable[..., Any] | None], storage: Callable[..., Any]) -> Any:
    """Return the value that the pickle at the current position of `file` describes.

    Parameters
    ----------
    file : the pickle in memory, because a length in it may be false
    permitted : {"module.name": function of this package, or None for a name that is never called}
    storage : function that is called with the elements of the tuple that torch writes instead of a storage

    Raises
    ------
    ValueError
        If the pickle is corrupt or too long, or has any other instruction or name: one sentence with the reason.
    """
    machine = _Machine(permitted, storage)
    for step, argument in _steps(file):
        try:
            machine.do(step, argument)
        except (IndexError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its pickle is corrupt: {step} does not fit the values before it") from error
    if len(machine.stack) != 1:
        raise ValueError("its pickle is corrupt: it does not end with one value")
    return machine.stack[0]


def _steps(file) -> Iterator[tuple[str, Any]]:
    """Yield (name, argument) of each instruction."""
    start = file.tell()
    for number in itertools.count():
        if number >= MOST_STEPS or file.tell() - start > MOST_BYTES:
            raise ValueError(
                f"its pickle has {number:,} instructions in {file.tell() - start:,} bytes so far, more than "
                f"{MOST_STEPS:,} or {MOST_BYTES:,}"
            )
        code = _read(file, 1)
        if code not in CODES:
            raise ValueError(f"its pickle has the instruction {code!r}, which a state dict does not need")
        step = CODES[code]
        try:
            argument = _argument(file, step)
        except UnicodeDecodeError as error:
            raise ValueError(TRUNCATED) from error
        yield step, argument
        if step == "STOP":
            return


def _argument(file, step):
    """Return the argument after an instruction, or None."""
    if step in NUMBER or step in INDEX:
        return _number(file, (NUMBER | INDEX)[step])
    if step in UNICODE:
        return _read(file, _number(file, UNICODE[step])).decode("utf-8", "surrogatepass")
    if step in PYTHON_2:
        return _read(file, _number(file, PYTHON_2[step])).decode("latin-1")
    if step in BYTES:
        return _read(file, _number(file, BYTES[step]))
    if step in INTEGER:
        return int.from_bytes(_read(file, _number(file, INTEGER[step])), "little", signed=True)
    if step in LINES:
        return [file.readline().removesuffix(b"\n").decode("utf-8", "replace") for _ in range(2)]
    return None


def _number(file, form):
    return struct.unpack(form, _read(file, struct.calcsize(form)))[0]


def _read(file, count):
    """Return exactly `count` bytes."""
    data = file.read(min(max(0, count), MOST_BYTES))
    if len(data) != count:
        raise ValueError(TRUNCATED)
    return data


class _Machine:
    """The stack and the memo of a running pickle."""

    def __init__(self, permitted, storage):
        self.permitted, self.storage = permitted, storage
        self.stack: list[Any] = []
        self.marks: list[int] = []  # lengths of the stack
        self.memo: dict[int, Any] = {}
        self.passed = 0  # values that calls got

    def do(self, step, argument):
        """Execute one instruction. Those without a case (PROTO, FRAME and STOP) change nothing."""
        push = self.stack.append
        match step:
            case _ if step in LITERALS:
                push(argument)
            case _ if step in CONSTANTS:
                push(CONSTANTS[step])
            case "EMPTY_DICT":
                push({})
            case "EMPTY_LIST":
                push([])
            case "EMPTY_SET":
                push(Skipped())
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self.memo[argument])
            case "MARK":
                self.marks.append(len(self.stack))
            case "TUPLE":
                push(tuple(self.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple(self.take(TUPLES[step])))
            case "SETITEM":
                self.put(self.take(2))
            case "SETITEMS":
                self.put(self.since_mark())
            case "APPEND":
                self.extend(self.take(1))
            case "APPENDS" | "ADDITEMS":
                self.extend(self.since_mark())
            case "FROZENSET":
                push(Skipped(self.since_mark()))
            case "GLOBAL":
                push(self.name(*argument))
            case "STACK_GLOBAL":
                push(self.name(*self.take(2)))
            case "REDUCE" | "NEWOBJ":
                push(self.call(*self.take(2)))
            case "NEWOBJ_EX":
                push(self.call(*self.take(3)[:2]))
            case "BUILD":  # sets attributes, such as the _metadata of a state dict
                self.take(1)
            case "BINPERSID":
                push(self.storage(*self.take(1)[0]))
            case "POP":
                self.take(1)
            case "POP_MARK":
                self.since_mark()

    def take(self, count):
        """Remove and return the last values, which must be after the last mark."""
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < count:
            raise IndexError
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def since_mark(self):
        """Remove and return the values after the last mark."""
        at = self.marks.pop()
        taken = self.stack[at:]
        del self.stack[at:]
        return taken

    def put(self, items):
        """Put keys and values into the last value, a dict."""
        target = self.stack[-1]
        if isinstance(target, Skipped):
            return
        if not isinstance(target, dict) or len(items) % 2:
            raise TypeError
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Only text is hashed. Many integers can have the same hash, and tuples 2**60 elements in a few bytes.
            target[key if isinstance(key, str) else Skipped()] = value

    def extend(self, items):
        """Append to the last value, a list."""
        if not isinstance(self.stack[-1], Skipped):
            self.stack[-1].extend(items)

    def name(self, module, name):
        """Return a permitted Name."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError
        full = f"{module}.{name}".replace("__builtin__.", "builtins.")  # its name in Python 2
        if full not in self.permitted:
            raise NotPermittedError(full)
        return Name(full, self.permitted[full])

    def call(self, name, arguments):
        """Return the result of the function that replaces a Name."""
        if not isinstance(name, Name) or name.function is None or not isinstance(arguments, tuple):
            raise TypeError
        # One long tuple or list can be the argument of any number of calls.
        self.passed += len(arguments) + sum(len(value) for value in arguments if isinstance(value, (list, tuple)))
        if self.passed > MOST_PASSED:
            raise ValueError(f"its pickle passes {self.passed:,} values to functions so far, more than {MOST_PASSED:,}")
        return name.function(*arguments)
