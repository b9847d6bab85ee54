"""Copying arrays into a network: by name and pattern, all or none."""

import numpy as np
import pytest
import weight_files as make

import minigooglenet as mg
from minigooglenet import weights


def _network(classes=5, seed=0):
    g = mg.Graph(image=(3, 5, 5))
    g.add("conv", mg.layers.Conv2d(3, 4, 3, rng=seed), "image")
    g.add("bn", mg.layers.BatchNorm2d(4), "conv")
    g.add("pool", mg.layers.GlobalAvgPool2d(), "bn")
    g.add("fc", mg.layers.Linear(4, classes, rng=seed), "pool")
    return g


def _arrays(seed=1, **changes):
    g = _network(seed=seed)
    return {**g.params, **g.buffers, **changes}


def _bits(g):
    return {key: (value.dtype, value.shape, value.tobytes()) for key, value in {**g.params, **g.buffers}.items()}


def test_fill_copies_all_arrays_in_network_order():
    g, arrays = _network(), _arrays()
    names = weights.fill(g, dict(reversed(arrays.items())))
    assert names == [*g.params, *g.buffers]
    assert _bits(g) == _bits(_network(seed=1))
    arrays["fc/bias"][:] = 7
    assert np.all(g.params["fc/bias"] == 0)


@pytest.mark.parametrize(
    ("only", "filled"), [("conv", {"conv"}), ("[cb]*", {"conv", "bn"}), (("fc", "bn"), {"fc", "bn"})]
)
def test_only_pattern_leaves_other_nodes_unchanged(only, filled):
    g, before = _network(), _bits(_network())
    names = weights.fill(g, {key: value + 1 for key, value in _arrays().items()}, only=only)
    assert {name.rpartition("/")[0] for name in names} == filled
    assert {key for key, bits in _bits(g).items() if bits != before[key]} == set(names)


def test_pattern_keeps_a_new_classifier():
    g = _network(classes=2)
    before = g.params["fc/weight"].copy()
    weights.fill(g, _arrays(), only=["conv", "bn"])
    assert np.array_equal(g.params["fc/weight"], before)
    assert np.array_equal(g.params["conv/weight"], _arrays()["conv/weight"])


def test_patterns_are_case_sensitive_on_every_system():
    with pytest.raises(ValueError, match="no node with parameters matches 'CONV'"):
        weights.fill(_network(), _arrays(), only="CONV")


def test_fill_converts_floats_to_the_network_dtype():
    for dtype in (np.float16, np.float64):
        g = _network()
        weights.fill(g, {key: value.astype(dtype) for key, value in _arrays().items()})
        assert {value.dtype for value in g.params.values()} == {np.dtype(np.float32)}
        assert np.allclose(g.params["conv/weight"], _arrays()["conv/weight"], atol=1e-3)
    g = _network().astype(np.float64)
    weights.fill(g, _arrays())
    assert g.params["conv/weight"].dtype == np.float64


def test_non_strict_fill_copies_common_names():
    g, arrays = _network(), _arrays(other=np.zeros(3, np.float32))
    del arrays["conv/weight"]
    before = g.params["conv/weight"].copy()
    names = weights.fill(g, arrays, strict=False)
    assert "fc/weight" in names
    assert "other" not in names
    assert np.array_equal(g.params["conv/weight"], before)


def _without(name):
    arrays = _arrays()
    del arrays[name]
    return arrays


