"""What a reader keeps: SVG, CSV, JSON and paper; and names from outside that try to become code."""

import csv
import io
import json
import re
import unicodedata
from xml.etree import ElementTree

import pytest
import viewer_pages
from rebuilding import rebuilt

import minigooglenet as mg
from minigooglenet.counting.rows import SUMMED
from minigooglenet.course.grading import gradebook

SVG = "{http://www.w3.org/2000/svg}"
HACK = "window.hacked=1"
HOSTILE = [
    f"</script><script>{HACK}</script>",
    f"<!--<script>{HACK}",
    f'"><img src=x onerror="{HACK}">',
    f"'><svg onload='{HACK}'>",
    f"</title></text></style><script>{HACK}</script>",
    f"]]><script>{HACK}</script>",
    f"javascript:{HACK}",
    f"url(javascript:{HACK})",
    f"red;background:url(javascript:{HACK})}}*{{color:red",
    f"${{{HACK}}}`{HACK}`",
    f"\\';{HACK};//",
    "%00%22%3E",
    "%",
    "__proto__",
    "constructor",
    "a\u2028b\u2029c",
    "nul\x00 bell\x07 escape\x1b[2J delete\x7f not a character\ufffe",
    "line\r\nend\ttab",
    "emoji \U0001f9e0\U0001f468\u200d\U0001f52c",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd",
    "&lt;&amp;&#0;",
    "=1+1",
    '=HYPERLINK("http://example.invalid")',
    "+1",
    "-1,=2",
    "@SUM(A1)",
    "|x",
    "\uff1d1",
    '";=1',
    "two words/with a slash",
    "two words/and another",
]


def kept(page, ending, name=""):
    """Return the content of the file that a button saves; its name ends with `name` and `ending`."""
    page.click("#tab-keep")
    with page.expect_download() as download:
        page.click(f"#keep-{ending}")
    assert download.value.suggested_filename.endswith(f"{name}.{ending}")
    assert ("changed" in download.value.suggested_filename) == bool(name)
    return download.value.path().read_bytes().decode()


def fields(text):
    """Yield every field that a spreadsheet may read: four separators, with and without quotes."""
    for separator in ",;|\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting):
                yield from row


def csv_rows(text):
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def sizes(text):
    return [int(size) for size in text.split("x")]


@pytest.fixture(scope="module")
def graph():
    return mg.models.googlenet(init="zeros")


@pytest.fixture(scope="module")
def network(graph):
    return viewer_pages.with_norms(viewer_pages.network(graph, "GoogLeNet"))


@pytest.fixture
def page(open_page, network):
    return open_page(viewer_pages.html(network, objectives=viewer_pages.OBJECTIVES, title="GoogLeNet"))


def test_json_has_the_counts_of_every_node(page, graph, network):
    counted, saved = mg.count(graph), json.loads(kept(page, "json"))
    assert saved["network"] == "GoogLeNet"
    assert all(value == getattr(counted, key) for key, value in saved["totals"].items())
    assert len(saved["rows"]) == len(counted.rows)
    for values, row, node in zip(saved["rows"], counted.rows, network["nodes"][1:], strict=True):
        expected = row.as_dict()
        assert {key: values[key] for key in expected} == expected
        assert values["settings"] == json.loads(json.dumps(row.settings))
        assert values["reads"] == list(graph.nodes[row.name].wires)
        assert values["live_bytes"] == node["live_bytes"]
        assert values["gradient_norm main"] == node["norms"]["main"]


