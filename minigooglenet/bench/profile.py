"""Profile of a training step: the time of the forward and backward pass by node, and by kind of layer.

As in training, no gradient of the images is computed.
"""

import copy
import functools
import statistics
import time
import warnings

from minigooglenet import losses
from minigooglenet.bench import settings, training
from minigooglenet.bench.results import many, milliseconds, percent
from minigooglenet.console import Table
from minigooglenet.counting import count
from minigooglenet.graph.observers import Timer

BATCHES, QUICK = (8,), (1,)
DIRECTIONS = ("forward", "backward")


def measure(options, progress) -> dict:
    """Return the median times of every node in training, and of the whole passes."""
    graph = options.graph()
    macs = {row.name: row.macs for row in count(graph).rows}
    results = []
    with settings.threads(options.threads):
        for batch in options.batch_sizes(BATCHES, QUICK):
            progress(f"profile, batch {batch}")
            times, whole = _rounds(options, graph, batch)
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
                {"batch": batch, "threads": options.threads, "rounds": rounds, "whole": medians, "nodes": nodes}
            )
    return {"records": results}


def _rounds(options, graph, batch):
    graph, timer = copy.deepcopy(graph), Timer()  # batch norm changes its running statistics
    x, labels, weights = training.batch_of(graph, batch)
    (image,) = graph.inputs
    times = {d: {name: [] for name in graph.nodes} for d in DIRECTIONS}
    whole = {d: [] for d in DIRECTIONS}
    spent = 0.0
    for number in range(options.rounds + 1):
        if number > 3 and spent > 2 * options.seconds:
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
            for name, values in times[direction].items():
                values.append(timer.seconds[direction].get(name, 0.0))
    return times, whole


def timed(graph):
    """Return (a copy of `graph` that times its nodes, seconds as in `Timer`). Deprecated: pass a Timer to the graph."""
    warnings.warn(
        "profile.timed will be removed in 0.3: pass profile.Timer() as on_node=", DeprecationWarning, stacklevel=2
    )
    net, timer = copy.deepcopy(graph), Timer()
    net.forward = functools.partial(net.forward, on_node=timer)
    net.backward = functools.partial(net.backward, on_node=timer)
    return net, timer.seconds


def by_kind(nodes) -> dict:
    """Return {kind: {nodes, macs, forward_seconds, backward_seconds}} summed over a profile's nodes."""
    kinds = {}
    for node in nodes:
        sums = kinds.setdefault(node["kind"], {"nodes": 0, "macs": 0, "forward_seconds": 0.0, "backward_seconds": 0.0})
        sums["nodes"] += 1
        for key in ("macs", "forward_seconds", "backward_seconds"):
            sums[key] += node[key]
    return kinds


def tables(result) -> list[Table]:
    """Return two tables for each batch size: by kind of layer, and by node."""
    return [table for record in result["records"] for table in (_kinds_table(record), _nodes_table(record))]


def _kinds_table(record):
    kinds, whole = by_kind(record["nodes"]), record["whole"]
    order = sorted(kinds.items(), key=lambda item: -(item[1]["forward_seconds"] + item[1]["backward_seconds"]))
    rows = [(kind, sums["nodes"], *_passes(sums, whole)) for kind, sums in order]
    between = {
        f"{d}_seconds": whole[f"{d}_seconds"] - sum(n[f"{d}_seconds"] for n in record["nodes"]) for d in DIRECTIONS
    }
    rows.append(("between the nodes", "", *_passes(between, whole)))
    columns = ("kind", ">nodes", ">forward ms", ">of total", ">backward ms", ">of total")
    steps = many(record["rounds"], "step")
    notes = [f"Medians of {steps}, in training. Between the nodes: sums of branch gradients and bookkeeping."]
    total = ("total", len(record["nodes"]), *_passes(whole, whole))
    title = f"Time of a training step, batch {record['batch']}, {many(record['threads'], 'thread')}"
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
    columns = ("node", "kind", ">forward ms", ">of total", ">backward ms", ">of total", ">forward GMAC/s")
    return Table(f"Node by node, batch {record['batch']}, {many(record['threads'], 'thread')}", columns, rows)


def _passes(times, whole):
    cells = []
    for direction in DIRECTIONS:
        seconds = times[f"{direction}_seconds"]
        cells += [milliseconds(seconds), percent(seconds / whole[f"{direction}_seconds"])]
    return cells
