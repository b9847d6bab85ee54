"""Two networks side by side: the alignment, the differences that it marks, and the panel that shows them."""

import itertools

import numpy as np
import pytest
import viewer_pages

import minigooglenet as mg
from minigooglenet.viewer import differences as viewer_differences
from minigooglenet.viewer.differences import aligned, differences
from minigooglenet.viewer.main_path import leading_to, main_path

MODELS = {
    "googlenet": lambda: mg.models.googlenet(init="zeros"),
    "batch": lambda: mg.models.googlenet(init="zeros", norm="batch"),
    "torchvision": lambda: mg.models.googlenet(init="zeros", variant="torchvision"),
    "vgg16": lambda: mg.models.vgg16(init="zeros"),
    "alexnet": lambda: mg.models.alexnet(init="zeros"),
    "alexnet-groups": lambda: mg.models.alexnet(2, init="zeros"),
    "mini": lambda: mg.models.mini_googlenet(init="zeros"),
}
VERSIONS = [
    ("googlenet", "batch"),
    ("googlenet", "torchvision"),
    ("batch", "torchvision"),
    ("alexnet", "alexnet-groups"),
    ("googlenet", "mini"),
]


@pytest.fixture(scope="module")
def graphs():
    return {name: build() for name, build in MODELS.items()}


@pytest.fixture(scope="module")
def networks(graphs):
    return {name: viewer_pages.network(graph, name) for name, graph in graphs.items()}


def chain(*layers, wires=None, shape=(4, 8, 8)):
    """Return the network of a chain of (name, layer)."""
    graph = mg.Graph(image=shape)
    wire = "image"
    for name, layer in layers:
        wire = graph.add(name, layer, *((wires or {}).get(name, (wire,))))
    return viewer_pages.network(graph)


def partners(found):
    return {row["first"]: row["second"] for row in found["rows"] if row["first"] and row["second"]}


@pytest.mark.parametrize(("first", "second"), [*VERSIONS, ("googlenet", "vgg16"), ("vgg16", "alexnet")])
def test_rows_contain_every_node_of_both_once(networks, first, second):
    rows = differences(networks[first], networks[second])["rows"]
    assert [row["first"] for row in rows if row["first"]] == [node["name"] for node in networks[first]["nodes"]]
    names = [row["second"] for row in rows if row["second"]]
    assert sorted(names) == sorted(node["name"] for node in networks[second]["nodes"])
    assert all(row["first"] or row["second"] for row in rows)


def test_network_equals_itself(networks):
    for net in networks.values():
        found = differences(net, net)
        assert all(row["first"] == row["second"] and row["differs"] == {} for row in found["rows"])
        assert all(change == 0 for _, _, change in found["totals"].values())


@pytest.mark.parametrize(("first", "second"), VERSIONS)
def test_marked_rows_are_those_of_the_counts(graphs, networks, first, second):
    counts = [mg.count(graphs[name]) for name in (first, second)]
    expected = {line[0] for line in counts[0].diff(counts[1]).rows}
    found = differences(networks[first], networks[second])
    marked = set()
    for row in found["rows"]:
        counted = {"params", "macs"} & set(row["differs"].get("counts", ()))
        alone = not (row["first"] and row["second"])
        if alone or counted or {"kind", "shape"} & set(row["differs"]):
            marked |= {row["first"], row["second"]} - {None}
    inputs = {name for graph in (graphs[first], graphs[second]) for name in graph.inputs}
    assert marked - inputs == expected
    for key in ("params", "macs", "activations", "tape_bytes", "peak_bytes", "depth"):
        values = [getattr(counted, key) for counted in counts]
        assert found["totals"][key] == (*values, values[1] - values[0])


def test_batch_norm_is_only_in_the_second(networks):
    found = differences(networks["googlenet"], networks["batch"])
    only = {"first": set(), "second": set()}
    for net, other in (("first", "second"), ("second", "first")):
        names = [row[net] for row in found["rows"] if row[other] is None]
        only[net] = {
            nd["kind"] for name in ("googlenet", "batch") for nd in networks[name]["nodes"] if nd["name"] in names
        }
    assert only == {"first": {"LocalResponseNorm"}, "second": {"BatchNorm2d"}}


def test_floor_and_ceil_pools_differ_in_one_setting():
    floor, ceil = (
        chain(("pool", mg.layers.MaxPool2d(3, 2, ceil_mode=mode)), shape=(4, 9, 9)) for mode in (False, True)
    )
    assert differences(floor, ceil)["rows"][1]["differs"] == {"settings": {"ceil_mode": (False, True)}}
    floor, ceil = (chain(("pool", mg.layers.MaxPool2d(3, 2, ceil_mode=mode))) for mode in (False, True))
    differs = differences(floor, ceil)["rows"][1]["differs"]
    assert differs["shape"] == ([4, 3, 3], [4, 4, 4])
    assert differs["counts"]["activations"] == (36, 64)


