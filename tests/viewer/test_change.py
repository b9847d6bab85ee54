"""The panel that changes a network: its numbers and errors equal the engine's, on random changes and by hand."""

import json
from functools import cache

import numpy as np
import pytest
from rebuilding import FOLLOWS, rebuilt

import minigooglenet as mg
from minigooglenet.counting import memory
from minigooglenet.counting.rows import SUMMED
from minigooglenet.viewer import page as pages
from minigooglenet.viewer import view
from minigooglenet.viewer.sources import Source
from minigooglenet.viewer.view import _network

UNCOUNTED = ("eps", "momentum", "alpha", "beta", "k", "low", "high", "slope", "value")


def _naive():
    g = mg.Graph(image=(24, 28, 28))
    wire = mg.models.inception_naive(g, "image", "module", 8, 16, 4)
    wire = mg.models.inception_naive(g, wire, "next", 8, 16, 4, style=mg.models.Style(norm="batch"))
    mg.models.inception(g, wire, "last", 8, 4, 16, 4, 8, 8)
    return g


def _residual():
    """A network with the layers that no model uses: Add, AdaptiveAvgPool2d, Softmax, and unequal sides."""
    g = mg.Graph(image=(4, 20, 17), other=(6,))
    a = g.add("a", mg.layers.Conv2d(4, 8, (3, 5), padding=((1, 1), (2, 2)), groups=2, init="zeros"), "image")
    b = g.add("b", mg.layers.Conv2d(4, 8, 3, padding=1, algorithm="winograd", init="zeros"), "image")
    c = g.add("c", mg.layers.Conv2d(4, 8, (2, 3), padding=((0, 2), (3, 3)), dilation=(2, 3), init="zeros"), "image")
    wire = g.add("sum", mg.layers.Add(), a, b, c)
    wire = g.add("adaptive", mg.layers.AdaptiveAvgPool2d((5, 3)), wire)
    wire = g.add("average", mg.layers.AvgPool2d(2, padding=1, ceil_mode=True, count_include_pad=False), wire)
    wire = g.add("maximum", mg.layers.MaxPool2d((2, 1), stride=1), wire)
    wire = g.add("mean", mg.layers.GlobalAvgPool2d(), wire)
    other = g.add("other/fc", mg.layers.Linear(6, 3, bias=False, init="zeros"), "other")
    wire = g.add("joined", mg.layers.Concat(), wire, other)
    g.add("softmax", mg.layers.Softmax(), wire)
    g.outputs = ("softmax", "sum")
    return g


def _excited():
    """A network with the layers of later networks: padding, a shuffle, gates, scales and elementwise functions."""
    g = mg.Graph(image=(4, 15, 14))
    wire = g.add("pad", mg.layers.Pad(((0, 1), (2, 0))), "image")
    wire = g.add("conv", mg.layers.Conv2d(4, 8, 3, stride=2, init="zeros"), wire)
    wire = g.add("relu6", mg.layers.ReLU6(), wire)
    wire = g.add("shuffle", mg.layers.ChannelShuffle(2), wire)
    maps = g.add("scale", mg.layers.Scale(8), wire)
    wire = g.add("squeeze", mg.layers.GlobalAvgPool2d(), maps)
    wire = g.add("fc", mg.layers.Linear(8, 8, init="zeros"), wire)
    gates = g.add("gates", mg.layers.Sigmoid(), wire)
    wire = g.add("excited", mg.layers.Multiply(), gates, maps)
    for name, layer in (
        ("hard_swish", mg.layers.HardSwish()),
        ("silu", mg.layers.SiLU()),
        ("tanh", mg.layers.Tanh()),
        ("leaky", mg.layers.LeakyReLU()),
        ("clip", mg.layers.Clip(None, 3)),
        ("after", mg.layers.Conv2d(8, 4, 3, stride=2, init="zeros")),
        ("constant", mg.layers.Scale(4, bias=False, trained=False)),
        ("slice", mg.layers.ChannelSlice(1, 3)),
        ("max", mg.layers.GlobalMaxPool2d()),
    ):
        wire = g.add(name, layer, wire)
    return g


