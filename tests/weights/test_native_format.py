"""Saved networks reload bit-identically, and the same network gives the same file."""

import subprocess
import sys

import numpy as np
import pytest
import weight_files as make

import minigooglenet as mg
from minigooglenet import data, weights
from minigooglenet.weights import network

SMALL = {
    "googlenet": {"num_classes": 3, "width": 0.1, "size": 64},
    "mini_googlenet": {"num_classes": 3, "width": 0.3, "in_channels": 1, "size": 16, "aux": True},
    "nin": {"num_classes": 3},
}
LARGE = {"alexnet": {"groups": 2}, "vgg16": {"num_classes": 3}}  # without width, and with files of at least 250 MB


def _same(a, b):
    """Return whether two {name: array} are equal, bit for bit, and in the same order."""
    return list(a) == list(b) and all(a[k].dtype == b[k].dtype and a[k].tobytes() == b[k].tobytes() for k in a)


def _mini(seed=0, **arguments):
    g = mg.models.mini_googlenet(3, in_channels=1, size=16, width=0.2, rng=seed, **arguments)
    rng = np.random.default_rng(seed)
    for key, value in g.buffers.items():  # statistics as after training
        g.buffers[key] = rng.random(value.shape, dtype=np.float32)
    return g


def _check_made_again(again, g):
    assert again.made_by == g.made_by
    assert again.shapes == g.shapes
    assert [repr(layer) for layer, _ in again.nodes.values()] == [repr(layer) for layer, _ in g.nodes.values()]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("norm", [{}, {"norm": "batch"}, {"norm": None}], ids=["usual", "batch", "plain"])
def test_every_model_reloads_bit_identically(tmp_path, name, norm):
    if norm and name == "nin":
        pytest.skip("has no such choice")
    g = mg.models.build(name, **SMALL[name], **norm, rng=0)
    weights.save(g, tmp_path / "a.safetensors")
    again = weights.load(tmp_path / "a.safetensors").graph
    _check_made_again(again, g)
    assert _same(dict(again.params), dict(g.params))
    assert _same(dict(again.buffers), dict(g.buffers))


@pytest.mark.parametrize("name", LARGE)
def test_large_models_rebuild_from_their_metadata(name):
    g = mg.models.build(name, **LARGE[name], init="zeros")
    _check_made_again(network.build(weights.Contents(dict(g.params), *g.made_by)), g)


def test_tests_cover_every_model():
    later = set(mg.models.later.__all__)  # tests/models/test_later_run.py has the same test for each of them
    assert set(mg.models.names()) == set(SMALL) | set(LARGE) | later


def test_metadata_reloads(tmp_path):
    pixels = data.Pixels((1 / 3,), (0.1,), "L")
    metadata = {"pixels": pixels, "classes": ("caf\u00e9", "b", "c"), "notes": {"data": "digits", "epochs": "3"}}
    weights.save(_mini(), tmp_path / "a.safetensors", **metadata)
    loaded = weights.load(tmp_path / "a.safetensors")
    assert (loaded.pixels, loaded.classes, loaded.notes) == tuple(metadata.values())


def test_loaded_network_predicts_and_trains_the_same(tmp_path):
    g, x = _mini(), np.random.default_rng(1).standard_normal((2, 1, 16, 16), dtype=np.float32)
    weights.save(g, tmp_path / "a.safetensors")
    again = weights.load(tmp_path / "a.safetensors").graph
    assert np.array_equal(again(x), g(x))
    mg.training.train(again, x, [0, 1], epochs=1)
    assert not np.array_equal(again(x), g(x))
    weights.load_into(again, tmp_path / "a.safetensors")
    assert np.array_equal(again(x), g(x))


def test_float64_stays_float64(tmp_path):
    g = _mini().astype(np.float64)
    g.params["conv1/3x3/weight"] += 1e-12
    weights.save(g, tmp_path / "a.safetensors")
    again = weights.load(tmp_path / "a.safetensors").graph
    assert _same(dict(again.params), dict(g.params))
    assert again.made_by == g.made_by


def test_saved_bytes_are_the_same_in_every_process(tmp_path):
    code = (
        "import sys, minigooglenet as mg, minigooglenet.weights as w\n"
        "g = mg.models.mini_googlenet(3, width=0.2, rng=5)\n"
        "w.save(g, sys.argv[1], classes='abc', notes={'one': '1', 'two': '2', 'three': '3'})\n"
    )
    for name in ("a", "b"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / f"{name}.safetensors")], check=True)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_loading_and_saving_keeps_the_bytes(tmp_path):
    weights.save(_mini(), tmp_path / "a.safetensors", classes="abc")
    loaded = weights.load(tmp_path / "a.safetensors")
    weights.save(loaded.graph, tmp_path / "b.safetensors", classes=loaded.classes)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_safetensors_library_reads_the_documented_format(tmp_path):
    from safetensors.numpy import load_file

    values = make.arrays()
    (tmp_path / "a.safetensors").write_bytes(make.native(values, notes={"by": "hand"}))
    contents = weights.read(tmp_path / "a.safetensors")
    assert _same(contents.arrays, values)
    assert contents.notes == {"by": "hand"}
    weights.save(_mini(), tmp_path / "b.safetensors")
    plain = load_file(tmp_path / "b.safetensors")
    assert all(np.array_equal(plain[key], value) for key, value in _mini().params.items())


