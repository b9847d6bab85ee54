"""`view` and `Page`: what is accepted as a network and as an image, what is measured, and what is left out."""

import base64
import io
import subprocess
import sys

import numpy as np
import pytest
from filled import data_in
from PIL import Image

import minigooglenet as mg
from minigooglenet import data, evaluation, layers, viewer, weights

pytestmark = pytest.mark.filterwarnings("ignore:.*does not record how pixels:UserWarning")


@pytest.fixture(scope="module")
def mini():
    return mg.models.mini_googlenet(3, width=0.25, rng=0)


@pytest.fixture
def described(monkeypatch):
    """Replace what computes the image's data by a record of its arguments."""

    class Record:
        nodes, objectives, objective, probabilities, notes = {}, {}, None, [[1, 0.5], [0, 0.25]], []

        def check_label(self, graph, label):
            assert graph.nodes

        def describe(self, graph, x, **options):
            self.graph, self.x, self.options = graph, x, options
            options["progress"](1, 2, "activations")
            return self

    record = Record()
    monkeypatch.setitem(sys.modules, f"{viewer.__name__}.image_data", record)
    return record


def _png(data):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image"]["png"].partition(",")[2]))))


def test_import_of_the_package_leaves_the_viewer_out():
    code = "import sys, minigooglenet as mg; assert 'minigooglenet.viewer' not in sys.modules; mg.view; mg.viewer.Page"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_page_is_saved_opened_and_shown_in_a_notebook(mini, tmp_path, monkeypatch):
    page = mg.view(mini, name="<mine>")
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert opened == [page.open().as_uri()]
    assert page._repr_html_().startswith('<iframe title="&lt;mine&gt;" sandbox=')
    assert "<script" not in page._repr_html_()
    assert repr(page) == f"Page('<mine>', {page.megabytes:.1f} MB)"


def test_networks_are_accepted_by_name_object_and_file(mini, tmp_path):
    pytest.importorskip("onnx")
    weights.save(mini, tmp_path / "net.safetensors", classes=("a", "b", "c"))
    weights.onnx.export(mini, tmp_path / "exported.onnx")
    titles = {
        "mini": "mini_googlenet",
        mini: "mini_googlenet",
        tmp_path / "net.safetensors": "net",
        str(tmp_path / "exported.onnx"): "exported",
    }
    for network, title in titles.items():
        page = mg.view(network)
        assert page.title == title
        assert len(data_in(page.html)["networks"][0]["nodes"]) == len(mini.nodes) + 1
    assert mg.view(weights.load(tmp_path / "net.safetensors"), beside=mini).title == "network and mini_googlenet"


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        ("googlenett", ValueError, "unknown model 'googlenett'. Did you mean 'googlenet'"),
        ("missing.onnx", ValueError, "cannot read missing.onnx"),
        (layers.ReLU(), TypeError, "view expects a graph, a model's name or a file, got ReLU. Build a graph with it"),
        (mg.Graph(x=(3, 4, 4)), ValueError, "nothing to show: the graph has no nodes"),
    ],
)
def test_other_networks_raise(network, error, message):
    with pytest.raises(error, match=message.replace(".", r"\.").replace("(", r"\(")):
        mg.view(network)


def test_totals_equal_the_count(mini):
    totals, counted = data_in(mg.view(mini).html)["networks"][0]["totals"], mg.count(mini)
    assert totals == {key: getattr(counted, key) for key in totals}
    assert len(totals) == 17


def test_two_inputs_and_a_single_node_have_pages():
    two = mg.Graph(left=(3, 8, 8), right=(2, 8, 8))
    two.add("both", layers.Concat(), "left", "right")
    one = mg.Graph(x=(5,))
    one.add("relu", layers.ReLU(), "x")
    assert [node["kind"] for node in data_in(mg.view(two).html)["networks"][0]["nodes"]] == ["Input", "Input", "Concat"]
    assert [node["name"] for node in data_in(mg.view(one).html)["networks"][0]["nodes"]] == ["x", "relu"]


class Own(layers.Layer):
    """A user's layer with a cost that fails and a setting that JSON cannot have."""

    def output_shape(self, x_shape):
        return x_shape

    def settings(self):
        return {"scale": float("inf"), "table": np.arange(3), "size": np.int64(3), "function": len}