# {name: (function that builds a network, number of random changes)}
NETWORKS = {
    "googlenet 64": (lambda: mg.models.googlenet(10, size=64, width=0.1, init="zeros"), 50),
    "googlenet 224": (lambda: mg.models.googlenet(10, width=0.05, init="zeros"), 30),
    "torchvision 96": (
        lambda: mg.models.googlenet(10, size=96, width=0.1, init="zeros", variant="torchvision"),
        40,
    ),
    "mini": (lambda: mg.models.mini_googlenet(init="zeros", aux=True), 100),
    "alexnet": (lambda: mg.models.alexnet(init="zeros"), 120),
    "alexnet groups": (lambda: mg.models.alexnet(2, init="zeros"), 120),
    "vgg16": (lambda: mg.models.vgg16(init="zeros"), 80),
    "nin": (lambda: mg.models.nin(init="zeros"), 100),
    "naive": (_naive, 170),
    "residual": (_residual, 140),
    "excited": (_excited, 50),
}


# Changes at the limits of a rule, which random ones rarely meet.
RARE = [
    ("alexnet", {"pool1": {"kernel_size": 16}}),  # an argmax in one byte, and in two
    ("alexnet", {"pool1": {"kernel_size": [16, 17]}}),
    ("naive", {"module/5x5": {"kernel_size": 7, "padding": 0}}),
    ("naive", {"module/5x5": {"kernel_size": 9, "padding": 0}}),
    ("mini", {"pool5/drop": {"p": -1e-7}}),
    ("mini", {"pool5/drop": {"p": -0.00005}}),
    ("residual", {"sum": {}, "average": {"padding": [[0, 2], [1, 1]]}}),
    ("residual", {"b": {"out_channels": 7}}),
    ("residual", {"b": {"dilation": 2}}),
    ("residual", {"c": {"dilation": [15, 3]}}),
    ("residual", {"c": {"dilation": [1, 1], "padding": [[0, 1], [1, 1]]}}),
    ("mini", {"conv1/3x3": {"dilation": [3, 3], "padding": 3}}),
    ("residual", {"image": {"shape": [4, 10, 4]}}),
    ("excited", {"conv": {"out_channels": 9}}),  # which the shuffle cannot divide
    ("excited", {"shuffle": {"groups": 3}}),
    ("excited", {"fc": {"out_features": 7}}),  # too few gates
    ("excited", {"conv": {"out_channels": 12}, "fc": {"out_features": 12}}),
    ("excited", {"scale": {"channels": 7}}),
    ("excited", {"scale": {"bias": False}, "pad": {"padding": [[3, 0], [0, 5]]}}),
    ("excited", {"constant": {"trained": True}}),
]


@cache
def graph_of(name):
    return NETWORKS[name][0]()


@cache
def document():
    networks = [_network(Source(graph_of(name), name))[0] for name in NETWORKS]
    return pages.page({"networks": networks, "image": None, "objective": None, "notes": []}, "networks")


def expected(graph, edits):
    """Return the engine's error, or ({node: its numbers}, totals, the explanation of the last changed node)."""
    try:
        other = rebuilt(graph, edits)
    except (ValueError, TypeError) as error:
        return str(error)
    outputs = tuple(dict.fromkeys([*other.outputs, *other.default_outputs]))
    counted = mg.count(other, outputs=outputs)
    live = memory.live_wire_bytes(other, other.schedule(outputs))
    numbers = {
        row.name: [
            list(row.output_shape),
            *(getattr(row, key) for key in SUMMED),
            live[row.name],
            *map(list, (row.receptive_field_min, row.receptive_field_max, row.jump)),
        ]
        for row in counted.rows
    }
    changed = [name for name in edits if name in other.nodes]
    return [
        numbers,
        [getattr(counted, key) for key in SUMMED],
        counted.explain(changed[-1]).split("\n") if changed else [],
    ]


# The same from the page, as JSON, which is much faster than playwright's own serialisation.
COMPUTED = """
(changes) => JSON.stringify(JSON.parse(changes).map(([index, edits]) => {
  const net = page.networks[index];
  const { nodes, errors } = compute(net, edits);
  if (errors.size) return errors.values().next().value;
  const layers = net.nodes.filter((node) => node.kind !== "Input").map((node) => nodes.get(node.name));
  const numbers = layers.map((node) => [node.name, [
    node.shape, ...SUMMED.map((key) => node[key]), node.live_bytes, node.field_min, node.field_max, node.jump,
  ]]);
  const totals = SUMMED.map((key) => sum(layers.map((node) => node[key])));
  const changed = Object.keys(edits).filter((name) => net.byName.get(name).kind !== "Input");
  return [Object.fromEntries(numbers), totals, changed.length ? nodes.get(changed.at(-1)).explain : []];
}))
"""


