"""Mutation tests of checks: generated faulty answers, and those among them that a check fails to reject.

    survivors(exercise)  # [] if the test cases reveal every fault

A mutant is a right answer with one fault: an argument that is constant, changed or exchanged with a different one, or a
changed term, bound, comparison or statement in the source (see `source_mutants`). A mutant that equals the right
answers on many other inputs is not faulty and does not count. Only inputs on which all right answers agree are used.
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

SEEDS = range(1, 13)  # seeds of the other inputs, which separate mutants from right answers
BLOCKS = 8  # of freed memory that are overwritten: more than a call takes before it makes its output
ENOUGH = 60  # other inputs
USUAL = (0, 1, 2)  # constants that replace an argument, in addition to its values in the test cases


class Mutant(NamedTuple):
    """A right answer with one fault.

    name : "stride: always 1";  words : explanation for a student with this fault;  function : the answer
    """

    name: str
    words: str
    function: Callable


class Survivor(NamedTuple):
    """A mutant that passes a check, and arguments that reveal it: a test case to add."""

    name: str
    words: str
    function: Callable
    arguments: tuple


def mutants(exercise) -> Iterator[Mutant]:
    """Yield the mutants of an exercise's right answers, the most plausible first."""
    yield from argument_mutants(exercise)
    yield from output_mutants(exercise)
    yield from itertools.starmap(Mutant, source_mutants(_rights(exercise), _kinds(exercise)))


def _kinds(exercise):
    """Return {name: kind} of the arguments; only those of one kind may be confused."""
    parameters = names(exercise)
    return dict.fromkeys(parameters) | {
        name: _kind(value) for name, value in zip(parameters, calls_of(exercise)[0], strict=False)
    }


def _kind(value):
    if isinstance(value, (bool, np.bool_)):
        return "flag"
    if isinstance(value, (int, float, np.number)):
        return "number"
    return "list" if isinstance(value, (list, tuple)) else kind_of(value)


def _rights(exercise):
    return [exercise.reference_function, *exercise.rights]


def survivors(exercise, candidates=None) -> list[Survivor]:
    """Return the mutants that pass the check, although their outputs are wrong for other arguments.

    candidates : mutants to check (default: all)
    """
    passes = _judged if exercise.judge_function else _compared
    passed = passes(exercise, mutants(exercise) if candidates is None else candidates)
    wrong = []
    for arguments, output in other_inputs(exercise) if passed else ():
        near = round_off(arguments)
        right = [_agree(exercise, _rerun(mutant, arguments, output), output, near) for mutant in passed]
        wrong += [Survivor(*mutant, arguments) for mutant, ok in zip(passed, right, strict=True) if not ok]
        passed = [mutant for mutant, ok in zip(passed, right, strict=True) if ok]
    return wrong


def _compared(exercise, candidates):
    """Return the mutants whose outputs are right in every test case."""
    calls = sorted(exercise.arguments, key=size)
    expected = [run(exercise.reference_function, arguments) for arguments in calls]
    least = [round_off(arguments) for arguments in calls]

    def outputs(mutant):
        return map(_rerun, itertools.repeat(mutant), calls, expected)

    some = itertools.repeat(exercise)
    return [mutant for mutant in candidates if all(map(_agree, some, outputs(mutant), expected, least))]


def _rerun(mutant, arguments, right):
    """Return the output of a mutant that may not find the `right` one in freed memory.

    A mutant that forgets to fill its array would find the output of the mutant before it, which is often right.
    """
    _overwrite(right)
    return run(mutant.function, arguments)


def _overwrite(value):
    """Overwrite freed memory as large as the arrays of a value."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        [np.full_like(value, 99) for _ in range(BLOCKS)]  # all at a time, so that none has the memory of another
    elif isinstance(value, dict):
        _overwrite(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            _overwrite(item)


def _judged(exercise, candidates):
    """Return the mutants that the exercise's judge accepts."""
    return [mutant for mutant in candidates if _verdict(exercise, mutant.function)]


def _verdict(exercise, function):
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return exercise.judge_function(function).passed
    except Exception:
        return False