def test_unknown_numbers_are_null_from_the_layer_on():
    g = mg.Graph(x=(3, 8, 8))
    g.add("own", Own(), g.add("conv", layers.Conv2d(3, 4, 3, init="zeros"), "x"))
    g.add("relu", layers.ReLU(), "own")
    network = data_in(mg.view(g).html)["networks"][0]
    _, conv, own, relu = network["nodes"]
    assert [conv["macs"], own["macs"], relu["macs"]] == [3888, None, 0]
    assert [conv["field_max"], own["field_max"], relu["field_max"]] == [[3, 3], None, None]
    assert own["explain"][-1] == "  Own has no registered cost. Add one with @mg.counting.register(Own)"
    assert own["settings"] == {"scale": "inf", "table": "[0 1 2]", "size": 3, "function": str(len)}
    assert network["totals"]["macs"] is None
    assert network["totals"]["params"] == conv["params"]


def test_error_in_a_cost_function_is_a_note(monkeypatch):
    from minigooglenet.counting import costs

    monkeypatch.setitem(costs.COSTS, Own, lambda layer, shape: costs.Cost(1 / 0 for _ in "a"))
    g = mg.Graph(x=(3, 8, 8))
    g.add("own", Own(), "x")
    assert mg.view(g).notes == ["Unknown numbers at own: division by zero."]


def test_profile_adds_the_time_of_every_node(mini):
    page = mg.view(mini, profile=True)
    nodes = data_in(page.html)["networks"][0]["nodes"]
    assert all(0 < node["seconds"] < 10 for node in nodes[1:])
    assert "seconds" not in nodes[0]
    assert page.notes[0].startswith("Times: the median of 7 forward passes of one image on ")


def test_image_is_prepared_as_classify_does(described, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(image).save(path)
    g = mg.models.mini_googlenet(3, width=0.25, rng=0)
    weights.save(g, tmp_path / "net.safetensors", pixels=data.UNIT, classes=("a", "b", "c"))
    expected = evaluation.crops(image.transpose(2, 0, 1), 32, 1)[0]
    for given in (path, image, Image.fromarray(image), image.transpose(2, 0, 1)):
        page = mg.view(tmp_path / "net.safetensors", given, label="b")
        shown = data_in(page.html)
        np.testing.assert_array_equal(_png(shown), expected.transpose(1, 2, 0))
        np.testing.assert_array_equal(described.x["image"], data.UNIT.to_input(expected[None]))
        assert described.options["label"] == 1
        assert shown["probabilities"] == [["b", 0.5], ["a", 0.25]]
        assert shown["image"]["name"] == ("photo.png" if given is path else "image")


def test_float_input_is_passed_on_unchanged(described, mini):
    x = np.random.default_rng(0).normal(size=(3, 32, 32)).astype(np.float32)
    page = mg.view(mini, x)
    np.testing.assert_array_equal(described.x["image"], x[None])
    assert _png(data_in(page.html)).shape == (32, 32, 3)
    assert "The image shows the input from" in page.notes[0]
    mg.view(mini, {"image": x[None]})
    np.testing.assert_array_equal(described.x["image"], x[None])


def test_oblong_network_gets_the_middle_of_the_image(described):
    g = mg.Graph(image=(1, 8, 16))
    g.add("relu", layers.ReLU(), "image")
    page = mg.view(g, np.full((40, 40, 3), 200, np.uint8))
    assert _png(data_in(page.html)).shape == (8, 16)


def test_several_inputs_need_an_array_for_each(described):
    g = mg.Graph(left=(1, 4, 4), right=(1, 4, 4))
    g.add("both", layers.Concat(), "left", "right")
    x = np.zeros((1, 4, 4), np.float32)
    mg.view(g, {"left": x, "right": x})
    assert {name: array.shape for name, array in described.x.items()} == {"left": (1, 1, 4, 4), "right": (1, 1, 4, 4)}
    with pytest.raises(ValueError, match=r"Pass \{input: array}"):
        mg.view(g, x)
    with pytest.raises(ValueError, match=r"an array for each of the inputs \['left', 'right'\], got \['left'\]"):
        mg.view(g, {"left": x})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label": 3}, ValueError, "a label needs an image of that class, got label 3"),
        ({"image": np.zeros((2, 2), int)}, TypeError, "image must be uint8 pixels or float inputs, got int64"),
        ({"image": np.zeros((3, 9, 9))}, ValueError, r"the input must be \(3, 32, 32\)"),
        ({"image": np.full((3, 32, 32), np.nan)}, ValueError, "the input has a NaN or an infinity"),
        ({"image": np.zeros((4, 4, 7), np.uint8)}, ValueError, r"image must be uint8 \(H, W, 3\)"),
        ({"image": np.zeros((9, 9, 3), np.uint8), "label": 7}, ValueError, "label must be a class from 0 to 2, got 7"),
        ({"image": np.zeros((9, 9, 3), np.uint8), "label": "cat"}, ValueError, "has no class names"),
        ({"image": np.zeros((9, 9, 3), np.uint8), "pixels": "grey-unit"}, ValueError, "pixels"),
        ({"nodes": ["conv1/3x4"]}, ValueError, "unknown node 'conv1/3x4' in mini_googlenet. Did you mean 'conv1/3x3'"),
        ({"size": 0}, ValueError, "size must be a number of megabytes above 0, got 0"),
        ({"weights": "a.npz"}, ValueError, "only a model given by its name"),
    ],
)
def test_wrong_arguments_are_explained(described, mini, options, error, message):
    image = options.pop("image", None)
    with pytest.raises(error, match=message):
        mg.view(mini, image, **options)


