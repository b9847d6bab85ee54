"""Forward and backward: the switches of the header, and the plot of the gradient norms."""

import itertools
import math
import re

import numpy as np
import pytest
import viewer_pages

import minigooglenet as mg

OBJECTIVES = {"all": "all losses", "main": "main loss only", "loss1": "only the loss at loss1/classifier"}


@pytest.fixture(scope="module")
def network():
    return viewer_pages.with_norms(viewer_pages.network(mg.models.googlenet(init="zeros"), "googlenet"), OBJECTIVES)


@pytest.fixture
def page(open_page, network):
    page = open_page(viewer_pages.html(network, objectives=OBJECTIVES))
    page.click("#tab-gradient")
    return page


def norms(network, objective):
    return {node["name"]: node["norms"][objective] for node in network["nodes"]}


def plotted(page, objective):
    """Return [(x, y)] of a line's points."""
    path = page.get_attribute(f'.norm-line[data-objective="{objective}"] .line', "d")
    return [tuple(map(float, point.split())) for point in re.split("[ML]", path)[1:]]


def test_objective_changes_every_number_to_its_norm(page, network):
    page.select_option("#question", "gradient")
    page.click("#unfold-all")
    for objective in ("main", "loss1", "all"):
        page.select_option("#objective", objective)
        expected = norms(network, objective)
        shown = dict(
            page.eval_on_selector_all(
                "#tree [role=treeitem].node",
                "rows => rows.map(row => [row.dataset.item, row.querySelector('.value').textContent])",
            )
        )
        shown = {name: float(text.replace(",", "")) for name, text in shown.items() if text}  # an input has no number
        assert len(shown) == len(expected) - 1
        assert all(math.isclose(shown[name], expected[name], rel_tol=1e-3) for name in shown)


def test_plot_is_the_logarithm_of_the_norms(page, network):
    ticks = page.eval_on_selector_all(
        ".norms > text", "texts => texts.map(text => [Number(text.textContent), Number(text.getAttribute('y')) - 4])"
    )
    (a, ya), (b, yb) = ((math.log10(value), y) for value, y in (ticks[0], ticks[-1]))
    for objective in OBJECTIVES:
        points = plotted(page, objective)
        values = [norms(network, objective)[name] for name in network["path"]]
        read = [a + (y - ya) * (b - a) / (yb - ya) for _, y in points]
        np.testing.assert_allclose(read, np.log10(values), atol=0.01)
        assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_lines_differ_in_dashes_markers_and_labels(page):
    dashes = page.eval_on_selector_all(
        ".norm-line .line", "lines => lines.map(line => line.getAttribute('stroke-dasharray'))"
    )
    marks = page.eval_on_selector_all(
        ".norm-line[data-objective] .mark:last-child", "marks => marks.map(m => m.getAttribute('d'))"
    )
    assert len(set(dashes)) == len(set(marks)) == len(OBJECTIVES)
    labels = page.locator(".norm-line").all_text_contents()
    assert all(any(title in label for label in labels) for title in OBJECTIVES.values())
    boxes = [label.bounding_box() for label in page.locator(".norm-line:not([data-objective]) text").all()]
    boxes.sort(key=lambda box: box["y"])
    assert all(one["y"] + one["height"] <= other["y"] + 3 for one, other in itertools.pairwise(boxes))


def test_sentence_names_the_smallest_norm_and_its_fall(page, network):
    for objective in OBJECTIVES:
        page.select_option("#objective", objective)
        along = {name: norms(network, objective)[name] for name in network["path"]}
        end = along[network["main"]]
        smallest = min(along, key=along.get)
        sentence = page.inner_text("#panel > p:nth-of-type(1)")
        assert sentence.startswith(OBJECTIVES[objective])
        assert f"of the nodes drawn here it is smallest at {smallest}," in sentence
        assert f"a fall by {math.log10(end / along[smallest]):.1f} orders of magnitude" in sentence
        assert sentence in page.get_attribute(".norms", "aria-label")
    assert page.get_attribute(".norms", "role") == "img"


