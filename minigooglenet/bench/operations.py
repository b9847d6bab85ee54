"""Each kind of layer forward and backward at the network's own shapes, ours and PyTorch's in turn."""

import numpy as np

from minigooglenet.bench import clock, settings
from minigooglenet.bench.results import busy_notes, left_out_notes, milliseconds, times
from minigooglenet.console import Table
from minigooglenet.counting.costs import cost
from minigooglenet.layers import BatchNorm2d, LocalResponseNorm

OURS = "minigooglenet"
BATCHES, QUICK = (8,), (1,)
# Dropout draws its own numbers, so nothing could be compared; flattening computes nothing.
LEFT_OUT = ("Dropout", "Flatten")


def measure(asked, tell) -> dict:
    """Return the times of the largest node of each kind, kernel and stride; both norms, whichever the network has."""
    graph = asked.graph()
    records, left_out = [], {}
    with settings.threads(asked.threads, asked.peers.values()):
        for batch in asked.batch_sizes(BATCHES, QUICK):
            for label, (layer, shapes) in chosen(graph).items():
                tell(f"{label}, batch {batch}")
                found, failed = _operation(asked, layer, shapes, batch)
                what = {"operation": label, "input_shapes": [list(shape) for shape in shapes], "batch": batch}
                records += [{**what, "threads": asked.threads, **record} for record in found]
                left_out |= {f"{name} ({label})": reason for name, reason in failed.items()}
    return {"records": records, "left_out": left_out}


def chosen(graph) -> dict:
    """Return {label: (layer, input shapes)}: of the nodes that do the same with other sizes, the one with most work."""
    found = {}
    for layer, wires in graph.nodes.values():
        shapes = [graph.shapes[wire] for wire in wires]
        work = sum(term.count for term in cost(layer, *shapes).terms) or sum(int(np.prod(shape)) for shape in shapes)
        label = _label(layer, shapes)
        if layer.kind not in LEFT_OUT and work > found.get(label, (0,))[0]:
            found[label] = work, layer, shapes
    kinds = {layer.kind for _, layer, _ in found.values()}
    first = next((node for node, (layer, _) in graph.nodes.items() if layer.kind == "Conv2d"), None)
    if first is not None:
        shape = graph.shapes[first]
        for layer in (LocalResponseNorm(), BatchNorm2d(shape[0])):
            if layer.kind not in kinds:
                found[layer.kind] = 0, layer, [shape]
    return {label: (layer, shapes) for label, (_, layer, shapes) in sorted(found.items())}


def _label(layer, shapes):
    if not hasattr(layer, "kernel_size"):
        return layer.kind
    kernel, stride = ("x".join(map(str, pair)) for pair in cost(layer, *shapes).window)
    return f"{layer.kind} {kernel}" + ("" if layer.stride == (1, 1) else f" stride {stride}")


def _operation(asked, layer, shapes, batch):
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((batch, *shape), dtype=np.float32) for shape in shapes]
    grad = rng.standard_normal((batch, *layer.output_shape(*shapes)), dtype=np.float32)
    pairs, failed = {OURS: _ours(layer, xs, grad)}, {}
    for peer in asked.peers.values():
        if hasattr(peer, "operation"):
            try:
                pairs |= peer.operation(layer, xs, grad)
            except ValueError as error:  # a layer that it does not have
                failed[peer.TITLE] = str(error)
    records = []
    for place, direction in enumerate(("forward", "backward")):
        calls = {name: pair[place] for name, pair in pairs.items()}
        timings = clock.alternate(calls, rounds=asked.rounds, seconds=asked.seconds / 8)
        records += [{"direction": direction, "contender": name, **timing.as_dict()} for name, timing in timings.items()]
    return records, failed


def _ours(layer, xs, grad):
    _, cache = layer.forward(*xs, train=True)

    def backward():
        grad_inputs, grad_params = layer.backward(grad, cache)
        return (*grad_inputs, *grad_params.values())

    return lambda: layer.forward(*xs, train=True)[0], backward


def tables(result) -> list:
    """Return the table of a result: ours beside the faster of a peer's layouts."""
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
    columns = ("operation", "input", ">batch", "pass", ">ours ms", ">minimum", ">fastest peer ms", ">minimum")
    notes = [
        "Ours to it: our median over the fastest peer's; below 1 ours is faster.",
        "In turn, results equal to 1e-4 of the largest value. Backward gives the gradients of inputs and weights.",
        *left_out_notes(result["left_out"]),
        *busy_notes(result["records"]),
    ]
    title = f"Each kind of layer at its largest place in the network, in training, {threads} threads"
    return [Table(title, (*columns, "which", ">ours to it"), rows, notes)]
