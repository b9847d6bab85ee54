"""`view`: the page of a network."""

from typing import Any

from minigooglenet import files
from minigooglenet.graph import Graph
from minigooglenet.typing import PathLike
from minigooglenet.viewer import page
from minigooglenet.viewer.differences import differences
from minigooglenet.viewer.layout import layouts
from minigooglenet.viewer.main_path import main_path
from minigooglenet.viewer.modules import Module, hierarchy
from minigooglenet.viewer.nodes import numbers


class Page:
    """A page that shows networks: a notebook displays it, and `save` writes it as one HTML file."""

    def __init__(self, html: str, title: str) -> None:
        self.html, self.title = html, title

    def save(self, path: PathLike) -> None:
        """Write the page as a file that needs no network."""
        files.write_text(path, self.html)

    def _repr_html_(self) -> str:
        return page.iframe(self.html)

    def __repr__(self) -> str:
        return f"Page({self.title!r}, {len(self.html) / 1e6:.1f} MB)"


def view(graph: Graph, name: str = "network") -> Page:
    """Return the page of a network."""
    networks = [_network(graph, name)]
    data = {
        "networks": networks,
        "differences": differences(*networks) if len(networks) == 2 else None,
        "image": None,
        "objective": None,
        "objectives": {},
        "notes": [],
    }
    return Page(page.page(data, name), name)


def _network(graph, name) -> dict[str, Any]:
    totals, nodes = numbers(graph)
    root = hierarchy([node["name"] for node in nodes])
    levels = layouts(root, {node["name"]: tuple(node["reads"]) for node in nodes})
    return {
        "name": name,
        "main": graph.main,
        "outputs": list(graph.outputs),
        "totals": totals,
        "nodes": nodes,
        "path": main_path(nodes, graph.main),
        "modules": [_module(module, levels[module.id]) for module in root.modules()],
    }


def _module(module, level):
    return {
        "id": module.id,
        "label": module.label,
        "children": [child.id if isinstance(child, Module) else child for child in module.children],
        "cells": level.cells,
        "edges": [{"source": e.source, "target": e.target, "path": e.path} for e in level.edges],
    }
