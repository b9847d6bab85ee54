"""PyTorch with `torch.compile`, in both memory layouts.

It needs a C++ compiler, and minutes to compile a network for each batch size and layout, so it is measured only if it
is named.
"""

import torch

from minigooglenet.bench.peers import pytorch
from minigooglenet.bench.peers.pytorch import gradients, threads, version

__all__ = ["TITLE", "gradients", "inference", "threads", "training", "version"]

TITLE = "compiled PyTorch"


def inference(graph, x, count):
    """Return {name: build} for the main output of `graph` on x (N, C, H, W)."""
    return _compiled(pytorch.inference(graph, x, count, torch.compile))


def training(graph, x, labels, weights, lr, momentum):
    """Return {name: build}; the function does one step of SGD."""
    return _compiled(pytorch.training(graph, x, labels, weights, lr, momentum, torch.compile))


def _compiled(factories):
    """Return factories whose functions are already compiled, so that a missing compiler is an error of theirs."""

    def build(factory):
        torch.compiler.reset()  # a process compiles only a few networks, and then runs the others as they are
        function = factory()
        function()
        return function

    return {f"compiled {name}": lambda factory=factory: build(factory) for name, factory in factories.items()}
