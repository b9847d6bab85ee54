"""Does a check see every fault? Faulty answers made by machine, and those that a check passes wrongly.

    survivors(exercise)  # [] if the test cases reveal every fault

A mutant is the right answer with one fault: an argument frozen, changed or exchanged with another one, or a term,
limit, comparison or statement of the source changed (see `source_mutants`). A mutant that returns what the right
answers return for many other inputs has no fault and is left out. Inputs count if all right answers agree on them.
"""

import copy
import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from minigooglenet.exercises.outputs import Raised, round_off, same, size
from minigooglenet.exercises.plain import kind_of, plain
from minigooglenet.exercises.source_mutants import source_mutants

SEEDS = range(1, 13)  # of the inputs that tell a mutant from a right answer
ENOUGH = 60  # such inputs
USUAL = (0, 1, 2)  # values that an argument is frozen at, besides those of the test cases


class Mutant(NamedTuple):
    """A right answer with one fault.

    name : "stride: always 1";  words : what it looks like, for the student who made that fault;  function : the answer
    """

    name: str
    words: str
    function: Callable


class Survivor(NamedTuple):
    """A mutant that a check passes, and arguments that would reveal it: a test case to add."""

    name: str
    words: str
    function: Callable
    arguments: tuple


def mutants(exercise) -> Iterator[Mutant]:
    """Yield the mutants of an exercise's right answers, in order of their plausibility."""
    yield from argument_mutants(exercise)
    yield from output_mutants(exercise)
    yield from itertools.starmap(Mutant, source_mutants(_rights(exercise), _kinds(exercise)))


def _kinds(exercise):
    """Return {name: kind} of the arguments; only those of one kind may be confused."""
    called = names(exercise)
    return dict.fromkeys(called) | {
        name: _kind(value) for name, value in zip(called, calls_of(exercise)[0], strict=False)
    }


def _kind(value):
    if isinstance(value, (bool, np.bool_)):
        return "flag"
    if isinstance(value, (int, float, np.number)):
        return "number"
    return "list" if isinstance(value, (list, tuple)) else kind_of(value)


def _rights(exercise):
    return [exercise.reference_function, *exercise.rights]


def survivors(exercise, found=None) -> list[Survivor]:
    """Return the mutants that the check does not tell from a right answer, although other arguments would.

    found : the mutants, if not all of them
    """
    passes = _judged if exercise.judge_function else _compared
    passed = passes(exercise, mutants(exercise) if found is None else found)
    wrong = []
    for arguments, output in other_inputs(exercise) if passed else ():
        near = round_off(arguments)
        alike = [_agree(exercise, run(mutant.function, arguments), output, near) for mutant in passed]
        wrong += [Survivor(*mutant, arguments) for mutant, equal in zip(passed, alike, strict=True) if not equal]
        passed = [mutant for mutant, equal in zip(passed, alike, strict=True) if equal]
    return wrong


def _compared(exercise, found):
    """Return the mutants whose outputs are right in all test cases."""
    calls = sorted(exercise.arguments, key=size)
    expected = [run(exercise.reference_function, arguments) for arguments in calls]
    least = [round_off(arguments) for arguments in calls]
    outputs = ((mutant, (run(mutant.function, arguments) for arguments in calls)) for mutant in found)
    return [mutant for mutant, own in outputs if all(map(_agree, itertools.repeat(exercise), own, expected, least))]


def _judged(exercise, found):
    """Return the mutants that the exercise's own judge accepts."""
    return [mutant for mutant in found if _verdict(exercise, mutant.function)]


def _verdict(exercise, function):
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return exercise.judge_function(function).passed
    except Exception:
        return False


def calls_of(exercise) -> list[tuple]:
    """Return the arguments of all calls of a check; those of a judge by watching it."""
    if exercise.cases_function:
        return exercise.arguments
    calls = []

    def watched(*arguments):
        calls.append(copy.deepcopy(arguments))
        return exercise.reference_function(*arguments)

    exercise.judge_function(watched)
    return calls


def _agree(exercise, output, expected, least):
    return same(output, expected, exercise.tolerance, least)


def run(function, arguments):
    """Return function(*copies of the arguments) as plain data, or Raised. For functions that come to an end."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plain(function(*copy.deepcopy(arguments)))
    except Exception as error:
        return Raised(error)


def names(exercise) -> list[str]:
    """Return the names of the arguments of an exercise's function."""
    return list(inspect.signature(exercise.reference_function).parameters)