def calls_of(exercise) -> list[tuple]:
    """Return the arguments of all calls of a check; the calls of a judge are recorded."""
    if exercise.cases_function:
        return exercise.arguments
    calls = []

    def recording(*arguments):
        calls.append(copy.deepcopy(arguments))
        return exercise.reference_function(*arguments)

    exercise.judge_function(recording)
    return calls


def _agree(exercise, output, expected, least):
    return same(output, expected, exercise.tolerance, least)


def run(function, arguments):
    """Return function(*copies of the arguments) as plain data, or Raised, without a time limit."""
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
    """Yield (arguments, output) for inputs that differ from the test cases and on which all right answers agree."""
    rights = _rights(exercise)
    least = [min(values) if _numbers(values) else None for values in zip(*calls_of(exercise), strict=True)]
    count = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for case in exercise.drawn(seed) if exercise.cases_function else calls_of(exercise):
            for arguments in (case, *_varied(case, least, rng)):
                outputs = [run(right, arguments) for right in rights]
                near = round_off(arguments)
                if not isinstance(outputs[0], Raised) and all(_agree(exercise, o, outputs[0], near) for o in outputs):
                    yield arguments, outputs[0]
                    count += 1
        if count > ENOUGH:
            return


def _numbers(values):
    return all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values)


def _varied(case, least, rng):
    """Yield a test case with one argument changed, no number below `least`, or with all equal sizes smaller by one."""
    for index, value in enumerate(case):
        other = _other(value, rng)
        if other is not None and (least[index] is None or other >= least[index]):
            yield (*case[:index], other, *case[index + 1 :])
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
    old = np.unique([0.0, *values])  # the order of values is kept, so that boxes stay boxes
    steps = np.diff(old) * (rng.uniform(0.5, 1.5, len(old) - 1) if rng.random() < 0.5 else _halves(rng, len(old) - 1))
    new = np.concatenate([[0.0], np.cumsum(steps)])
    return _mapped(value, dict(zip(old.tolist(), (new - new[old == 0]).tolist(), strict=True)))


def _halves(rng, count):
    """Return factors that often make two differences of values equal, or one twice the other."""
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
    """Return an array, or a shape, in which every axis of size `count` is smaller by one."""
    if isinstance(value, np.ndarray):
        return value[tuple(slice(-1) if n == count else slice(None) for n in value.shape)]
    if isinstance(value, tuple) and all(isinstance(n, int) for n in value):
        return tuple(n - (n == count) for n in value)
    return value


# Changed outputs

OUTPUTS = {
    "truncated to integers": ("the right values, truncated: did you fill an array of integers?", np.trunc),
    "the first for all": ("the first along axis 0, repeated for every index", lambda v: np.repeat(v[:1], len(v), 0)),
    "the last for all": ("the last along axis 0, repeated for every index", lambda v: np.repeat(v[-1:], len(v), 0)),
}


def output_mutants(exercise) -> Iterator[Mutant]:
    """Yield the reference solution with a changed output."""
    for name, (words, change) in OUTPUTS.items():
        yield Mutant(f"output: {name}", words, _returning(exercise.reference_function, change))


def _returning(function, change):
    def answer(*arguments):
        return _changed_output(function(*arguments), change)

    return answer


def _changed_output(value, change):
    """Return an output with every float array in it changed, and every float too if the change is a truncation."""
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind == "f":
        return change(value)
    if isinstance(value, (float, np.floating)) and change is np.trunc:
        return np.trunc(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_changed_output(item, change) for item in value)
    if isinstance(value, dict):
        return {key: _changed_output(item, change) for key, item in value.items()}
    return value


# Arguments that are constant, changed or exchanged


def argument_mutants(exercise) -> Iterator[Mutant]:
    """Yield the reference solution with one argument constant, changed or exchanged."""
    columns = list(zip(*calls_of(exercise), strict=True))
    yield from argument_mutants_of(exercise.reference_function, columns)


