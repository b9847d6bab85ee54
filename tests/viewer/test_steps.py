"""The panel of one convolution, in a browser: its numbers are those of NumPy in float64, and of the engine."""

import math
from functools import cache

import numpy as np
import pytest
from filled import add_values, data_of, html_of, node_of

import minigooglenet as mg
from minigooglenet.kernels.numpy.im2col import im2col


@cache
def network():
    """Return (graph, image, page, {convolution: (input, output)}) with strides, padding at one side only and groups."""
    g = mg.Graph(image=(3, 13, 11))
    rng = np.random.default_rng(0)
    g.add(
        "stem", mg.layers.Conv2d(3, 4, (3, 5), stride=(2, 1), padding=((2, 0), (1, 3)), rng=rng, bias_init=0.3), "image"
    )
    g.add("relu_stem", mg.layers.ReLU(), "stem")
    g.add("grouped", mg.layers.Conv2d(4, 6, 3, padding=1, groups=2, bias=False, rng=rng), "relu_stem")
    g.add("atrous", mg.layers.Conv2d(3, 2, (3, 2), (2, 1), (1, 3), dilation=(2, 4), rng=rng), "image")
    g.add("pointwise", mg.layers.Conv2d(6, 2, 1, rng=rng), "grouped")
    x = rng.standard_normal((3, 13, 11)).astype(np.float32)
    data = data_of(g)
    arrays = {name: add_values(data, g, x, name) for name in ("stem", "grouped", "atrous")}
    return g, x, html_of(data), arrays


def show(tab, node, channel, position, input_channel=None):
    tab.evaluate(
        "values => change({ ...values, panel: 'steps' })",
        {"node": node, "channel": channel, "position": position, "inputChannel": input_channel},
    )


def read(tab, name):
    return float(tab.get_attribute(f"#step-{name}", "value"))


def read_all(tab, requests):
    """Return [{name: number of the panel}] for requests (node, channel, position, input channel or None).

    Of the three matrices and the column of the im2col matrix it contains the cells.
    """
    script = """requests => requests.map(([node, channel, position, inputChannel]) => {
        change({ node, channel, position, inputChannel, panel: "steps" });
        const all = (selector) => [...document.querySelectorAll(selector)];
        const named = all("data[id]").map((one) => [one.id.slice("step-".length), Number(one.value)]);
        const cells = ["value", "weight", "product"].map((key) => {
            return [key, all(`#matrix-${key} data`).map((cell) => Number(cell.value))];
        });
        const rows = all("#column tbody tr").map((row) => [...row.cells].map((cell) => cell.textContent));
        const arithmetic = document.querySelector("#steps pre").textContent;
        return { ...Object.fromEntries(named), ...Object.fromEntries(cells), rows, arithmetic };
    })"""
    return tab.evaluate(script, requests)


def terms(layer, x, channel, position):
    """Return (values, weights) of one output value in float64, in the order of the im2col matrix's rows."""
    (top, bottom), (left, right) = layer.padding
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right)))
    row, column = (i * step for i, step in zip(position, layer.stride, strict=True))
    weight = layer.params["weight"][channel].astype(np.float64)
    depth = len(weight)
    first = channel // (layer.out_channels // layer.groups) * depth
    down, across = layer.dilation
    rows = slice(row, row + down * (weight.shape[1] - 1) + 1, down)
    columns = slice(column, column + across * (weight.shape[2] - 1) + 1, across)
    return padded[first : first + depth, rows, columns].ravel(), weight.ravel()


def cases():
    rng = np.random.default_rng(1)
    for name, (_, y) in network()[3].items():
        channels, rows, columns = y.shape
        for position in ([0, 0], [rows - 1, columns - 1], *rng.integers((rows, columns), size=(6, 2)).tolist()):
            yield name, int(rng.integers(channels)), position


def group_of(layer, channel):
    """Return the input channels that an output channel reads."""
    depth = layer.in_channels // layer.groups
    first = channel // (layer.out_channels // layer.groups) * depth
    return range(first, first + depth)


def bias_of(layer, channel):
    return layer.params["bias"][channel] if "bias" in layer.params else np.float32(0)