# Other inputs


def other_inputs(exercise) -> Iterator[tuple]:
    """Yield (arguments, output) of inputs unlike the test cases, about which all right answers agree."""
    rights = _rights(exercise)
    least = [min(values) if _numbers(values) else None for values in zip(*calls_of(exercise), strict=True)]
    found = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for case in exercise.drawn(seed) if exercise.cases_function else calls_of(exercise):
            for arguments in (case, *_varied(case, least, rng)):
                outputs = [run(right, arguments) for right in rights]
                near = round_off(arguments)
                if not isinstance(outputs[0], Raised) and all(_agree(exercise, o, outputs[0], near) for o in outputs):
                    yield arguments, outputs[0]
                    found += 1
        if found > ENOUGH:
            return


def _numbers(values):
    return all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values)


def _varied(case, least, rng):
    """Yield a case with one argument changed, no number below the least, or all sizes of one value one smaller."""
    for place, value in enumerate(case):
        other = _other(value, rng)
        if other is not None and (least[place] is None or other >= least[place]):
            yield (*case[:place], other, *case[place + 1 :])
    for n in sorted({n for value in case if isinstance(value, np.ndarray) for n in value.shape if n > 1}):
        yield tuple(_smaller(value, n) for value in case)


def _other(value, rng):
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, (int, np.integer)):
        return value + int(rng.choice([-2, -1, 1, 2]))
    values = _floats(value)
    if not values:
        return None
    old = np.unique([0.0, *values])  # which keep their order, so that boxes stay boxes
    steps = np.diff(old) * (rng.uniform(0.5, 1.5, len(old) - 1) if rng.random() < 0.5 else _halves(rng, len(old) - 1))
    new = np.concatenate([[0.0], np.cumsum(steps)])
    return _mapped(value, dict(zip(old.tolist(), (new - new[old == 0]).tolist(), strict=True)))


def _halves(rng, count):
    """Return factors that often make two differences of values equal, or one half of the other."""
    return rng.choice([0.5, 1.0, 2.0], count)


def _floats(value):
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype.kind == "f" else []
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in _floats(item)]
    return [float(value)] if isinstance(value, (float, np.floating)) else []


def _mapped(value, new):
    """Return a value with every float in it replaced."""
    if isinstance(value, np.ndarray):
        return np.vectorize(new.get, otypes=[float])(value) if value.dtype.kind == "f" else value
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(item, new) for item in value)
    return new[float(value)] if isinstance(value, (float, np.floating)) else value


def _smaller(value, count):
    """Return an array, or a shape, without the last of every axis with so many values."""
    if isinstance(value, np.ndarray):
        return value[tuple(slice(-1) if n == count else slice(None) for n in value.shape)]
    if isinstance(value, tuple) and all(isinstance(n, int) for n in value):
        return tuple(n - (n == count) for n in value)
    return value


# What comes back, changed

OUTPUTS = {
    "cut to whole numbers": ("the right values without their fractions: an array of integers?", np.trunc),
    "the first for all": ("the first along axis 0 at every place of it", lambda v: np.repeat(v[:1], len(v), axis=0)),
    "the last for all": ("the last along axis 0 at every place of it", lambda v: np.repeat(v[-1:], len(v), axis=0)),
}


def output_mutants(exercise) -> Iterator[Mutant]:
    """Yield the reference solution with what it returns changed."""
    for name, (words, change) in OUTPUTS.items():
        yield Mutant(f"output: {name}", words, _returning(exercise.reference_function, change))


def _returning(function, change):
    def answer(*arguments):
        return _each(function(*arguments), change)

    return answer


def _each(value, change):
    """Return an output with every array of numbers in it changed, and every fraction where a single one can be."""
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind == "f":
        return change(value)
    if isinstance(value, (float, np.floating)) and change is np.trunc:
        return np.trunc(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_each(item, change) for item in value)
    return {key: _each(item, change) for key, item in value.items()} if isinstance(value, dict) else value


# Arguments that are frozen, changed or exchanged


def argument_mutants(exercise) -> Iterator[Mutant]:
    """Yield the reference solution with one argument frozen, changed or exchanged."""
    columns = list(zip(*calls_of(exercise), strict=True))
    yield from argument_mutants_of(exercise.reference_function, columns)