def argument_mutants_of(function, columns) -> Iterator[Mutant]:
    """Yield a function with one argument constant, changed or exchanged.

    columns : the values of each argument in the calls
    """
    parameters = inspect.signature(function).parameters.values()
    names = [parameter.name for parameter in parameters]
    for index, (parameter, values) in enumerate(zip(parameters, columns, strict=False)):
        for what, words, change in _changes(values, parameter.default):
            yield Mutant(f"{names[index]}: {what}", words.format(names[index]), _changed(function, index, change))
    yield from _shortened(function, columns)
    for first, second in itertools.combinations(range(len(columns)), 2):
        if not _confusable(columns[first], columns[second]):
            continue
        a, b = names[first], names[second]
        yield Mutant(f"{a} and {b} exchanged", f"{a} and {b} exchanged", _exchanged(function, first, second))
        for one, other in ((first, second), (second, first)):
            if not isinstance(columns[one][0], np.ndarray):
                what = f"{names[other]} used instead of {names[one]}"
                yield Mutant(what, f"{what}: is {names[one]} ever used?", _instead(function, one, other))


def _shortened(function, columns):
    """Yield a function that reads only the first, or all but the last, along axis 0 of its arrays of one length."""
    arrays = [index for index, values in enumerate(columns) if isinstance(values[0], np.ndarray) and values[0].ndim]
    if len(arrays) < 2 or any(len({len(columns[i][case]) for i in arrays}) > 1 for case in range(len(columns[0]))):
        return
    for name, part in (("only the first", slice(1)), ("all but the last", slice(-1))):
        words = f"only part of the data is read along axis 0: {name}"
        yield Mutant(f"all arrays: {name}", words, _sliced(function, arrays, part))


def _sliced(function, indices, part):
    def answer(*arguments):
        return function(*(value[part] if index in indices else value for index, value in enumerate(arguments)))

    return answer


def _confusable(one, other):
    """Return whether a student may confuse two arguments: values of one kind, or arrays of one shape."""
    if callable(one[0]):
        return False
    arrays = [isinstance(values[0], np.ndarray) for values in (one, other)]
    if any(arrays):
        return all(arrays) and any(a.shape == b.shape for a, b in zip(one, other, strict=True))
    return kind_of(one[0]) == kind_of(other[0]) and type(one[0]).__module__ == "builtins"


def _changed(function, index, change):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[index] = change(arguments[index])
        return function(*arguments)

    return answer


def _exchanged(function, first, second):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[first], arguments[second] = arguments[second], arguments[first]
        return function(*arguments)

    return answer


def _instead(function, index, other):
    def answer(*arguments):
        arguments = list(arguments)
        arguments[index] = arguments[other]
        return function(*arguments)

    return answer


def _always(value):
    def change(given):
        if isinstance(value, np.ndarray) and np.shape(given) != value.shape:
            raise ValueError("the shape differs")  # compiled code checks no bounds
        return copy.deepcopy(value)

    return change


NUMBERS = {
    "plus 1": ("{0} + 1 instead of {0}: do you count from 0 or from 1?", lambda value: value + 1),
    "minus 1": ("{0} - 1 instead of {0}: do you count from 0 or from 1?", lambda value: value - 1),
    "twice": ("2 * {0} instead of {0}", lambda value: 2 * value),
    "half": ("{0} / 2 instead of {0}", lambda value: type(value)(value / 2)),
    "squared": ("{0}**2 instead of {0}", lambda value: value * value),
    "negative": ("-{0} instead of {0}", lambda value: -value),
}
FRACTIONS = {
    "1 minus it": ("1 - {0} instead of {0}", lambda value: 1 - value),
    "1 over it": ("1 / {0} instead of {0}", lambda value: 1 / value if value else value),
    "its root": ("the square root of {0} instead of {0}", lambda value: abs(value) ** 0.5),
}


def _read_as(axes):
    """Return a change that reads the values of an array in a different order: a reshape instead of a transpose."""
    return lambda value: np.ascontiguousarray(np.transpose(value, axes)).reshape(value.shape)


def _rotated_axes(axes):
    """Yield (what, words, change) that read an array as if its axes were stored in a different order."""
    for order in {(*range(1, axes), 0), (axes - 1, *range(axes - 1)), (*range(axes - 2), axes - 1, axes - 2)}:
        words = f"{{0}} reshaped instead of transposed: its values are read in the axis order {order}"
        yield f"read in the order {order}", words, _read_as(order)


