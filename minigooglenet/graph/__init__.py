"""A network as a graph: nodes that read and write named wires. Forward runs the nodes in order, backward in reverse."""

from minigooglenet.graph.graph import Graph, Node

__all__ = ["Graph", "Node"]