def argument_mutants_of(function, columns) -> Iterator[Mutant]:
    """Yield a function with one argument frozen, changed or exchanged.

    columns : the values of each argument in the calls
    """
    parameters = inspect.signature(function).parameters.values()
    called = [parameter.name for parameter in parameters]
    for place, (parameter, values) in enumerate(zip(parameters, columns, strict=False)):
        for what, words, change in _changes(values, parameter.default):
            yield Mutant(f"{called[place]}: {what}", words.format(called[place]), _changed(function, place, change))
    yield from _shortened(function, columns)
    for first, second in itertools.combinations(range(len(columns)), 2):
        if not _like(columns[first], columns[second]):
            continue
        a, b = called[first], called[second]
        yield Mutant(f"{a} and {b} exchanged", f"{a} and {b} exchanged", _exchanged(function, first, second))
        for one, other in ((first, second), (second, first)):
            if not isinstance(columns[one][0], np.ndarray):
                what = f"{called[other]} used for {called[one]} too"
                yield Mutant(what, f"{what}: is {called[one]} ever read?", _instead(function, one, other))


def _shortened(function, columns):
    """Yield a function whose arrays of one length all lose what follows the first along axis 0, or the last."""
    arrays = [place for place, values in enumerate(columns) if isinstance(values[0], np.ndarray) and values[0].ndim]
    if len(arrays) < 2 or any(len({len(columns[place][at]) for place in arrays}) > 1 for at in range(len(columns[0]))):
        return
    for name, part in (("the first alone", slice(1)), ("without the last", slice(-1))):
        words = f"only part of the data is read along axis 0: {name}"
        yield Mutant(f"all arrays: {name}", words, _cut(function, arrays, part))


def _cut(function, places, part):
    def answer(*arguments):
        return function(*(value[part] if place in places else value for place, value in enumerate(arguments)))

    return answer


def _like(one, other):
    """Return whether two arguments are alike enough to be confused."""
    if callable(one[0]):
        return False
    arrays = [isinstance(values[0], np.ndarray) for values in (one, other)]
    if any(arrays):
        return all(arrays) and any(a.shape == b.shape for a, b in zip(one, other, strict=True))
    return kind_of(one[0]) == kind_of(other[0]) and type(one[0]).__module__ == "builtins"


def _changed(function, place, change):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[place] = change(arguments[place])
        return function(*arguments)

    return answer


def _exchanged(function, first, second):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[first], arguments[second] = arguments[second], arguments[first]
        return function(*arguments)

    return answer


def _instead(function, place, other):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[place] = arguments[other]
        return function(*arguments)

    return answer


def _always(value):
    def change(given):
        if isinstance(value, np.ndarray) and np.shape(given) != value.shape:
            raise ValueError("another shape")  # compiled code checks no bounds
        return copy.deepcopy(value)

    return change


NUMBERS = {
    "plus 1": ("{0} + 1 in place of {0}: counted from 0 or from 1?", lambda value: value + 1),
    "minus 1": ("{0} - 1 in place of {0}: counted from 0 or from 1?", lambda value: value - 1),
    "twice": ("{0} counted twice", lambda value: 2 * value),
    "half": ("half of {0} in place of {0}", lambda value: type(value)(value / 2)),
    "squared": ("the square of {0} in place of {0}", lambda value: value * value),
    "negative": ("-{0} in place of {0}", lambda value: -value),
}
FRACTIONS = {
    "1 minus it": ("1 - {0} in place of {0}", lambda value: 1 - value),
    "1 over it": ("1 / {0} in place of {0}", lambda value: 1 / value if value else value),
    "its root": ("the square root of {0} in place of {0}", lambda value: abs(value) ** 0.5),
}


def _read_as(axes):
    """Return a change that reads an array's numbers in another order: a reshape where axes should be exchanged."""
    return lambda value: np.ascontiguousarray(np.transpose(value, axes)).reshape(value.shape)


def _rotated_axes(axes):
    """Yield (what, words, change) that read an array as if its axes were stored in another order."""
    for order in {(*range(1, axes), 0), (axes - 1, *range(axes - 1)), (*range(axes - 2), axes - 1, axes - 2)}:
        words = f"{{0}} reshaped where its axes should be exchanged: its numbers are read in the order of axes {order}"
        yield f"read in the order {order}", words, _read_as(order)