def test_dilation_differs_from_the_dilation_that_is_left_out():
    plain, dilated = (
        chain(("conv", mg.layers.Conv2d(4, 2, 3, padding=step, dilation=step)), shape=(4, 9, 9)) for step in (1, 2)
    )
    settings = differences(plain, dilated)["rows"][1]["differs"]["settings"]
    assert settings["dilation"] == ([1, 1], [2, 2])


def test_stems_align_where_the_sizes_are_equal(networks):
    found = partners(differences(networks["googlenet"], networks["vgg16"]))
    assert found["pool1/3x3_s2"] == "pool2"
    assert found["pool2/3x3_s2"] == "pool3"
    assert found["pool3/3x3_s2"] == "pool4"
    assert found["pool4/3x3_s2"] == "pool5"
    assert found["conv1/7x7_s2"] == "conv2_2/3x3"
    assert found["pool5/flatten"] == "flatten"
    assert found["loss3/classifier"] == "classifier"
    assert "pool5/7x7_s1" not in found


def test_heads_align_only_with_heads(networks):
    heads = [node["name"] for node in networks["googlenet"]["nodes"] if node["name"].startswith(("loss1", "loss2"))]
    assert not set(heads) & set(partners(differences(networks["googlenet"], networks["vgg16"])))
    same = partners(differences(networks["googlenet"], networks["torchvision"]))
    assert all(same[name] == name for name in heads)


def test_renamed_network_aligns_by_kind_and_settings(networks):
    net = networks["googlenet"]
    new = {node["name"]: f"n{index}" for index, node in enumerate(net["nodes"])}
    nodes = [
        node | {"name": new[node["name"]], "reads": [new[name] for name in node["reads"]]} for node in net["nodes"]
    ]
    found = differences(net, net | {"nodes": nodes, "main": new[net["main"]]})
    assert partners(found) == new
    assert all(row["differs"] == {} for row in found["rows"])


def test_alignment_has_the_largest_possible_weight():
    rng = np.random.default_rng(3)
    layers = [mg.layers.ReLU, lambda: mg.layers.MaxPool2d(2, 1), lambda: mg.layers.MaxPool2d(3, 1)]
    for trial in range(20):
        first, second = (
            chain(*[(f"{side}{i}", layers[rng.integers(3)]()) for i in range(rng.integers(1, 5))], shape=(2, 12, 12))
            for side in "ab"
        )
        keys = viewer_differences._keys(first), viewer_differences._keys(second)
        names = [[node["name"] for node in net["nodes"][1:]] for net in (first, second)]
        weights = viewer_differences._weights(*([key[n] for n in side] for key, side in zip(keys, names, strict=True)))
        best = max(
            sum(weights[i, j] for i, j in zip(one, two, strict=True))
            for size in range(min(map(len, names)) + 1)
            for one in itertools.combinations(range(len(names[0])), size)
            for two in itertools.combinations(range(len(names[1])), size)
        )
        pairs = [(a["name"], b["name"]) for a, b in aligned(first, second)[1:] if a and b]
        found = sum(weights[names[0].index(a), names[1].index(b)] for a, b in pairs)
        assert found == best, trial


def test_other_wiring_is_marked_and_insertion_is_not():
    layers = [("a", mg.layers.ReLU()), ("b", mg.layers.ReLU()), ("c", mg.layers.ReLU())]
    plain, skipping = chain(*layers), chain(*layers, wires={"c": ("a",)})
    rows = {row["first"]: row["differs"] for row in differences(plain, skipping)["rows"]}
    assert rows == {"image": {}, "a": {}, "b": {}, "c": {"reads": (["b"], ["a"])}}
    longer = chain(*layers[:2], ("new", mg.layers.Dropout(0.5)), layers[2])
    for pair in ((plain, longer), (longer, plain)):
        assert all(row["differs"] == {} for row in differences(*pair)["rows"])


def test_unknown_number_makes_an_unknown_change():
    known = chain(("a", mg.layers.ReLU()))
    unknown = chain(("a", mg.layers.ReLU()))
    unknown["nodes"][1]["macs"] = unknown["totals"]["macs"] = None
    found = differences(known, unknown)
    assert found["totals"]["macs"] == (0, None, None)
    assert found["rows"][1]["differs"] == {"counts": {"macs": (0, None)}}


def test_equal_names_in_another_order_align():
    first = chain(("a", mg.layers.ReLU()), ("b", mg.layers.ReLU()))
    second = chain(("b", mg.layers.ReLU()), ("new", mg.layers.Dropout(0.5)), ("a", mg.layers.ReLU()))
    found = differences(first, second)
    assert partners(found) == {"image": "image", "a": "a", "b": "b"}
    assert [row["second"] for row in found["rows"] if row["first"] is None] == ["new"]


def test_main_path_has_no_detour(networks):
    net = networks["googlenet"]
    path = main_path(net["nodes"], net["main"])
    assert [name for name in path if name.startswith("inception_")] == [
        f"inception_{m}/output" for m in mg.models.MODULES
    ]
    needed = leading_to(net["nodes"], net["main"])
    reads = {node["name"]: node["reads"] for node in net["nodes"]}
    for name in needed:  # without a node of the path, the output does not reach the input
        reached, pending = set(), [net["main"]]
        while pending:
            wire = pending.pop()
            if wire != name and wire not in reached:
                reached.add(wire)
                pending += reads[wire]
        assert ("image" not in reached) == (name in path), name


