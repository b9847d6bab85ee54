"""See a network: one page with its graph, numbers, activations and receptive fields, which opens in any browser."""

from minigooglenet.viewer.view import Page, view

__all__ = ["Page", "view"]