ARRAYS = {
    "zeros": ("{0} full of zeros: is {0} ever used?", np.zeros_like),
    "ones": ("{0} full of ones: is {0} ever used?", np.ones_like),
    "negative": ("-{0} in place of {0}: check a sign", lambda value: -value),
    "twice": ("{0} counted twice", lambda value: 2 * value),
    "plus 1": ("{0} + 1 in place of {0}", lambda value: value + 1),
    "minus 1": ("{0} - 1 in place of {0}", lambda value: value - 1),
    "absolute": ("the absolute value of {0} in place of {0}", np.abs),
    "squared": ("the square of {0} in place of {0}", np.square),
    "its first along axis 0": ("{0}[0] for every index of axis 0 of {0}", lambda v: np.repeat(v[:1], len(v), axis=0)),
    "its last along axis 0": ("{0}[-1] for every index of axis 0 of {0}", lambda v: np.repeat(v[-1:], len(v), axis=0)),
}


def _changes(values, default):
    """Yield (what, words, change) for an argument that has these values in the calls."""
    first = values[0]
    if isinstance(first, (bool, np.bool_)):
        yield from (_frozen(value) for value in (True, False))
        yield "the opposite", "the opposite of {0}: check a `not` or a comparison", lambda value: not value
    elif isinstance(first, (int, float, np.integer, np.floating)):
        frozen = {*values, *USUAL, *([] if default in (inspect.Parameter.empty, None) else [default])}
        yield from (_frozen(value) for value in sorted(frozen))
        yield from ((name, *change) for name, change in NUMBERS.items())
        if isinstance(first, (float, np.floating)):
            yield from ((name, *change) for name, change in FRACTIONS.items())
    elif isinstance(first, str):
        yield from (_frozen(value) for value in sorted(set(values)))
    elif isinstance(first, np.ndarray):
        yield "always the first case", "another array in place of {0}", _always(first)
        axes = max(v.ndim for v in values)
        reordered = _rotated_axes(axes) if axes > 1 and all(v.ndim == axes for v in values) else ()
        for name, words, change in (*((n, *c) for n, c in ARRAYS.items()), *_moved(axes), *reordered):
            if not all(np.array_equal(change(value), value) for value in values):
                yield name, words, change
    elif isinstance(first, dict) and any(isinstance(value, np.ndarray) for value in first.values()):
        yield from _changes_of_dict(first)
    else:
        yield "always the first case", "another value in place of {0}", _always(first)
        yield "always the last case", "another value in place of {0}", _always(values[-1])
    if isinstance(first, (list, tuple)) and len(first) > 1:
        yield "in the opposite order", "{0} read from the end", lambda value: type(value)(reversed(value))
        yield "without its last", "{0} without its last part: check where a loop ends", lambda value: value[:-1]
        yield "without its first", "{0} without its first part: check where a loop begins", lambda value: value[1:]


def _changes_of_dict(first):
    """Yield (what, words, change) that fill arrays of a dict with zeros: one, or all with the same last part."""
    arrays = [key for key, value in first.items() if isinstance(value, np.ndarray)]
    groups = {key: [key] for key in arrays}
    for key in arrays:
        if isinstance(key, str) and "/" in key:
            groups.setdefault(f"*/{key.rpartition('/')[2]}", []).append(key)
    for name, keys in groups.items():
        yield f"{name} zeros", f"{{0}}[{name!r}] full of zeros: is it ever used?", _emptied(keys)


def _emptied(keys):
    return lambda value: {key: np.zeros_like(item) if key in keys else item for key, item in value.items()}


def _frozen(value):
    return f"always {value!r}", f"{{0}} = {value!r} in every case: is {{0}} ever used?", _always(value)


def _moved(axes):
    """Yield (what, words, change) that flip and exchange axes of an array."""
    for axis in range(axes):
        yield f"backwards along axis {axis}", f"{{0}} flipped along its axis {axis}", _flip((axis,))
    if axes > 1:
        yield "rotated", "{0} rotated by 180 degrees", _flip((-2, -1))
    for one, other in itertools.combinations(range(axes), 2):
        what = f"axes {one} and {other} exchanged"
        yield what, f"{{0}} with its {what}", _swap(one, other)


def _flip(axes):
    return lambda value: np.flip(value, axes)


def _swap(one, other):
    return lambda value: np.ascontiguousarray(np.swapaxes(value, one, other))
