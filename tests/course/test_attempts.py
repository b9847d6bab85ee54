"""A pass at any attempt counts, with the notebook's names at that time: later cells change names, or check again."""

import pytest

from minigooglenet.course import cells
from minigooglenet.course.grading import comparer, serialisation, worker

START = "import functools\nimport numpy as np\nfrom minigooglenet.exercises import answer, ask, check"
RIGHT = "def conv_db(dout):\n    return total(dout)"
HELPER = "def total(dout):\n    return dout.sum(axis=AXES)\n\nAXES = (0, 2, 3)"
CHECK = "check('03.1', conv_db)"
LATER = {
    "nothing": "",
    "wrong answers": "for k in range(12):\n    check('03.1', lambda dout, k=k: float(k))",
    "a helper is replaced": "total = np.zeros(3)",
    "a helper's constant is changed": "AXES = 0",
    "a name is deleted": "del total, AXES",
    "NumPy is replaced": "np = None",
    "the same is checked again, with another helper": f"AXES = 0\n{CHECK}",
}
GIVEN = {
    "a function": CHECK,
    "a partial": "check('03.1', functools.partial(conv_db))",
    "a bound method": "class A:\n    def sums(self, x):\n        return conv_db(x)\n\ncheck('03.1', A().sums)",
    "an object": "class A:\n    def __call__(self, x):\n        return conv_db(x)\n\ncheck('03.1', A())",
    "a closure": "def made(f):\n    return lambda dout: f(dout)\n\ncheck('03.1', made(conv_db))",
}
WORK = {"seed": 5, "call_seconds": 10.0, "patience": 1, "numbers": ["03.1"], "whole": True}


def _graded(sources, number):
    notes = cells.run(sources)
    records = [{"number": number, **record} for record in worker._answers(notes, number, sources, WORK)]
    return comparer.compare(b"".join(map(serialisation.pack, records)), [number], WORK["seed"])["rows"][0]["status"]


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("later", LATER)
def test_pass_counts_regardless_of_later_cells(later, given):
    sources = [START, HELPER, RIGHT, GIVEN[given], LATER[later]]
    assert _graded(sources, "03.1") == "passed"
    assert cells.check_exercise(cells.run(sources), "03.1").passed


def test_data_counts_as_it_was_checked():
    sources = [START, "answers = ('ada', {})", "", "check('04.6', answers)", "answers[1].clear()"]
    sources[2] = (
        "from minigooglenet.lessons.lesson_04_trust import detective\n"
        "answers[1].update({key: each.suspect for key, each in detective.drawn('ada').items()})"
    )
    assert _graded(sources, "04.6") == "passed"
    assert cells.check_exercise(cells.run(sources), "04.6").passed


def test_right_number_counts_at_any_attempt():
    from minigooglenet.exercises.find import find

    question = find("03.5")
    right = float(question.solution_function(**question.values("ada")))
    sources = [START, f"ask('03.5', 'ada')\nanswer('03.5', {right})", "answer('03.5', -1)"]
    assert _graded(sources, "03.5") == "passed"
    assert cells.check_exercise(cells.run(sources), "03.5").passed


def test_names_of_the_notebook_are_restored():
    notes = cells.run([START, HELPER, RIGHT, CHECK, "AXES = 'later'\nnew = 1"])
    (given,) = notes.tries("03.1")
    assert (notes.namespace["AXES"], notes.namespace["new"]) == ("later", 1)
    assert given is notes.namespace["conv_db"]
    for _ in notes.tries("03.1"):
        assert notes.namespace["AXES"] == (0, 2, 3)


def test_only_wrong_attempts_are_wrong():
    sources = [START, HELPER, RIGHT, "check('03.1', lambda dout: 0.0)", "check('03.1', lambda dout: dout)"]
    assert _graded(sources, "03.1") == "wrong"
    assert cells.check_exercise(cells.run(sources), "03.1").status == "wrong"


@pytest.mark.parametrize("number", ["01.5", "07.1", "06.4"])
def test_missing_answer_without_a_name_is_described(number):
    sources = [START, f"check('{number}', nowhere)"]
    (record,) = worker._answers(cells.run(sources), number, sources, WORK)
    assert record["missing"].startswith(f'check("{number}", ...) was never called; cell 2 stopped with NameError')
    assert "is not defined;" not in cells.check_exercise(cells.run(sources), number).what
    (record,) = worker._answers(cells.run([START]), number, [START], WORK)
    assert record["missing"] == f'the cell with check("{number}", ...) was deleted'


@pytest.mark.parametrize(
    ("made", "ran", "status"),
    [
        ("globals()['conv_' + 'db'] = lambda dout: dout.sum(axis=(0, 2, 3))", True, "passed"),
        ("exec('def conv_' + 'db(dout): return dout.sum(axis=(0, 2, 3))')", True, "passed"),
        (
            "def make():\n    global conv_db\n    conv_db = lambda dout: dout.sum(axis=(0, 2, 3))\n\nmake()",
            True,
            "passed",
        ),
        ("def conv_db(dout) return 0", False, "failed"),
        ("", False, "missing"),
    ],
)
def test_unneeded_cells_run_only_for_a_missing_name(tmp_path, made, ran, status):
    marker = tmp_path / "ran"
    sources = [START, f"__import__('pathlib').Path({str(marker)!r}).touch()", made, CHECK]
    sent = (tmp_path / "sent").open("wb")
    worker._answer_all(sent.fileno(), sources, WORK | {"whole": False, "cell_seconds": 10.0})
    sent.close()
    graded = comparer.compare((tmp_path / "sent").read_bytes(), ["03.1"], WORK["seed"])
    assert graded["rows"][0]["status"] == status
    assert marker.exists() == ran
