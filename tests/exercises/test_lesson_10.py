"""Lesson 10, faulty runs: each has one bug, only its own repair cures it, and wrong answers get a reason."""

import pytest

from minigooglenet import data
from minigooglenet.exercises import check
from minigooglenet.lessons.lesson_10_training import drawing, faulty_runs
from minigooglenet.lessons.lesson_10_training.scripted import Scripted

CURED = faulty_runs.healthy(faulty_runs.CHECKED).history


def _drawn(student):
    return {letter: faulty_runs.solution(fault) for letter, fault in faulty_runs.key(student).items()}


@pytest.mark.parametrize("fault", faulty_runs.FAULTS)
def test_only_its_own_repair_cures_a_fault(fault):
    student = next(name for name in map(str, range(100)) if faulty_runs.key(name).get("A") == fault)
    run = faulty_runs.of(student)["A"]
    assert run.history[: faulty_runs.CHECKED] != CURED
    _, line, letter = faulty_runs.solution(fault)
    assert faulty_runs.repaired(run, line, letter, faulty_runs.CHECKED).history == CURED
    indent = len(run.lines[line - 1]) - len(run.lines[line - 1].lstrip())
    for other, text in faulty_runs.REPAIRS.items():
        if other != letter and len(text) - len(text.lstrip()) == indent:
            given = {"A": (fault, line, other), **{k: v for k, v in _drawn(student).items() if k != "A"}}
            assert check("10.5", (student, given)).status == "wrong"


def test_students_get_four_of_six_faults_repeatably():
    drawn = [tuple(faulty_runs.key(student).values()) for student in map(str, range(40))]
    assert {len(set(faults)) for faults in drawn} == {4}
    assert len(set(drawn)) > 20
    assert drawn == [tuple(faulty_runs.key(student).values()) for student in map(str, range(40))]


def test_answer_of_another_student_fails():
    assert faulty_runs.key("ada") != faulty_runs.key("you")
    assert check("10.5", ("you", _drawn("you"))).passed
    assert not check("10.5", ("you", _drawn("ada"))).passed


@pytest.mark.parametrize("answer", ["you", ("you", None), ("you", {"A": 3}), ("you", dict.fromkeys("ABCD", ("x", 1)))])
def test_malformed_answer_is_wrong(answer):
    assert check("10.5", answer).status == "wrong"


def test_unknown_fault_name_lists_the_names():
    given = _drawn("you") | {"A": ("gremlins", 3, "p")}
    assert "sign of the rate" in check("10.5", ("you", given)).what


def test_missing_answer_gives_not_yet():
    assert check("10.5", None).status == "not yet"


def test_unknown_repair_or_line_raises():
    run = faulty_runs.of("you")["A"]
    with pytest.raises(ValueError, match="choose from p, q"):
        faulty_runs.repaired(run, 3, "a")
    with pytest.raises(ValueError, match="lines 1 to 14"):
        faulty_runs.repaired(run, 15, "p")


def test_scripted_rng_returns_given_values_by_every_method():
    ways = [
        lambda rng: rng.integers(5),
        lambda rng: rng.integers(0, 5),
        lambda rng: rng.integers(0, 4, endpoint=True),
        lambda rng: int(5 * rng.random()),
        lambda rng: int(rng.uniform(0, 5)),
    ]
    assert {way(Scripted((0.7,))) for way in ways} == {3}
    shuffled = list(range(6))
    Scripted(seed=1).shuffle(shuffled)
    assert shuffled == Scripted(seed=1).permutation(6).tolist() != sorted(shuffled)
    with pytest.raises(ValueError, match="got low=0, high=0"):
        Scripted().integers(0)


def test_crop_photograph_keeps_its_aspect_ratio():
    whole = data.photograph()
    assert drawing.photograph().shape == (drawing.HEIGHT, drawing.WIDTH, 3)
    assert whole.size[0] * drawing.HEIGHT / drawing.WIDTH <= whole.size[1]


def test_crop_box_text_covers_all_boxes():
    boxes = [(0, 0, 64, 96), (10, 20, 40, 20), *[(0, 0, 12, 16)] * 10]
    _, text = drawing.crop_boxes(boxes, "crops", drawn=2)
    assert "12 crops, 11 wider than high, 1% to 25% of the area" in text