def test_any_memory_order_is_written_correctly(tmp_path):
    g = _mini()
    weight = g.params["conv1/3x3/weight"]
    g.params["conv1/3x3/weight"] = np.asfortranarray(weight)
    g.params["conv1/bn_3x3/weight"] = np.arange(12, dtype=np.float32)[::2]
    weights.save(g, tmp_path / "a.safetensors")
    again = weights.read(tmp_path / "a.safetensors").arrays
    assert np.array_equal(again["conv1/3x3/weight"], weight)
    assert again["conv1/bn_3x3/weight"].tolist() == [0, 2, 4, 6, 8, 10]


def test_foreign_safetensors_are_read_as_not_verified(tmp_path):
    from safetensors.numpy import save_file

    values = {"a.weight": np.arange(3.0), "a.half": np.ones(2, np.float16), "a.steps": np.array(7)}
    save_file(values, tmp_path / "a.safetensors", metadata={"format": "pt"})
    contents = weights.read(tmp_path / "a.safetensors")
    assert _same(dict(sorted(contents.arrays.items())), dict(sorted(values.items())))
    assert "not verified" in contents.notes
    assert contents.model is None
    assert "not verified" not in weights.read(_saved(tmp_path)).notes


def test_arrays_without_a_graph_load_into_one(tmp_path):
    def like(seed):
        g = mg.Graph(image=(4,))
        g.add("fc", mg.layers.Linear(4, 2, rng=seed), "image")
        return g

    weights.save(like(1), tmp_path / "a.safetensors", arrays_only=True)
    g = like(2)
    assert weights.load_into(g, tmp_path / "a.safetensors") == ["fc/weight", "fc/bias"]
    assert _same(dict(g.params), dict(like(1).params))
    with pytest.raises(weights.WeightsError, match=r"does not record its model. Build the model and call .*load_into"):
        weights.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"classes": "ab"}, r"got 2 class names for a network with outputs \(3,\)"),
        ({"pixels": data.Pixels()}, r"RGB has 3 channels, but the network expects inputs \(1, 16, 16\)"),
        ({"classes": (1, 2, 3)}, "the name of a class must be text, got 1"),
        ({"notes": {"a": 3}}, "note 'a' must be text, got 3"),
        ({"notes": {"a": "two\nlines"}}, "note 'a' must be a line of printable text"),
    ],
)
def test_save_rejects_unreadable_metadata(tmp_path, metadata, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        weights.save(_mini(), tmp_path / "a.safetensors", **metadata)
    assert not list(tmp_path.iterdir())


def test_diverged_network_does_not_replace_a_file(tmp_path):
    path, g = _saved(tmp_path), _mini(1)
    before = path.read_bytes()
    g.buffers["conv1/bn_3x3/running_var"][1] = np.inf
    with pytest.raises(
        ValueError, match=r"'conv1/bn_3x3/running_var' contains values that are not finite. Nothing was"
    ):
        weights.save(g, path)
    assert path.read_bytes() == before


def test_save_rejects_other_suffixes(tmp_path):
    for name in ("a.npz", "a", "a.safetensors.bak"):
        with pytest.raises(ValueError, match=r"path must end in \.safetensors, got "):
            weights.save(_mini(), tmp_path / name)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        weights.save(_mini(), tmp_path / "no" / "a.safetensors")


def test_numpy_scalars_are_saved_as_arguments(tmp_path):
    g = mg.models.mini_googlenet(np.int64(3), in_channels=1, size=16, width=np.float32(0.25), rng=0)
    weights.save(g, tmp_path / "a.safetensors")
    assert weights.load(tmp_path / "a.safetensors").graph.made_by == g.made_by


def test_unrecorded_initialisation_stays_unrecorded(tmp_path):
    g = _mini()
    name, arguments = g.made_by
    del arguments["init"]
    (tmp_path / "a").write_bytes(make.native({**g.params, **g.buffers}, model=name, arguments=arguments))
    assert weights.load(tmp_path / "a").graph.made_by == (name, arguments)


def test_mismatched_arrays_and_metadata_are_rejected(tmp_path):
    g = _mini()
    values = {**g.params, **g.buffers}
    name, arguments = g.made_by
    path = tmp_path / "a.safetensors"
    for metadata, sentence in (
        ({"classes": ["a", "b"]}, "got 2 class names"),
        ({"pixels": {"mean": [0, 0, 0], "std": [1, 1, 1], "colours": "BGR"}}, "BGR has 3 channels"),
        ({"arguments": {**arguments, "num_classes": 2}}, r"'loss3/classifier/weight' must have the shape \(2, "),
        ({"arguments": {**arguments, "norm": "lrn"}}, "arrays of the network"),
    ):
        path.write_bytes(make.native(values, **{"model": name, "arguments": arguments, **metadata}))
        with pytest.raises(weights.WeightsError, match=sentence):
            weights.load(path)
    path.write_bytes(make.native(values, model=name, arguments=arguments))
    assert _same(dict(weights.load(path).graph.params), dict(g.params))


def _saved(tmp_path):
    weights.save(_mini(), tmp_path / "saved.safetensors")
    return tmp_path / "saved.safetensors"