def test_csv_has_the_counts_of_every_node(page, graph, network, tmp_path):
    counted, saved = mg.count(graph), csv_rows(kept(page, "csv"))
    assert len(saved) == len(counted.rows)
    for values, row in zip(saved, counted.rows, strict=True):
        assert (values["name"], values["kind"]) == (row.name, row.kind)
        assert {key: int(values[key]) for key in (*SUMMED, "flops")} == {
            key: getattr(row, key) for key in (*SUMMED, "flops")
        }
        assert sizes(values["output_shape"]) == list(row.output_shape)
        assert [sizes(shape) for shape in values["input_shapes"].split(" ")] == [
            list(shape) for shape in row.input_shapes
        ]
        assert sizes(values["receptive_field_max"]) == list(row.receptive_field_max)
        assert sizes(values["receptive_field_min"]) == list(row.receptive_field_min)
        assert sizes(values["stride"]) == list(row.jump)
    counted.to_csv(tmp_path / "counts.csv")
    columns = (tmp_path / "counts.csv").read_text(encoding="utf-8").partition("\n")[0].split(",")
    assert list(saved[0])[: len(columns)] == columns


EDITS = {
    "inception_3a/3x3": {"out_channels": 96, "bias": False},
    "inception_3b/5x5": {"kernel_size": [1, 1], "padding": 0},
    "image": {"shape": [3, 223, 230]},
}


def test_saved_numbers_are_those_of_the_changed_network(page, graph):
    counted = mg.count(rebuilt(graph, EDITS))
    page.evaluate("edits => change({ edits })", EDITS)
    page.click("#tab-keep")
    assert "your changes of 3 nodes" in page.inner_text("#keep-changed")
    cells = page.eval_on_selector_all("#kept tfoot td", "cells => cells.map(cell => cell.textContent)")
    assert cells[3:] == [f"{counted.params:,}", f"{counted.macs:,}"]

    saved = json.loads(kept(page, "json", "GoogLeNet-changed"))
    assert (saved["changes"], saved["errors"]) == (EDITS, {})
    assert saved["totals"].pop("peak_bytes") is None  # the page cannot compute it
    assert all(value == getattr(counted, key) for key, value in saved["totals"].items())
    for values, row in zip(saved["rows"], counted.rows, strict=True):
        expected = row.as_dict()
        assert {key: values[key] for key in expected} == expected
        assert "gradient_norm main" not in values  # measured before the changes

    rows = csv_rows(kept(page, "csv", "GoogLeNet-changed"))
    assert [int(values["macs"]) for values in rows] == [row.macs for row in counted.rows]
    changes = {values["name"]: values["changes"] for values in rows if values["changes"]}
    assert changes == {
        "inception_3a/3x3": "out_channels=96 bias=false",
        "inception_3b/5x5": "kernel_size=[1,1] padding=0",
    }
    assert ">GoogLeNet, changed: MACs<" in kept(page, "svg", "GoogLeNet-changed")

    page.evaluate("resetEdits()")
    original = mg.count(graph)
    saved = json.loads(kept(page, "json"))
    assert saved["totals"]["macs"] == original.macs
    assert page.query_selector("#keep-changed") is None


def test_saved_numbers_of_an_impossible_network_are_empty(page):
    page.evaluate("change({ edits: { 'conv1/7x7_s2': { kernel_size: 999 } } })")
    saved = json.loads(kept(page, "json", "-changed"))
    assert saved["totals"]["macs"] is None
    assert "conv1/7x7_s2" in saved["errors"]["conv1/7x7_s2"]
    assert saved["rows"][-1]["macs"] is None
    assert csv_rows(kept(page, "csv", "-changed"))[0]["macs"] == ""


def test_table_on_the_page_has_the_totals(page, graph):
    page.click("#tab-keep")
    counted = mg.count(graph)
    assert page.locator("#kept tbody tr").count() == len(counted.rows)
    cells = page.eval_on_selector_all("#kept tfoot td", "cells => cells.map(cell => cell.textContent)")
    assert cells[3:] == [f"{counted.params:,}", f"{counted.macs:,}"]


