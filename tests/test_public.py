"""The interactive surface: names, short reprs, suggestions, and the error for an array instead of a shape."""

import copy
import pickle
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import layers

IMAGES = np.zeros((2, 3, 8, 8), np.float32)


@pytest.fixture(scope="module")
def mini():
    return mg.models.mini_googlenet(rng=0)


def test_dir_shows_the_public_names_and_each_exists():
    assert dir(mg) == sorted(mg.__all__)
    assert all(hasattr(mg, name) for name in mg.__all__)


def test_importing_the_package_imports_no_part_of_it():
    program = "import sys, minigooglenet; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"numpy", "numba", "matplotlib"} & set(child.stdout.split())


@pytest.mark.parametrize("name", mg.FUNCTIONS)
def test_function_is_the_same_before_and_after_its_import(name):
    program = f"import minigooglenet as mg; first = mg.{name}; import minigooglenet.{mg.FUNCTIONS[name]}; "
    program += f"from minigooglenet import {name}; assert first is mg.{name} is {name} and callable(first)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_version_is_that_of_the_package():
    assert mg.__version__ == metadata.version("minigooglenet")


def test_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match="module 'minigooglenet' has no attribute 'cuont'"):
        _ = mg.cuont


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (lambda g: g.nodes["loss3/clasifier"], "unknown node 'loss3/clasifier'. Did you mean 'loss3/classifier'?"),
        (lambda g: g.shapes["imag"], "unknown wire 'imag'. Did you mean 'image'?"),
        (lambda g: mg.count(g)["clasifier"], "unknown node 'clasifier'. Did you mean 'loss3/classifier'?"),
        (lambda g: g.nodes["xyz"], "unknown node 'xyz'"),
    ],
)
def test_unknown_name_gets_suggestions(mini, look, message):
    with pytest.raises(KeyError) as error:
        look(mini)
    assert error.value.args == (message,)


def test_copies_of_a_graph_keep_their_suggestions(mini):
    for other in (copy.deepcopy(mini), pickle.loads(pickle.dumps(mini))):
        assert list(other.nodes) == list(mini.nodes)
        with pytest.raises(KeyError, match="Did you mean 'loss3/classifier'"):
            other.nodes["loss3/clasifier"]
        other.params["loss3/classifier/bias"] = np.ones(10, np.float32)  # the copy's view belongs to the copy
        assert other.nodes["loss3/classifier"].layer.params["bias"][0] == 1
    assert mini.params["loss3/classifier/bias"][0] == 0


def test_summary_lists_names_shapes_and_parameters(mini):
    table = mini.summary()
    assert table.rows[0] == ("conv1/3x3", "Conv2d", (32, 32, 32), 864)
    assert len(table.rows) == len(mini.nodes)
    assert table.total[-1] == mg.count(mini).params
    assert str(table).isascii()


def test_short_texts(mini):
    counted = mg.count(mini)
    assert repr(counted.rows[0]) == "Row('conv1/3x3', Conv2d, 864 params, 884,736 MAC)"
    _, tape = mini.forward({"image": np.zeros((1, 3, 32, 32), np.float32)})
    assert repr(tape) == f"Tape({len(mini.nodes)} caches)"
    images, labels = np.zeros((8, 3, 32, 32), np.uint8), np.arange(8)
    split = mg.data.as_split((images, labels, images[:2], labels[:2]), 10)
    assert repr(split) == "Split(8 train, 2 test, 10 classes, 3x32x32)"
    assert repr(split.train) == "Images(8 images, 10 classes, 3x32x32)"
    trainer = mg.training.Trainer(mini, split, mg.training.Settings(epochs=1, batch_size=4))
    assert repr(trainer) == f"Trainer({split!r}, step 0 of 2)"


def test_no_record_prints_its_arrays(mini, tmp_path):
    mg.weights.save(mini, tmp_path / "w.safetensors", classes=tuple(f"class {i}" for i in range(10)))
    loaded, contents = mg.weights.load(tmp_path / "w.safetensors"), mg.weights.read(tmp_path / "w.safetensors")
    scenes = mg.data.shapes(3, 32)
    for record in (loaded, contents, scenes):
        assert len(repr(record)) < 400
        assert "array(" not in repr(record)
    assert repr(scenes).startswith("Scenes(images=uint8 (3, 3, 32, 32), labels=int64 (3,), ")


@pytest.mark.parametrize(
    "call",
    [
        lambda: mg.Graph(image=IMAGES),
        lambda: mg.count(layers.Conv2d(3, 4, 3), IMAGES),
        lambda: layers.Conv2d(3, 4, 3).output_shape(IMAGES),
        lambda: layers.MaxPool2d(2).output_shape(IMAGES),
        lambda: layers.AdaptiveAvgPool2d(2).output_shape(IMAGES),
        lambda: layers.GlobalAvgPool2d().output_shape(IMAGES),
        lambda: layers.LocalResponseNorm().output_shape(IMAGES),
        lambda: layers.BatchNorm2d(3).output_shape(IMAGES),
        lambda: layers.ReLU().output_shape(IMAGES),
        lambda: layers.Dropout().output_shape(IMAGES),
        lambda: layers.Softmax().output_shape(IMAGES),
        lambda: layers.Linear(3, 4).output_shape(IMAGES),
        lambda: layers.Flatten().output_shape(IMAGES),
        lambda: layers.Concat().output_shape(IMAGES, IMAGES),
        lambda: layers.Add().output_shape(IMAGES, IMAGES),
        lambda: mg.gradcheck.check_layer(layers.ReLU(), IMAGES),
    ],
)
def test_array_instead_of_a_shape_raises(call):
    with pytest.raises(
        TypeError, match=r"got an array of shape \(2, 3, 8, 8\)\. Pass x\.shape\[1:\], which is"
    ) as error:
        call()
    assert len(str(error.value)) < 160


@pytest.mark.parametrize("wrong", ["38", 3, {"a": 1}, b"12", None])
def test_other_values_instead_of_a_shape_raise(wrong):
    with pytest.raises(TypeError, match="must be a tuple such as"):
        mg.Graph(image=wrong)


@pytest.mark.parametrize("make", [lambda x: layers.Conv2d(x, 4, 3), layers.MaxPool2d, layers.AdaptiveAvgPool2d])
def test_array_instead_of_an_integer_raises(make):
    with pytest.raises(TypeError, match=r"must be an integer, got an array of shape \(2, 3, 8, 8\)$"):
        make(IMAGES)
