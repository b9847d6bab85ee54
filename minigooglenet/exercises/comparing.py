"""After a pass: the engine's own code beside the student's, and how long each takes."""

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
    """Code and a sentence below it: on a narrow page the code scrolls, and only the sentence is broken into lines."""

    def _repr_html_(self):
        code, _, sentence = self.rpartition("\n\n")
        return f"{console.monospaced(code)}<p>{html.escape(sentence)}</p>"


def compare(number):
    """Return the engine's own code and its time beside the student's, once the exercise has passed."""
    exercise = find(number)
    if exercise.number not in PASSES or exercise.judge_function:
        return Note(f"{number}: compare() opens when the check has passed.")
    mine, theirs = PASSES[exercise.number], exercise.engine_function or exercise.reference_function
    source = _source(theirs, exercise.name)
    seconds = [_seconds(function, exercise.arguments) for function in (mine, exercise.reference_function)]
    factor = seconds[0] / seconds[1] if seconds[1] else float("inf")
    return _Comparison(
        f"{source.rstrip()}\n\nOn the check's cases: yours {1e3 * seconds[0]:.3g} ms, the engine's "
        f"{1e3 * seconds[1]:.3g} ms ({factor:.2g} times). The check rejects {len(exercise.wrongs)} known mistakes."
    )


def _source(function, name):
    """Return the text of a function without the decorators that register it; ours under the name that students use."""
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