NAN = np.full(5, np.nan, np.float32)
FAULTS = {
    "missing": (
        {"arrays": _without("fc/bias")},
        "1 of the 8 arrays of the network is missing, for example 'fc/bias'",
    ),
    "misspelt": (
        {"arrays": {**_without("fc/weight"), "fc/weigth": np.zeros((5, 4))}},
        "for example 'fc/weight'. Did you mean 'fc/weigth'",
    ),
    "unknown": (
        {"arrays": _arrays(**{"fc2/bias": np.zeros(5)})},
        "1 of the 9 given arrays has no counterpart in the network, for example 'fc2/bias'. Did you mean 'fc/bias'",
    ),
    "of another network": (
        {"arrays": {"layer1.weight": np.zeros(5)}, "strict": False},
        "none of the 1 arrays is in the network: the first is 'layer1.weight', the first in the network 'conv/weight'",
    ),
    "nothing": ({"arrays": {}}, "none of the 0 arrays is in the network"),
    "other classes": (
        {"arrays": _arrays(**{"fc/weight": np.zeros((7, 4))}), "strict": False},
        r"'fc/weight' must have the shape \(5, 4\), got \(7, 4\). To keep part of the network unchanged",
    ),
    "other axes": ({"arrays": _arrays(**{"fc/bias": np.zeros((5, 1))})}, r"must have the shape \(5,\), got \(5, 1\)"),
    "one for all": ({"arrays": _arrays(**{"fc/bias": np.zeros(1)})}, r"must have the shape \(5,\), got \(1,\)"),
    "NaN": ({"arrays": _arrays(**{"fc/bias": NAN})}, "in 'fc/bias', 5 of 5 values are not finite"),
    "infinite": (
        {"arrays": _arrays(**{"fc/bias": np.array([0, 0, -np.inf, 0, 1])})},
        "in 'fc/bias', 1 of 5 values are not finite",
    ),
    "too large": (
        {"arrays": _arrays(**{"fc/bias": np.full(5, -1e39)})},
        r"'fc/bias' contains 1e\+39, which is too large for float32",
    ),
    "integers": ({"arrays": _arrays(**{"fc/bias": np.zeros(5, int)})}, "must be an array of floats, got int64"),
    "complex": ({"arrays": _arrays(**{"fc/bias": np.zeros(5, complex)})}, "must be an array of floats, got complex128"),
    "a list": ({"arrays": _arrays(**{"fc/bias": [0.0] * 5})}, "must be an array of floats, got list"),
    "a pattern of nothing": (
        {"arrays": _arrays(), "only": ["conv", "fcc"]},
        "no node with parameters matches 'fcc'. Did you mean 'fc'",
    ),
    "a pattern without arrays": ({"arrays": _without("conv/bias"), "only": "conv"}, "1 of the 2 arrays of the network"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_invalid_array_leaves_the_network_unchanged(name):
    arguments, sentence = FAULTS[name]
    g, before = _network(), _bits(_network())
    with pytest.raises((ValueError, TypeError), match=sentence):
        weights.fill(g, **arguments)
    assert _bits(g) == before


def test_read_only_parameter_leaves_the_network_unchanged():
    g = _network()
    g.params["fc/bias"].flags.writeable = False
    before = _bits(g)
    with pytest.raises(ValueError, match="'fc/bias' of the network is read-only"):
        weights.fill(g, _arrays())
    assert _bits(g) == before


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_invalid_file_error_names_the_file(tmp_path, name, kind):
    arguments, sentence = FAULTS[name]
    if name == "a list" or (kind == "safetensors" and name in ("complex", "integers")):
        pytest.skip("no such file")
    arrays, path = arguments["arrays"], tmp_path / "file"
    if kind == "npz":
        with path.open("wb") as file:
            np.savez(file, **arrays)
        sentence = {"complex": "has dtype complex128"}.get(name, sentence)
    else:
        path.write_bytes(make.native(arrays))
    g, before = _network(), _bits(_network())
    options = {key: value for key, value in arguments.items() if key != "arrays"}
    with pytest.raises(weights.WeightsError, match=rf"^cannot read .*file as weights: .*{sentence}"):
        weights.load_into(g, path, **options)
    assert _bits(g) == before


def test_corrupt_file_leaves_the_network_unchanged(tmp_path):
    data = make.native(_arrays())
    (tmp_path / "a").write_bytes(data[:-1] + bytes([data[-1] ^ 64]))
    g, before = _network(), _bits(_network())
    with pytest.raises(weights.WeightsError, match="1 of 8 arrays is corrupt"):
        weights.load_into(g, tmp_path / "a")
    assert _bits(g) == before