def test_svg_alone_contains_every_visible_label(page, browser, tmp_path):
    page.emulate_media(color_scheme="dark")
    page.evaluate("toggle('inception_3a/')")
    page.check("#direction-backward")
    labels = page.eval_on_selector_all("#scene text", "texts => texts.map(text => text.textContent)")
    legend = page.eval_on_selector_all("#legend text", "texts => texts.map(text => text.textContent)")
    text = kept(page, "svg")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    drawn = [element.text for element in root.iter(f"{SVG}text")]
    assert len(labels) > 60
    assert not set(labels + legend) - set(drawn) - {""}
    assert root.find(f"{SVG}title").text == "GoogLeNet: Gradient norm"
    assert "The input is at the bottom" in root.find(f"{SVG}desc").text
    assert not re.search(r"var\(|https?://(?!www\.w3\.org/2000/svg)", text)
    style = root.find(f"{SVG}style").text
    assert "#16202b" in style  # the light text colour, although the page is dark
    assert "#edf2f7" not in style

    (tmp_path / "alone.svg").write_text(text, encoding="utf-8")
    alone = browser.new_page()
    messages = []
    alone.on("console", lambda message: messages.append(message.text))
    alone.goto((tmp_path / "alone.svg").as_uri())
    fills = (
        "[...document.querySelectorAll('.edge')].map(e => getComputedStyle(e).fill + getComputedStyle(e).markerStart)"
    )
    assert set(alone.evaluate(fills)) == {'noneurl("#arrow")'}
    family = "[...document.querySelectorAll('text')].map(e => getComputedStyle(e).fontFamily)"
    assert set(alone.evaluate(family)) == {"sans-serif"}
    outside = """[...document.querySelectorAll('#scene .box')].filter(box => {
        const [a, b] = [box.getBoundingClientRect(), document.documentElement.getBoundingClientRect()];
        return a.left < 0 || a.top < 0 || a.right > b.right || a.bottom > b.bottom }).length"""
    assert alone.evaluate(outside) == 0
    assert messages == []
    alone.close()


def test_saving_changes_nothing_on_the_page(page):
    before = page.evaluate("document.getElementById('middle').outerHTML")
    kept(page, "svg")
    assert page.evaluate("document.getElementById('middle').outerHTML") == before


