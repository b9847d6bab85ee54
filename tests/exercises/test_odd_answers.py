"""No answer, output or exception of a student breaks a check, its display or its transfer to the grading process."""

import collections
import decimal
import fractions
import linecache
import re

import numpy as np
import pytest

from minigooglenet.course.grading import serialisation, worker
from minigooglenet.exercises import answer, ask, check, outcome, predict
from minigooglenet.exercises import plain as reading
from minigooglenet.exercises.checking import Calls, grade
from minigooglenet.exercises.exercise import Exercise
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.outputs import attempt
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.questions import Question

ALL = everything().values()
CALLED = [e for e in ALL if isinstance(e, Exercise) and e.cases_function]
JUDGED = [e for e in ALL if isinstance(e, Exercise) and e.judge_function]
QUESTIONS = [e for e in ALL if isinstance(e, Question)]


class Broken:
    """An object all of whose methods fail."""

    def _fail(self, *arguments, **named):
        raise RuntimeError("broken")

    __repr__ = __str__ = __eq__ = __ne__ = __len__ = __iter__ = __getitem__ = __bool__ = __float__ = __int__ = _fail
    __array__ = __array_ufunc__ = __index__ = __format__ = __getattr__ = __deepcopy__ = __reduce__ = __contains__ = (
        _fail
    )
    __hash__ = None

    @property
    def __class__(self):
        raise RuntimeError("broken")


class Leaves(Broken):
    """An object whose methods end the program."""

    def _exit(self, *arguments, **named):
        raise SystemExit(3)

    __repr__ = __str__ = __float__ = __array__ = __eq__ = __iter__ = __len__ = _exit


class Liar(dict):
    """A dict whose methods fail."""

    items = keys = values = __iter__ = __getitem__ = __len__ = lambda self, *arguments: 1 / 0


class LongList(list):
    """A list whose iteration never ends."""

    def __iter__(self):
        while True:
            yield 1


class Array(np.ndarray):
    """An array whose methods fail."""

    def _fail(self, *arguments, **named):
        raise RuntimeError("broken")

    __array_ufunc__ = __array_function__ = __repr__ = __str__ = __len__ = __getitem__ = __eq__ = __bool__ = _fail
    __hash__ = None


