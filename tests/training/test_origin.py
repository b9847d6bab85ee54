"""Fine-tuning: which parameters are loaded, new and frozen; a classifier is only used for its own classes."""

import json

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import data, weights
from minigooglenet.training import Recipe, Settings, origin

NAMES = ("cat", "dog", "emu", "fox")


@pytest.fixture
def trained(tmp_path):
    """Return (weights file of a small network with class names, its graph)."""
    g = mg.models.mini_googlenet(4, width=0.25, depth=2, aux=True, rng=0)
    weights.save(g, tmp_path / "w.safetensors", pixels=data.UNIT, classes=NAMES)
    return tmp_path / "w.safetensors", g


def _logits(g, seed=1):
    return g(np.random.default_rng(seed).standard_normal((2, 3, 32, 32), dtype=np.float32))


def test_same_classes_in_the_same_order_keep_the_classifier(trained):
    path, g = trained
    graph, pixels, source = origin.fine_tuned(path, NAMES)
    np.testing.assert_array_equal(_logits(graph), _logits(g))
    assert pixels == data.UNIT
    assert source.new == []


def test_permuted_classes_reorder_the_classifier(trained):
    path, g = trained
    order = ("fox", "cat", "emu", "dog")
    graph, _, source = origin.fine_tuned(path, order)
    np.testing.assert_allclose(_logits(graph), _logits(g)[:, [3, 0, 2, 1]], rtol=1e-5, atol=1e-6)
    assert source.new == []
    assert "its rows are reordered" in source.classifier


def test_names_in_another_unicode_form_are_the_same_classes(tmp_path):
    g = mg.models.mini_googlenet(2, width=0.25, depth=2, rng=0)
    weights.save(g, tmp_path / "w.safetensors", classes=("caf\u00e9", "tea"))
    graph, _, source = origin.fine_tuned(tmp_path / "w.safetensors", ("cafe\u0301", "tea"))
    np.testing.assert_array_equal(_logits(graph), _logits(g))
    assert source.new == []


@pytest.mark.parametrize("classes", [("ant", "bee", "cow", "dog"), ("cat", "dog"), (*NAMES, "gnu")])
def test_other_classes_get_new_classifiers_in_every_head(trained, classes):
    path, g = trained
    graph, _, source = origin.fine_tuned(path, classes, seed=0)
    assert source.new == ["loss1/classifier", "loss3/classifier"]
    assert graph.shapes["loss3/classifier"] == (len(classes),)
    for node in source.new:
        assert not np.array_equal(graph.params[f"{node}/weight"], g.params[f"{node}/weight"])
    kept = [key for key in graph.params if key.rpartition("/")[0] not in source.new]
    assert all(np.array_equal(graph.params[key], g.params[key]) for key in kept)


@pytest.mark.parametrize("names", [None, ("cat", "cat", "dog", "emu")])
def test_file_without_distinct_names_gets_a_new_classifier(tmp_path, names):
    g = mg.models.mini_googlenet(4, width=0.25, depth=2, rng=0)
    weights.save(g, tmp_path / "w.safetensors", classes=names)
    _, _, source = origin.fine_tuned(tmp_path / "w.safetensors", NAMES)
    assert source.new == ["loss3/classifier"]
    assert ("has no class names" in source.classifier) == (names is None)


def test_permuted_classes_keep_the_trained_accuracy(tmp_path):
    pytest.importorskip("sklearn")
    split = data.load("digits")
    g = mg.models.mini_googlenet(10, in_channels=1, width=0.25, depth=2, rng=0)
    images, labels = split.train.pixels.to_input(split.train.images[:640]), split.train.labels[:640]
    mg.training.train(g, images, labels, epochs=6, rng=0)
    weights.save(g, tmp_path / "w.safetensors", pixels=split.train.pixels, classes=split.train.classes)
    graph, _, _ = origin.fine_tuned(tmp_path / "w.safetensors", split.train.classes[::-1])
    before, after = mg.evaluation.predict(g, images), mg.evaluation.predict(graph, images)
    assert (before == labels).mean() > 0.5
    np.testing.assert_array_equal(after, 9 - before)


def test_report_counts_every_parameter_once(trained):
    path, _ = trained
    graph, _, source = origin.fine_tuned(path, ("a", "b"))
    frozen = Settings(freeze=("conv1*", "inception_*")).frozen(graph)
    counted = origin.report(graph, source, frozen)
    count, total = counted["parameters"], sum(array.size for array in graph.params.values())
    assert count["loaded"] + count["new"] == count["frozen"] + count["trained"] == total
    assert count["new"] == sum(
        graph.params[f"{node}/{part}"].size for node in counted["new"] for part in ("weight", "bias")
    )
    text = " ".join(origin.sentences(counted))
    for number in count.values():
        assert f"{number:,} parameters" in text
    assert "the file has 4 classes, the data 2" in text
    assert "Warning" not in text


def test_new_and_frozen_classifier_causes_a_warning(trained):
    path, _ = trained
    graph, _, source = origin.fine_tuned(path, ("a", "b"))
    text = origin.sentences(origin.report(graph, source, Settings(freeze="loss3*").frozen(graph)))[-1]
    assert text.startswith("Warning: new and frozen, so they stay random: loss3/classifier.")


def test_recipe_file_stores_the_report(trained, tmp_path, monkeypatch):
    path, _ = trained
    scenes = mg.data.shapes(12, 32, seed=0)
    part = data.Images(scenes.images, scenes.labels, scenes.classes, data.UNIT)
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: data.Split(part, part))
    recipe = Recipe("shapes", start=str(path), settings=Settings(epochs=1, freeze=("conv1*",)))
    trainer = recipe.trainer(tmp_path / "run")
    written = json.loads((tmp_path / "run" / "recipe.json").read_text(encoding="utf-8"))["origin"]
    assert written == trainer.origin
    assert written["file"] == str(path)
    assert written["new"] == ["loss1/classifier", "loss3/classifier"]
    assert "conv1/3x3" in written["frozen"]
    assert mg.training.recipe.read(tmp_path / "run") == recipe


def test_weights_for_another_size_are_rejected_with_advice(trained, monkeypatch):
    path, _ = trained
    part = data.Images(np.zeros((4, 3, 48, 48), np.uint8), np.arange(4), NAMES, data.UNIT)
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: data.Split(part, part))
    recipe = Recipe("shapes", start=str(path))
    with pytest.raises(
        ValueError, match=r"expects images of \(3, 32, 32\), but the data set .*Use size=32 \(--size 32\)"
    ):
        recipe.graph(recipe.split())


def test_file_without_pixels_is_reported(tmp_path):
    g = mg.models.mini_googlenet(4, width=0.25, depth=2, rng=0)
    weights.save(g, tmp_path / "w.safetensors", classes=NAMES)
    graph, pixels, source = origin.fine_tuned(tmp_path / "w.safetensors", NAMES)
    assert pixels is None
    sentence = "The file does not record how pixels become inputs, so the Pixels of the data are used."
    assert sentence in origin.sentences(origin.report(graph, source))