def test_table_has_the_norms_of_every_node(page, network):
    page.click("#norms-summary")
    page.locator("#norms tbody tr").first.wait_for()  # the table is made when it opens
    cells = page.eval_on_selector_all(
        "#norms tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    assert [row[0] for row in cells] == [node["name"] for node in network["nodes"]]
    for row, node in zip(cells, network["nodes"], strict=True):
        assert [float(text) for text in row[1:]] == pytest.approx(list(node["norms"].values()), rel=0.006)
    page.locator("#norms tbody button").nth(3).click()
    assert page.evaluate("state.node") == network["nodes"][3]["name"]
    assert page.get_attribute("#norms", "open") is not None


def test_click_on_a_point_selects_its_node(page):
    column = page.locator('.norms [data-node="inception_4c/output"] rect')
    column.click(position={"x": 4, "y": 30})
    assert page.evaluate("state.node") == "inception_4c/output"
    assert "selected" in page.get_attribute('.norms [data-node="inception_4c/output"]', "class")
    assert page.locator("#scene .selected title").text_content().startswith("inception_4c/output")


def test_backward_direction_points_down_and_shows_the_gradient(page):
    page.select_option("#question", "params")
    markers = "[...document.querySelectorAll('.edge')].map(edge => getComputedStyle(edge).markerStart)"
    assert set(page.evaluate(markers)) == {"none"}
    page.focus("#direction-forward")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("[state.direction, state.question]") == ["backward", "gradient"]
    assert page.input_value("#question") == "gradient"
    assert set(page.evaluate(markers)) == {'url("#arrow")'}
    ends = page.eval_on_selector_all(
        ".edge", "edges => edges.map(e => [e.getPointAtLength(0).y, e.getPointAtLength(1e6).y])"
    )
    assert all(start > end for start, end in ends)  # the start of an edge, where its arrow head is, is its lower end
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("[state.direction, state.question]") == ["forward", "params"]


def test_zero_is_drawn_below_the_axis_and_reported(open_page):
    objectives = {"all": "all losses", "head": "head only"}
    net = viewer_pages.with_norms(viewer_pages.network(mg.models.mini_googlenet(init="zeros")), objectives)
    for node in net["nodes"][40:]:
        node["norms"]["head"] = 0.0
    page = open_page(viewer_pages.html(net, objectives=objectives))
    page.click("#tab-gradient")
    page.select_option("#objective", "head")
    zeros = len(net["nodes"]) - 40
    assert f"It is exactly 0 at {zeros} of all nodes" in page.inner_text("#panel")
    on_path = sum(
        net["path"].index(name) >= 0 for name in net["path"] if name in {n["name"] for n in net["nodes"][40:]}
    )
    assert page.locator(".norm-line[data-objective=head] .mark.zero").count() == on_path > 0
    bottom = max(y for _, y in plotted(page, "head"))
    assert bottom > max(y for _, y in plotted(page, "all"))
    assert page.locator(".norms > text", has_text=re.compile("^0$")).count() == 1


def test_objective_that_reaches_nothing_is_reported(open_page):
    net = viewer_pages.with_norms(viewer_pages.network(mg.models.mini_googlenet(init="zeros")), {"all": ""})
    for node in net["nodes"]:
        node["norms"]["all"] = 0.0
    page = open_page(viewer_pages.html(net, objectives={"all": "all losses"}))
    page.click("#tab-gradient")
    assert "the gradient reaches none of these nodes" in page.inner_text("#panel")
    assert page.is_hidden("#losses")


def test_page_without_norms_shows_the_work_of_backward(open_page):
    graph = mg.models.mini_googlenet(init="zeros")
    page = open_page(viewer_pages.html(viewer_pages.network(graph)))
    assert page.is_hidden("#tab-gradient")
    assert page.is_hidden("#losses")
    page.check("#direction-backward")
    counted = mg.count(graph)
    total = counted.grad_input_macs + counted.grad_weight_macs
    assert page.inner_text("#total") == f"MACs of the backward pass: {total:,} MACs in total"


def test_norms_of_a_real_backward_pass_are_shown(open_page):
    graph = mg.models.mini_googlenet(rng=0)
    image = np.random.default_rng(0).normal(size=(1, *graph.inputs["image"])).astype(np.float32)
    logits, tape = graph.forward({"image": image})
    _, grad = mg.losses.softmax_cross_entropy(logits[graph.main], np.array([3]))
    grads, _ = graph.backward({graph.main: grad}, tape, wires=list(graph.nodes))
    net = viewer_pages.network(graph)
    for node in net["nodes"]:
        node["norms"] = {"main": float(np.linalg.norm(grads[node["name"]]))}
    page = open_page(viewer_pages.html(net, objectives={"main": "main loss"}), width=390, height=844)
    page.check("#direction-backward")
    page.click("#tab-gradient")
    assert page.locator(".norm-line[data-objective] .mark").count() == len(net["path"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
