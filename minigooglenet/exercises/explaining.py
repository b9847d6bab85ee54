"""What a wrong answer looks like that is not a known mistake: a relation, a fault with the same outputs, a condition.

Everything said here was compared in all test cases. A fault is one that a machine made (see `mutants`): if a student's
outputs equal those of the right answer with `stride` frozen at 1, then that is what is said.
"""

import functools
import itertools
import time

import numpy as np

from minigooglenet.exercises.mutants import mutants as all_mutants
from minigooglenet.exercises.mutants import names, run
from minigooglenet.exercises.outputs import FormError, Raised, matched, size
from minigooglenet.exercises.relations import relation
from minigooglenet.exercises.shown import brief
from minigooglenet.exercises.source_mutants import OFF_BY_ONE
from minigooglenet.exercises.symptoms import exact, rounded, symptom, vague

SECONDS = 1.5  # of CPU time that faults may be compared with one answer
OTHERS = range(9)  # values of an integer argument that are tried in place of its own
HUNDREDTHS = (1, 2, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 90, 96, 99)
ALWAYS = (*range(3, 11), 1e-5, 1e-4, 1e-3, *(n / 100 for n in HUNDREDTHS))  # numbers that texts give
ENOUGH = 16  # values that a fault of a single number must explain
MOST_CONDITIONS = 2
MOST_PARTS = 6  # of an output that are told


def explanation(calls, outputs, place) -> str:
    """Return what outputs look like that are wrong in the case `place`, in words, or an empty string.

    calls : a checking.Calls;  outputs : plain data of the first calls or of all
    """
    if isinstance(outputs[place], Raised):
        return _condition(calls, outputs)
    right, got = _first_wrong(calls, outputs[place], place)
    if right is not None and (told := rounded(right, got)):
        return told
    told = relation(calls, outputs)
    if told or right is None:
        return told
    told = exact(right, got) or _fault(calls, outputs, place)
    if told:
        return told
    found = symptom(right, got), _condition(calls, outputs) or _right_parts(calls, outputs[place], place)
    told = [text.rstrip("?.") for text in found if text]
    said = ". ".join([*told[:1], *(text[0].upper() + text[1:] for text in told[1:])])
    return said or vague(right, got) or _tendency(calls, outputs)


def _first_wrong(calls, output, place):
    """Return the first part of an output that is wrong, and the right one; None if the form is wrong."""
    try:
        for got, right in matched(output, calls.expected[place]).values():
            if not calls.near(place, got, right).all():
                return right, got
    except FormError:
        pass
    return None, None


def _right_parts(calls, output, place):
    """Say which parts of several are right."""
    try:
        both = matched(output, calls.expected[place])
    except FormError:
        return ""
    right = [name for name, pair in both.items() if calls.near(place, *pair).all()]
    wrong = [name for name in both if name not in right]
    told = [f"{word}: output{', output'.join(names)}" for word, names in (("right", right), ("wrong", wrong))]
    if not right or min(len(right), len(wrong)) > MOST_PARTS:
        return ""
    return "; ".join(told) if len(both) <= 2 * MOST_PARTS else told[len(wrong) <= len(right)] + "; no others"


# Faults of a right answer that give the same outputs


class _Faults:
    """The mutants of an exercise, made when they are needed, and what they return in the test cases."""

    def __init__(self, exercise):
        self.source, self.made, self.outputs = iter(all_mutants(exercise)), [], {}

    def __iter__(self):
        for place in itertools.count():
            if place == len(self.made):
                fault = next(self.source, None)
                if fault is None:
                    return
                self.made.append(fault)
            yield place, self.made[place]

    def output(self, number, arguments, place):
        """Return what a fault returns in a case."""
        key = number, place
        if key not in self.outputs:
            self.outputs[key] = run(self.made[number].function, arguments)
        return self.outputs[key]


@functools.lru_cache(maxsize=128)
def _faults(exercise):
    return _Faults(exercise)


def _fault(calls, outputs, place):
    """Say which fault of a right answer gives the same outputs in all cases."""
    faults, stop = _faults(calls.exercise), time.process_time() + SECONDS
    if told := _constant(calls, outputs, time.process_time() + SECONDS / 4):
        return told
    few = size(outputs) < ENOUGH
    for number, fault in faults:
        if time.process_time() > stop:
            return ""
        if few and fault.words.endswith(OFF_BY_ONE):
            continue  # of a number in our source, which few values meet by luck
        if all(_returns(calls, faults, number, at, outputs[at]) for at in _order(outputs, place)):
            return fault.words
    return _other_value(calls, outputs, stop)


def _order(outputs, place):
    return [place, *(at for at in range(len(outputs)) if at != place)]


def _returns(calls, faults, number, at, output):
    if at >= calls.usual:
        theirs = run(faults.made[number].function, calls.arguments[at])
    else:
        theirs = faults.output(number, calls.arguments[at], at)
    if isinstance(theirs, Raised) or isinstance(output, Raised):
        return isinstance(theirs, Raised) and isinstance(output, Raised)
    return calls.agree(at, output, theirs)


