"""Errors of a worker, as plain values that another process can raise again."""

import builtins
import traceback
from typing import Any, NamedTuple


class Description(NamedTuple):
    """An error: its built-in class, its arguments and the text of its traceback."""

    kind: str
    arguments: list[Any]
    trace: str


def described(error: BaseException) -> Description:
    """Return the Description of an error, with the nearest built-in class."""
    kind = next(one.__name__ for one in type(error).__mro__ if getattr(builtins, one.__name__, None) is one)
    arguments: list[Any] = [str(error)]
    if isinstance(error, OSError) and error.errno is not None:
        arguments = [error.errno, error.strerror, error.filename and str(error.filename)]
    return Description(kind, arguments, "".join(traceback.format_exception(error)))


def from_description(rank: int, content: list[Any]) -> BaseException:
    """Return the error of a worker, with its number in the message; a developer sees the original traceback too."""
    kind, arguments, trace = Description(*content)
    if kind == "KeyboardInterrupt":
        return KeyboardInterrupt()
    text = 0 if len(arguments) == 1 else 1
    arguments = [*arguments[:text], f"worker {rank}: {arguments[text]}", *arguments[text + 1 :]]
    error: BaseException = getattr(builtins, kind)(*arguments)
    error.add_note(trace)
    return error