def test_sum_equals_numpy_in_float64_and_the_engine(open_page):
    g, _, html, arrays = network()
    shown = read_all(open_page(html), [(*case, None) for case in cases()])
    for (name, channel, position), numbers in zip(cases(), shown, strict=True):
        (x, y), layer = arrays[name], g.nodes[name].layer
        values, weights = terms(layer, x, channel, position)
        total, size = math.fsum(values * weights), np.abs(values * weights).sum()
        bias = float(bias_of(layer, channel))
        assert abs(numbers["sum"] - total) <= 1e-12 * size
        assert abs(numbers["part"] + numbers["others"] - total) <= 1e-12 * size
        assert numbers["bias"] == bias
        assert abs(numbers["result"] - (total + bias)) <= 1e-12 * (size + abs(bias))
        assert numbers["engine"] == y[channel][tuple(position)]
        assert abs(numbers["engine"] - numbers["result"]) <= 1e-5 * max(1, size)
        assert numbers["difference"] == numbers["engine"] - numbers["result"]


def test_float32_sum_equals_the_loops_of_the_definition(open_page):
    g, _, html, arrays = network()
    shown = read_all(open_page(html), [(*case, None) for case in cases()])
    for (name, channel, position), numbers in zip(cases(), shown, strict=True):
        layer = g.nodes[name].layer
        total = np.float32(0)
        for value, weight in zip(*terms(layer, arrays[name][0], channel, position), strict=True):
            total += np.float32(value) * np.float32(weight)
        assert numbers["float32"] == total + bias_of(layer, channel)


def test_matrices_contain_window_weights_and_products(open_page):
    g, _, html, arrays = network()
    tab = open_page(html)
    for name, channel, position in cases():
        layer = g.nodes[name].layer
        values, weights = (
            part.reshape(-1, math.prod(layer.kernel_size)) for part in terms(layer, arrays[name][0], channel, position)
        )
        shown = read_all(tab, [(name, channel, position, c) for c in group_of(layer, channel)])
        assert [one["value"] for one in shown] == values.tolist()
        assert [one["weight"] for one in shown] == weights.tolist()
        assert [one["product"] for one in shown] == (values * weights).tolist()


def test_column_indices_equal_the_layout_of_im2col(open_page):
    g, _, html, arrays = network()
    tab = open_page(html)
    for name, channel, position in cases():
        layer, (x, y) = g.nodes[name].layer, arrays[name]
        numbered = np.arange(1, x.size + 1).reshape(x.shape)  # each pixel by its index from 1, padding is 0
        columns = im2col(numbered[None], layer.kernel_size, layer.stride, layer.padding, layer.dilation)[0]
        j = position[0] * y.shape[2] + position[1]
        group, area = group_of(layer, channel), math.prod(layer.kernel_size)
        seen = []
        for c, shown in zip(group, read_all(tab, [(name, channel, position, c) for c in group]), strict=True):
            assert f"* {y.shape[2]} + {position[1]} = {j}, of {columns.shape[1]}" in shown["arithmetic"]
            for i, _, pixel, *_ in shown["rows"]:
                row, column = (int(part.split()[0]) for part in pixel.split(","))
                outside = not (0 <= row < x.shape[1] and 0 <= column < x.shape[2])
                assert ("padding" in pixel) == outside
                assert columns[int(i), j] == (0 if outside else numbered[c, row, column]), (name, c, i)
                seen.append(int(i))
        assert seen == list(range(group[0] * area, (group[-1] + 1) * area))


def test_padding_positions_are_marked(open_page):
    tab = open_page(network()[2])
    show(tab, "grouped", 0, [0, 0])
    assert tab.locator("#matrix-value td.padded").all_text_contents() == ["pad"] * 5
    assert tab.locator("#matrix-weight td.padded").count() == 0
    assert "5 of the 9 values are padding" in tab.inner_text("#steps figcaption >> nth=0")


def test_dilated_window_marks_each_of_its_positions(open_page):
    tab = open_page(network()[2])
    show(tab, "atrous", 0, [1, 2])
    frames = tab.evaluate("""[...document.querySelectorAll("#steps figure .cursor")].map((frame) => {
        return ["x", "y", "width", "height"].map((name) => Number(frame.getAttribute(name)));
    })""")
    assert frames == [[column, row, 1, 1] for row in (1, 3, 5) for column in (-1, 3)]
    assert "Rows 1 to 5 and columns -1 to 3, 2 and 4 apart, of input channel" in tab.inner_text(
        "#steps figcaption >> nth=0"
    )
    assert "kernel 3x2, stride 2x1, dilation 2x4" in tab.inner_text("#panel")
    assert "input  row = p * 2 - 1 + r * 2, column = q * 1 - 3 + s * 4" in tab.inner_text("#steps pre")


