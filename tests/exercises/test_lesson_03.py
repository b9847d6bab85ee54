"""Lesson 03: of its eight backward methods one is correct, and each of the others has the bug in its name."""

import numpy as np
import pytest

from minigooglenet import losses, training
from minigooglenet.lessons.lesson_03_gradients import small_network, wrong_backwards
from minigooglenet.training.step import gradients


def _gradients(g):
    images, labels, *_ = wrong_backwards._digits()
    return gradients(g, images[:6], labels[:6], losses.head_weights(g.outputs))


def test_letters_name_every_backward_once():
    assert sorted(wrong_backwards.LETTERS.values()) == list(range(len(wrong_backwards.NAMES)))


@pytest.mark.parametrize("name", wrong_backwards.NAMES)
def test_broken_backward_keeps_the_forward_pass(name):
    right, broken = _gradients(wrong_backwards.network()), _gradients(wrong_backwards.broken(name))
    assert broken.loss == right.loss
    same = [np.array_equal(broken.params[key], right.params[key]) for key in right.params]
    assert all(same) == (name == "correct")


def test_overwriting_pool_gives_pixels_one_gradient_at_most():
    g = wrong_backwards.broken("max pool with = instead of +=")
    layer = g.nodes["pool1/3x3_s2"].layer
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 8), dtype=np.float32)
    y, cache = layer.forward(x)
    (dx,), _ = layer.backward(np.ones_like(y), cache)
    assert set(np.unique(dx)) == {0, 1}


def test_forgotten_bias_gradient_affects_first_layer():
    key = "conv1/3x3/bias"
    assert _gradients(wrong_backwards.network()).params[key].any()
    assert not _gradients(wrong_backwards.broken("bias gradient forgotten")).params[key].any()


def test_accuracy_is_repeatable(monkeypatch, tmp_path):
    images, labels, *_ = wrong_backwards._digits()
    monkeypatch.setattr(wrong_backwards, "_digits", lambda: (images[:64], labels[:64], images[64:96], labels[64:96]))
    steps = []
    train = training.train
    monkeypatch.setattr(training, "train", lambda *args, **kwargs: steps.extend(train(*args, **kwargs)))
    first, second = (wrong_backwards.by_letter((0,), 1, tmp_path / f"{call}.json") for call in "ab")
    assert first == second
    assert len(steps) == 2 * 8 * 2


@pytest.fixture
def trainings(monkeypatch):
    """Replace training by a function that records its arguments."""
    calls = []

    def accuracy(name, seed=0, epochs=4):
        calls.append((name, seed, epochs))
        return 0.5 + len(calls) / 1000

    monkeypatch.setattr(wrong_backwards, "accuracy", accuracy)
    return calls


def test_lesson_04_reuses_accuracies_of_lesson_03(trainings, tmp_path, capsys):
    path = tmp_path / "kept.json"
    first = wrong_backwards.by_letter((0, 1), 2, path)
    assert len(trainings) == 16
    assert capsys.readouterr().out.count("\n") == 8
    assert wrong_backwards.by_letter((0, 1), 2, path) == first
    assert wrong_backwards.kept("correct", 1, 2, path) == first["D"][1]
    assert len(trainings) == 16
    wrong_backwards.kept("correct", 1, 4, path)
    assert len(trainings) == 17
    assert "correct" not in path.read_text(encoding="utf-8")


def test_accuracy_is_printed_before_next_training(monkeypatch, tmp_path, capsys):
    shown = []

    def accuracy(name, seed=0, epochs=4):
        shown.append(capsys.readouterr().out)
        return 0.25

    monkeypatch.setattr(wrong_backwards, "accuracy", accuracy)
    wrong_backwards.by_letter((0, 1), 2, tmp_path / "kept.json")
    assert shown[:3] == ["A", "   25.0%", "   25.0%\nB"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"A": []}', "\xff"])
def test_unreadable_file_is_trained_again(text, trainings, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(text, encoding="latin-1")
    assert wrong_backwards.kept("correct", path=path) == 0.501
    assert wrong_backwards.kept("correct", path=path) == 0.501
    assert len(trainings) == 1


def test_unwritable_folder_stores_nothing(trainings, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = tmp_path / "file" / "kept.json"
    assert wrong_backwards.kept("correct", path=path) == 0.501
    assert wrong_backwards.kept("correct", path=path) == 0.502


def test_small_network_has_layers_of_the_lesson():
    kinds = [type(node.layer).__name__ for node in small_network.small_network("im2col").nodes.values()]
    assert kinds == ["Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]