def random_change(graph, rng):
    """Return {node: {setting: value}} with one to three changes: half of them are possible, the others rarely."""
    named = [name for name, node in graph.nodes.items() if node.layer.settings().keys() - set(UNCOUNTED)]
    edits: dict = {}
    usual = rng.random() < 0.6
    for _ in range(rng.choice([1, 1, 2, 3])):
        name = named[rng.integers(len(named))]
        settings = graph.nodes[name].layer.settings()
        names = [key for key in settings if key not in UNCOUNTED]
        setting = names[rng.integers(len(names))]
        if not usual and rng.random() < 0.1:
            name, shape = list(graph.inputs.items())[rng.integers(len(graph.inputs))]
            edits[name] = {"shape": [int(size + rng.choice([0, 0, 1, -2, -size])) for size in shape]}
        elif not usual:
            edits.setdefault(name, {})[setting] = _random_value(setting, settings[setting], rng)
        elif setting not in FOLLOWS.values():
            edits.setdefault(name, {})[setting] = _usual_value(setting, settings[setting], rng)
    return edits or random_change(graph, rng)


def _usual_value(setting, value, rng):
    """Return a value that fits in most networks."""
    if isinstance(value, bool):
        return not value
    if setting == "p":
        return float(rng.random())
    if setting == "kernel_size":  # of a larger window the stride and the padding keep their effect
        return [max(1, size - int(rng.integers(2))) for size in value]
    if setting in ("stride", "padding", "groups", "dilation"):
        return _lists(value)
    if setting == "output_size":
        return int(rng.integers(1, 9))
    return int(rng.integers(1, 100))


def _lists(value):
    return list(map(_lists, value)) if isinstance(value, tuple) else value


def _random_value(setting, value, rng):
    """Return any value, also of a wrong type."""

    def one(low, high):
        return int(rng.integers(low, high))

    def of(*choices):
        return choices[rng.integers(len(choices))]

    if isinstance(value, bool):
        return not value
    if setting == "p":
        return of(0, 0.25, 0.99, 1, 1.5, -0.1, 1e-5, -1e-7, "half")
    if setting == "padding":
        sides = [[one(0, 4), one(0, 4)], [one(0, 4), one(0, 4)]]
        return of(one(0, 4), one(0, 7), sides[0], sides, "same", -1, 2.5, [1, 2, 3], [[1, 2], 3], [[0, -1], [0, 0]])
    if setting in ("kernel_size", "stride", "dilation", "output_size", "size"):
        most = 5 if setting in ("stride", "dilation") else 12
        sizes = one(1, most), [one(1, most), one(1, most)], one(1, 4)
        return of(*sizes, *sizes, 1, 0, -2, 1.5, 30, [1, 2, 3], [3, 0], "3x3")
    wrong = of(0, -5, 0.5, "it's", 'two\n"lines"', [3])
    return of(wrong, one(1, 40), value + 1, 2 * value, 4 * one(1, 30), 28)


def test_random_changes_equal_the_engine(open_page):
    page = open_page(document())
    rng = np.random.default_rng(17)
    changes = [
        (index, name, random_change(graph_of(name), rng))
        for index, (name, (_, count)) in enumerate(NETWORKS.items())
        for _ in range(count)
    ]
    assert len(changes) == 1000
    changes += [(list(NETWORKS).index(name), name, edits) for name, edits in RARE]
    computed = json.loads(page.evaluate(COMPUTED, json.dumps([[index, edits] for index, _, edits in changes])))
    wanted = [expected(graph_of(name), edits) for _, name, edits in changes]
    for (_, name, edits), got, want in zip(changes, computed, wanted, strict=True):
        assert got == want, (name, edits)
    errors = {want.partition(": ")[2][:25] for want in wanted if isinstance(want, str)}
    assert len(errors) > 40
    assert 400 < sum(isinstance(want, list) for want in wanted) < 800


# Every difference between a node's data and what the page computes for it.
DIFFERENCES = """
() => page.networks.flatMap((net) => net.nodes.flatMap((node) => {
  const computed = compute(net, {}).nodes.get(node.name);
  const keys = Object.keys(node).filter((key) => !["parent", "readers", ...MEASURED_BACKWARD].includes(key));
  const different = keys.filter((key) => JSON.stringify(node[key]) !== JSON.stringify(computed[key]));
  return different.map((key) => [net.name, node.name, key]);
}))
"""


