"""Forward and backward pass of each kind of layer with the shapes of the network, ours and PyTorch in turn."""

import numpy as np

from minigooglenet import freed_memory
from minigooglenet.bench import clock, settings
from minigooglenet.bench.results import busy_notes, many, milliseconds, skipped_notes, times
from minigooglenet.console import Table, text
from minigooglenet.counting.costs import cost
from minigooglenet.layers import BatchNorm2d, LocalResponseNorm

OURS = "minigooglenet"
BATCHES, QUICK = (8,), (1,)
# The results of dropout are random and cannot be compared; flattening computes nothing.
LEFT_OUT = ("Dropout", "Flatten")


def measure(options, progress) -> dict:
    """Return the times of the largest node of each kind, kernel size and stride, and always of both norms."""
    graph = options.graph()
    freed_memory.keep_if_wanted()  # as every graph does
    records, left_out = [], {}
    with settings.threads(options.threads, options.peers.values()):
        for batch in options.batch_sizes(BATCHES, QUICK):
            for label, (layer, shapes) in chosen(graph).items():
                progress(f"{label}, batch {batch}")
                timings, failed = compare(options, layer, shapes, batch)
                what = {"operation": label, "input_shapes": [list(shape) for shape in shapes], "batch": batch}
                records += [{**what, "threads": options.threads, **record} for record in timings]
                left_out |= {f"{name} ({label})": reason for name, reason in failed.items()}
    return {"records": records, "left_out": left_out}


def chosen(graph) -> dict:
    """Return {label: (layer, input shapes)}: of nodes that differ only in size, the one with the most work."""
    largest = {}
    for layer, wires in graph.nodes.values():
        shapes = [graph.shapes[wire] for wire in wires]
        work = sum(term.count for term in cost(layer, *shapes).terms) or sum(int(np.prod(shape)) for shape in shapes)
        label = _label(layer)
        if layer.kind not in LEFT_OUT and work > largest.get(label, (0,))[0]:
            largest[label] = work, layer, shapes
    kinds = {layer.kind for _, layer, _ in largest.values()}
    first = next((node for node, (layer, _) in graph.nodes.items() if layer.kind == "Conv2d"), None)
    if first is not None:
        shape = graph.shapes[first]
        for layer in (LocalResponseNorm(), BatchNorm2d(shape[0])):
            if layer.kind not in kinds:
                largest[layer.kind] = 0, layer, [shape]
    return {label: (layer, shapes) for label, (_, layer, shapes) in sorted(largest.items())}


def _label(layer):
    if not hasattr(layer, "kernel_size"):
        return layer.kind
    label = f"{layer.kind} {text(layer.kernel_size)}"
    for name in ("stride", "dilation"):
        steps = getattr(layer, name, (1, 1))
        label += "" if steps == (1, 1) else f" {name} {text(steps)}"
    return label


def compare(options, layer, shapes, batch) -> tuple[list[dict], dict]:
    """Return the records of a layer with random inputs, per direction and engine, and {engine: why it is left out}."""
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((batch, *shape), dtype=np.float32) for shape in shapes]
    grad = rng.standard_normal((batch, *layer.output_shape(*shapes)), dtype=np.float32)
    pairs, failed = {OURS: _ours(layer, xs, grad)}, {}
    for peer in options.peers.values():
        if hasattr(peer, "operation"):
            try:
                pairs |= peer.operation(layer, xs, grad)
            except ValueError as error:  # a layer that the engine does not support
                failed[peer.TITLE] = str(error)
    records = []
    for i, direction in enumerate(("forward", "backward")):
        calls = {name: pair[i] for name, pair in pairs.items()}
        timings = clock.alternate(calls, rounds=options.rounds, seconds=options.seconds / 8)
        records += [{"direction": direction, "contender": name, **timing.as_dict()} for name, timing in timings.items()]
    return records, failed


def _ours(layer, xs, grad):
    _, cache = layer.forward(*xs, train=True)

    def backward():
        grad_inputs, grad_params = layer.backward(grad, cache)
        return (*grad_inputs, *grad_params.values())

    return lambda: layer.forward(*xs, train=True)[0], backward


def tables(result) -> list:
    """Return the table of a result: ours next to the faster memory layout of the other engine."""
    grouped = {}
    for record in result["records"]:
        grouped.setdefault((record["operation"], record["batch"], record["direction"]), []).append(record)
    rows = []
    for (label, batch, direction), records in grouped.items():
        ours, *others = records
        best = min(others, key=lambda record: record["median_seconds"], default=None)
        shapes = " ".join("x".join(map(str, shape)) for shape in ours["input_shapes"])
        numbers = [ours["median_seconds"], ours["minimum_seconds"]]
        numbers += [best["median_seconds"], best["minimum_seconds"]] if best else [None, None]
        ratio = best and ours["median_seconds"] / best["median_seconds"]
        name = best["contender"] if best else "-"
        rows.append((label, shapes, batch, direction, *map(milliseconds, numbers), name, times(ratio)))
    threads = result["records"][0]["threads"]
    columns = ("operation", "input", ">batch", "pass", ">ours ms", ">minimum", ">fastest other ms", ">minimum")
    notes = [
        "Ratio: our median divided by that of the fastest other engine. Below 1, ours is faster.",
        "Measured in turn; results equal to 1e-4 of the largest value. Backward computes input and weight gradients.",
        *skipped_notes(result["left_out"]),
        *busy_notes(result["records"]),
    ]
    title = f"Each kind of layer at its largest size in the network, in training, {many(threads, 'thread')}"
    return [Table(title, (*columns, "engine", ">ratio"), rows, notes)]
