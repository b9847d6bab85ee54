"""docs/weights.md: its examples run, and its tables match the package."""

import re
from pathlib import Path

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.data.pixel_names import NAMED
from minigooglenet.layers import registry
from minigooglenet.weights import pickles, torch_files
from minigooglenet.weights.published import PUBLISHED

PAGE = Path(__file__).parents[2] / "docs" / "weights.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the page comes with the source alone")


def _blocks():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_first_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(_blocks()[0], namespace)
    assert namespace["loaded"].classes == ("dark", "light")
    assert namespace["loaded"].classify(np.zeros((1, 20, 20), np.uint8))[0].name in ("dark", "light")


def test_custom_layer_of_the_page_saves_and_checks(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    namespace = {"mg": mg, "np": np, "__name__": "page"}
    exec(_blocks()[1], namespace)
    g = mg.Graph(image=(2, 3, 3))
    g.add("swish", namespace["Swish"](1.5), "image")
    mg.weights.save(g, tmp_path / "a.safetensors")
    assert mg.weights.load(tmp_path / "a.safetensors").graph.nodes["swish"].layer.beta == 1.5
    assert mg.gradcheck.check_layer(namespace["Swish"](1.5), (2, 3, 3)).verdict == "PASS"


def test_page_counts_what_the_reader_of_pickles_knows():
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"knows the {len(pickles.CODES)} instructions" in text
    assert f"{len(torch_files.PERMITTED)} names" in text


def test_page_lists_published_files_and_pixel_rules():
    text = PAGE.read_text(encoding="utf-8")
    for one in PUBLISHED:
        assert all(
            part in text for part in (f"`{one.name}`", f"`{one.file}`", one.page, *one.urls, one.sha1, one.sha256)
        )
    assert all(f"`{name}`" in text for name in NAMED)
