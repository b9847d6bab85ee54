"""The page of `view` in a browser: the time to its first paint, and from a movement of the pointer to the next frame.

It needs Chromium and playwright, which only developers have installed.
"""

import random
import shutil
import statistics
import tempfile
from pathlib import Path

from minigooglenet import layers
from minigooglenet.bench.results import milliseconds
from minigooglenet.console import Table
from minigooglenet.graph import Graph
from minigooglenet.viewer import view

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NODES, QUICK_NODES = 2000, 100
MOVES, QUICK_MOVES = 60, 5
WINDOW = {"width": 1280, "height": 800}
PATIENCE = 120_000  # milliseconds: a busy machine delays a frame; playwright gives up after 30,000
# A frame is painted when a message that its animation callback sends arrives.
TIMES = """
const painted = (report) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => report(performance.now());
  port2.postMessage(null);
});
window.hovers = [];
window.firstPaint = null;
addEventListener("load", () => painted((now) => (window.firstPaint = now)));
addEventListener("pointermove", (event) => painted((now) => hovers.push(now - event.timeStamp)), true);
"""


def measure(options, progress) -> dict:
    """Return the times of three pages: a chain, a branching graph and a model."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return _left_out("playwright is not installed: pip install playwright")
    program = executable()
    if program is None:
        return _left_out("no chromium was found")
    nodes = QUICK_NODES if options.quick else NODES
    graphs = {"chain": chain(nodes), "branching graph": branching(nodes), options.model: options.graph()}
    records = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=PATIENCE)
        for name, graph in graphs.items():
            progress(f"page, {name}")
            path = Path(folder, "page.html")
            view(graph, name=name).save(path)
            times = _times(browser, path, QUICK_MOVES if options.quick else MOVES)
            records.append({"network": name, "nodes": len(graph.nodes), **times})
        browser.close()
    return {"records": records, "left_out": {}}


def executable() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def chain(count: int) -> Graph:
    """Return a graph of `count` nodes, each of which reads the one before it."""
    g = Graph(image=(4, 8, 8))
    wire = "image"
    for i in range(count):
        wire = g.add(f"relu{i}", layers.ReLU(), wire)
    return g


def branching(count: int, seed: int = 0) -> Graph:
    """Return a graph of `count` nodes that read random earlier nodes."""
    g, rng = Graph(image=(4, 8, 8)), random.Random(seed)
    for i in range(count):
        wires = list(g.shapes)
        near, far = rng.choice(wires[-6:]), rng.choice(wires[-40:])
        if near != far and rng.random() < 0.4:
            g.add(f"add{i}", layers.Add(), near, far)
        else:
            g.add(f"conv{i}", layers.Conv2d(4, 4, 3, padding=1, init="zeros"), near)
    return g


def _times(browser, path, moves):
    """Return the seconds to the first paint, and those of the pointer's movements over the unfolded graph."""
    tab = browser.new_page(viewport=WINDOW)
    tab.set_default_timeout(PATIENCE)
    tab.add_init_script(TIMES)
    tab.goto(path.as_uri())
    tab.wait_for_function("firstPaint !== null")
    first = tab.evaluate("firstPaint")
    tab.click("#unfold-all")
    box = tab.locator("#drawing").bounding_box()
    start = tab.evaluate("hovers.length")  # the movement to the button
    for i in range(moves):
        tab.mouse.move(box["x"] + box["width"] * (1 + i % 7) / 8, box["y"] + box["height"] * (i + 1) / (moves + 1))
        tab.wait_for_function("count => hovers.length > count", arg=start + i)
    hovers = tab.evaluate("hovers")[start:]
    tab.close()
    return {
        "first_paint_seconds": first / 1e3,
        "hover_median_seconds": statistics.median(hovers) / 1e3,
        "hover_maximum_seconds": max(hovers) / 1e3,
    }


def _left_out(reason):
    return {"records": [], "left_out": {"everything": reason}}


def tables(result) -> list[Table]:
    """Return the table of a result."""
    times = ("first_paint_seconds", "hover_median_seconds", "hover_maximum_seconds")
    rows = [(r["network"], f"{r['nodes']:,}", *(milliseconds(r[time]) for time in times)) for r in result["records"]]
    columns = ("network", ">nodes", ">first paint ms", ">hover median ms", ">hover maximum ms")
    notes = [
        "First paint: from opening the file until everything is drawn.",
        "Hover: with all modules unfolded, from a movement of the pointer to the next frame.",
        *(f"Not measured: {reason}." for reason in result["left_out"].values()),
    ]
    return [Table("The page of a network in a browser", columns, rows, notes)]