ARRAYS = {
    "zeros": ("{0} = 0 everywhere: is {0} ever used?", np.zeros_like),
    "ones": ("{0} = 1 everywhere: is {0} ever used?", np.ones_like),
    "negative": ("-{0} instead of {0}: check a sign", lambda value: -value),
    "twice": ("2 * {0} instead of {0}", lambda value: 2 * value),
    "plus 1": ("{0} + 1 instead of {0}", lambda value: value + 1),
    "minus 1": ("{0} - 1 instead of {0}", lambda value: value - 1),
    "absolute": ("the absolute value of {0} instead of {0}", np.abs),
    "squared": ("{0}**2 instead of {0}", np.square),
    "its first along axis 0": ("{0}[0] used for every index along axis 0", lambda v: np.repeat(v[:1], len(v), axis=0)),
    "its last along axis 0": ("{0}[-1] used for every index along axis 0", lambda v: np.repeat(v[-1:], len(v), axis=0)),
}


def _changes(values, default):
    """Yield (what, words, change) for an argument that has these values in the calls."""
    first = values[0]
    if isinstance(first, (bool, np.bool_)):
        yield from (_constant(value) for value in (True, False))
        yield "the opposite", "not {0} instead of {0}: check a `not` or a comparison", lambda value: not value
    elif isinstance(first, (int, float, np.integer, np.floating)):
        constants = {*values, *USUAL, *([] if default in (inspect.Parameter.empty, None) else [default])}
        yield from (_constant(value) for value in sorted(constants))
        yield from ((name, *change) for name, change in NUMBERS.items())
        if isinstance(first, (float, np.floating)):
            yield from ((name, *change) for name, change in FRACTIONS.items())
    elif isinstance(first, str):
        yield from (_constant(value) for value in sorted(set(values)))
    elif isinstance(first, np.ndarray):
        yield "always the first case", "a different array instead of {0}", _always(first)
        axes = max(v.ndim for v in values)
        reordered = _rotated_axes(axes) if axes > 1 and all(v.ndim == axes for v in values) else ()
        for name, words, change in (*((n, *c) for n, c in ARRAYS.items()), *_moved(axes), *reordered):
            if not all(np.array_equal(change(value), value) for value in values):
                yield name, words, change
    elif isinstance(first, dict) and any(isinstance(value, np.ndarray) for value in first.values()):
        yield from _changes_of_dict(first)
    else:
        yield "always the first case", "a different value instead of {0}", _always(first)
        yield "always the last case", "a different value instead of {0}", _always(values[-1])
    if isinstance(first, (list, tuple)) and len(first) > 1:
        yield "in reverse order", "{0} in reverse order", lambda value: type(value)(reversed(value))
        yield "without its last", "{0} without its last element: check where a loop ends", lambda value: value[:-1]
        yield "without its first", "{0} without its first element: check where a loop starts", lambda value: value[1:]


def _changes_of_dict(first):
    """Yield (what, words, change) that fill arrays of a dict with zeros: one, or all with the same last part."""
    arrays = [key for key, value in first.items() if isinstance(value, np.ndarray)]
    groups = {key: [key] for key in arrays}
    for key in arrays:
        if isinstance(key, str) and "/" in key:
            groups.setdefault(f"*/{key.rpartition('/')[2]}", []).append(key)
    for name, keys in groups.items():
        yield f"{name} zeros", f"{{0}}[{name!r}] = 0 everywhere: is it ever used?", _zeroed(keys)


def _zeroed(keys):
    return lambda value: {key: np.zeros_like(item) if key in keys else item for key, item in value.items()}


def _constant(value):
    return f"always {value!r}", f"{{0}} = {value!r} in every case: is {{0}} ever used?", _always(value)


def _moved(axes):
    """Yield (what, words, change) that flip and exchange axes of an array."""
    for axis in range(axes):
        yield f"flipped along axis {axis}", f"{{0}} flipped along axis {axis}", _flip((axis,))
    if axes > 1:
        yield "rotated", "{0} rotated by 180 degrees", _flip((-2, -1))
    for one, other in itertools.combinations(range(axes), 2):
        what = f"axes {one} and {other} exchanged"
        yield what, f"{{0}} with {what}", _swap(one, other)


def _flip(axes):
    return lambda value: np.flip(value, axes)


def _swap(one, other):
    return lambda value: np.ascontiguousarray(np.swapaxes(value, one, other))