def test_unchanged_networks_keep_every_number(open_page):
    networks = [
        _network(Source(graph_of(name), name))[0]
        for name in ("torchvision 96", "alexnet groups", "naive", "residual", "excited")
    ]
    networks.append(_network(Source(with_own_layer(), "own"))[0])
    page = open_page(pages.page({"networks": networks, "image": None, "objective": None, "notes": []}, "networks"))
    assert page.evaluate(DIFFERENCES) == []


class Blur(mg.layers.Layer):
    """A user's layer: it halves height and width, saves its input, and reads 2 x 2 windows."""

    def output_shape(self, x_shape):
        channels, height, width = x_shape
        return channels, height // 2, width // 2


@mg.counting.register(Blur)
def _blur(layer, x_shape):
    terms = [mg.counting.Term("multiply", layer.output_shape(x_shape))]
    return mg.counting.Cost(terms, mg.counting.Keeps(inputs=True), ((2, 2), (2, 2)))


def with_own_layer():
    g = mg.Graph(image=(3, 16, 16))
    wire = g.add("first", mg.layers.Conv2d(3, 4, 3, padding=1, init="zeros"), "image")
    blurred = g.add("blur", Blur(), wire)
    g.add("second", mg.layers.Conv2d(4, 5, 3, init="zeros"), blurred)
    g.add("third", mg.layers.Conv2d(4, 5, 3, init="zeros"), wire)  # saves the array that blur saves too
    return g


def test_layer_without_formula_keeps_its_shape(open_page):
    g = with_own_layer()
    page = open_page(view(g).html)
    wider = {"first": {"kernel_size": [5, 5], "padding": 2}}
    assert page.evaluate(
        "(edits) => { const {nodes, errors} = compute(network(), edits);"
        " return [errors.size, nodes.get('blur').field_max, nodes.get('third').tape_bytes, nodes.get('blur').macs]; }",
        wider,
    ) == [0, [6, 6], 0, 0]
    page.evaluate("change({ node: 'first', panel: 'change' })")
    field(page, "out_channels").fill("8")
    assert page.inner_text("#change-errors").startswith(
        "node 'blur': this page has no formula for Blur, so input 'first' must keep the shape (4, 16, 16), "
        "got (8, 16, 16)."
    )
    page.evaluate("change({ node: 'blur' })")
    assert "This page has no formula for Blur" in page.inner_text("#panel")
    assert page.locator("#panel input").count() == 0


def opened(open_page, node, **arguments):
    """Return a page of mini_googlenet with the panel of a node or module."""
    page = open_page(view(mg.models.mini_googlenet(init="zeros", **arguments)).html)
    page.evaluate("(node) => change({ node, panel: 'change' })", node)
    return page


def field(page, label):
    return page.get_by_label(label, exact=True)


def value_in_tree(page, item):
    return page.text_content(f"#tree [data-item='{item}'] .value").replace(",", "")


def test_seven_integers_change_tree_and_total(open_page):
    page = opened(open_page, "inception_3a/")
    assert page.locator("#panel input").count() == 7
    field(page, "#3x3").fill("40")
    field(page, "#5x5 reduce").fill("12")
    edits = {"inception_3a/3x3": {"out_channels": 40}, "inception_3a/5x5_reduce": {"out_channels": 12}}
    assert page.evaluate("state.edits") == edits
    counted = mg.count(rebuilt(mg.models.mini_googlenet(init="zeros"), edits))
    for module in ("inception_3a", "inception_3b"):
        assert value_in_tree(page, f"{module}/") == str(sum(row.macs for row in counted.modules()[module]))
    assert page.inner_text("#total") == f"MACs: {counted.macs:,} MACs in total"
    table = page.inner_text("#change-effect table:has(caption:text('Whole network'))")
    for total in (counted.params, counted.macs, counted.activations):
        assert f"{total:,}" in table
    page.evaluate("change({ question: 'params' })")
    assert value_in_tree(page, "inception_3b/") == str(sum(row.params for row in counted.modules()["inception_3b"]))
    page.click("#tab-node")
    page.evaluate("change({ node: 'inception_3b/1x1' })")
    assert page.inner_text("#panel .explain") == counted.explain("inception_3b/1x1")


def test_total_with_an_unknown_cost_is_unknown_after_a_change(open_page):
    g = mg.Graph(x=(3, 8, 8))
    wire = g.add("own", type("Swish", (mg.layers.Layer,), {"output_shape": lambda self, shape: shape})(), "x")
    g.add("conv", mg.layers.Conv2d(3, 4, 3, init="zeros"), wire)
    page = open_page(mg.view(g, select="conv", panel="change").html)
    page.evaluate("change({ edits: { conv: { out_channels: 5 } } })")
    assert page.evaluate("totalsOf().macs") is None
    rows = page.locator("#change-effect table:has(caption:text('Whole network')) tbody tr")
    texts = [rows.nth(i).locator("td").all_text_contents() for i in range(2)]
    assert texts == [["parameters", "112", "140", "+25%"], ["MACs", "-", "-", "-"]]


