"""The other networks: known totals and shapes, and that they run."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.models import later


@pytest.mark.parametrize(
    ("build", "params", "macs"),
    [
        (lambda: mg.models.alexnet(init="zeros"), 61_100_840, 714_188_480),
        (lambda: mg.models.alexnet(2, init="zeros"), 60_965_224, 724_406_816),
        (lambda: mg.models.vgg16(init="zeros"), 138_357_544, 15_470_264_320),
        (lambda: mg.models.nin(init="zeros"), 7_595_176, 1_100_188_800),
    ],
)
def test_classic_networks_have_their_published_totals(build, params, macs):
    counted = mg.count(build())
    assert (counted.params, counted.macs) == (params, macs)


@pytest.mark.parametrize("build", [lambda: mg.models.alexnet(2, rng=0), lambda: mg.models.nin(rng=0)])
def test_grouped_alexnet_and_nin_run_both_ways(build):
    g = build()
    x = np.random.default_rng(0).standard_normal((1, *g.shapes["image"])).astype(np.float32)
    logits, tape = g.forward({"image": x}, train=True)
    (wire,) = g.outputs
    assert logits[wire].shape == (1, 1000)
    grad_inputs, grad_params = g.backward({wire: np.ones_like(logits[wire])}, tape)
    assert np.isfinite(grad_inputs["image"]).all()
    assert set(grad_params) == set(g.params)


def test_alexnet_exists_with_one_or_two_groups_only():
    with pytest.raises(ValueError, match=r"groups must be 1 .* or 2 .*, got 3"):
        mg.models.alexnet(3)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("norm", ["lrn", "batch", None])
def test_small_googlenet_runs_at_both_sizes_with_every_norm(size, norm):
    g = mg.models.mini_googlenet(7, in_channels=1, size=size, norm=norm, aux=True, rng=0)
    x = np.random.default_rng(0).standard_normal((2, 1, size, size)).astype(np.float32)
    logits, tape = g.forward({"image": x}, train=True)
    assert {wire: y.shape for wire, y in logits.items()} == {"loss1/classifier": (2, 7), "loss3/classifier": (2, 7)}
    _, grads = g.backward(logits, tape)
    assert set(grads) == set(g.params)


def test_one_module_function_serves_by_itself():
    g = mg.Graph(image=(192, 28, 28))
    wire = mg.models.inception(g, "image", "inception_3a", 64, 96, 128, 16, 32, 32)
    assert g.shapes[wire] == (256, 28, 28)
    assert mg.count(g).macs == 128_049_152


def test_naive_module_keeps_all_pooled_channels():
    g = mg.Graph(image=(192, 28, 28))
    wire = mg.models.inception_naive(g, "image", "inception_3a", 64, 128, 32)
    assert g.shapes[wire] == (416, 28, 28)


def test_models_are_built_by_name():
    assert mg.models.names() == ("alexnet", "googlenet", "mini_googlenet", "nin", "vgg16", *later.__all__)
    assert mg.models.build("mini", num_classes=3).shapes["loss3/classifier"] == (3,)
    with pytest.raises(ValueError, match="unknown model 'transformer'; choose from alexnet, googlenet"):
        mg.models.build("transformer")
