"""Settings: invalid values are rejected, and patterns select nodes."""

import pytest

import minigooglenet as mg
from minigooglenet.training import Settings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 1.5}, r"batch_size must be an? .*, got 1.5"),
        ({"lr": 0}, "lr must be above 0"),
        ({"lr": float("nan")}, "lr must be finite"),
        ({"lr": "0.05"}, "lr must be a number"),
        ({"momentum": 1}, r"momentum must be in \[0, 1\), got 1"),
        ({"weight_decay": -1}, "weight_decay must be at least 0"),
        ({"schedule": "linear"}, "schedule must be one of constant, paper, step, exponential, polynomial, cosine"),
        ({"average_from": 1}, r"average_from must be in \[0, 1\), got 1.*: it is the fraction of the steps"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"optimizer": "rms"}, "optimizer must be one of sgd, adamw, adam, rmsprop, got 'rms'"),
        ({"decay": 1.5}, r"decay must be in \[0, 1\), got 1.5"),
        ({"eps": 0}, "eps must be above 0, got 0"),
        ({"clip_norm": -2}, "clip_norm must be above 0, got -2"),
        ({"label_smoothing": 1}, r"label_smoothing must be in \[0, 1\), got 1.*: it is the fraction of each target"),
    ],
)
def test_settings_reject_invalid_values(wrong, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Settings(**wrong)


def test_freeze_pattern_selects_matching_nodes():
    g = mg.models.mini_googlenet(aux=True, init="zeros")
    frozen = Settings(freeze="inception_3[ab]*").frozen(g)
    assert frozen == {name for name in g.nodes if name.startswith(("inception_3a", "inception_3b"))}
    with pytest.raises(ValueError, match="no node matches 'incepton"):
        Settings(freeze=("conv1*", "incepton*")).frozen(g)


def test_head_weights_follow_the_settings_and_skip_frozen_heads():
    g = mg.models.mini_googlenet(aux=True, init="zeros")
    assert Settings().head_weights(g) == {"loss1/classifier": 0.3, "loss3/classifier": 1.0}
    assert Settings(heads=0).head_weights(g) == {"loss3/classifier": 1.0}
    frozen = Settings(freeze=("conv1*", "inception_3*", "loss1*")).frozen(g)
    assert Settings().head_weights(g, frozen) == {"loss3/classifier": 1.0}


def test_freezing_every_layer_is_rejected():
    g = mg.models.mini_googlenet(init="zeros")
    with pytest.raises(ValueError, match="every layer is frozen"):
        Settings().head_weights(g, Settings(freeze="*").frozen(g))