def test_impossible_value_shows_the_engines_error(open_page):
    page = opened(open_page, "inception_3a/")
    graph = mg.models.mini_googlenet(init="zeros")
    field(page, "input channels").fill("33")
    edits = {f"inception_3a/{name}": {"in_channels": 33} for name in ("1x1", "3x3_reduce", "5x5_reduce", "pool_proj")}
    shown = page.locator("#change-errors .error")
    assert shown.inner_text() == expected(graph, edits)
    assert value_in_tree(page, "inception_3a/") == "does not fit"
    assert value_in_tree(page, "inception_4a/") == ""
    assert page.inner_text("#total").startswith("No total")
    assert field(page, "input channels").get_attribute("aria-invalid") == "true"
    field(page, "input channels").fill("32")
    assert page.inner_text("#change-errors") == ""
    assert page.evaluate("state.edits") == {}
    page.evaluate("change({ node: 'conv1/3x3' })")
    for text, value in (("same", "same"), ("1, 2, 3", [1, 2, 3]), ("-1", -1), ("2.5", 2.5), ("(0, 0), 1", [[0, 0], 1])):
        field(page, "padding").fill(text)
        assert shown.inner_text() == expected(graph, {"conv1/3x3": {"padding": value}})


NONSENSE = {
    "": "",
    "   ": "",
    "1e3": 1e3,
    "3.0": 3.0,
    "3.5": 3.5,
    "-0": 0,
    "-0.0": -0.0,
    "1e16": 1e16,
    "1e999": float("inf"),
    "-5": -5,
    "-" + "9" * 30: -int("9" * 30),
    "abc": "abc",
    "it's": "it's",
    "1 2": "1 2",
    "--3": "--3",
    "(1, 2, 3)": (1, 2, 3),
    "(1.0, 2)": (1.0, 2),
    "()": (),
}


@pytest.mark.parametrize("label", ["out_channels", "kernel_size", "stride"])
def test_nonsense_gets_the_engines_error(open_page, label):
    page = opened(open_page, "conv1/3x3")
    graph = mg.models.mini_googlenet(init="zeros")
    for text, value in NONSENSE.items():
        field(page, label).fill(text)
        assert page.inner_text("#change-errors .error") == expected(graph, {"conv1/3x3": {label: value}}), text
    field(page, label).fill(" +1 ")
    assert page.inner_text("#change-errors") == ""
    field(page, label).fill("9" * 30)
    assert f"{label} is {'9' * 30}. This page counts exactly up to" in page.inner_text("#change-errors")


def test_nonsense_in_an_input_or_a_fraction_gets_the_engines_error(open_page):
    graph = mg.models.mini_googlenet(init="zeros")
    page = opened(open_page, "image")
    for text, value in (("", ""), ("8.0", 8.0), ("-0", 0), ("x", "x")):
        field(page, "height").fill(text)
        shape = (graph.inputs["image"][0], value, graph.inputs["image"][2])
        assert page.inner_text("#change-errors .error") == expected(graph, {"image": {"shape": shape}})
    page.click("#change-reset")
    page.evaluate("change({ node: 'pool5/drop' })")
    for text, value in (
        ("", ""),
        ("1.0", 1.0),
        ("1e3", 1e3),
        ("9" * 30, int("9" * 30)),
        ("half", "half"),
        ("1, 2", (1, 2)),
    ):
        field(page, "p").fill(text)
        assert page.inner_text("#change-errors .error") == expected(graph, {"pool5/drop": {"p": value}})
    field(page, "p").fill("0.5")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("state.edits") == {"pool5/drop": {"p": 0.6}}


def test_module_that_is_impossible_without_reductions_shows_no_comparison(open_page):
    page = opened(open_page, "inception_3a/")
    captions = page.locator("#change-effect caption")
    assert captions.filter(has_text="figure 2a").count() == 1
    edits = {"inception_3a/3x3_reduce": {"out_channels": 24}, "inception_3a/3x3": {"groups": 3, "out_channels": 24}}
    page.evaluate("(edits) => change({ edits })", edits)  # the module's 32 input channels are not a multiple of 3
    assert page.inner_text("#change-errors") == ""
    assert captions.filter(has_text="Whole network").count() == 1
    assert captions.filter(has_text="figure 2a").count() == 0


