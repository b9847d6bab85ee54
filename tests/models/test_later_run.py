"""The later networks run, train, and pass through plans, files, pages and commands."""

import json
import re

import numpy as np
import pytest
from numeric import assert_close, draw

import minigooglenet as mg
from minigooglenet import cli, data, training
from minigooglenet.models import later

SIZES = {
    **dict.fromkeys(later.__all__, 32),
    **dict.fromkeys(("inception_v3", "inception_v4", "inception_resnet_v2"), 75),
}
WIDTHS = {"resnext50_32x4d": 0.25}  # one channel per group
TRAINED_WIDTHS = {**WIDTHS, "squeezenet1_0": 0.5, "squeezenet1_1": 0.5}  # without batch norm, narrow ones learn slowly
CLASSIFIERS = {
    "inception_v3": ["aux/classifier", "classifier"],
    "squeezenet1_0": ["conv10/1x1"],
    "squeezenet1_1": ["conv10/1x1"],
}


def small(name, classes=4, **settings):
    """Return a narrow network for the smallest images, with random running statistics."""
    g = mg.models.build(name, classes, size=SIZES[name], width=WIDTHS.get(name, 0.06), rng=0, **settings)
    rng = np.random.default_rng(1)
    for key, array in g.buffers.items():
        if "running" in key:
            g.buffers[key] = (rng.uniform(-0.5, 0.5, array.shape) + key.endswith("var")).astype(np.float32)
    return g


def images(g, count=2, **settings):
    return draw(count, *g.shapes["image"], **settings)


@pytest.mark.parametrize("name", SIZES)
def test_every_gradient_passes_the_check_of_networks(name):
    """The step through all parameters at once may cross a kink of a ReLU or a maximum; then it decides nothing."""
    g = small(name).astype(np.float64)
    report = mg.gradcheck.check_network(g, images(g, 4), np.arange(4), rng=1)
    assert report.verdict != "FAIL", str(report)
    assert re.search(r"node by node +PASS", str(report))
    assert re.search(r"branches +PASS", str(report))


@pytest.mark.parametrize("name", SIZES)
def test_plan_equals_the_graph(name):
    g = small(name)
    x = images(g, 3, dtype=np.float32)
    assert_close(mg.plan(g)(x), g(x), tolerance=1e-4)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("changed", [False, True], ids=["as built", "changed by hand"])
def test_file_returns_the_same_network(name, changed, tmp_path):
    g = small(name)
    if changed:  # then the file has the whole architecture, not only the name of the function
        g.add("probabilities", mg.layers.Softmax(), g.main)
    mg.weights.save(g, tmp_path / "network.safetensors")
    loaded = mg.weights.load(tmp_path / "network.safetensors").graph
    assert loaded.shapes == g.shapes
    assert (loaded.made_by is None) == changed
    x = images(g, 1, dtype=np.float32)
    assert np.array_equal(loaded(x), g(x))


@pytest.mark.parametrize("name", SIZES)
def test_onnx_file_computes_the_same(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    g = small(name)
    mg.weights.onnx.export(g, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    x = images(g, 2, dtype=np.float32)
    assert_close(dict(zip(g.outputs, session.run(None, {"image": x}), strict=True))[g.main], g(x), tolerance=1e-4)


@pytest.mark.parametrize("name", SIZES)
def test_a_few_steps_of_training_lower_the_loss(name):
    scenes = data.shapes(12, SIZES[name])
    g = mg.models.build(name, len(scenes.classes), size=SIZES[name], width=TRAINED_WIDTHS.get(name, 0.1), rng=0)
    steps = training.train(g, scenes.images, scenes.labels, epochs=6, batch_size=12, lr=0.02, rng=0)
    assert len(steps) == 6
    assert min(step.loss for step in steps[1:]) < steps[0].loss  # the last one may be higher: momentum overshoots
    assert set(g.outputs) == ({"aux/classifier", "classifier"} if name == "inception_v3" else {"classifier"})


@pytest.mark.parametrize("name", SIZES)
def test_page_shows_every_module(name):
    g = small(name)
    shown = mg.view(g, image=images(g, 1, dtype=np.float32)[0] if name == "bn_inception" else None)
    assert all(json.dumps(node) in shown.html for node in g.nodes)


@pytest.mark.parametrize("name", later.__all__)
def test_command_counts_the_network_by_name(name, capsys):
    assert cli.main(["count", name]) == 0
    g = mg.models.build(name, init="zeros")
    assert f"{mg.count(g).params:,} parameters, {mg.count(g).macs:,} MAC" in capsys.readouterr().out


@pytest.mark.parametrize("name", SIZES)
def test_classifiers_can_be_replaced(name):
    g = small(name)
    other, new = mg.models.with_classes(g, 3, rng=0)
    heads = CLASSIFIERS.get(name, ["classifier"])
    assert new == [f"{head}/{part}" for head in heads for part in ("weight", "bias")]
    assert other.shapes["classifier"] == (3,)


def test_dropout_can_be_left_out():
    without = {"bn_inception", "resnet18", "resnet50", "resnext50_32x4d"}
    for name in SIZES:
        if name not in without:
            assert "Dropout" in {layer.kind for layer, _ in small(name).nodes.values()}
            g = small(name, dropout=False)
            assert "Dropout" not in {layer.kind for layer, _ in g.nodes.values()}
    for name in without:
        assert "Dropout" not in {layer.kind for layer, _ in small(name).nodes.values()}
