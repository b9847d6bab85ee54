"""The tables of the networks in README.md and docs/networks.md, written from `models.papers`.

`python docs/_ext/network_table.py` writes them again; a test compares them with the list and with the engine's counts.
"""

from pathlib import Path

import minigooglenet as mg
from minigooglenet.models.papers import PAPERS

ROOT = Path(__file__).parents[2]
START, END = "<!-- networks: written by docs/_ext/network_table.py -->", "<!-- end of networks -->"


def counted():
    """Yield (paper, input size, parameters, MACs) of each network, oldest first, without auxiliary heads."""
    for paper in sorted(PAPERS, key=lambda paper: paper.year):
        graph = mg.models.build(paper.name, init="zeros")
        count = mg.count(graph, outputs=[graph.main])
        yield paper, graph.shapes["image"][1], count.params, count.macs


def short(rows):
    """Return the table of README.md."""
    lines = ["| `mg.models.` | year | parameters | MACs | published top-5 error |", "|---|---|---|---|---|"]
    for paper, _, params, macs in rows:
        lines.append(f"| `{paper.name}` | {paper.year} | {params:,} | {macs:,} | {_error(paper)} |")
    return lines


def full(rows):
    """Return the table of docs/networks.md."""
    lines = [
        "| network | function | year | input | parameters | MACs | top-5 error | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for paper, size, params, macs in rows:
        counts = f"{params:,} | {macs:,} | {_error(paper)}"
        link = f"[{paper.title}]({paper.page})"
        lines.append(f"| {link} | `{paper.name}` | {paper.year} | {size} | {counts} | {paper.source} |")
    return lines


def texts():
    """Return {file: its text with the tables as they are now}."""
    rows, changed = list(counted()), {}
    for path, table in ((ROOT / "README.md", short), (ROOT / "docs" / "networks.md", full)):
        text = path.read_text(encoding="utf-8")
        old = text[text.index(START) : text.index(END)]
        changed[path] = text.replace(old, "\n".join([START, "", *table(rows), "", ""]))
    return changed


def _error(paper):
    return "" if paper.top5 is None else f"{paper.top5}%"


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8", newline="\n")