def test_relu_line_appears_where_a_relu_follows(open_page):
    tab = open_page(network()[2])
    for position in ([0, 0], [2, 3], [3, 3], [4, 1]):
        show(tab, "stem", 1, position)
        assert read(tab, "relu") == max(0, read(tab, "result"))
    assert "relu_stem" in tab.inner_text(".sums")
    show(tab, "grouped", 1, [0, 0])
    assert tab.locator("#step-relu").count() == 0


def test_strongest_input_channel_is_shown_first(open_page):
    g, _, html, arrays = network()
    tab = open_page(html)
    shown = read_all(tab, [(*case, None) for case in cases()])
    for (name, channel, position), numbers in zip(cases(), shown, strict=True):
        layer = g.nodes[name].layer
        values, weights = terms(layer, arrays[name][0], channel, position)
        parts = (values * weights).reshape(layer.in_channels // layer.groups, -1).sum(axis=1)
        assert numbers["part"] == pytest.approx(parts[np.abs(parts).argmax()], rel=1e-12)
    tab.locator(".partial-sums .bar").nth(parts.size - 1).click()
    assert read(tab, "part") == pytest.approx(parts[-1], rel=1e-12, abs=1e-15)


def test_arrow_keys_and_clicks_move_the_window(open_page):
    tab = open_page(network()[2])
    show(tab, "stem", 0, [1, 1])
    tab.focus("#position")
    before = read(tab, "sum")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("state.position") == [2, 2]
    assert read(tab, "sum") != before
    box = tab.locator("#position").bounding_box()
    tab.mouse.move(box["x"] + 3, box["y"] + 3)
    assert tab.evaluate("state.position") == [2, 2]  # here a pointer that only passes changes nothing
    tab.mouse.click(box["x"] + 3, box["y"] + 3)
    assert tab.evaluate("state.position") == [0, 0]
    tab.focus("#output-channel")
    tab.select_option("#output-channel", "3")
    assert tab.evaluate("[state.channel, document.activeElement.id]") == [3, "output-channel"]


def test_play_moves_until_it_is_stopped(open_page):
    tab = open_page(network()[2])
    show(tab, "stem", 0, [0, 0])
    tab.clock.install()
    tab.click("#play")
    tab.clock.run_for(3 * 600 + 50)
    assert tab.evaluate("state.position") == [0, 3]
    assert tab.inner_text("#play") == "Stop"
    tab.click("#play")
    tab.clock.run_for(3000)
    assert tab.evaluate("state.position") == [0, 3]
    tab.click("#next")
    assert tab.evaluate("state.position") == [0, 4]


def test_play_ends_at_the_last_position_and_with_the_panel(open_page):
    tab = open_page(network()[2])
    rows, columns = network()[3]["stem"][1].shape[1:]
    tab.clock.install()
    show(tab, "stem", 0, [rows - 1, columns - 2])
    tab.click("#play")
    tab.clock.run_for(3000)
    assert tab.evaluate("state.position") == [rows - 1, columns - 1]
    assert tab.inner_text("#play") == "Play"
    tab.click("#play")  # from the end it starts again
    tab.clock.run_for(650)
    assert tab.evaluate("state.position") == [0, 1]
    tab.evaluate("change({ panel: 'node' })")
    tab.clock.run_for(3000)
    assert tab.evaluate("state.position") == [0, 1]


def test_reduced_motion_has_no_animation_but_steps(open_page):
    tab = open_page(network()[2], reduced_motion="reduce")
    show(tab, "stem", 0, [0, 0])
    assert tab.locator("#play").count() == 0
    assert "reduced motion" in tab.inner_text("#panel")
    tab.clock.install()
    tab.click("#next")
    tab.clock.run_for(5000)
    assert tab.evaluate("state.position") == [0, 1]
    tab.click("#previous")
    assert tab.evaluate("state.position") == [0, 0]


def test_node_without_values_names_the_command_and_the_others(open_page):
    tab = open_page(network()[2])
    show(tab, "pointwise", 0, None)
    assert "--image FILE --node pointwise" in tab.inner_text("#panel")
    assert tab.locator("#panel button.link").all_text_contents() == ["stem", "grouped", "atrous"]
    tab.click("#panel button.link >> nth=1")
    assert tab.evaluate("state.node") == "grouped"
    assert node_of(data_of(network()[0]), "stem").get("values") is None