def test_label_with_a_typing_error_gets_suggestions(described, tmp_path, mini):
    weights.save(mini, tmp_path / "net.safetensors", pixels=data.UNIT, classes=("cat", "dog", "7"))
    with pytest.raises(ValueError, match=r"unknown class 'catt'\. Did you mean 'cat'"):
        mg.view(tmp_path / "net.safetensors", np.zeros((9, 9, 3), np.uint8), label="catt")
    mg.view(tmp_path / "net.safetensors", np.zeros((9, 9, 3), np.uint8), label="7")
    assert described.options["label"] == 2  # the name of a class before its index


def test_model_by_name_has_random_weights_and_says_so(described):
    page = mg.view("mini", np.zeros((9, 9, 3), np.uint8))
    assert "random" in page.notes[0]
    assert np.any(described.graph.params["conv1/3x3/weight"])


def test_weights_fill_a_model_that_is_named(described, tmp_path):
    g = mg.models.mini_googlenet(rng=1)
    weights.save(g, tmp_path / "net.safetensors", pixels=data.UNIT)
    page = mg.view("mini", np.zeros((9, 9, 3), np.uint8), weights=tmp_path / "net.safetensors")
    np.testing.assert_array_equal(described.graph.params["conv1/3x3/weight"], g.params["conv1/3x3/weight"])
    assert page.notes == []


def test_large_pages_leave_out_details_and_report_it(described, mini):
    maps = {"channels": [0], "width": 1, "height": 1, "low": 0, "high": 1, "png": "x" * 2000}
    described.nodes = {name: {"maps": maps, "values": {"input": "y" * 20_000}} for name in mini.nodes}
    image = np.zeros((9, 9, 3), np.uint8)
    whole = mg.view(mini, image)
    assert not any("Left out" in note for note in whole.notes)
    page = mg.view(mini, image, size=whole.megabytes - 0.1)
    assert page.megabytes <= whole.megabytes - 0.1
    (note,) = [note for note in page.notes if "Left out" in note]
    assert "values for one convolution, step by step of 6 nodes" in note or "of 5 nodes" in note
    assert "feature maps" not in note
    small = mg.view(mini, image, size=0.01)
    assert "feature maps of 88 nodes" in small.notes[-2]
    assert small.notes[-1] == "The page is larger than 0.01 MB: the numbers of 89 nodes need the space."
    assert data_in(small.html)["networks"][0]["nodes"][1]["macs"] > 0


def test_chosen_nodes_are_some_convolutions_by_default(described, mini):
    mg.view(mini, np.zeros((9, 9, 3), np.uint8))
    chosen = described.options["steps"]
    assert len(chosen) == 5
    assert {mini.nodes[name].layer.kind for name in chosen} == {"Conv2d"}
    mg.view(mini, np.zeros((9, 9, 3), np.uint8), nodes=["conv1/3x3"])
    assert described.options["steps"] == ("conv1/3x3",)


def test_progress_grows_to_the_end(described, mini):
    seen = []
    mg.view(mini, np.zeros((9, 9, 3), np.uint8), profile=True, progress=lambda *step: seen.append(step))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert 0 == fractions[0] < fractions[-1] <= 1
    assert {"network", "time", "activations", "page"} <= {text for _, text in seen}