class Frame:
    """An object that NumPy converts to an array, such as a pandas table."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


class Sly(type):
    """A class whose name cannot be read."""

    @property
    def __name__(cls):
        raise RuntimeError("broken")


class Nameless(metaclass=Sly):
    """An object whose class has no readable name."""


def _endless():
    while True:
        yield 1.0


def _itself(kind=list):
    made = [1.0]
    made.append(made)
    return made


def _deep(levels=5000):
    made = 1.0
    for _ in range(levels):
        made = [made]
    return made


def _wide(levels=60):
    made = [1.0]
    for _ in range(levels):
        made = [made, made]
    return made


def _dict_of_itself():
    made = {}
    made["x"] = made
    return made


ODD = {
    "nothing": lambda: None,
    "...": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "bool": lambda: True,
    "large integer": lambda: 10**400,
    "larger than can be printed": lambda: -(10**6000),
    "nan": lambda: float("nan"),
    "inf": lambda: -np.inf,
    "complex": lambda: 1 + 2j,
    "complex nan": lambda: np.array([complex("nan+infj")]),
    "fraction": lambda: fractions.Fraction(10**400, 3),
    "decimal": lambda: decimal.Decimal("sNaN"),
    "text": lambda: "5.5",
    "text that no console prints": lambda: "\ud800\x1b[2J\x00",
    "long text": lambda: "x" * 10**6,
    "bytes": lambda: b"5.5",
    "empty list": list,
    "empty tuple": lambda: (),
    "empty dict": dict,
    "empty array": lambda: np.empty((0, 3)),
    "set": lambda: {1.0, 2.0},
    "set of tuples": lambda: frozenset({(1, 2)}),
    "list of None": lambda: [None, None],
    "list of nan": lambda: [np.nan, np.inf],
    "uneven lists": lambda: [[1.0], [1.0, 2.0]],
    "list of arrays": lambda: [np.ones(2), np.ones(3)],
    "tuple of many": lambda: (1.0, np.ones(2), "a", None, {}),
    "dict": lambda: {"a": 1, 2: [3]},
    "generator": _endless,
    "iterator": lambda: iter([1, 2]),
    "map": lambda: map(abs, [1]),
    "range": lambda: range(10**12),
    "function": lambda: len,
    "class": lambda: int,
    "module": lambda: np,
    "object": object,
    "broken": Broken,
    "ends the program": Leaves,
    "list of broken": lambda: [Broken(), Leaves()],
    "dict of broken": lambda: {"x": Broken()},
    "dict with failing methods": lambda: Liar(x=1),
    "list without end": lambda: LongList([1, 2]),
    "nameless": Nameless,
    "contains itself": _itself,
    "dict contains itself": _dict_of_itself,
    "nested deep": _deep,
    "nested wide": _wide,
    "named tuple": lambda: collections.namedtuple("Pair", "a b")(1, Broken()),
    "array of objects": lambda: np.array([None, Broken], dtype=object),
    "array of itself": lambda: np.array([_itself()], dtype=object),
    "array of text": lambda: np.array(["a", "b"]),
    "array of dates": lambda: np.array(["2026-11-28"], dtype="datetime64[D]"),
    "structured": lambda: np.zeros(3, [("a", float), ("b", int)]),
    "record": lambda: np.zeros(1, [("a", float)])[0],
    "masked": lambda: np.ma.masked_array([1.0, 2.0], mask=[True, False]),
    "all masked": lambda: np.ma.masked,
    "matrix": lambda: np.eye(2).view(np.matrix),
    "broken array": lambda: np.ones((2, 3)).view(Array),
    "array without end": lambda: np.broadcast_to(1.0, (10**6, 10**6)),
    "read-only": lambda: np.broadcast_to(1.0, (2, 2)),
    "table": lambda: Frame([[1.0, 2.0]]),
    "broken table": lambda: Frame(Broken()),
    "integers without sign": lambda: np.array([2**64 - 1], np.uint64),
    "least integer": lambda: np.array([-(2**63)]),
    "half": lambda: np.float16("inf"),
    "largest": lambda: np.array([np.finfo(float).max, -np.finfo(float).max]),
    "an exception": lambda: ValueError("returned"),
}


MOST_ITEMS = reading.MOST_ITEMS


@pytest.fixture(autouse=True)
def few_items(monkeypatch):
    """Containers without end are read a thousand times here, so fewer of their items are read."""
    monkeypatch.setattr(reading, "MOST_ITEMS", 500)


class UnprintableError(Exception):
    """An exception whose text fails."""

    def __str__(self):
        raise RuntimeError("broken")


class NeedsMoreError(Exception):
    """An exception that cannot be created from a text."""

    def __init__(self, one, two):
        super().__init__(one)


def _recursion():
    return _recursion()


def _raise(error):
    raise error


RAISES = {
    "an error": lambda: _raise(ValueError("\ud800\x00")),
    "an unprintable error": lambda: _raise(UnprintableError()),
    "an error that needs more": lambda: _raise(NeedsMoreError(1, 2)),
    "the end of the program": lambda: _raise(SystemExit(1)),
    "an interrupt": lambda: _raise(KeyboardInterrupt()),
    "a stop": lambda: _raise(StopIteration(3)),
    "a group": lambda: _raise(ExceptionGroup("both", [ValueError(1), UnprintableError()])),
    "an endless recursion": _recursion,
    "a long text": lambda: _raise(KeyError("x" * 10**6)),
}


def _shown(result, status="wrong"):
    text, page = str(result), result._repr_html_()
    assert (text, result.status) == (repr(result), status)
    assert len(text) < 20_000
    assert text.replace("\n", " ").isprintable()
    assert (text + page).encode()
    assert result.what
    form = re.search("(?:should be|expected) (.+), got (.+)", result.what)
    assert form is None or form[1] != form[2], "a message shows two equal forms"


@pytest.mark.parametrize("exercise", CALLED, ids=lambda exercise: exercise.number)
def test_check_survives_any_output_of_a_function(exercise):
    for made in {**ODD, **RAISES}.values():
        _shown(check(exercise.number, lambda *given, made=made: made()))


@pytest.mark.parametrize("odd", ["nested wide", "range", "list without end"])
def test_containers_are_read_up_to_the_limit(odd, monkeypatch):
    monkeypatch.setattr(reading, "MOST_ITEMS", MOST_ITEMS)
    made = ODD[odd]
    _shown(check("00.1", lambda *given: made()))
    words = ["<list of more than 50,000 items>", "<range of more than 50,000 items>", [1.0, 2.0]]
    assert plain(made()) in words


@pytest.mark.parametrize("exercise", JUDGED, ids=lambda exercise: exercise.number)
def test_judge_survives_any_answer(exercise):
    for odd, made in {**ODD, **RAISES}.items():
        if odd not in RAISES:
            what = check(exercise.number, lambda *given, made=made: made()).what
            assert "it raised" not in what or "broken" in what, "the student's code did not raise"
            result = check(exercise.number, made())
            _shown(result, "not yet" if odd in ("nothing", "...") else result.status)
            assert not result.passed
        if odd != "an interrupt":  # the judge cannot know whether the user pressed Ctrl-C
            _shown(check(exercise.number, lambda *given, made=made: made()))


@pytest.mark.parametrize("number", ["04.3", "04.6", "06.4", "07.1", "10.5", "11.5"])
def test_judge_survives_odd_parts_of_an_answer(number):
    right = find(number).reference_function
    for part in range(len(right)):
        for made in ODD.values():
            given = [*right[:part], made(), *right[part + 1 :]]
            result = check(number, given)
            _shown(result, result.status)


def test_judge_survives_odd_values_in_a_dict():
    for number, keyed in (("06.4b", lambda right: right), ("08.2b", lambda right: right[1])):
        right = find(number).reference_function
        for key in list(keyed(right))[:2]:
            for made in ODD.values():
                changed = {**keyed(right), key: made()}
                result = check(number, changed if number == "06.4b" else (right[0], changed))
                _shown(result, result.status)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.number)
def test_answer_survives_any_value(question):
    for odd, made in ODD.items():
        result = answer(question.number, made())
        _shown(result, "not yet" if odd in ("nothing", "...") else "wrong")


@pytest.mark.parametrize("odd", ODD)
def test_predictions_and_names_survive_any_value(odd):
    made = ODD[odd]
    assert predict("01.a", made()).encode()
    assert outcome("01.a", made()).encode()
    assert predict(made(), 1).encode()
    assert ask("01.2", made()).encode()
    assert answer("01.2", 3, made()).status in ("wrong", "passed", "not yet")
    if odd not in ("nothing", "text"):
        with pytest.raises(ValueError, match="unknown exercise"):
            check(made(), abs)


@pytest.mark.parametrize("odd", [*ODD, *RAISES])
def test_odd_outputs_reach_the_grading_process(odd):
    made = {**ODD, **RAISES}[odd]
    exercise = find("03.1")
    calls = Calls(exercise, exercise.arguments)
    output = attempt(lambda *given: made(), exercise.arguments[0], 30, worker._raised)
    output = serialisation.unpack(serialisation.pack([output]))[0][0]
    _shown(grade(calls, [output, output]))


def test_message_describes_form_of_odd_outputs():
    forms = {
        "text": "got the text '5.5'",
        "generator": "got <generator>; make a list of it",
        "set": "got a set, which has no order",
        "list of None": "got a list of 2 (None; None)",
        "masked": "got <masked array with 1 masked values>",
        "contains itself": "that contains itself",
        "structured": "got <structured array>",
        "nothing": "returned None. Check for a missing return",
        "array without end": "got <array of shape (1000000, 1000000)>",
    }
    for odd, words in forms.items():
        assert words in check("00.1", lambda *given, made=ODD[odd]: made()).what


def test_plain_data_is_copied_unchanged():
    value = {"a": [1, 2.5, (True, None)], "b": np.arange(3), 3: {"x"}}
    copied = plain(value)
    assert repr(copied) == repr(value)
    assert copied["b"] is not value["b"]
    assert plain(Frame([1.0])).tolist() == [1.0]
    assert plain(fractions.Fraction(1, 4)) == 0.25


def test_reused_output_buffer_is_copied():
    buffer = {}

    def answer(x, kh, kw, stride, pad):
        right = find("02.1").reference_function(x, kh, kw, stride, pad)
        buffer.setdefault(right.shape, np.empty(right.shape))[:] = right
        return buffer[right.shape]

    assert check("02.1", answer).passed


def test_exception_shows_arguments_of_its_call():
    def mean_of_window(x, i, j, k):
        return x[i, j, k]

    assert "x = array (3, 4)" in str(check("00.1", mean_of_window))


RAISING = [e for e in JUDGED if callable(e.reference_function) and e.number != "13.3"]  # which runs compiled code


@pytest.mark.parametrize("exercise", RAISING, ids=lambda exercise: exercise.number)
def test_judged_exception_shows_line_and_arguments(exercise):
    names = exercise.signature.partition("(")[2].partition(")")[0].split(", ")
    source = f"def {exercise.name}({', '.join(names)}):\n    return {names[0]}.nothing\n"
    linecache.cache["cell 9"] = (len(source), None, source.splitlines(keepends=True), "cell 9")
    space = {}
    exec(compile(source, "cell 9", "exec"), space)
    result = check(exercise.number, space[exercise.name])
    assert f"has no attribute 'nothing', in your line 2: return {names[0]}.nothing" in result.what
    assert list(result.inputs) == names
    text = str(result)
    assert all(f"  {name} = " in text for name in names)
