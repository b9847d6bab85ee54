"""The page in a real browser: folding, search, keyboard, addresses, numbers, and text from outside."""

import base64
import html as html_text
import io
import re
from collections import Counter

import numpy as np
import pytest
from filled import data_in, node_of
from PIL import Image

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.counting import memory
from minigooglenet.viewer.page import SCRIPTS, _file

HOSTILE = (
    "</script><script>document.title='attacked'</script>",
    "<img src=x onerror=\"document.title='attacked'\">",
    "\"onload=\"document.title='attacked'",
    "}body{display:none}</style>",
    "url(javascript:alert(1))",
    "__proto__",
    "constructor",
    "in",
    "out",
    "/",
    "a//b",
    "%E0%A4%A",
    "\u202e\u4e2d\u6587\U0001f600",
    "x" * 300,
)
SELECTED = "[role=treeitem][aria-selected=true]"


@pytest.fixture(scope="module")
def googlenet():
    return mg.models.googlenet(init="zeros")


@pytest.fixture(scope="module")
def html(googlenet):
    return mg.view(googlenet).html


def _selected(page):
    return page.locator(f"#tree {SELECTED}").get_attribute("data-item")


def test_modules_fold_and_unfold_with_the_mouse(open_page, html):
    page = open_page(html)
    assert page.locator("#scene [data-item='inception_3a/3x3']").count() == 0
    page.locator("#scene [data-fold='conv2/']").click()
    assert page.locator("#scene [data-item='conv2/3x3']").count() == 1
    assert page.locator("#tree [data-item='conv2/']").get_attribute("aria-expanded") == "true"
    page.locator("#scene [data-fold='conv2/']").click()
    assert page.locator("#scene [data-item='conv2/3x3']").count() == 0
    page.locator("#unfold-all").click()
    assert page.locator("#scene .box.node").count() == len(mg.models.googlenet(init="zeros").nodes)
    page.locator("#fold-all").click()
    assert page.locator("#scene .box.unfolded").count() == 0


def test_double_click_unfolds_and_selects_no_text(open_page, html):
    page = open_page(html)
    page.locator("#scene [data-item='conv2/'] .label").dblclick(force=True)
    assert page.locator("#scene [data-item='conv2/3x3']").count() == 1
    assert page.evaluate("String(getSelection())") == ""


def test_keys_move_through_the_tree(open_page, html):
    page = open_page(html)
    page.locator("#search").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert _selected(page) == "loss3/classifier"
    page.keyboard.press("Home")
    assert _selected(page) == "image"
    page.locator("#tree [data-item='inception_3a/']").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tree [data-item='inception_3a/1x1']").is_visible()
    page.keyboard.press("ArrowRight")
    assert _selected(page) == "inception_3a/1x1"
    page.keyboard.press("ArrowDown")
    assert _selected(page) == "inception_3a/relu_1x1"
    page.keyboard.press("ArrowLeft")
    assert _selected(page) == "inception_3a/"
    for key, count in (("ArrowLeft", 0), ("Enter", 1), ("Enter", 0)):
        page.keyboard.press(key)
        assert page.locator("#tree [data-item='inception_3a/1x1']").count() == count
    assert page.evaluate("document.activeElement.dataset.item") == "inception_3a/"
    assert page.locator("#tree [tabindex='0']").count() == 1


def test_search_reveals_matches_one_after_another(open_page, html):
    page = open_page(html)
    page.locator("#search").fill("3b/5x5")
    assert _selected(page) == "inception_3b/5x5_reduce"
    assert page.locator("#found").inner_text().startswith("1 of 2")
    page.locator("#search").press("ArrowDown")
    assert _selected(page) == "inception_3b/5x5"
    page.locator("#search").press("ArrowUp")
    assert _selected(page) == "inception_3b/5x5_reduce"
    page.locator("#search").press("Enter")  # what was found stays selected, and the keyboard is in the outline
    assert page.evaluate("document.activeElement.dataset.item") == "inception_3b/5x5_reduce"
    page.locator("#search").fill("AvgPool2d")
    assert _selected(page) == "loss1/ave_pool"
    page.locator("#search").fill("resnet")
    assert page.locator("#found").inner_text() == "nothing found"


def test_wheel_and_drag_keep_the_drawing_in_the_frame(open_page, html):
    page = open_page(html)
    page.locator("#graph").hover()
    for _ in range(20):
        page.mouse.wheel(900, -900)
    frame, drawn = (page.locator(name).bounding_box() for name in ("#graph", "#scene"))
    assert drawn["x"] + drawn["width"] > frame["x"] + 50
    assert drawn["y"] < frame["y"] + frame["height"] - 50