def test_paper_gets_the_whole_drawing_in_light_colours(page):
    page.emulate_media(color_scheme="dark")
    page.click("#tab-keep")
    before = page.get_attribute("#scene", "transform")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    box = [float(value) for value in page.get_attribute("#drawing", "viewBox").split()]
    assert page.get_attribute("#scene", "transform") is None
    assert page.evaluate("([width, height]) => width > view.scene.width && height > view.scene.height", box[2:])
    page.emulate_media(media="print", color_scheme="dark")
    assert all(
        page.is_hidden(part) for part in ("#outline", "#zoom", "#tabs", "#overview", "#more", ".keep", "#panel h2")
    )
    assert all(page.is_visible(part) for part in ("#title", "#legend", "#drawing", "#strip", "#kept"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.get_attribute("#drawing", "viewBox") is None
    assert page.get_attribute("#scene", "transform") == before
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert page.get_attribute("#scene", "transform") == before


def test_policy_allows_only_this_script_and_this_style(page):
    policy = page.get_attribute("meta[http-equiv]", "content")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert all(re.fullmatch(r"'sha256-[\w+/=]+'", rules[name]) for name in ("script-src", "style-src"))
    assert rules["img-src"] == "data:"
    assert not {"connect-src", "frame-src", "object-src", "media-src", "font-src", "worker-src"} & set(rules)


# Names from outside


@pytest.fixture(scope="module")
def hostile_page():
    """Return the HTML of a page with hostile names in every position, beside a second such network."""
    networks = []
    for names in (HOSTILE, HOSTILE[::-1]):
        graph = mg.Graph(**{f"<input>{HOSTILE[0]}": (2, 4, 4)})
        wire = next(iter(graph.inputs))
        for name in names:
            wire = graph.add(name, mg.layers.ReLU(), wire)
        networks.append(viewer_pages.network(graph, names[1] + names[2] + "\x00"))
    objectives = {"all": HOSTILE[2] + HOSTILE[4], HOSTILE[0]: "".join(HOSTILE)}
    viewer_pages.with_norms(networks[0], objectives)
    return viewer_pages.html(*networks, objectives=objectives, title=HOSTILE[0] + HOSTILE[2] + HOSTILE[4])


def test_hostile_names_run_nothing_in_any_panel(open_page, hostile_page):
    page = open_page(hostile_page)
    page.click("#unfold-all")
    page.check("#direction-backward")
    for tab in ("node", "compare", "gradient", "keep"):
        page.click(f"#tab-{tab}")
        for name in HOSTILE:
            page.evaluate("name => reveal(nodeNamed(name))", name)
            assert page.evaluate("state.node") == name
            page.wait_for_function("document.getElementById('panel').childElementCount > 0")
    page.check("#network-1")
    page.check("#network-0")
    page.click("#tab-gradient")
    page.select_option("#objective", HOSTILE[0])
    page.click("#norms-summary")
    page.fill("#search", HOSTILE[2])
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("document.querySelectorAll('img, [onload], [onerror], body style').length") == 0
    title = HOSTILE[0] + HOSTILE[2] + HOSTILE[4]
    assert page.text_content("#title") == title
    shown = page.eval_on_selector_all("#tree .node", "rows => rows.map(row => row.dataset.item)")
    assert set(HOSTILE) <= set(shown)


def test_hostile_names_keep_every_file_valid(open_page, hostile_page, browser, tmp_path):
    page = open_page(hostile_page)
    page.click("#unfold-all")
    saved = json.loads(kept(page, "json"))
    assert [row["name"] for row in saved["rows"]] == HOSTILE

    text = kept(page, "csv")
    for field in fields(text[1:]):
        assert unicodedata.normalize("NFKC", field).strip(" \"'`")[:1] not in (
            "=",
            "+",
            "@",
            "|",
            "%",
            "\t",
        ) or field.lstrip(' "').startswith("'")
    assert all(letter.isprintable() for letter in text[1:].replace("\n", ""))
    assert [row["name"] for row in csv_rows(text)] == [csv_name(name) for name in HOSTILE]

    labels = page.eval_on_selector_all("#scene .label", "texts => texts.map(text => text.textContent)")
    assert len(labels) > len(HOSTILE)
    text = kept(page, "svg")
    root = ElementTree.fromstring(text)
    drawn = {element.text for element in root.iter(f"{SVG}text")}
    assert {re.sub("[\0\x07\r\x1b\ufffe]", lambda match: escape(match[0]), label) for label in labels} <= drawn
    assert any("nul\\x00 bell" in label for label in drawn)
    assert not [element for element in root.iter() if element.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}a")]
    (tmp_path / "hostile.svg").write_text(text, encoding="utf-8")
    alone = browser.new_page()
    alone.goto((tmp_path / "hostile.svg").as_uri())
    assert alone.evaluate("window.hacked") is None
    assert alone.evaluate("document.querySelector('parsererror')") is None
    alone.close()
    assert page.evaluate("window.hacked") is None


def csv_name(name):
    """Return a name as it is in the CSV of grades: escapes for invisible characters, an apostrophe before a formula."""
    made = "".join(
        c if unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in ("Zl", "Zp") else escape(c)
        for c in name
    )
    return gradebook._quiet(made)


def escape(character):
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def test_address_selects_any_name(open_page, hostile_page):
    page = open_page(hostile_page)
    for name in HOSTILE:
        page.evaluate("name => (location.hash = encodeURIComponent(name))", name)
        page.wait_for_function("name => state.node === name", arg=name)
    page.evaluate("location.hash = '#100%'")  # an escape that is malformed selects nothing
    page.evaluate("location.hash = '#%E0%A4%A'")
    page.wait_for_timeout(50)
    assert page.evaluate("[state.node, window.hacked]") == [HOSTILE[-1], None]
