"""Impossible hyperparameters raise an error in the constructor, before any image is computed."""

import re

import pytest

import minigooglenet as mg
from minigooglenet import layers

INTEGER = "must be an integer, got"
SETTINGS = [
    (lambda: layers.Conv2d(3, 4, 3, stride=0), "stride must be at least 1, got 0"),
    (lambda: layers.Conv2d(3, 4, 3, padding=-1), "padding must be at least 0, got -1"),
    (
        lambda: layers.Conv2d(3, 4, 3, padding=(1, (1, 2))),
        "padding must be an integer, (h, w) or ((top, bottom), (left,",
    ),
    (lambda: layers.MaxPool2d((1, 2, 3)), "kernel_size must be an integer or (height, width), got (1, 2, 3)"),
    (lambda: layers.Conv2d(3, 4, 3, groups=2), "groups must divide both channel counts: 3 in, 4 out, 2 groups"),
    (
        lambda: layers.Conv2d(3, 4, 3, algorithm="fast"),
        "algorithm must be 'auto', 'loops', 'im2col', 'numba', 'winograd' or a pair",
    ),
    (lambda: layers.Dropout(1.0), "p must be in [0, 1) (the fraction of values to drop), got 1.0"),
    (lambda: layers.Dropout(float("nan")), "p must be in [0, 1) (the fraction of values to drop), got nan"),
    (lambda: layers.LocalResponseNorm(0), "size must be at least 1, got 0"),
    (lambda: layers.Linear(0, 1), "in_features must be at least 1, got 0"),
    (lambda: mg.Graph(), "a graph needs at least one named input, as in Graph(image=(3, 224, 224))"),
    (lambda: mg.Graph(image=(3, 0, 2)), "each size in the shape of 'image' must be at least 1, got 0"),
    (lambda: mg.set_num_threads(0), "the number of threads must be at least 1, got 0"),
]
KINDS = [
    (lambda: layers.Conv2d(3, 4, 3.0), f"kernel_size {INTEGER} 3.0"),
    (lambda: layers.MaxPool2d(True), f"kernel_size {INTEGER} True"),
    (lambda: layers.Conv2d(3, 4, 3, padding="same"), f"padding {INTEGER} 'same'"),
    (
        lambda: layers.Conv2d(3, 4, 3, algorithm=(1, 2)),
        "algorithm must be a name or a pair of functions (forward, backward)",
    ),
    (lambda: layers.Dropout("0.5"), "p must be "),
    (
        lambda: mg.Graph(image=3),
        "the shape of 'image' must be a tuple such as (3, 224, 224), without the batch axis, got 3",
    ),
    (lambda: mg.set_num_threads(2.5), f"the number of threads {INTEGER} 2.5"),
]


@pytest.mark.parametrize(("make", "text"), SETTINGS, ids=[text for _, text in SETTINGS])
def test_impossible_hyperparameter_raises(make, text):
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        make()


@pytest.mark.parametrize(("make", "text"), KINDS, ids=[text for _, text in KINDS])
def test_wrong_type_of_a_hyperparameter_raises(make, text):
    with pytest.raises(TypeError, match="^" + re.escape(text)):
        make()


def test_pool_padding_of_a_full_kernel_raises():
    text = r"^a pool's padding must be at most kernel - 1 on each side .* width has padding 2 and kernel 2$"
    for pool in (layers.MaxPool2d, layers.AvgPool2d):
        with pytest.raises(ValueError, match=text):
            pool((3, 2), padding=2)


@pytest.mark.parametrize("value", ["0", "two", "-1", "1.5"])
def test_wrong_thread_count_in_the_environment_raises(monkeypatch, value):
    monkeypatch.setattr(mg.parallel.state.POOL, "num_threads", None)
    monkeypatch.setenv("MINIGOOGLENET_NUM_THREADS", value)
    text = f"^MINIGOOGLENET_NUM_THREADS must be an integer of at least 1, got '{value}'$"
    with pytest.raises(ValueError, match=text):
        mg.get_num_threads()
