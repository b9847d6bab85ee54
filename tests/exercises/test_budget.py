"""The budget game: its score is counted and trained, its file is written whole, a file edited by hand gains nothing."""

import json
import math

import pytest

from minigooglenet.lessons.lesson_07_inception import budget, short_run
from minigooglenet.models.googlenet import MODULES

PAPER = MODULES["4a"]


def test_the_papers_module_is_within_the_budget_and_its_points_follow_the_rule():
    found = budget.counted(*PAPER)
    assert found.macs == 73_608_192
    assert not found.broken
    shares = [n / 512 for n in (192, 208 + 64, 48)]
    assert found.mix == pytest.approx(math.exp(-sum(p * math.log(p) for p in shares)))
    assert found.points == pytest.approx(512 * found.mix / (found.macs / 1e6))


def test_points_include_what_a_short_training_run_learned():
    most, found = budget.counted(*PAPER), budget.score(*PAPER)
    assert found.learned == short_run.learned(PAPER) > 0.6
    assert found.points == pytest.approx(most.points * found.learned)


def test_module_of_single_filters_learns_less_than_the_papers():
    assert short_run.learned((1,) * 6) < short_run.learned(PAPER) - 0.2


def test_short_run_of_a_design_is_the_same_every_time():
    first = short_run.learned(PAPER)
    short_run.learned.cache_clear()
    assert short_run.learned(PAPER) == first


def test_design_outside_the_budget_is_not_trained(monkeypatch):
    monkeypatch.setattr(short_run, "learned", lambda design: pytest.fail("trained"))
    assert budget.score(8, 8, 8, 8, 8, 8).learned == 0


def test_leaderboard_ranks_by_what_was_learned_and_trains_no_design_in_vain(tmp_path, monkeypatch):
    trained, path = [], tmp_path / "board.json"
    monkeypatch.setattr(budget, "SHOWN", 1)
    monkeypatch.setattr(
        short_run, "learned", lambda design: trained.append(design) or (0.5 if design[0] < 170 else 1.0)
    )
    designs = {"ada": (160, 64, 192, 32, 96, 64), "bob": PAPER, "cem": (192, 97, 208, 16, 48, 64)}
    path.write_text(json.dumps({"designs": designs}))
    table = budget.leaderboard(path)
    assert [row[1] for row in table.rows] == ["bob"]
    assert set(trained) == {designs["ada"], PAPER}


def test_filters_that_a_narrow_reduction_cannot_feed_do_not_count():
    assert budget.counted(192, 96, 208, 2, 400, 64).useful == 192 + 208 + 6 + 64


@pytest.mark.parametrize(
    ("design", "what"),
    [
        ((400, 96, 208, 16, 48, 64), "MAC"),
        ((192, 96, 300, 48, 200, 64), "parameters"),
        ((8, 8, 8, 8, 8, 8), "useful channels"),
    ],
)
def test_outside_the_budget_there_are_no_points_and_the_reason_is_told(design, what, tmp_path):
    found = budget.play("ada", *design, path=tmp_path / "board.json")
    assert found.points == 0
    assert what in str(found)
    assert not (tmp_path / "board.json").exists()


def test_a_player_keeps_the_best_design(tmp_path):
    path = tmp_path / "board.json"
    better = (160, 64, 192, 32, 96, 64)
    assert budget.counted(*better).points > budget.counted(*PAPER).points
    assert budget.score(*better).points > budget.score(*PAPER).points
    budget.play("ada", *better, path=path)
    budget.play("ada", *PAPER, path=path)
    budget.play("bob", *PAPER, path=path)
    table = budget.leaderboard(path)
    assert [row[1:3] for row in table.rows] == [("ada", "160-64-192-32-96-64"), ("bob", "192-96-208-16-48-64")]
    assert list(tmp_path.iterdir()) == [path]


def test_points_written_into_the_file_by_hand_are_not_believed(tmp_path):
    path = tmp_path / "board.json"
    budget.play("ada", *PAPER, path=path)
    content = json.loads(path.read_text())
    content["points"] = {"eve": 1e9}
    content["designs"]["eve"] = [8, 8, 8, 8, 8, 8]
    path.write_text(json.dumps(content))
    assert [(row[1], row[3] > 0) for row in budget.leaderboard(path).rows] == [("ada", True), ("eve", False)]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"designs": {"ada": [1, 2]}}', '{"designs": {"ada": [1e9]}}', "[" * 10**5]
)
def test_a_damaged_leaderboard_is_named_and_left_as_it_is(text, tmp_path):
    path = tmp_path / "board.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a leaderboard"):
        budget.play("ada", *PAPER, path=path)
    assert path.read_text() == text


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\x1b[31m"])
def test_names_that_a_table_cannot_hold_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="printable"):
        budget.play(name, *PAPER, path=tmp_path / "board.json")


@pytest.mark.parametrize("design", [(1, 2, 3), (0, 1, 1, 1, 1, 1), (5000, 1, 1, 1, 1, 1)])
def test_a_design_has_six_numbers_of_filters(design):
    with pytest.raises(ValueError, match=r"six numbers|at least 1|at most"):
        budget.score(*design)
