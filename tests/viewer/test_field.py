"""The panel of the receptive field, in a browser: its rectangles are those of `counting.paths`."""

import numpy as np
import pytest
from filled import add_effective, add_image, data_of, html_of

import minigooglenet as mg
from minigooglenet.counting import costs, count, paths


def awkward():
    """Return a network with two paths, ceil-mode pools and padding at one side only."""
    g = mg.Graph(image=(3, 21, 17))
    conv = g.add("conv", mg.layers.Conv2d(3, 4, (3, 5), stride=(2, 1), padding=((2, 0), (1, 3)), rng=0), "image")
    pool = g.add("pool", mg.layers.MaxPool2d(3, stride=2, ceil_mode=True), conv)
    wide = g.add("wide", mg.layers.Conv2d(4, 4, 5, padding=2, rng=1), pool)
    g.add("sum", mg.layers.Add(), pool, wide)
    adaptive = g.add("adaptive", mg.layers.AdaptiveAvgPool2d((3, 4)), "sum")
    g.add("classifier", mg.layers.Linear(48, 5, rng=2), g.add("flatten", mg.layers.Flatten(), adaptive))
    return g


def extents(graph):
    layer_costs = {row.name: costs.cost(graph.nodes[row.name].layer, *row.input_shapes) for row in count(graph).rows}
    return paths.extents(graph, layer_costs)


def rectangles(tab, requests):
    """Return [[rectangle along all paths, along the smallest] for (node, position) in requests], read from the drawing.

    A rectangle is [(first row, last row), (first column, last column)].
    """
    read = """requests => requests.map(([node, position]) => {
        change({ node, position, panel: "field" });
        return ["largest", "smallest"].map((name) => {
            const rectangle = document.getElementById(`field-${name}`);
            const keys = ["x", "y", "width", "height"];
            const [x, y, width, height] = keys.map((key) => Number(rectangle.getAttribute(key)));
            return [[y, y + height - 1], [x, x + width - 1]];
        });
    })"""
    return [[[tuple(span) for span in one] for one in pair] for pair in tab.evaluate(read, requests)]


def expected(extent, position):
    return [(axis.first[i], axis.last[i]) for axis, i in zip(extent, position, strict=True)]


def show(tab, node, position=None):
    tab.evaluate("([node, position]) => change({ node, position, panel: 'field' })", [node, position])


@pytest.mark.parametrize("graph", [awkward(), mg.models.googlenet(init="zeros")], ids=["awkward", "googlenet"])
def test_rectangles_equal_the_extents_of_the_counter(open_page, graph):
    tab = open_page(html_of(data_of(graph)))
    narrow, wide = extents(graph)
    rng = np.random.default_rng(0)
    requests = []
    for name in graph.nodes:
        sizes = [len(axis.first) for axis in wide[name]]
        corners = [[0, 0], [size - 1 for size in sizes], [0, sizes[1] - 1]]
        positions = [*corners, *([int(rng.integers(size)) for size in sizes] for _ in range(2))]
        requests += [[name, position] for position in positions]
    for (name, position), (largest, smallest) in zip(requests, rectangles(tab, requests), strict=True):
        assert largest == expected(wide[name], position), (name, position)
        assert smallest == expected(narrow[name], position), (name, position)


def test_hatching_covers_exactly_the_pixels_past_the_edge(open_page):
    tab = open_page(html_of(data_of(mg.models.googlenet(init="zeros"))))
    [[(rows, columns), _]] = rectangles(tab, [["inception_4a/5x5", [0, 13]]])
    inside = """pixels => pixels.map(([y, x]) => {
        const path = document.getElementById("field-padding");
        return path.isPointInFill(Object.assign(path.ownerSVGElement.createSVGPoint(), { x: x + 0.5, y: y + 0.5 }));
    })"""
    pixels = np.stack(np.meshgrid(np.linspace(*rows, 9).round(), np.linspace(*columns, 9).round()), -1).reshape(-1, 2)
    outside = ((pixels < 0) | (pixels > 223)).any(axis=1)
    assert tab.evaluate(inside, pixels.tolist()) == outside.tolist()
    assert 0 < outside.sum() < len(pixels)
    assert tab.locator(".field-drawing .pixels").all_text_contents() == [
        f"{-rows[0]:.0f} px",
        f"{columns[1] - 223:.0f} px",
    ]


def test_sentences_contain_rows_columns_and_padding(open_page):
    tab = open_page(html_of(data_of(mg.models.googlenet(init="zeros"))))
    show(tab, "inception_3a/5x5", [0, 27])
    text = tab.inner_text("#field-text")
    assert (
        "Position (0, 27): rows -23 to 35 of 224, 23 rows of them padding before the first; columns 193 to 251" in text
    )
    assert "28 columns of them padding past the last: 59 x 59 pixels" in text
    assert tab.get_attribute(".field-drawing", "aria-label").startswith("Position (0, 27)")


