"""The explanation of an unknown wrong number: a fault of the formula, or a relation to the right number.

The explanation holds for the values drawn for this student: a formula with that fault gives this number, or the factor
between the two numbers has that value. If more than two faults give the number, none is shown.
"""

import functools
import inspect
import itertools
import math
from typing import Any

import numpy as np

from minigooglenet.exercises.mutants import Mutant, argument_mutants_of, run
from minigooglenet.exercises.source_mutants import source_mutants

MOST = 2  # explanations of one number
NEAR = 1e-4  # fraction by which a number may be rounded: less than a tolerance, which chance often meets
FACTORS = {
    -1: "the right number with the wrong sign",
    2: "twice the right number",
    0.5: "half of the right number",
    100: "100 times the right number: a percentage instead of a fraction?",
    0.01: "the right number divided by 100: a fraction instead of a percentage?",
    **{10.0**n: f"{10**n:,} times the right number: check the unit" for n in (3, 6, 9)},
    **{10.0**-n: f"the right number divided by {10**n:,}: check the unit" for n in (3, 6, 9)},
    2.0**20: "2**20 times the right number: check the unit",
    2.0**-20: "the right number divided by 2**20: check the unit",
}
FUNCTIONS = {
    "1 over the right number: numerator and denominator exchanged?": lambda right: 1 / right,
    "1 minus the right number: the fraction of the other part?": lambda right: 1 - right,
    "the right number minus 1": lambda right: right - 1,
    "the right number plus 1": lambda right: right + 1,
    "the square of the right number": lambda right: right**2,
    "the square root of the right number": lambda right: abs(right) ** 0.5,
}


def described(question, given, student) -> str:
    """Return an explanation of a student's wrong number, or an empty string."""
    values, right, _ = question.drawn(student)
    if question.tolerance == 0 and isinstance(right, int) and not given.is_integer():
        return "The answer is an integer, because it is a count."
    faults = _some(words for words, output in question.faulty(student) if _gives(question, given, output))
    if 0 < len(faults) <= MOST:
        if len(faults) > 1:
            faults = [fault.partition(": is ")[0] for fault in faults]  # without questions inside of the sentence
        text = "; or ".join(faults).replace(" in every case", "").replace(" everywhere", "")
        return _sentence(f"A formula with this fault gives your number: {text}")
    relations = [] if faults else _some(_related(question, given, float(right), values))
    return _sentence(f"It is {', or '.join(relations)}") if 0 < len(relations) <= MOST else ""


def _sentence(text):
    return text if text.endswith("?") else f"{text}."


def _some(texts):
    """Return the first different texts, at most one more than are shown."""
    different = {}
    for text in texts:
        different[text] = None
        if len(different) > MOST:
            break
    return list(different)


def faulty_outputs(question, values) -> list[tuple[str, Any]]:
    """Return (words, output) of each fault of the solution for these values."""
    positional = _positional(question.solution_function, list(values))
    kinds = {name: type(value).__name__ for name, value in values.items()}
    of_arguments = argument_mutants_of(positional, [[value] for value in values.values()])
    of_source = itertools.starmap(Mutant, source_mutants([question.solution_function], kinds))
    outputs = [(fault.words, run(fault.function, list(values.values()))) for fault in of_arguments]
    return outputs + [(fault.words, run(functools.partial(fault.function, **values), [])) for fault in of_source]


def _positional(function, names):
    """Return a function of keyword arguments as a function of positional arguments with these names."""

    def answer(*arguments):
        return function(**dict(zip(names, arguments, strict=True)))

    kind = inspect.Parameter.POSITIONAL_ONLY
    answer.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return answer


def _gives(question, given, output):
    number = isinstance(output, (int, float, np.number)) and not isinstance(output, bool)
    return bool(number) and question.right(given, output) and math.isclose(given, output, rel_tol=NEAR)


def _related(question, given, right, values):
    """Yield in words each relation of a number to the right number."""
    for factor, words in FACTORS.items():
        if _gives(question, given, factor * right):
            yield words
    for words, function in FUNCTIONS.items() if right else ():
        if _gives(question, given, function(right)):
            yield words
    for name, value in values.items():
        if isinstance(value, (int, float)) and value > 2:
            for text, factor in ((name, value), (f"{name} * {name}", value * value)):
                if _gives(question, given, right * factor):
                    yield f"the right number times {text}"
                if _gives(question, given, right / factor):
                    yield f"the right number divided by {text}"