def test_undo_and_reset_restore_the_network(open_page):
    page = opened(open_page, "conv1/3x3")
    before = page.inner_text("#total"), page.text_content("#tree")
    field(page, "kernel_size").fill("5, 3")
    field(page, "bias").check()
    field(page, "out_channels").fill("20")
    assert page.inner_text("#changes").startswith("1 node changed.")
    field(page, "Undo kernel_size of conv1/3x3").click()
    assert field(page, "kernel_size").input_value() == "3"
    assert page.evaluate("state.edits") == {"conv1/3x3": {"bias": True, "out_channels": 20}}
    page.click("#change-reset")
    assert page.evaluate("state.edits") == {}
    assert (page.inner_text("#total"), page.text_content("#tree")) == before
    assert not field(page, "bias").is_checked()
    assert page.inner_text("#changes") == ""


def test_keyboard_alone_changes_and_undoes(open_page):
    page = opened(open_page, "conv1/3x3")
    page.focus("#tab-change")
    for _ in range(4):  # the panel, in_channels, out_channels, kernel_size
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("state.edits") == {"conv1/3x3": {"kernel_size": 5}}
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("state.edits") == {}
    assert page.evaluate("document.activeElement.value") == "3"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("128")  # the field keeps the cursor while the page follows
    assert page.evaluate("state.edits") == {"conv1/3x3": {"out_channels": 128}}


@pytest.mark.parametrize("norm", [None, "batch"])
def test_naive_module_equals_the_models(open_page, norm):
    page = opened(open_page, "inception_3a/", norm=norm)
    field(page, "#3x3").fill("30")
    naive = mg.Graph(image=(32, 16, 16))
    mg.models.inception_naive(naive, "image", "module", 16, 30, 8, style=mg.models.Style(norm=norm, init="zeros"))
    counted = mg.count(naive)
    lines = page.inner_text("#change-effect table:has(caption:text('figure 2a'))").splitlines()
    shown = {cells[0]: cells[1] for cells in (line.split("\t") for line in lines) if len(cells) > 1}
    assert shown["MACs"] == f"{counted.macs:,}"
    assert shown["parameters"] == f"{counted.params:,}"
    assert shown["output values"] == f"{counted.activations:,}"
    assert shown["output channels"] == str(naive.shapes["module/output"][0])
    assert shown["MACs of 5x5"] == f"{counted['module/5x5'].macs:,}"


def test_numbers_too_large_to_be_exact_are_refused(open_page):
    page = opened(open_page, "conv1/3x3")
    field(page, "out_channels").fill("1000000000000")
    assert "cannot count exactly" in page.inner_text("#change-errors")
    field(page, "out_channels").fill("32")
    field(page, "padding").fill("100000")
    assert "at most 20,000 positions" in page.inner_text("#change-errors")


def test_measurements_after_a_change_are_dropped(open_page):
    page = opened(open_page, "conv1/3x3")
    page.evaluate(
        "for (const node of network().nodes) Object.assign(node, { zeros: 0.5, seconds: 1, norms: { main: 1 } })"
    )
    page.evaluate("change({ edits: { 'inception_3a/3x3': { out_channels: 30 } } })")

    def values(key):
        names = ["inception_3a/1x1", "inception_3a/3x3", "inception_3b/1x1"]
        return page.evaluate("([names, key]) => names.map((name) => countsOf(nodeNamed(name))[key])", [names, key])

    assert values("zeros") == [0.5, None, None]
    assert values("seconds") == [1, None, None]
    assert values("norms") == [None, None, None]  # a gradient depends on everything after it


def test_each_network_keeps_its_own_changes(open_page):
    page = open_page(document())
    page.evaluate("change({ edits: { 'conv1/7x7_s2': { out_channels: 5 } } })")
    assert page.evaluate("countsOf(nodeNamed('conv1/7x7_s2')).shape[0]") == 5
    page.evaluate("change({ network: 1, node: 'conv1/7x7_s2' })")
    assert page.evaluate("state.edits") == {}
    assert page.evaluate(
        "page.networks.slice(0, 2).map((net) => countsOf(net.byName.get('conv1/7x7_s2'), net).shape[0])"
    ) == [5, 3]
    page.evaluate("change({ network: 0 })")
    assert page.evaluate("state.edits") == {"conv1/7x7_s2": {"out_channels": 5}}
