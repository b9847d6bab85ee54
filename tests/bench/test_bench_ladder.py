"""The ladder: its layers, its algorithms, its estimates, and the roofline."""

import types

import numpy as np
import pytest
from numeric import COMPILED

from minigooglenet import figures, layers, models
from minigooglenet.bench import cases, ladder, roofline
from minigooglenet.graph import Graph
from minigooglenet.kernels import conv2d
from minigooglenet.kernels import numpy as readable


@pytest.fixture
def with_picky(monkeypatch):
    """Add an algorithm that supports only 3x3 with stride 1, like Winograd."""

    def forward(x, weight, bias, stride, padding, groups):
        if weight.shape[2:] != (3, 3) or stride != (1, 1):
            raise ValueError("only 3x3 with stride 1")
        return readable.conv2d.forward(x, weight, bias, stride, padding, groups)

    picky = types.SimpleNamespace(forward=forward, backward=readable.conv2d.backward)
    right = conv2d.form_named
    monkeypatch.setattr(conv2d, "ALGORITHMS", (*conv2d.ALGORITHMS, "picky"))
    monkeypatch.setattr(conv2d, "form_named", lambda name, *args: picky if name == "picky" else right(name, *args))


@pytest.fixture
def result(quick, silent, with_picky):
    return ladder.measure(quick, silent, ["conv1/3x3", "inception_3a/5x5"])


def test_ladder_has_every_algorithm_of_every_layer(result):
    measured = {(r["layer"], r["threads"], r["algorithm"]) for r in result["layers"]}
    expected = {(layer, 1, name) for layer in ("conv1/3x3", "inception_3a/5x5") for name in conv2d.ALGORITHMS}
    assert measured >= expected
    assert {rates["threads"] for rates in result["rates"]} == {1, 2}


def test_unsupported_algorithm_has_dashes(result):
    (record,) = (
        r for r in result["layers"] if (r["layer"], r["threads"], r["algorithm"]) == ("inception_3a/5x5", 1, "picky")
    )
    assert record["refused"] == "only 3x3 with stride 1"
    assert record["median_seconds"] is None
    assert record["mac_per_second"] is None
    (row,) = (row for row in ladder.tables(result)[1].rows if row[0] == "inception_3a/5x5" and row[2:4] == (1, "picky"))
    assert row[4:9] == ("-",) * 5


def test_slow_algorithm_is_estimated_once_and_marked(monkeypatch, quick, silent):
    monkeypatch.setattr(ladder, "TOO_SLOW", 0.01)
    result = ladder.measure(quick, silent, ["conv1/3x3"])
    loops = [r for r in result["layers"] if r["algorithm"] == "loops"]
    assert [(r["threads"], r["estimated"], r["rounds"]) for r in loops] == [(1, True, 0)]
    text = "\n".join(str(table) for table in ladder.tables(result))
    assert "about" in text
    (network,) = (r for r in result["network"] if r["algorithm"] == "loops")
    assert network["estimated"]
    assert network["median_seconds"] == pytest.approx(network["macs"] / loops[0]["mac_per_second"])


def test_network_uses_an_algorithm_where_supported(with_picky):
    graph = models.mini_googlenet(rng=0)
    net, supported = ladder.with_algorithm(graph, "picky")
    algorithms = {name: net.nodes[name].layer.algorithm for name in cases.convolutions(net)}
    assert algorithms["conv1/3x3"] == algorithms["inception_4b/3x3"] == "picky"
    assert algorithms["inception_3a/5x5"] == algorithms["inception_3a/1x1"] == "auto"
    assert supported == sum(name == "picky" for name in algorithms.values()) == 5
    assert all(graph.nodes[name].layer.algorithm == "auto" for name in algorithms)
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32), dtype=np.float32)
    assert np.allclose(net(x), graph(x), atol=1e-4)


def test_result_has_the_whole_network_with_memory(result):
    for record in result["network"]:
        assert record["estimated"] or record["peak_bytes"] > 0
    assert {r["algorithm"] for r in result["network"]} >= {"auto", "im2col", "picky", *COMPILED[:1]}


def test_small_case_is_part_of_the_convolution():
    graph = models.googlenet(init="he", rng=0)
    for name in cases.chosen(graph):
        case = cases.of_node(graph, name, 1)
        small = case.small()
        assert small.macs <= max(2 * cases.FEW_MACS, small.macs // len(small.weight))
        assert small.weight.shape[1:] == case.weight.shape[1:]
        full = case.run("im2col")
        rows = small.output_size[0] - case.padding[0][1]  # the last rows read pixels below the crop
        assert np.allclose(small.run("im2col")[:, :, :rows], full[:1, : len(small.weight), :rows], atol=1e-4)


def test_small_grouped_case_has_one_group():
    x = np.ones((2, 6, 9, 9), np.float32)
    layer = layers.Conv2d(6, 4, 3, stride=2, padding=1, groups=2, rng=0)
    weight, bias = layer.params["weight"], layer.params["bias"]
    case = cases.Case("grouped", x, weight, bias, layer.stride, layer.padding, 2)
    assert case.macs == 2 * 4 * 3 * 9 * 25
    assert case.bytes == 4 * (x.size + weight.size + 4 + 2 * 4 * 25)
    assert case.small().run("loops").shape[:2] == (1, 2)


def test_small_dilated_case_keeps_its_dilation():
    g = Graph(image=(2, 30, 9))
    g.add("atrous", layers.Conv2d(2, 4, 3, padding=3, dilation=(4, 3), rng=0), "image")
    case = cases.of_node(g, "atrous", 2)
    small = case.small()
    assert case.macs == 2 * 4 * 2 * 9 * 28 * 9
    assert small.x.shape == (1, 2, 10, 9)
    assert np.allclose(small.run("loops")[:, :, :5], case.run("im2col")[:1, : len(small.weight), :5], atol=1e-4)


def test_chosen_layers_are_largest_and_last():
    names = cases.chosen(models.googlenet(init="zeros"))
    assert names[:2] == ["conv1/7x7_s2", "conv2/3x3"]
    assert names[-3:] == ["inception_5b/3x3", "inception_5b/5x5", "inception_5b/pool_proj"]


def test_unknown_layer_raises():
    with pytest.raises(ValueError, match="unknown convolution 'conv9'; choose from conv1/3x3,"):
        cases.chosen(models.mini_googlenet(init="zeros"), ["conv9"])


def test_roofline_has_a_text_file(result, tmp_path):
    image, words = figures.save(*roofline.roofline(result, 2), tmp_path / "roofline")
    text = words.read_text(encoding="utf-8")
    assert image.stat().st_size > 10_000
    assert text.isascii()
    assert "matrix products reach 200.0 GMAC/s, memory 40.0 GB/s" in text
    assert "Below 5.0 MACs per byte, memory is the limit" in text
    for layer in ("conv1/3x3", "inception_3a/5x5"):
        assert layer in text
    for algorithm in ("loops", "im2col", "picky", *COMPILED[:1]):
        assert algorithm in text
