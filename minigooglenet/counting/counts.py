"""Counting a network from its shapes: nothing is run, everything is an exact integer for one image."""

import csv
import json
import math
import warnings
from functools import partial
from itertools import groupby
from pathlib import Path

from minigooglenet import console, files, shapes, weights
from minigooglenet.counting import conventions, costs, paths
from minigooglenet.counting.html import foldable
from minigooglenet.counting.memory import Peak, peak, peak_wire_bytes
from minigooglenet.counting.rows import KIND_OF_COLUMN, SUMMED, Row
from minigooglenet.graph import Graph
from minigooglenet.graph.params import unknown

PRODUCTS = ("Conv2d", "Linear")
POOLS = ("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "GlobalAvgPool2d")


def count(target, *input_shapes, outputs=None):
    """Count a graph, or one layer with its input shapes.

    Parameters
    ----------
    target : Graph or layer; or a file of weights that holds a graph, or what `weights.load` returns
    input_shapes : for a layer, (C, H, W) of each input
    outputs : for a graph, count only what these wires need: ["loss3/classifier"] leaves auxiliary heads out

    Returns
    -------
    Count
        Totals as attributes, a row per node, conventions, files.

    Raises
    ------
    ValueError
        If the cost of a layer is not registered: an unknown cost is never zero.
    """
    if isinstance(target, Path) or (isinstance(target, str) and (Path(target).exists() or Path(target).suffix)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", weights.UnknownPixelsWarning)  # a count needs no pixels
            target = weights.load(target)
    if isinstance(target, weights.Loaded):
        target = target.graph
    if isinstance(target, Graph):
        if input_shapes:
            raise TypeError("a graph knows its shapes; input shapes go with a single layer")
        return Count(target, outputs)
    if not hasattr(target, "output_shape"):
        hint = f"; perhaps mg.models.build({target!r})?" if isinstance(target, str) else ""
        raise TypeError(f"count takes a graph or a layer, got {type(target).__name__}{hint}")
    if outputs is not None:
        raise TypeError("outputs choose the wires of a graph; a single layer has one output")
    if not input_shapes:
        raise TypeError(
            f"counting a single layer needs its input shape, as in count({type(target).__name__}(...), (3, 224, 224))"
        )
    graph = Graph(**{f"input{i}": shape for i, shape in enumerate(input_shapes)})
    graph.add(type(target).__name__, target, *graph.inputs)
    return Count(graph)


class Count:
    """What `count` returns.

    Attributes
    ----------
    rows : one `Row` per node, in order; `count["inception_3a/3x3"]` is one of them
    params, weights, biases, macs, adds, ..., activations, tape_bytes : the sums of the rows' columns
    peak_bytes : the most that a float32 inference of one image on one thread holds at once; `memory()` has its parts
    peak_wire_bytes : the most that its wires alone hold, the input among them until its last consumer
    depth : convolutions and linear layers on the longest path; depth_with_pooling : pools too
    """

    def __init__(self, graph, outputs=None):
        schedule = graph.schedule(outputs)
        if not schedule:
            raise ValueError("there is nothing to count: the graph has no nodes, or only inputs are asked for")
        order = [name for name, _ in schedule]
        found = {name: _cost(graph, name) for name in order}
        sights = paths.sights(graph, found)
        tape = paths.tape_bytes(graph, found)
        self.rows = tuple(_row(graph, name, tuple(found[name].terms), sights[name], tape[name]) for name in order)
        self.inputs = " and ".join(console.text(shape) for shape in graph.inputs.values())
        self._peak = partial(peak, graph, schedule)
        self.peak_bytes = self.memory().total
        self.peak_wire_bytes = peak_wire_bytes(graph, schedule)
        self.depth = paths.depth(graph, order, PRODUCTS.__contains__)
        self.depth_with_pooling = paths.depth(graph, order, (*PRODUCTS, *POOLS).__contains__)
        for column in SUMMED:
            setattr(self, column, sum(getattr(row, column) for row in self.rows))

    @property
    def flops(self) -> int:
        """Two for every multiply-add."""
        return 2 * self.macs

    def __getitem__(self, name) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(unknown("node", name, [row.name for row in self.rows]))

    def memory(self, batch: int = 1, threads: int = 1) -> Peak:
        """Return what `g(x)` of `batch` float32 images on `threads` threads holds at its peak, by part.

        Not counted: the parameters (`4 * params` bytes), Python and its libraries, a few rows of temporary values per
        thread, what your own layer or convolution allocates, and memory that the system has not taken back. A plan
        keeps copies of the parameters and transformed weights all the time; `tape_bytes` is what training keeps.
        """
        return self._peak(shapes.integer(batch, "batch", 1), shapes.integer(threads, "threads", 1))

    def modules(self) -> dict[str, list[Row]]:
        """Return {module: its rows}: neighbours whose names agree up to the first slash."""
        modules = {}
        for module, rows in groupby(self.rows, key=lambda row: row.module):
            modules.setdefault(module, []).extend(rows)
        return modules

    def as_convention(self, name: str) -> conventions.ConventionCount:
        """Return the total as "torchinfo", "ptflops", "fvcore", "torch" or "netscope" counts it.

        An integer that prints what it is made of. It covers what this count covers.
        """
        return conventions.as_convention(self.rows, name)

    def explain(self, name: str) -> str:
        """Return how a node's numbers come about, with the integers put in."""
        row = self[name]
        inputs = ", ".join(map(console.text, row.input_shapes))
        lines = [f"{row.name}: {row.kind}, {inputs} -> {console.text(row.output_shape)}"]
        lines += [f"  {term}" for term in row.terms]
        if row.params:
            lines.append(f"  {row.weights:,} weights + {row.biases:,} biases = {row.params:,} parameters")
        smallest, largest = map(console.text, (row.receptive_field_min, row.receptive_field_max))
        sees = largest if smallest == largest else f"{smallest} to {largest}"
        lines.append(f"  one output sees {sees} input pixels; neighbours are {console.text(row.stride)} apart")
        return "\n".join(lines)

    def table(self, by: str | None = None, *, wide: bool = False) -> console.Table:
        """Return a table by "module" or by "layer"; by module unless told where there are many rows.

        `wide` adds the kinds, the operations beside multiply-adds, and memory.
        """
        if by not in ("module", "layer", None):
            raise ValueError(f"by must be 'module' or 'layer', got {by!r}")
        by = by or ("module" if len(self.rows) > 40 else "layer")
        groups = self.modules() if by == "module" else {row.name: [row] for row in self.rows}
        columns = {"params": "params", "macs": "MAC"}
        if wide:
            columns |= {key: key for key in ("adds", "multiplies", "compares", "divides", "powers", "activations")}
            columns["tape_bytes"] = "tape bytes"
        kinds = wide and by == "layer"
        return console.Table(
            f"{self.params:,} parameters, {self.macs:,} MAC ({self.flops:,} FLOP) for one image {self.inputs}",
            (by, *(["kind"] if kinds else []), ">output", *(f">{c}" for c in columns.values()), ">sees"),
            [
                (
                    name,
                    *([rows[0].kind] if kinds else []),
                    rows[-1].output_shape,
                    *_sums(rows, columns),
                    _field(rows[-1]),
                )
                for name, rows in groups.items()
            ],
            [
                "MAC: multiply-adds of convolutions and linear layers, without bias.",
                "Sees: input pixels that one output looks at, on the largest path; past the edge they are padding.",
                f"Layers with weights on the longest path: {self.depth}, with pools {self.depth_with_pooling}.",
                f"An inference holds up to {self.memory()}; a training tape {self.tape_bytes:,}.",
            ],
            ("total", *([""] if kinds else []), "", *_sums(self.rows, columns), ""),
        )

    def __str__(self):
        return str(self.table())

    def __rich__(self):
        return self.table()

    def __repr__(self):
        return f"Count({self.params:,} params, {self.macs:,} MAC, {len(self.rows)} rows)"

    def _repr_html_(self):
        return foldable(self)

    def to_csv(self, path) -> None:
        """Write a line per row, shapes as 64x112x112, several inputs with spaces between."""
        with files.atomic(path, "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.rows[0].as_dict())
            for row in self.rows:
                writer.writerow([_csv_cell(value) for value in row.as_dict().values()])

    def to_json(self, path) -> None:
        """Write {"totals": {...}, "rows": [{...}, ...]}."""
        totals = {column: getattr(self, column) for column in SUMMED}
        further = ("flops", "peak_bytes", "peak_wire_bytes", "depth", "depth_with_pooling")
        totals |= {key: getattr(self, key) for key in further}
        files.write_text(
            path, json.dumps({"totals": totals, "rows": [row.as_dict() for row in self.rows]}, indent=1) + "\n"
        )

    def diff(self, other: "Count") -> console.Table:
        """Return a table of the nodes that only one of two counts has or that differ, with the change of the totals."""
        mine, theirs = ({row.name: row for row in c.rows} for c in (self, other))
        lines = []
        for name in dict.fromkeys([*mine, *theirs]):
            a, b = mine.get(name), theirs.get(name)
            if a is None or b is None:
                lines.append((name, "only in the other" if a is None else "only here", *_changes(a, b)))
            elif (a.kind, a.output_shape, a.params, a.macs) != (b.kind, b.output_shape, b.params, b.macs):
                what = f"{a.kind} {console.text(a.output_shape)} -> {b.kind} {console.text(b.output_shape)}"
                lines.append((name, what, *_changes(a, b)))
        return console.Table(
            f"{len(lines)} of {len(mine.keys() | theirs.keys())} nodes differ",
            ("node", "what", ">params change", ">MAC change"),
            lines,
            total=("total", "", *_changes(self, other)),
        )


def _cost(graph, name):
    layer, wires = graph.nodes[name]
    try:
        return costs.cost(layer, *(graph.shapes[wire] for wire in wires))
    except NotImplementedError as error:
        raise ValueError(f"node {name!r}: {error}. An unknown cost is not zero") from error


def _row(graph, name, terms, sight, tape_bytes) -> Row:
    layer, wires = graph.nodes[name]
    sizes = {key: int(value.size) for key, value in layer.params.items()}
    biases = sizes.get("bias", 0)
    return Row(
        name=name,
        kind=layer.kind,
        input_shapes=tuple(graph.shapes[wire] for wire in wires),
        output_shape=graph.shapes[name],
        params=sum(sizes.values()),
        weights=sum(sizes.values()) - biases,
        biases=biases,
        **{c: sum(term.count for term in terms if term.kind == kind) for c, kind in KIND_OF_COLUMN.items()},
        activations=math.prod(graph.shapes[name]),
        tape_bytes=tape_bytes,
        receptive_field_min=sight.smallest,
        receptive_field_max=sight.largest,
        stride=sight.stride,
        terms=terms,
        settings=layer.settings(),
    )


def _sums(rows, columns):
    return tuple(sum(getattr(row, column) for row in rows) for column in columns)


def _changes(a, b):
    changes = [(getattr(b, key) if b else 0) - (getattr(a, key) if a else 0) for key in ("params", "macs")]
    return tuple(f"{change:+,}" if change else "0" for change in changes)


def _field(row):
    height, width = row.receptive_field_max
    return str(height) if height == width else f"{height}x{width}"


def _csv_cell(value):
    if not isinstance(value, list):
        return value
    return (
        " ".join(map(console.text, map(tuple, value)))
        if value and isinstance(value[0], list)
        else console.text(tuple(value))
    )
