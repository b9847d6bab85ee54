"""A custom graph can be trained, and its files can be used like those of a model."""

import json
import re

import numpy as np
import pytest
from PIL import Image

import minigooglenet as mg
from minigooglenet import cli, data, layers, weights
from minigooglenet.training import Settings, Trainer

CLASSES = ("dark", "light")


def _graph(seed=0):
    g = mg.Graph(image=(1, 16, 16))
    g.add("conv", layers.Conv2d(1, 4, 3, stride=2, rng=seed), "image")
    g.add("bn", layers.BatchNorm2d(4), "conv")
    g.add("relu", layers.ReLU(), "bn")
    g.add("mean", layers.GlobalAvgPool2d(), "relu")
    g.add("drop", layers.Dropout(0.2, rng=seed), "mean")
    g.add("fc", layers.Linear(4, 2, rng=seed), "drop")
    return g


def _images(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 60, (count, 1, 16, 16), np.uint8) + (180 * labels).astype(np.uint8)[:, None, None, None]
    return data.Images(images, labels, CLASSES, data.GREY_UNIT)


def _split():
    return data.Split(_images(60, 0), _images(20, 1))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a finished run, and its trainer."""
    folder = tmp_path_factory.mktemp("run")
    trainer = Trainer(_graph(), _split(), Settings(epochs=6, batch_size=10, lr=0.2, average_from=0.5), folder)
    assert trainer.run()
    return folder, trainer


def test_weights_of_a_run_contain_graph_classes_and_pixels(run):
    folder, trainer = run
    loaded = weights.load(folder / "weights.safetensors")
    assert (loaded.classes, loaded.pixels, loaded.crops) == (CLASSES, data.GREY_UNIT, 0)
    x = data.GREY_UNIT.to_input(_images(5, 2).images)
    assert loaded.graph(x).tobytes() == trainer.trained()(x).tobytes()


def test_checkpoint_loads_as_the_trained_network(run):
    folder, trainer = run
    loaded = weights.load(folder / "checkpoint.safetensors")
    assert loaded.classes == CLASSES
    x = data.GREY_UNIT.to_input(_images(5, 2).images)
    assert loaded.graph(x).tobytes() == trainer.trained()(x).tobytes()
    other = _graph(1)
    assert len(weights.load_into(other, folder / "checkpoint.safetensors")) == 8
    assert other(x).tobytes() == trainer.trained()(x).tobytes()


def test_checkpoint_of_a_custom_graph_is_resumed(run):
    folder, trainer = run
    again = Trainer(_graph(3), _split(), trainer.settings, folder)
    assert again.resume()
    assert again.step == trainer.step
    assert again.graph.params["fc/weight"].tobytes() == trainer.graph.params["fc/weight"].tobytes()


def test_loaded_network_classifies_files_images_and_arrays(run, tmp_path):
    loaded = weights.load(run[0])
    Image.new("L", (40, 30), 230).save(tmp_path / "light.png")
    answer = loaded.classify(tmp_path / "light.png")
    assert answer[0].name == "light"
    assert answer[0].index == 1
    assert sum(guess.probability for guess in answer) == pytest.approx(1)
    assert loaded.classify(str(tmp_path / "light.png")) == answer
    assert loaded.classify(Image.new("RGB", (40, 30), (230, 230, 230)))[0].name == "light"
    assert loaded.classify(np.full((1, 16, 16), 20, np.uint8))[0].name == "dark"
    assert loaded.classify(np.full((1, 16, 16), 20, np.uint8), top=1, crops=10)[0].name == "dark"
    assert str(answer).splitlines()[0].endswith("  light")


def test_classify_rejects_other_images_in_one_sentence(run, tmp_path):
    loaded = weights.load(run[0])
    with pytest.raises(ValueError, match=r"a file, a PIL image or a uint8 array \(1, H, W\), got float64 \(16, 16\)"):
        loaded.classify(np.zeros((16, 16)))
    with pytest.raises(data.BadImageError, match="no such file"):
        loaded.classify(tmp_path / "missing.png")
    with pytest.raises(ValueError, match="crops must be one of"):
        loaded.classify(np.zeros((1, 16, 16), np.uint8), crops=7)
    weights.save(loaded.graph, tmp_path / "bare.safetensors")
    bare = weights.load(tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match=r"does not record how images become inputs\. Pass pixels=, such as 'unit'"):
        bare.classify(np.zeros((1, 16, 16), np.uint8))
    assert bare.classify(np.full((1, 16, 16), 230, np.uint8), pixels="grey-unit")[0].name == "class 1"


@pytest.mark.parametrize("name", ["", "weights.safetensors", "checkpoint.safetensors"])
def test_commands_accept_a_folder_file_or_checkpoint(run, tmp_path, capsys, monkeypatch, name):
    path = str(run[0] / name)
    Image.new("L", (40, 30), 230).save(tmp_path / "light.png")
    assert cli.main(["classify", str(tmp_path / "light.png"), "--weights", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["top"][0]["class"] == "light"
    assert cli.main(["count", path, "--by", "layer"]) == 0
    assert "58 parameters" in capsys.readouterr().out
    monkeypatch.setattr(data, "load", lambda name, size: data.Split(None, _images(20, 1)))
    assert cli.main(["evaluate", "--data", "tones", "--weights", path]) == 0
    assert "accuracy on 20 images" in capsys.readouterr().out
    assert cli.main(["weights", "inspect", path]) == 0
    assert "graph: 6 nodes, input image" in capsys.readouterr().out


def test_functions_accept_a_loaded_network(run):
    loaded = weights.load(run[0])
    assert (
        mg.count(loaded).params == mg.count(run[0]).params == mg.count(str(run[0])).params == mg.count(_graph()).params
    )
    result = mg.evaluation.evaluate(loaded, _images(20, 1), (0,))
    assert result.probabilities().argmax(axis=1).tolist() == result.labels.tolist()
    with pytest.raises(TypeError, match=r"Load a file with mg\.weights\.load\(path\)"):
        mg.evaluation.evaluate(str(run[0]), _images(20, 1), (0,))


def test_ensemble_folder_means_all_members(run, tmp_path, capsys, monkeypatch):
    content = (run[0] / "weights.safetensors").read_bytes()
    for number in (1, 2, 10):
        (tmp_path / f"member_{number}").mkdir()
        (tmp_path / f"member_{number}" / "weights.safetensors").write_bytes(content)
    monkeypatch.setattr(data, "load", lambda name, size: data.Split(None, _images(20, 1)))
    assert cli.main(["evaluate", "--data", "x", "--weights", str(tmp_path), "--json", str(tmp_path / "a.json")]) == 0
    assert len(json.loads((tmp_path / "a.json").read_text())["weights"]) == 3
    with pytest.raises(weights.WeightsError, match=r"without weights\.safetensors.*Pass one of its members, such as"):
        weights.load(tmp_path)


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(
        weights.WeightsError, match=r"it is a folder without weights\.safetensors, which a training run"
    ):
        weights.load(tmp_path)


def test_graph_that_classifies_no_images_is_reported(tmp_path, capsys):
    g = mg.Graph(features=(4,))
    g.add("fc", layers.Linear(4, 2, rng=0), "features")
    weights.save(g, tmp_path / "a.safetensors")
    sentence = r"a model must map (C, size, size) to (classes,), this one maps (4,) to (2,)"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        weights.load(tmp_path / "a.safetensors").classify(np.zeros((1, 4, 4), np.uint8), pixels="grey-unit")
    Image.new("L", (16, 16), 20).save(tmp_path / "dark.png")
    assert cli.main(["classify", str(tmp_path / "dark.png"), "--weights", str(tmp_path / "a.safetensors")]) == 1
    assert sentence in capsys.readouterr().err


def test_pixels_option_overrides_the_file(run, tmp_path, capsys):
    Image.new("L", (16, 16), 20).save(tmp_path / "dark.png")
    command = ["classify", str(tmp_path / "dark.png"), "--weights", str(run[0]), "--json"]
    assert cli.main(command) == 0
    default = capsys.readouterr().out
    assert cli.main([*command, "--pixels", "L:0:255"]) == 0
    assert capsys.readouterr().out != default
    with pytest.raises(SystemExit):
        cli.main([*command, "--pixels", "grey"])
    assert "pixels must be one of unit, zero-one" in capsys.readouterr().err


def test_unsavable_graph_is_reported_before_training(tmp_path):
    class Halved(layers.ReLU):
        pass

    g = mg.Graph(image=(1, 16, 16))
    g.add("relu", Halved(), "image")
    g.add("mean", layers.GlobalAvgPool2d(), "relu")
    g.add("fc", layers.Linear(1, 2, rng=0), "mean")
    with pytest.warns(
        UserWarning, match=r"will contain only the arrays, not the graph.*(\n.*)*Halved is not registered"
    ):
        trainer = Trainer(g, _split(), Settings(epochs=1, batch_size=30), tmp_path)
    assert trainer.run()
    with pytest.raises(weights.WeightsError, match="does not record its model"):
        weights.load(tmp_path)
    assert weights.load_into(g, tmp_path) == ["fc/weight", "fc/bias"]
    assert trainer.resume()