def _constant(calls, outputs, stop):
    """Say that a number of the text, or a usual one, stands where an argument belongs."""
    wrong = [at for at, output in enumerate(outputs) if not calls.agree(at, output, calls.expected[at])]
    for argument, name in enumerate(calls.names):
        values = [case[argument] for case in calls.arguments]
        number = isinstance(values[0], (int, float, np.number)) and not isinstance(values[0], bool)
        if not number or len(wrong) < 2:
            continue
        whole = all(isinstance(value, (int, np.integer)) for value in values)
        for value in ALWAYS:
            if time.process_time() > stop:
                return ""
            if (not whole or isinstance(value, int)) and all(
                _right_for(calls, outputs[place], place, argument, value) for place in [*wrong, *range(len(outputs))]
            ):
                return f"{name} = {value} in every case: is {name} ever used?"
    return ""


def _right_for(calls, output, place, argument, value):
    """Return whether an output is the right one for another value of an argument."""
    arguments = calls.arguments[place]
    changed = (*arguments[:argument], value, *arguments[argument + 1 :])
    theirs = run(calls.exercise.reference_function, changed)
    return not isinstance(theirs, Raised) and calls.agree(place, output, theirs)


def _other_value(calls, outputs, stop):
    """Say that the outputs are right for another value of an argument, whichever it is in each case."""
    for argument, name in enumerate(calls.names):
        values = [case[argument] for case in calls.arguments]
        if isinstance(values[0], str):
            tried = sorted(set(values))
        elif isinstance(values[0], (int, np.integer)) and not isinstance(values[0], bool):
            tried = OTHERS
        else:
            continue
        wrong = [place for place, output in enumerate(outputs) if not calls.agree(place, output, calls.expected[place])]
        found = [_value_for(calls, outputs[place], place, argument, tried, stop) for place in wrong]
        if len(found) > 1 and None not in found and _telling(calls, wrong):
            pairs = dict.fromkeys(
                f"{brief(other)} in place of {brief(values[place])}" for place, other in zip(wrong, found, strict=True)
            )
            return f"the right values for another {name}: {', '.join(list(pairs)[:3])}"
    return ""


def _value_for(calls, output, place, argument, tried, stop):
    arguments = calls.arguments[place]
    for value in tried:
        if time.process_time() > stop:
            return None
        if value != arguments[argument] and _right_for(calls, output, place, argument, value):
            return value
    return None


def _telling(calls, places):
    """Return whether the outputs have enough values for equality to be more than luck."""
    return len(places) > 3 or any(
        np.size(calls.expected[place]) > 2 for place in places if np.ndim(calls.expected[place])
    )


# Conditions under which it is right


def _condition(calls, outputs):
    """Say what sets the cases that are right apart from those that are wrong, if one or two things do."""
    right = [calls.agree(place, output, calls.expected[place]) for place, output in enumerate(outputs)]
    if all(right) or not any(right):
        return ""
    for features_of in (_values, _sizes):
        told = _separating([features_of(calls, place) for place in range(len(outputs))], right)
        if told:
            return " or ".join(told) if len(told) <= MOST_CONDITIONS else ""
    return ""


def _tendency(calls, outputs):
    """Say in how many cases a number is right, and whether it is too large or too small in all others."""
    try:
        pairs = [next(iter(matched(*both).values())) for both in zip(outputs, calls.expected, strict=False)]
    except FormError:
        return ""
    right = [calls.agree(place, output, calls.expected[place]) for place, output in enumerate(outputs)]
    apart = [float(got) - float(value) for (got, value), ok in zip(pairs, right, strict=True) if not ok]
    for word, all_are in (("large", all(a > 0 for a in apart)), ("small", all(a < 0 for a in apart))):
        if all_are and len(apart) > 1:
            return f"right in {sum(right)} of {len(right)} cases, too {word} in all others"
    return ""


def _separating(features, right):
    """Return what is said by each feature that has one value in the cases that are right, or else in the others."""
    where_right, where_wrong = [], []
    for name in features[0]:
        values = [one.get(name) for one in features]
        good, bad = ([v for v, ok in zip(values, right, strict=True) if ok is wanted] for wanted in (True, False))
        if None in values or set(good) & set(bad):
            continue
        if _one(good):
            where_right.append(f"right only where {name} is {brief(good[0])}")
        elif _one(bad):
            where_wrong.append(f"wrong only where {name} is {brief(bad[0])}")
    return where_right or where_wrong


def _one(values):
    """Return whether values are one that means something: seen twice, or 0, 1, a flag or a text."""
    plain = isinstance(values[0], str) or values[0] in (0, 1)
    return len(set(values)) == 1 and values[0] != "another" and (plain or len(values) > 1)


def _values(calls, place):
    """Return {name: value} of the numbers, texts and flags among the arguments of a call."""
    plain = (bool, np.bool_, str, int, np.integer, float, np.floating)
    pairs = zip(calls.names, calls.arguments[place], strict=False)
    return {name: value for name, value in pairs if isinstance(value, plain)}


def _sizes(calls, place):
    """Return {name: size} of the arrays and lists among the arguments of a call."""
    found = {}
    for name, value in zip(calls.names, calls.arguments[place], strict=False):
        if isinstance(value, np.ndarray):
            for axis, size in enumerate(value.shape):
                found[f"{name}.shape[{axis}]"] = 1 if size == 1 else "another"  # other sizes are luck
        elif isinstance(value, (list, tuple)):
            found[f"len({name})"] = 1 if len(value) == 1 else "another"
    return found


def arguments_of(exercise) -> list[str]:
    """Return the names of the arguments of an exercise's function, or none if they cannot be read."""
    try:
        return names(exercise)
    except (TypeError, ValueError):
        return []
