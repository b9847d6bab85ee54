"""`minigooglenet view`: the file it writes, when it opens a browser, and its errors."""

import json
import webbrowser

import pytest
from PIL import Image

from minigooglenet import cli, models, weights


@pytest.fixture(autouse=True)
def opened(monkeypatch, tmp_path):
    """Run in an empty folder, and record what would be opened in a browser."""
    monkeypatch.chdir(tmp_path)
    addresses = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def _data(text):
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


def test_view_writes_a_page_and_opens_it(capsys, tmp_path, opened):
    assert cli.main(["view", "mini"]) == 0
    path = tmp_path / "mini-view.html"
    assert _data(path.read_text(encoding="utf-8"))["networks"][0]["name"] == "mini_googlenet"
    assert "written: mini-view.html" in capsys.readouterr().out
    assert opened == [path.as_uri()]


def test_no_open_writes_only_the_file(tmp_path, opened):
    assert cli.main(["view", "mini", "--beside", "nin", "--no-open", "--out", "both.html"]) == 0
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert [network["name"] for network in _data(text)["networks"]] == ["mini_googlenet", "nin"]
    assert opened == []


def test_page_can_go_to_standard_output(capsys, opened):
    assert cli.main(["view", "mini", "--out", "-"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("<!doctype html>")
    assert captured.out.rstrip().endswith("</html>")
    assert opened == []


def test_profile_prints_how_it_was_measured(capsys):
    assert cli.main(["view", "mini", "--profile", "--no-open"]) == 0
    assert "Times: the median of 7 forward passes" in capsys.readouterr().out


def test_several_nodes_carry_their_values(tmp_path):
    Image.new("RGB", (32, 32), (200, 80, 20)).save(tmp_path / "photo.png")
    nodes = ["inception_3a/1x1", "conv1/3x3"]
    assert cli.main(["view", "mini", "--image", "photo.png", "--node", *nodes, "--no-open"]) == 0
    page = _data((tmp_path / "mini-view.html").read_text(encoding="utf-8"))
    assert {node["name"] for node in page["networks"][0]["nodes"] if node.get("values")} == set(nodes)


def test_files_of_networks_are_accepted(capsys, tmp_path):
    pytest.importorskip("onnx")
    g = models.mini_googlenet(3, width=0.25, rng=0)
    weights.onnx.export(g, tmp_path / "exported.onnx")
    (tmp_path / "run").mkdir()
    weights.save(g, tmp_path / "run" / "weights.safetensors")
    assert cli.main(["view", "exported.onnx", "--no-open"]) == 0
    assert cli.main(["view", "run", "--no-open"]) == 0
    assert "written: run-view.html" in capsys.readouterr().out
    assert (tmp_path / "exported-view.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet"], "unknown model 'resnet'"),
        (["missing.onnx"], "missing.onnx"),
        (["mini", "--beside", "gogglenet"], "unknown model 'gogglenet'. Did you mean 'googlenet'"),
        (["mini", "--out", "weights.safetensors"], "Choose a file whose name ends in .html, or -."),
        (["mini", "--out", "no/such/page.html"], "does not exist"),
        (["mini", "--node", "conv1/3x3"], "--node shows values, which need an image: add --image FILE"),
        (["mini", "--label", "cat"], "a label needs an image of that class, got label 'cat'"),
        (["mini", "--image", "photo.png", "--node", "conv9"], "unknown node 'conv9' in mini_googlenet. Did you mean"),
        (["mini", "--image", "missing.png"], "missing.png"),
        (["mini", "--weights", "missing.safetensors"], "missing.safetensors"),
    ],
)
def test_view_failure_prints_one_line_and_writes_nothing(capsys, tmp_path, opened, arguments, message):
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.png")
    assert cli.main(["view", *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert opened == []
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("size", ["0", "-1", "five", "nan", "1e9"])
def test_wrong_size_is_an_argument_error(capsys, size):
    with pytest.raises(SystemExit) as error:
        cli.main(["view", "mini", f"--size={size}"])
    assert error.value.code == 2
    assert f"must be a number of megabytes above 0, got '{size}'" in capsys.readouterr().err
