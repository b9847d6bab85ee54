"""Where the time of a training step goes: node by node, and summed by kind of layer, forward and backward.

As in training, the images get no gradient.
"""

import copy
import functools
import statistics
import time
import warnings

from minigooglenet import losses
from minigooglenet.bench import settings, training
from minigooglenet.bench.results import milliseconds, per_cent
from minigooglenet.console import Table
from minigooglenet.counting import count

BATCHES, QUICK = (8,), (1,)
DIRECTIONS = ("forward", "backward")


def measure(asked, tell) -> dict:
    """Return the median times of every node in training, and what passes between the nodes."""
    graph = asked.graph()
    macs = {row.name: row.macs for row in count(graph).rows}
    results = []
    with settings.threads(asked.threads):
        for batch in asked.batch_sizes(BATCHES, QUICK):
            tell(f"profile, batch {batch}")
            times, whole = _rounds(asked, graph, batch)
            nodes = [
                {
                    "node": name,
                    "kind": layer.kind,
                    "macs": batch * macs[name],
                    **{f"{d}_seconds": statistics.median(times[d][name]) for d in DIRECTIONS},
                }
                for name, (layer, _) in graph.nodes.items()
            ]
            medians = {f"{d}_seconds": statistics.median(whole[d]) for d in DIRECTIONS}
            rounds = len(whole["forward"])
            results.append(
                {"batch": batch, "threads": asked.threads, "rounds": rounds, "whole": medians, "nodes": nodes}
            )
    return {"records": results}


def _rounds(asked, graph, batch):
    graph, timer = copy.deepcopy(graph), Timer()  # batch norm's running statistics move
    x, labels, weights = training.batch_of(graph, batch)
    (image,) = graph.inputs
    times = {d: {name: [] for name in graph.nodes} for d in DIRECTIONS}
    whole = {d: [] for d in DIRECTIONS}
    spent = 0.0
    for number in range(asked.rounds + 1):
        if number > 3 and spent > 2 * asked.seconds:
            break
        for seconds in timer.seconds.values():
            seconds.clear()
        started = time.perf_counter()
        logits, tape = graph.forward({image: x}, train=True, on_node=timer)
        forward = time.perf_counter() - started
        _, _, grads = losses.weighted_sum(logits, labels, weights)
        started = time.perf_counter()
        graph.backward(grads, tape, inputs=False, on_node=timer)
        backward = time.perf_counter() - started
        if number == 0:  # compiles
            continue
        spent += forward + backward
        whole["forward"].append(forward)
        whole["backward"].append(backward)
        for direction in DIRECTIONS:
            for name, own in times[direction].items():
                own.append(timer.seconds[direction].get(name, 0.0))
    return times, whole


class Timer:
    """An observer that takes the time of every node: {direction: {node: seconds of the last call}}."""

    def __init__(self):
        self.seconds, self._started = {direction: {} for direction in DIRECTIONS}, 0.0

    def before(self, node, direction):
        """Start the clock."""
        self._started = time.perf_counter()

    def after(self, node, direction, arrays):
        """Stop it."""
        self.seconds[direction][node] = time.perf_counter() - self._started


def timed(graph):
    """Return (a copy of `graph` that times its nodes, seconds as in `Timer`). Deprecated: pass a Timer to a graph."""
    warnings.warn("profile.timed goes in 0.3: pass profile.Timer() as on_node=", DeprecationWarning, stacklevel=2)
    net, timer = copy.deepcopy(graph), Timer()
    net.forward = functools.partial(net.forward, on_node=timer)
    net.backward = functools.partial(net.backward, on_node=timer)
    return net, timer.seconds


def by_kind(nodes) -> dict:
    """Return {kind: {nodes, macs, forward_seconds, backward_seconds}} summed over a profile's nodes."""
    kinds = {}
    for node in nodes:
        own = kinds.setdefault(node["kind"], {"nodes": 0, "macs": 0, "forward_seconds": 0.0, "backward_seconds": 0.0})
        own["nodes"] += 1
        for key in ("macs", "forward_seconds", "backward_seconds"):
            own[key] += node[key]
    return kinds


def tables(result) -> list[Table]:
    """Return for each batch size a table by kind of layer and one by node."""
    return [table for record in result["records"] for table in (_kinds_table(record), _nodes_table(record))]


def _kinds_table(record):
    kinds, whole = by_kind(record["nodes"]), record["whole"]
    order = sorted(kinds.items(), key=lambda item: -(item[1]["forward_seconds"] + item[1]["backward_seconds"]))
    rows = [(kind, own["nodes"], *_passes(own, whole)) for kind, own in order]
    between = {
        f"{d}_seconds": whole[f"{d}_seconds"] - sum(n[f"{d}_seconds"] for n in record["nodes"]) for d in DIRECTIONS
    }
    rows.append(("between the nodes", "", *_passes(between, whole)))
    columns = ("kind", ">nodes", ">forward ms", ">share", ">backward ms", ">share")
    notes = [f"Medians of {record['rounds']} steps, in training. Between: gradients of branches added up, bookkeeping."]
    total = ("whole", len(record["nodes"]), *_passes(whole, whole))
    title = f"Where a step's time goes, batch {record['batch']}, {record['threads']} threads"
    return Table(title, columns, rows, notes, total)


def _nodes_table(record):
    rows = [
        (
            node["node"],
            node["kind"],
            *_passes(node, record["whole"]),
            f"{node['macs'] / node['forward_seconds'] / 1e9:,.1f}" if node["macs"] and node["forward_seconds"] else "",
        )
        for node in record["nodes"]
    ]
    columns = ("node", "kind", ">forward ms", ">share", ">backward ms", ">share", ">forward GMAC/s")
    return Table(f"Node by node, batch {record['batch']}, {record['threads']} threads", columns, rows)


def _passes(own, whole):
    cells = []
    for direction in DIRECTIONS:
        seconds = own[f"{direction}_seconds"]
        cells += [milliseconds(seconds), per_cent(seconds / whole[f"{direction}_seconds"])]
    return cells
