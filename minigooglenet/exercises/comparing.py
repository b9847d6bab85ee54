"""After a pass: the engine's code for the same exercise, and the time of both."""

from __future__ import annotations

import html
import inspect
import re
import textwrap
import time

from minigooglenet import console
from minigooglenet.exercises.checking import PASSES
from minigooglenet.exercises.find import find
from minigooglenet.exercises.outputs import call
from minigooglenet.exercises.predicting import Note

ROUNDS = 5


class _Comparison(Note):
    """Code with a sentence below it: on a narrow page the code scrolls and only the sentence wraps."""

    def _repr_html_(self):
        code, _, sentence = self.rpartition("\n\n")
        return f"{console.monospaced(code)}<p>{html.escape(sentence)}</p>"


def compare(number: str) -> Note:
    """Return the engine's code for an exercise and its time next to yours, once your answer has passed.

    Parameters
    ----------
    number : exercise ID, such as "03.1"

    Returns
    -------
    Note
        Text, which a notebook shows without quotes.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.exercises.compare("01.3")
    01.3: compare() is available after the check has passed.
    >>> mg.exercises.check("03.1", lambda dout: dout.sum(axis=(0, 2, 3))).passed
    True
    >>> mg.exercises.compare("03.1").splitlines()[0]
    'def conv_db(dout):'
    """
    exercise = find(number)
    if exercise.number not in PASSES or exercise.judge_function:
        return Note(f"{number}: compare() is available after the check has passed.")
    student, engine = PASSES[exercise.number], exercise.engine_function or exercise.reference_function
    source = _source(engine, exercise.name)
    seconds = [_seconds(function, exercise.arguments) for function in (student, exercise.reference_function)]
    factor = seconds[0] / seconds[1] if seconds[1] else float("inf")
    return _Comparison(
        f"{source.rstrip()}\n\nOn the test cases: your code takes {1e3 * seconds[0]:.3g} ms, the engine "
        f"{1e3 * seconds[1]:.3g} ms (ratio {factor:.2g}). The check catches {len(exercise.wrongs)} known mistakes."
    )


def _source(function, name):
    """Return the source of a function without decorators; a reference solution gets the name that students use."""
    try:
        lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    except (OSError, TypeError):
        return "(compiled)"
    start = next((i for i, line in enumerate(lines) if line.startswith("def ")), 0)
    return "\n".join([re.sub(r"^def \w+_(reference|engine)\b", f"def {name}", lines[start]), *lines[start + 1 :]])


def _seconds(function, cases):
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for arguments in cases:
            call(function, arguments)
        times.append(time.perf_counter() - begun)
    return min(times)
