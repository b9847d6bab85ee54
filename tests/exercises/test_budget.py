"""The budget game: its result combines counts and training; its file is written atomically and cannot be forged."""

import json
import math

import pytest

from minigooglenet.lessons.lesson_07_inception import budget, short_run
from minigooglenet.models.googlenet import MODULES

PAPER = MODULES["4a"]


def test_paper_module_scores_by_the_formula():
    result = budget.counted(*PAPER)
    assert result.macs == 73_608_192
    assert not result.broken
    fractions = [n / 512 for n in (192, 208 + 64, 48)]
    assert result.mix == pytest.approx(math.exp(-sum(p * math.log(p) for p in fractions)))
    assert result.points == pytest.approx(512 * result.mix / (result.macs / 1e6))


def test_points_include_accuracy_of_short_training():
    most, result = budget.counted(*PAPER), budget.score(*PAPER)
    assert result.learned == short_run.learned(PAPER) > 0.6
    assert result.points == pytest.approx(most.points * result.learned)


def test_single_filter_module_learns_less_than_paper_module():
    assert short_run.learned((1,) * 6) < short_run.learned(PAPER) - 0.2


def test_short_training_is_repeatable():
    first = short_run.learned(PAPER)
    short_run.learned.cache_clear()
    assert short_run.learned(PAPER) == first


def test_design_outside_budget_skips_training(monkeypatch):
    monkeypatch.setattr(short_run, "learned", lambda design: pytest.fail("trained"))
    assert budget.score(8, 8, 8, 8, 8, 8).learned == 0


def test_leaderboard_ranks_by_accuracy_and_trains_only_candidates(tmp_path, monkeypatch):
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


def test_filters_after_narrow_reduction_do_not_count():
    assert budget.counted(192, 96, 208, 2, 400, 64).useful == 192 + 208 + 6 + 64


@pytest.mark.parametrize(
    ("design", "what"),
    [
        ((400, 96, 208, 16, 48, 64), "MAC"),
        ((192, 96, 300, 48, 200, 64), "parameters"),
        ((8, 8, 8, 8, 8, 8), "useful channels"),
    ],
)
def test_design_outside_budget_scores_0_with_reason(design, what, tmp_path):
    result = budget.play("ada", *design, path=tmp_path / "board.json")
    assert result.points == 0
    assert what in str(result)
    assert not (tmp_path / "board.json").exists()


def test_player_keeps_best_design(tmp_path):
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


def test_leaderboard_ignores_hand_edited_points(tmp_path):
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
def test_corrupt_leaderboard_raises_and_stays_unchanged(text, tmp_path):
    path = tmp_path / "board.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a leaderboard"):
        budget.play("ada", *PAPER, path=path)
    assert path.read_text() == text


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\x1b[31m"])
def test_unprintable_player_names_raise(name, tmp_path):
    with pytest.raises(ValueError, match="printable"):
        budget.play(name, *PAPER, path=tmp_path / "board.json")


@pytest.mark.parametrize("design", [(1, 2, 3), (0, 1, 1, 1, 1, 1), (5000, 1, 1, 1, 1, 1)])
def test_design_needs_six_filter_counts(design):
    with pytest.raises(ValueError, match=r"six filter counts|at least 1|at most"):
        budget.score(*design)