def test_whole_network_names_modules_and_colours_boxes(open_page, html):
    page = open_page(html)
    page.locator("#unfold-all").click()
    node = page.locator("#scene [data-item='conv2/3x3']")
    assert node.locator(".label").is_visible()
    assert page.locator("#names text").count() == 0
    page.locator("#zoom-fit").click()
    assert not node.locator(".label").is_visible()
    fills = node.evaluate(
        "(box) => [getComputedStyle(box.firstChild).fill, getComputedStyle(box.querySelector('.swatch')).fill]"
    )
    assert fills[0] == fills[1]
    names = page.locator("#names text").all_text_contents()
    assert {f"inception_{name} (14)" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")} <= {*names}
    frame, drawn = (page.locator(name).bounding_box() for name in ("#drawing", "#scene"))
    assert frame["y"] <= drawn["y"]
    assert drawn["y"] + drawn["height"] <= frame["y"] + frame["height"]


def test_parts_outside_the_frame_are_drawn_only_on_paper(open_page, html):
    page = open_page(html)
    page.locator("#unfold-all").click()
    top = page.locator("#scene [data-item='loss3/classifier']")
    assert not top.is_visible()
    assert page.locator("#scene [data-item='conv1/7x7_s2']").is_visible()
    page.emulate_media(media="print")
    assert top.is_visible()
    page.emulate_media(media="screen")
    page.locator("#tree [data-item='loss3/classifier']").click()
    assert top.is_visible()


def test_overview_is_beside_the_drawing_and_moves_it(open_page, html):
    page = open_page(html)
    page.locator("#unfold-all").click()
    drawing, overview = (page.locator(name).bounding_box() for name in ("#drawing", "#overview"))
    assert drawing["x"] + drawing["width"] <= overview["x"]
    page.mouse.click(overview["x"] + overview["width"] / 2, overview["y"] + 8)
    box = page.locator("#scene [data-item='loss3/classifier']").bounding_box()
    assert drawing["y"] <= box["y"] <= drawing["y"] + drawing["height"]


def test_panel_of_nodes_starts_at_a_node_of_the_module(open_page, googlenet):
    page = open_page(mg.view(googlenet, select="inception_4a", panel="steps").html)
    assert _selected(page) == "inception_4a/1x1"
    assert page.locator("#tab-steps").get_attribute("aria-selected") == "true"
    page.locator("#tree [data-item='inception_4a/relu_1x1']").click()
    assert page.locator("#panel .note").first.inner_text() == "To see One convolution, select a convolution."
    page = open_page(mg.view(googlenet, panel="compare").html)
    assert page.locator("#panel .note").first.inner_text() == "To see Side by side, open two networks with --beside."


def test_comparison_starts_at_the_selected_module(open_page):
    nets = [mg.models.googlenet(variant=variant, init="zeros") for variant in ("paper", "torchvision")]
    page = open_page(mg.view(nets[0], beside=nets[1], select="inception_4a", panel="compare").html)
    marked = page.locator("#compared [aria-current]")
    assert marked.count() == 14
    panel, first = page.locator("#panel").bounding_box(), marked.first.bounding_box()
    assert panel["y"] <= first["y"] <= panel["y"] + panel["height"] - first["height"]
    assert page.evaluate("scrollY") == 0


def test_networks_of_one_name_show_in_what_they_differ(open_page):
    other = mg.models.mini_googlenet(width=0.5, init="zeros")
    title = mg.view(mg.models.mini_googlenet(init="zeros"), beside=other).title
    assert title == "mini_googlenet(width=1.0) and mini_googlenet(width=0.5)"


def test_address_follows_and_sets_the_selected_node(open_page, html):
    page = open_page(html, address="#inception_4a/5x5")
    assert _selected(page) == "inception_4a/5x5"
    assert page.locator("#scene .box.selected").get_attribute("data-item") == "inception_4a/5x5"
    page.locator("#tree [data-item='pool2/3x3_s2']").click()
    assert page.url.endswith("#pool2/3x3_s2")
    steps = page.evaluate("history.length")
    page.evaluate("location.hash = '#loss3/classifier'")
    page.wait_for_function(f"document.querySelector('#tree {SELECTED}').dataset.item === 'loss3/classifier'")
    assert page.evaluate("history.length") == steps + 1  # the test's own step


@pytest.mark.parametrize("address", ["#", "#%E0%A4%A", "#nothing", "#/"])
def test_unknown_address_selects_the_input(open_page, html, address):
    assert _selected(open_page(html, address=address)) == "image"


def test_page_in_a_frame_keeps_the_notebook_as_it_is(open_page, googlenet):
    outer = f"<!doctype html><meta charset='utf-8'><title>notebook</title>{mg.view(googlenet)._repr_html_()}"
    page = open_page(outer, address="#cell")
    frame = page.frame_locator("iframe")
    steps = page.evaluate("history.length")
    frame.locator("#tree [data-item='conv2/']").click()
    assert frame.locator(f"#tree {SELECTED}").get_attribute("data-item") == "conv2/"
    assert page.url.endswith("#cell")
    assert page.title() == "notebook"
    assert page.evaluate("history.length") == steps
    assert page.locator("iframe").get_attribute("title") == "googlenet"


@pytest.mark.parametrize("name", ["googlenet", "mini_googlenet"])
def test_numbers_in_the_tree_equal_the_count(open_page, name):
    g = mg.models.build(name, init="zeros")
    counted = mg.count(g)
    live = memory.live_wire_bytes(g, g.schedule())
    page = open_page(mg.view(g).html)
    page.locator("#unfold-all").click()
    questions = {
        "macs": {row.name: row.macs for row in counted.rows},
        "params": {row.name: row.params for row in counted.rows},
        "backward": {row.name: row.grad_input_macs + row.grad_weight_macs for row in counted.rows},
        "activations": {row.name: 4 * row.activations for row in counted.rows},
        "live": live,
        "field": {row.name: row.receptive_field_max[0] for row in counted.rows},
    }
    offered = page.locator("#question option").evaluate_all("(options) => options.map((option) => option.value)")
    assert offered == list(questions)
    for question, expected in questions.items():
        page.locator("#question").select_option(question)
        shown = page.locator("#tree .node").evaluate_all(
            "(rows) => rows.map((row) => [row.dataset.item, row.querySelector('.value').textContent])"
        )
        assert dict(shown) == {"image": "", **{node: f"{value:,}" for node, value in expected.items()}}
    page.locator("#question").select_option("macs")
    assert f"{counted.macs:,}" in page.locator("#total").inner_text()


def test_numbers_of_a_folded_module_are_its_sums(open_page, googlenet, html):
    page = open_page(html)
    rows = mg.count(googlenet).modules()["inception_4d"]
    module = page.locator("#tree [data-item='inception_4d/'] .value")
    assert module.text_content() == f"{sum(row.macs for row in rows):,}"
    page.locator("#question").select_option("field")
    assert module.text_content() == f"{max(row.receptive_field_max[0] for row in rows):,}"


def test_unknown_cost_is_shown_as_unknown(open_page):
    g = mg.Graph(x=(3, 8, 8))
    wire = g.add("block/conv", layers.Conv2d(3, 4, 3, init="zeros"), "x")
    wire = g.add("block/own", type("Swish", (layers.Layer,), {"output_shape": lambda self, shape: shape})(), wire)
    g.add("relu", layers.ReLU(), wire)
    page = open_page(mg.view(g).html)
    values = {
        item: page.locator(f"#tree [data-item='{item}'] .value").text_content()
        for item in ("block/", "block/conv", "block/own", "relu")
    }
    assert values == {"block/": "unknown", "block/conv": "3,888", "block/own": "unknown", "relu": "0"}
    assert "Swish has no registered cost. Add one with @mg.counting.register" in page.locator("footer").text_content()
    page.locator("#question").select_option("field")
    assert page.locator("#tree [data-item='relu'] .value").text_content() == "unknown"
    page.locator("#tree [data-item='block/own']").click()
    assert "has no registered cost" in page.locator("#panel").inner_text()


def test_hostile_names_are_only_text(open_page):
    g = mg.Graph(x=(2, 4, 4))
    wire = "x"
    for name in HOSTILE:
        wire = g.add(name, layers.ReLU(), wire)
    page = open_page(mg.view(g, name=HOSTILE[0]).html)
    items = page.locator("#tree [role=treeitem]").evaluate_all("(rows) => rows.map((row) => row.dataset.item)")
    assert items == ["x", *HOSTILE]
    for row in page.locator("#tree [role=treeitem]").all():
        row.click()
        assert row.get_attribute("aria-selected") == "true"
    assert page.title() == f"{HOSTILE[0]} - minigooglenet"
    assert page.locator("h1").inner_text() == HOSTILE[0]
    assert page.locator("img, script:not([id]) ~ script").count() == 0
    assert page.evaluate("getComputedStyle(document.body).display") == "flex"


def test_policy_forbids_foreign_scripts_styles_and_requests(html, tmp_path, browser):
    attack = (
        "<script>document.title = 'attacked'</script><img src=x onerror=\"document.title = 'attacked'\">"
        "<style>body { color: rgb(1, 2, 3) }</style><link rel=stylesheet href='http://127.0.0.1:9/a.css'>"
        "<script src='http://127.0.0.1:9/a.js'></script>"
    )
    path = tmp_path / "attacked.html"
    path.write_text(html.replace("<header>", f"{attack}<header>"), encoding="utf-8")
    page = browser.new_page()
    reports = []
    page.on("console", lambda message: reports.append(message.text))
    page.goto(path.as_uri())
    assert page.title() == "googlenet - minigooglenet"
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(1, 2, 3)"
    assert sum("Content Security Policy" in report for report in reports) >= 4
    page.close()


def test_page_loads_nothing_from_elsewhere(html):
    policy = html_text.unescape(html.split('content="')[1].split('">')[0])
    sources = {name: rest for name, _, rest in (part.partition(" ") for part in policy.split("; "))}
    assert sources["default-src"] == "'none'"
    assert sources["script-src"].startswith("'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "://" not in html.replace("http://www.w3.org/2000/svg", "")


def test_phone_shows_the_outline_and_the_hatched_strip(open_page, html):
    page = open_page(html, width=390, height=844)
    assert not page.locator("#graph").is_visible()
    assert page.locator("#tree").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bar = page.locator("#strip [data-item='conv2/'] rect").nth(2)
    pattern = page.locator(bar.get_attribute("fill")[4:-1])
    assert pattern.evaluate("(element) => !element.closest('#graph')")
    assert pattern.evaluate("(element) => getComputedStyle(element.closest('svg')).display") != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(open_page, html, scheme):
    page = open_page(html, color_scheme=scheme)
    colours = page.evaluate(
        "['--page', '--raised', '--chosen', '--text', '--faint', '--accent'].map((name) => css(name))"
    )
    grounds, inks = colours[:3], colours[3:]
    for ink in inks:
        for ground in grounds[: 3 if ink != inks[2] else 2]:
            assert _contrast(ink, ground) >= 4.5, (ink, ground)


def _contrast(one, other):
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_thousands_of_nodes_fold_into_a_few_boxes(open_page):
    g = mg.Graph(x=(1, 2, 2))
    wire = "x"
    for i in range(2000):
        wire = g.add(f"relu{i}", layers.ReLU(), wire)
    page = open_page(mg.view(g).html)
    assert page.locator("#scene .box").count() <= 60
    page.locator("#search").fill("relu1234")
    assert _selected(page) == "relu1234"
    assert page.locator("#scene .box.selected").get_attribute("data-item") == "relu1234"


@pytest.mark.parametrize("name", mg.models.names())
def test_every_model_has_a_page(open_page, name):
    page = open_page(mg.view(name).html)
    page.locator("#unfold-all").click()
    nodes = mg.models.build(name, init="zeros").nodes
    assert page.locator("#tree .node").count() == len(nodes) + 1


def test_address_brings_the_whole_width_of_a_module_into_view(open_page):
    page = open_page(mg.view(mg.models.googlenet(init="zeros")).html, address="#inception_4a/5x5")
    frame = page.locator("#graph").bounding_box()
    module = page.locator('#scene [data-item="inception_4a/"] > rect').first.bounding_box()
    assert frame["x"] <= module["x"]
    assert module["x"] + module["width"] <= frame["x"] + frame["width"]


def test_any_channel_of_a_chosen_node_is_drawn(open_page):
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", layers.Conv2d(3, 6, 3, padding=1, rng=0), "image")
    shown = mg.view(g, np.random.default_rng(0).standard_normal((3, 8, 8)).astype(np.float32), nodes=["conv"])
    maps = node_of(data_in(shown.html), "conv")["values"]["all_maps"]
    every = np.asarray(Image.open(io.BytesIO(base64.b64decode(maps["png"].partition(",")[2]))))
    page = open_page(shown.html, address="#conv")
    assert maps["columns"] == 3
    for channel in (5, 1):
        page.locator("#any-channel").fill(str(channel))
        row, column = divmod(channel, 3)
        expected = every[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        page.wait_for_timeout(100)
        drawn = page.evaluate("[...document.getElementById('any-map').getContext('2d').getImageData(0, 0, 8, 8).data]")
        assert (np.array(drawn).reshape(8, 8, 4)[..., 0] == expected).all()
    page.locator("#any-channel").fill("6")  # there are six, from 0
    assert page.locator("#any-map").get_attribute("aria-label") == "channel 1 of conv"


def test_scripts_declare_every_name_once():
    """All scripts of the page share one scope, in which a second declaration replaces the first or stops the page."""
    declared = re.compile(r"^(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
    names = Counter(name for script in SCRIPTS for name in declared.findall(_file(f"{script}.js")))
    assert [name for name, count in names.items() if count > 1] == []
