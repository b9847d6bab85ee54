"""Pages for tests: one or two networks, with invented gradient norms."""

import json
import re

import numpy as np

from minigooglenet.viewer import page, view
from minigooglenet.viewer.differences import differences

OBJECTIVES = {"all": "all losses", "main": "main loss only"}


def network(graph, name="network"):
    """Return a network as a page has it."""
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', view(graph, name=name).html, re.S)
    return json.loads(data[1])["networks"][0]


def html(*networks, objectives=None, title="page"):
    """Return the HTML of a page for one or two networks of `network`."""
    data = {
        "networks": list(networks),
        "differences": differences(*networks) if len(networks) == 2 else None,
        "image": None,
        "objective": next(iter(objectives), None) if objectives else None,
        "objectives": objectives or {},
        "notes": [],
    }
    return page.page(data, title)


def with_norms(net, objectives=OBJECTIVES, seed=0):
    """Give every node a norm for each objective, between 1e-6 and 1."""
    rng = np.random.default_rng(seed)
    for node in net["nodes"]:
        node["norms"] = {name: float(10 ** rng.uniform(-6, 0)) for name in objectives}
    return net