def test_drawing_shows_the_image_of_two_inputs(open_page):
    g = mg.Graph(words=(4,), image=(3, 6, 8))
    pool = g.add("pool", mg.layers.Flatten(), g.add("global", mg.layers.GlobalAvgPool2d(), "image"))
    g.add("both", mg.layers.Concat(), "words", pool)
    data = data_of(g)
    add_image(data, np.zeros((6, 8, 3)))
    tab = open_page(html_of(data))
    show(tab, "both")
    assert "Paths from 2 inputs lead here; the drawing shows image" in tab.inner_text("#panel")
    assert [tab.get_attribute(".field-drawing image", key) for key in ("width", "height")] == ["8", "6"]


def test_drawing_grows_with_the_field_and_never_shrinks(open_page):
    tab = open_page(html_of(data_of(mg.models.googlenet(init="zeros"))))

    def box():
        return [float(value) for value in tab.get_attribute(".field-drawing", "viewBox").split()]

    show(tab, "inception_3a/5x5", [14, 14])  # a field inside the image
    left, top, width, height = box()
    assert left == top < 0
    assert width == height < 1.2 * 224
    tab.evaluate("change({ position: [0, 14] })")
    assert box()[1] < -23
    grown = box()
    tab.evaluate("change({ position: [14, 14] })")
    assert box() == grown


def test_pointer_and_keys_choose_the_position(open_page):
    tab = open_page(html_of(data_of(awkward())))
    show(tab, "pool")
    box = tab.locator("#position").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 2.5 / 19, box["y"] + 1)
    rows, columns = (len(axis.first) for axis in extents(awkward())[1]["pool"])
    assert tab.evaluate("state.position") == [0, int(2.5 / 19 * columns)]
    tab.mouse.move(0, 0)
    tab.focus("#position")
    for key, position in {
        "End": [0, columns - 1],
        "ArrowRight": [0, columns - 1],
        "PageDown": [rows - 1, columns - 1],
        "ArrowUp": [rows - 2, columns - 1],
        "ArrowLeft": [rows - 2, columns - 2],
    }.items():
        tab.keyboard.press(key)
        assert tab.evaluate("state.position") == position, key
    assert tab.get_attribute("#position", "aria-valuetext") == f"row {rows - 2}, column {columns - 2}"
    assert [tab.input_value(f"#position-{axis}") for axis in (0, 1)] == [str(rows - 2), str(columns - 2)]
    tab.fill("#position-0", "1")
    assert tab.evaluate("state.position") == [1, columns - 2]


def test_position_moves_into_a_smaller_map(open_page):
    graph = awkward()
    tab = open_page(html_of(data_of(graph)))
    [[largest, _]] = rectangles(tab, [["adaptive", [99, 2]]])
    assert largest == expected(extents(graph)[1]["adaptive"], [2, 2])


def test_effective_field_is_that_of_the_nearest_position(open_page):
    data = data_of(awkward())
    positions = [[2, 4], [0, 0], [0, 7], [4, 0], [4, 7]]
    maps = np.zeros((5, 21, 17), np.uint8)
    maps[0, 4:8, 5:8] = 100  # 12 equal pixels, of which 11 are the fewest that have 90%
    maps[2, 0, 9:] = 200
    add_image(data, np.random.default_rng(0).integers(0, 256, (21, 17, 3)))
    add_effective(data, "wide", positions, maps)
    tab = open_page(html_of(data))
    show(tab, "wide", [2, 3])
    (top, bottom), (left, right) = expected(extents(awkward())[1]["wide"], [2, 4])
    pixels = int((min(bottom, 20) - max(top, 0) + 1) * (min(right, 16) - max(left, 0) + 1))
    share = f"90% of the gradient is in about {1100 / pixels:.2g}% of the {pixels} pixels"
    wait_for_text(tab, f"At (2, 4), the nearest of five positions: {share}")
    drawn = """() => {
        const context = document.getElementById("effective").getContext("2d");
        return [...context.getImageData(0, 0, 17, 21).data].filter((_, i) => i % 4 === 3);
    }"""
    assert ((np.reshape(tab.evaluate(drawn), (21, 17)) > 0) == (maps[0] > 0)).all()
    tab.get_by_role("button", name="(0, 7)").click()
    wait_for_text(tab, "(0, 7)")
    assert tab.evaluate("state.position") == [0, 7]
    tab.get_by_role("button", name="(4, 0)").click()
    wait_for_text(tab, "the gradient is 0 at every pixel")


def wait_for_text(tab, text):
    tab.wait_for_function("text => document.getElementById('effective-text').textContent.includes(text)", arg=text)
