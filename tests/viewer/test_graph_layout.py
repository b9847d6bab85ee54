"""The layout: boxes never overlap, edges go upward between them, and long chains stay straight."""

import json
import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigooglenet as mg
from minigooglenet import layers
from minigooglenet.viewer.layout import layouts
from minigooglenet.viewer.modules import hierarchy


@st.composite
def networks(draw):
    """Return {node: what it reads}, in the order of execution; node 0 is an input."""
    count = draw(st.integers(1, 25))
    modules = [f"m{draw(st.integers(0, 3))}/{draw(st.sampled_from(['', 'in/', 'a.b/']))}n{i}" for i in range(count)]
    sources = st.integers(0, count - 1)
    return {
        name: tuple({modules[draw(sources) % i] for _ in range(draw(st.integers(1, 3)))}) if i else ()
        for i, name in enumerate(modules)
    }


def _levels(reads):
    root = hierarchy(list(reads))
    return root, layouts(root, reads)


def _positions(level):
    """Return the positions of all boxes, ports and lanes of a level, each once."""
    lanes = {(edge.source, tuple(position)) for edge in level.edges for position in edge.path}
    return [*level.cells.values(), *level.ports.values(), *(position for _, position in lanes)]


@given(networks())
def test_cells_of_a_row_are_at_least_one_column_apart(reads):
    for level in _levels(reads)[1].values():
        rows = {}
        for row, column in _positions(level):
            assert row >= 0
            assert column >= 0
            rows.setdefault(row, []).append(column)
        for columns in rows.values():
            assert all(b - a >= 1 for a, b in pairwise(sorted(columns)))


@given(networks())
def test_every_edge_goes_upward_row_by_row(reads):
    for level in _levels(reads)[1].values():
        for edge in level.edges:
            first = level.ports["in"] if edge.source is None else level.cells[edge.source]
            last = level.ports["out"] if edge.target is None else level.cells[edge.target]
            rows = [first[0], *(row for row, _ in edge.path), last[0]]
            assert all(b == a + 1 for a, b in pairwise(rows))


@given(networks())
def test_a_path_of_edges_leads_from_every_source_to_its_reader(reads):
    root, levels = _levels(reads)
    for level in levels.values():
        assert {edge.source for edge in level.edges} <= {None, *level.cells}
    for node, sources in reads.items():
        for source in sources:
            containing = [m for m in root.modules() if source in m.nodes() and node in m.nodes()][-1]
            ends = [
                next(c if isinstance(c, str) else c.id for c in containing.children if _contains(c, name))
                for name in (source, node)
            ]
            assert ends in [[edge.source, edge.target] for edge in levels[containing.id].edges]


def _contains(child, name):
    return child == name if isinstance(child, str) else name in child.nodes()


def test_chain_and_residual_block_keep_one_straight_column():
    reads = {"x": (), **{f"n{i}": (f"n{i - 1}" if i else "x",) for i in range(10)}}
    reads["add"] = ("n9", "n2")
    level = _levels(reads)[1]["/"]
    assert len({column for _, column in level.cells.values()}) == 1
    (skip,) = [edge for edge in level.edges if edge.path]
    assert {column for _, column in skip.path}.isdisjoint({level.cells["add"][1]})


def test_dense_block_has_one_lane_per_source():
    reads = {f"n{i}": tuple(f"n{j}" for j in range(i)) for i in range(40)}
    start = time.perf_counter()
    level = _levels(reads)[1]["/"]
    assert time.perf_counter() - start < 10  # without shared lanes minutes
    widest = max(column for _, column in _positions(level))
    assert widest < 80


SCENE = """(unfolded) => {
  const scene = laidOut(network(), new Set(unfolded));
  return { boxes: scene.boxes.map(({ item, ...box }) => ({ ...box, name: item.id ?? item.name })),
           edges: scene.edges.map(({ source, target, points }) => ({ source, target, points })),
           width: scene.width, height: scene.height };
}"""


@pytest.fixture(scope="module")
def graphs():
    rng = random.Random(0)
    return [_random_graph(rng, rng.randint(2, 40)) for _ in range(8)]


def _random_graph(rng, count):
    """Return a graph whose nodes read random earlier nodes, in modules of up to three levels."""
    g = mg.Graph(x=(2, 4, 4))
    for i in range(count):
        prefix = "".join(rng.choice(["a/", "b/", "long name of a module/", ""]) for _ in range(2))
        wires = {rng.choice(list(g.shapes)[-12:]) for _ in range(rng.randint(1, 3))}
        g.add(f"{prefix}{'n' * rng.randint(1, 50)}{i}", layers.Add(), *wires)
    return g


def test_boxes_on_the_page_do_not_overlap(open_page, graphs):
    rng = random.Random(1)
    for g in graphs:
        page = open_page(mg.view(g).html)
        ids = page.evaluate("network().modules.slice(1).map((module) => module.id)")
        for unfolded in ([], ids, [one for one in ids if rng.random() < 0.5]):
            scene = page.evaluate(SCENE, unfolded)
            closed = [box for box in scene["boxes"] if not box["unfolded"]]
            for i, a in enumerate(closed):
                assert a["x"] >= -1e-6
                assert a["x"] + a["width"] <= scene["width"] + 1e-6
                assert a["y"] + a["height"] <= scene["height"] + 1e-6
                assert not any(_overlap(a, b) for b in closed[:i]), json.dumps([a, closed])


def test_edges_on_the_page_go_upward_past_all_boxes(open_page, graphs):
    for g in graphs:
        page = open_page(mg.view(g).html)
        ids = page.evaluate("network().modules.slice(1).map((module) => module.id)")
        for unfolded in ([], ids):
            scene = page.evaluate(SCENE, unfolded)
            closed = [box for box in scene["boxes"] if not box["unfolded"]]
            for edge in scene["edges"]:
                for (x, low), (other, high) in pairwise(edge["points"]):
                    assert high <= low + 1e-6  # y is measured downward
                    line = {"x": min(x, other), "width": abs(other - x), "y": high, "height": low - high}
                    assert not any(_overlap(line, box) for box in closed), (edge, unfolded)


def _overlap(a, b):
    return all(a[s] < b[s] + b[n] - 1e-6 and b[s] < a[s] + a[n] - 1e-6 for s, n in (("x", "width"), ("y", "height")))
