"""Two networks and one image in a browser: each shows its own input, maps, gradients and probabilities."""

import numpy as np
import pytest
from filled import data_in

import minigooglenet as mg

SHOWN = "[page.image?.width, page.objective, Object.keys(page.objectives ?? {}), state.objective, page.probabilities]"


@pytest.fixture(scope="module")
def html():
    first = mg.models.mini_googlenet(3, width=0.25, aux=True, rng=0)
    second = mg.models.mini_googlenet(5, size=40, width=0.25, rng=1)
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    return mg.view(first, image, beside=second, label=1, name="first").html


def test_switch_between_networks_changes_what_they_saw(open_page, html):
    data = data_in(html)
    seen = data["networks"][1]["seen"]
    page = open_page(html)
    assert page.evaluate(SHOWN) == [32, "all", list(data["objectives"]), "all", data["probabilities"]]
    page.select_option("#objective", "loss1/classifier")
    page.check("#network-1")
    main = "loss3/classifier"
    assert page.evaluate(SHOWN) == [40, main, [main], main, seen["probabilities"]]
    page.evaluate("reveal(nodeNamed('image'))")
    assert page.get_attribute("#panel .photo", "src") == seen["image"]["png"]
    page.evaluate("change({ node: 'conv1/3x3', panel: 'node' })")
    node = next(node for node in data["networks"][1]["nodes"] if node["name"] == "conv1/3x3")
    assert page.locator("#panel button.map").count() == len(node["maps"]["channels"])
    page.check("#direction-backward")
    assert page.evaluate("valueOf(nodeNamed('conv1/3x3'))") == node["norms"][main]
    page.check("#network-0")
    assert page.evaluate(SHOWN)[:2] == [32, "all"]
    page.evaluate("reveal(nodeNamed('image'))")
    assert page.get_attribute("#panel .photo", "src") == data["image"]["png"]


def test_network_without_values_shows_no_image(open_page):
    first = mg.models.mini_googlenet(3, width=0.25, rng=0)
    second = mg.models.mini_googlenet(3, size=40, width=0.25, rng=1)
    page = open_page(mg.view(first, np.zeros((3, 32, 32), np.float32), beside=second, name="first").html)
    page.check("#network-1")
    assert page.evaluate(SHOWN) == [None, None, [], None, None]
    page.evaluate("reveal(nodeNamed('image'))")
    assert page.query_selector("#panel .photo") is None
    page.check("#network-0")
    assert page.evaluate("page.image.width") == 32
