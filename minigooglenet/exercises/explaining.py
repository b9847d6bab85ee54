"""The explanation of an unknown wrong answer: a relation, a fault with the same outputs, or a condition.

Every explanation holds in every test case. The faults are generated (see `mutants`): if a student's outputs equal those
of the reference solution with `stride` fixed at 1, the explanation is `stride = 1`.
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

SECONDS = 1.5  # CPU time for comparing one answer with faults
OTHERS = range(9)  # values that are tried for an integer argument
HUNDREDTHS = (1, 2, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 90, 96, 99)
ALWAYS = (*range(3, 11), 1e-5, 1e-4, 1e-3, *(n / 100 for n in HUNDREDTHS))  # values that lesson texts mention
ENOUGH = 16  # output values that an off-by-one fault must explain
MOST_CONDITIONS = 2
MOST_PARTS = 6  # of an output that are listed


def explanation(calls, outputs, case) -> str:
    """Return an explanation of outputs that are wrong in test case `case`, or an empty string.

    calls : a checking.Calls;  outputs : plain data from the first test cases, or from all
    """
    if isinstance(outputs[case], Raised):
        return _condition(calls, outputs)
    right, got = _first_wrong(calls, outputs[case], case)
    if right is not None and (text := rounded(right, got)):
        return text
    text = relation(calls, outputs)
    if text or right is None:
        return text
    text = exact(right, got) or _fault(calls, outputs, case)
    if text:
        return text
    texts = symptom(right, got), _condition(calls, outputs) or _right_parts(calls, outputs[case], case)
    return _joined(filter(None, texts)) or vague(right, got) or _tendency(calls, outputs)


def _joined(texts):
    """Return texts as sentences; a result adds the last full stop if it needs one."""
    joined = ""
    for text in texts:
        joined = f"{joined}{' ' if joined.endswith('?') else '. '}{text[0].upper()}{text[1:]}" if joined else text
    return joined


def _first_wrong(calls, output, case):
    """Return the expected and the returned array of the first wrong part of an output; None if the form is wrong."""
    try:
        for got, right in matched(output, calls.expected[case]).values():
            if not calls.near(case, got, right).all():
                return right, got
    except FormError:
        pass
    return None, None


def _right_parts(calls, output, case):
    """Return which of several parts of an output are right."""
    try:
        both = matched(output, calls.expected[case])
    except FormError:
        return ""
    right = [name for name, pair in both.items() if calls.near(case, *pair).all()]
    wrong = [name for name in both if name not in right]
    texts = [f"{word}: output{', output'.join(names)}" for word, names in (("right", right), ("wrong", wrong))]
    if not right or min(len(right), len(wrong)) > MOST_PARTS:
        return ""
    if len(both) <= 2 * MOST_PARTS:
        return "; ".join(texts)
    return f"{texts[1]}; all others are right" if len(wrong) <= len(right) else f"{texts[0]}; all others are wrong"


# Faults of a right answer that give the same outputs


class _Faults:
    """The mutants of an exercise, made on demand, and their outputs in the test cases."""

    def __init__(self, exercise):
        self.source, self.made, self.outputs = iter(all_mutants(exercise)), [], {}

    def __iter__(self):
        for number in itertools.count():
            if number == len(self.made):
                fault = next(self.source, None)
                if fault is None:
                    return
                self.made.append(fault)
            yield number, self.made[number]

    def output(self, number, arguments, case):
        """Return the output of a fault in a test case."""
        key = number, case
        if key not in self.outputs:
            self.outputs[key] = run(self.made[number].function, arguments)
        return self.outputs[key]


@functools.lru_cache(maxsize=128)
def _faults(exercise):
    return _Faults(exercise)


def _fault(calls, outputs, case):
    """Return in words the fault of a right answer that gives the same outputs in every test case."""
    faults, stop = _faults(calls.exercise), time.process_time() + SECONDS
    if text := _constant(calls, outputs, time.process_time() + SECONDS / 4):
        return text
    few = size(outputs) < ENOUGH
    for number, fault in faults:
        if time.process_time() > stop:
            return ""
        if few and fault.words.endswith(OFF_BY_ONE):
            continue  # few values may equal those of an off-by-one fault in our source by chance
        if all(_returns(calls, faults, number, at, outputs[at]) for at in _order(outputs, case)):
            return fault.words
    return _other_value(calls, outputs, stop)


def _order(outputs, first):
    return [first, *(case for case in range(len(outputs)) if case != first)]


def _returns(calls, faults, number, case, output):
    """Return whether a fault returns this output in a test case."""
    if case >= calls.usual:
        faulty = run(faults.made[number].function, calls.arguments[case])
    else:
        faulty = faults.output(number, calls.arguments[case], case)
    if isinstance(faulty, Raised) or isinstance(output, Raised):
        return isinstance(faulty, Raised) and isinstance(output, Raised)
    return calls.agree(case, output, faulty)


def _wrong_cases(calls, outputs):
    """Return the indices of the test cases in which an output is wrong."""
    return [case for case, output in enumerate(outputs) if not calls.agree(case, output, calls.expected[case])]


def _constant(calls, outputs, stop):
    """Return that a constant replaces an argument: a value that the lesson mentions, or a usual one."""
    wrong = _wrong_cases(calls, outputs)
    for argument, name in enumerate(calls.names):
        values = [arguments[argument] for arguments in calls.arguments]
        number = isinstance(values[0], (int, float, np.number)) and not isinstance(values[0], bool)
        if not number or len(wrong) < 2:
            continue
        integral = all(isinstance(value, (int, np.integer)) for value in values)
        for value in ALWAYS:
            if time.process_time() > stop:
                return ""
            if (not integral or isinstance(value, int)) and all(
                _right_for(calls, outputs[case], case, argument, value) for case in [*wrong, *range(len(outputs))]
            ):
                return f"{name} = {value} in every case: is {name} ever used?"
    return ""


def _right_for(calls, output, case, argument, value):
    """Return whether an output is right for a different value of an argument."""
    right = calls.right_for(case, argument, value)
    return not isinstance(right, Raised) and calls.agree(case, output, right)


def _other_value(calls, outputs, stop):
    """Return that the outputs are right for a different value of an argument, which may vary with the test case."""
    for argument, name in enumerate(calls.names):
        values = [arguments[argument] for arguments in calls.arguments]
        if isinstance(values[0], str):
            candidates = sorted(set(values))
        elif isinstance(values[0], (int, np.integer)) and not isinstance(values[0], bool):
            candidates = OTHERS
        else:
            continue
        wrong = _wrong_cases(calls, outputs)
        others = [_value_for(calls, outputs[case], case, argument, candidates, stop) for case in wrong]
        if len(others) > 1 and None not in others and _significant(calls, wrong):
            pairs = dict.fromkeys(
                f"{brief(other)} instead of {brief(values[case])}" for case, other in zip(wrong, others, strict=True)
            )
            return f"the right values for a different {name}: {', '.join(list(pairs)[:3])}"
    return ""


def _value_for(calls, output, case, argument, candidates, stop):
    """Return the value of an argument for which an output is right, or None."""
    arguments = calls.arguments[case]
    for value in candidates:
        if time.process_time() > stop:
            return None
        if value != arguments[argument] and _right_for(calls, output, case, argument, value):
            return value
    return None


def _significant(calls, cases):
    """Return whether the outputs have so many values that equality is not a coincidence."""
    return len(cases) > 3 or any(np.size(calls.expected[case]) > 2 for case in cases if np.ndim(calls.expected[case]))


# Conditions under which an answer is right


def _condition(calls, outputs):
    """Return one or two conditions that separate the right test cases from the wrong ones, in words."""
    right = [calls.agree(case, output, calls.expected[case]) for case, output in enumerate(outputs)]
    if all(right) or not any(right):
        return ""
    for features_of in (_values, _sizes):
        conditions = _separating([features_of(calls, case) for case in range(len(outputs))], right)
        if conditions:
            return " or ".join(conditions) if len(conditions) <= MOST_CONDITIONS else ""
    return ""


def _tendency(calls, outputs):
    """Return in how many test cases a number is right, and whether all others are too large or too small."""
    try:
        pairs = [next(iter(matched(*both).values())) for both in zip(outputs, calls.expected, strict=False)]
    except FormError:
        return ""
    right = [calls.agree(case, output, calls.expected[case]) for case, output in enumerate(outputs)]
    errors = [float(got) - float(value) for (got, value), ok in zip(pairs, right, strict=True) if not ok]
    for word, all_are in (("large", all(e > 0 for e in errors)), ("small", all(e < 0 for e in errors))):
        if all_are and len(errors) > 1:
            if any(right):
                return f"right in {sum(right)} of {len(right)} test cases, too {word} in the others"
            return f"too {word} in every test case"
    return ""


def _separating(features, right):
    """Return a condition for each feature with one value in every right test case; otherwise in every wrong one."""
    right_if, wrong_if = [], []
    for name in features[0]:
        values = [one.get(name) for one in features]
        good, bad = ([v for v, ok in zip(values, right, strict=True) if ok is state] for state in (True, False))
        if None in values or set(good) & set(bad):
            continue
        if _one(good):
            right_if.append(f"right only if {name} is {brief(good[0])}")
        elif _one(bad):
            wrong_if.append(f"wrong only if {name} is {brief(bad[0])}")
    return right_if or wrong_if


def _one(values):
    """Return whether all values are equal and meaningful: seen twice, or 0, 1, a flag or a string."""
    plain = isinstance(values[0], str) or values[0] in (0, 1)
    return len(set(values)) == 1 and values[0] != "another" and (plain or len(values) > 1)


def _values(calls, case):
    """Return {name: value} of the numbers, strings and flags among the arguments of a test case."""
    plain = (bool, np.bool_, str, int, np.integer, float, np.floating)
    pairs = zip(calls.names, calls.arguments[case], strict=False)
    return {name: value for name, value in pairs if isinstance(value, plain)}


def _sizes(calls, case):
    """Return {name: size} of the arrays and lists among the arguments of a test case."""
    sizes = {}
    for name, value in zip(calls.names, calls.arguments[case], strict=False):
        if isinstance(value, np.ndarray):
            for axis, size in enumerate(value.shape):
                sizes[f"{name}.shape[{axis}]"] = 1 if size == 1 else "another"  # equal sizes above 1 are a coincidence
        elif isinstance(value, (list, tuple)):
            sizes[f"len({name})"] = 1 if len(value) == 1 else "another"
    return sizes


def arguments_of(exercise) -> list[str]:
    """Return the names of the arguments of an exercise's function; empty if its signature cannot be read."""
    try:
        return names(exercise)
    except (TypeError, ValueError):
        return []