def test_errors_come_before_weights_are_drawn(tmp_path, monkeypatch):
    def build(name, *args, **options):
        assert options == {"init": "zeros"}, "weights were drawn"
        return mg.models.builder(name)(*args, **options)

    monkeypatch.setattr("minigooglenet.viewer.sources.models.build", build)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    image = np.zeros((9, 9, 3), np.uint8)
    for given, options, message in (
        (tmp_path / "missing.png", {}, "missing.png as an image: no such file"),
        (tmp_path / "broken.png", {}, "broken.png as an image"),
        (image, {"label": 1000}, "label must be a class from 0 to 999, got 1000"),
        (image, {"label": "cat"}, "the network has no class names"),
        (image, {"beside": "gogglenet"}, "unknown model 'gogglenet'"),
        (image, {"nodes": "conv9"}, "unknown node 'conv9' in alexnet"),
        (image, {"select": "conv9"}, "unknown node or module 'conv9'"),
    ):
        with pytest.raises(ValueError, match=message):
            mg.view("alexnet", given, **options)


def test_missing_files_are_reported_before_a_network_is_built(tmp_path, monkeypatch):
    def build(*args, **options):
        raise AssertionError("a network was built")

    monkeypatch.setattr("minigooglenet.viewer.sources.models.build", build)
    for options, message in (
        ({"image": tmp_path / "missing.png"}, "missing.png as an image"),
        ({"beside": tmp_path / "missing.onnx"}, "cannot read .*missing.onnx"),
        ({"weights": tmp_path / "missing.safetensors"}, "cannot read .*missing.safetensors"),
    ):
        with pytest.raises(ValueError, match=message):
            mg.view("vgg16", **options)


def test_second_network_gets_the_image_too(described, mini, tmp_path):
    weights.save(mini, tmp_path / "net.safetensors", pixels=data.UNIT, classes=("cat", "dog", "owl"))
    other = mg.models.mini_googlenet(3, size=40, width=0.25, rng=1)
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    calls = []
    describe = described.describe
    described.describe = lambda graph, x, **options: calls.append((x, options)) or describe(graph, x, **options)
    page = mg.view(tmp_path / "net.safetensors", image, beside=other, label="dog", nodes=["conv1/3x3"])
    shown = data_in(page.html)
    assert [x["image"].shape for x, _ in calls] == [(1, 3, 32, 32), (1, 3, 40, 40)]
    assert [options["label"] for _, options in calls] == [1, None]
    assert [options["steps"] for _, options in calls] == [("conv1/3x3",)] * 2
    assert shown["label"] == "dog"
    seen = shown["networks"][1]["seen"]
    assert (seen["image"]["width"], seen["label"]) == (40, None)
    assert seen["probabilities"] == [["class 1", 0.5], ["class 0", 0.25]]
    assert "The label does not fit mini_googlenet: label 'dog': the network has no class names" in page.notes[-1]
    assert page.notes[0].startswith("mini_googlenet does not record how pixels become inputs.")


def test_input_that_fits_only_the_first_network_is_a_note(described, mini):
    x = np.zeros((3, 32, 32), np.float32)
    page = mg.view(mini, x, beside=mg.models.mini_googlenet(3, size=40, width=0.25, init="zeros"))
    assert any("has no values for this image: the input must be (3, 40, 40)" in note for note in page.notes)
    assert data_in(page.html)["networks"][1]["seen"] == {}
    assert mg.view(mini, x).notes == [note for note in page.notes if "no values" not in note]


def test_two_networks_share_the_size_of_the_page(described, mini):
    maps = {"channels": [0], "width": 1, "height": 1, "low": 0, "high": 1, "png": "x" * 2000}
    described.nodes = {name: {"maps": maps} for name in mini.nodes}
    image = np.zeros((9, 9, 3), np.uint8)
    whole = mg.view(mini, image, beside=mini)
    page = mg.view(mini, image, beside=mini, size=whole.megabytes - 0.1)
    assert page.megabytes <= whole.megabytes - 0.1
    kept = [sum(bool(node.get("maps")) for node in net["nodes"]) for net in data_in(page.html)["networks"]]
    assert max(kept) - min(kept) <= 1
    assert max(kept) < len(mini.nodes)
    names = [f"of mini_googlenet {number}" for number in (1, 2)]
    assert all(name in page.notes[-1] for name in names)


def test_page_reports_what_a_photograph_loses(described, mini, tmp_path):
    image = Image.new("RGBA", (40, 40), (10, 200, 30, 255))
    image.paste((10, 200, 30, 0), (0, 0, 40, 10))
    image.save(tmp_path / "logo.png")
    (note,) = [note for note in mg.view(mini, tmp_path / "logo.png").notes if "transparent" in note]
    assert note == "logo.png is transparent in 25% of its pixels. The page shows their colours without transparency."
