"""A network as named wires: nodes in the order they were added, forward along it, backward against it."""

from minigooglenet.graph.graph import Graph, Node

__all__ = ["Graph", "Node"]