def test_main_path_of_two_inputs_begins_where_they_meet():
    graph = mg.Graph(left=(2, 4, 4), right=(2, 4, 4))
    graph.add("a", mg.layers.ReLU(), "left")
    graph.add("both", mg.layers.Concat(), "a", "right")
    graph.add("end", mg.layers.ReLU(), "both")
    net = viewer_pages.network(graph)
    assert net["path"] == ["both", "end"]


# The panel


@pytest.fixture
def side_by_side(open_page, networks):
    page = open_page(viewer_pages.html(networks["googlenet"], networks["torchvision"]))
    page.click("#tab-compare")
    return page


def test_panel_marks_every_difference_in_words(side_by_side, networks):
    found = differences(networks["googlenet"], networks["torchvision"])
    lines = side_by_side.eval_on_selector_all("#compared tbody tr", "rows => rows.map(row => row.textContent)")
    assert len(lines) == len(found["rows"])
    titles = {"kind": "other layer", "settings": "other settings", "shape": "other shape", "counts": "other counts"}
    for row, line in zip(found["rows"], lines, strict=True):
        assert ("equal" in line) == bool(row["first"] and row["second"] and not row["differs"]), line
        assert ("only in the first" in line) == (row["second"] is None)
        assert ("only in the second" in line) == (row["first"] is None)
        assert all((title in line) == (key in row["differs"]) for key, title in titles.items())
    assert "kernel_size 5x5 → 3x3" in next(line for line in lines if line.startswith("inception_3a/5x5Conv2d"))
    side_by_side.check("#only-differences")
    shown = side_by_side.locator("#compared tbody tr:visible").count()
    assert shown == sum("equal" not in line for line in lines)
    assert side_by_side.inner_text("#compared-summary").startswith(f"{shown} of {len(lines)} rows differ")


def test_panel_has_the_totals_and_their_change(side_by_side, graphs):
    macs = [mg.count(graphs[name]).macs for name in ("googlenet", "torchvision")]
    cells = side_by_side.eval_on_selector_all(
        "#compared-totals tbody tr", "rows => rows.map(r => [...r.cells].map(c => c.innerText))"
    )
    assert ["MACs", f"{macs[0]:,}", f"{macs[1]:,}", f"\N{MINUS SIGN}{macs[0] - macs[1]:,}"] in cells


def test_row_selects_the_node_in_its_network(side_by_side):
    side_by_side.get_by_role("button", name="inception_4a/bn_5x5", exact=True).click()
    assert side_by_side.evaluate("[state.network, state.node]") == [1, "inception_4a/bn_5x5"]
    assert side_by_side.is_checked("#network-1")
    assert side_by_side.locator("#scene .selected title").text_content() == "inception_4a/bn_5x5: BatchNorm2d"
    assert side_by_side.get_attribute("#compared [aria-current]", "id").startswith("compare-1-")
    side_by_side.click("#compare-0-1")
    assert side_by_side.evaluate("[state.network, state.node]") == [0, "conv1/7x7_s2"]
    side_by_side.keyboard.press("Tab")
    assert side_by_side.evaluate("document.activeElement.id") == "compare-1-1"


def test_switch_shows_the_node_that_corresponds(open_page, networks):
    page = open_page(viewer_pages.html(networks["googlenet"], networks["vgg16"]))
    page.evaluate("reveal(nodeNamed('pool2/3x3_s2'))")
    page.check("#network-1")
    assert page.evaluate("[state.network, state.node]") == [1, "pool3"]
    assert page.locator("#scene .selected .label").text_content() == "pool3"
    assert page.locator("#tree [aria-selected=true] .name").text_content() == "pool3"
    assert page.inner_text("#total") == f"MACs: {networks['vgg16']['totals']['macs']:,} MACs in total"
    page.check("#network-0")
    assert page.evaluate("[state.network, state.node]") == [0, "pool2/3x3_s2"]


def test_address_selects_a_node_of_the_other_network(open_page, networks):
    page = open_page(viewer_pages.html(networks["googlenet"], networks["vgg16"]))
    page.evaluate("location.hash = '#conv3_1/3x3'")
    page.wait_for_function("state.node === 'conv3_1/3x3'")
    assert page.evaluate("state.network") == 1


def test_panel_fits_a_phone(open_page, networks):
    page = open_page(viewer_pages.html(networks["googlenet"], networks["torchvision"]), width=390, height=844)
    page.click("#tab-compare")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="conv1/bn_7x7", exact=True).click()
    assert page.evaluate("state.node") == "conv1/bn_7x7"


def test_page_of_one_network_has_no_comparison(open_page, networks):
    page = open_page(viewer_pages.html(networks["mini"]))
    assert page.is_hidden("#tab-compare")
    assert page.locator("#network").count() == 0
