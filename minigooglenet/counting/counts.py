"""Counts of a network, computed from shapes without running it; every number is an exact integer for one image."""

import csv
import json
import warnings
from collections.abc import Iterable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from minigooglenet import console, files, shapes, weights
from minigooglenet.counting import conventions, costs, paths
from minigooglenet.counting.html import foldable
from minigooglenet.counting.memory import Peak, peak, peak_wire_bytes
from minigooglenet.counting.rows import SUMMED, Row, rows_of
from minigooglenet.graph import Graph
from minigooglenet.graph.params import unknown
from minigooglenet.typing import PathLike, Shape

PRODUCTS = ("Conv2d", "Linear")
POOLS = ("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "GlobalAvgPool2d")


def count(target: Any, *input_shapes: Shape, outputs: str | Iterable[str] | None = None) -> "Count":
    """Count the parameters, operations and memory of a graph, or of one layer with its input shapes.

    Parameters
    ----------
    target : Graph or layer; or the path of a weights file that contains a graph, or the result of `weights.load`
    input_shapes : for a layer, (C, H, W) of each input
    outputs : for a graph, count only the nodes that these wires need: ["loss3/classifier"] excludes auxiliary heads

    Returns
    -------
    Count
        Totals as attributes, one row per node, totals by the conventions of other tools, and CSV and JSON files.

    Raises
    ------
    ValueError
        If a layer has no registered cost: an unknown cost is never zero.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> c = mg.count(mg.models.googlenet(init="zeros"), outputs=["loss3/classifier"])
    >>> c.params, c.macs, c.depth
    (6998552, 1582671872, 22)
    >>> mg.count(mg.layers.Conv2d(3, 64, 7, stride=2, padding=3), (3, 224, 224)).macs
    118013952
    """
    if isinstance(target, Path) or (isinstance(target, str) and (Path(target).exists() or Path(target).suffix)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", weights.UnknownPixelsWarning)  # a count needs no pixels
            target = weights.load(target)
    if isinstance(target, weights.Loaded):
        target = target.graph
    if isinstance(target, Graph):
        if input_shapes:
            raise TypeError("a graph has its own input shapes. Pass input shapes only for a single layer.")
        return Count(target, outputs)
    if isinstance(target, type):
        raise TypeError(
            f"count expects a graph or a layer, got the class {target.__name__}. Try {target.__name__}(...)."
        )
    if not hasattr(target, "output_shape"):
        name = getattr(target, "__name__", "")
        if isinstance(target, str):
            hint = f". Try mg.models.build({target!r})."
        else:
            hint = f". Call it: {name}()." if name else ""
        raise TypeError(f"count expects a graph or a layer, got {type(target).__name__}{hint}")
    if outputs is not None:
        raise TypeError("outputs= chooses wires of a graph, but a single layer has only one output")
    if not input_shapes:
        raise TypeError(
            f"counting a single layer needs its input shape, as in count({type(target).__name__}(...), (3, 224, 224))"
        )
    graph = Graph(**{f"input{i}": shape for i, shape in enumerate(input_shapes)})
    graph.add(type(target).__name__, target, *graph.inputs)
    return Count(graph)


class Count:
    """The result of `count`.

    Attributes
    ----------
    rows : one `Row` per node, in order; `count["inception_3a/3x3"]` returns one by name
    params, weights, biases, macs, adds, ..., activations, tape_bytes : the sums of the rows' columns
    peak_bytes : peak memory of a float32 inference of one image on one thread; `memory()` returns its parts
    peak_wire_bytes : the peak of the wires only, including the input until its last consumer
    depth : number of convolutions and linear layers on the longest path; depth_with_pooling : pools included

    Examples
    --------
    >>> import minigooglenet as mg
    >>> c = mg.count(mg.models.mini_googlenet(init="zeros"))
    >>> c
    Count(72,526 params, 8,957,184 MAC, 88 rows)
    >>> c["conv1/3x3"].macs
    884736
    """

    params: int
    weights: int
    biases: int
    macs: int
    adds: int
    multiplies: int
    compares: int
    divides: int
    powers: int
    grad_input_macs: int
    grad_weight_macs: int
    activations: int
    tape_bytes: int

    def __init__(self, graph: Graph, outputs: str | Iterable[str] | None = None) -> None:
        schedule = graph.schedule(outputs)
        if not schedule:
            raise ValueError("nothing to count: the graph has no nodes, or outputs= names only inputs")
        order = [name for name, _ in schedule]
        layer_costs = {name: _cost(graph, name) for name in order}
        self.rows = rows_of(graph, layer_costs)
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
        """Two per multiply-add."""
        return 2 * self.macs

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(unknown("node", name, [row.name for row in self.rows]))

    def memory(self, batch: int = 1, threads: int = 1) -> Peak:
        """Return the peak memory of `g(x)` for `batch` float32 images on `threads` threads, by part.

        Not included: the parameters (`4 * params` bytes), Python and its libraries, a few rows of temporary values per
        thread, memory that your own layer or convolution allocates, and freed memory that the system has not reclaimed.
        A plan always keeps copies of the parameters and transformed weights. `tape_bytes` is what training saves.
        """
        return self._peak(shapes.integer(batch, "batch", 1), shapes.integer(threads, "threads", 1))

    def modules(self) -> dict[str, list[Row]]:
        """Return {module: its rows}: consecutive rows whose names are equal up to the first slash."""
        modules: dict[str, list[Row]] = {}
        for module, rows in groupby(self.rows, key=lambda row: row.module):
            modules.setdefault(module, []).extend(rows)
        return modules

    def as_convention(self, name: str) -> conventions.ConventionCount:
        """Return the total by the convention of "torchinfo", "ptflops", "fvcore", "torch" or "netscope".

        It is an integer that prints its parts. It covers the same nodes as this count.
        """
        return conventions.as_convention(self.rows, name)

    def explain(self, name: str) -> str:
        """Return the calculation of a node's numbers as text, or the sum over the nodes of a module."""
        module = self.modules().get(name, [])
        if not module or name in [row.name for row in module]:
            return self[name].explain()
        lines = [f"{name}: {len(module)} nodes"]
        lines += [f"  {row.name}: {row.params:,} parameters, {row.macs:,} MAC" for row in module if row.macs]
        params, macs = sum(row.params for row in module), sum(row.macs for row in module)
        return "\n".join([*lines, f"  sum: {params:,} parameters, {macs:,} MAC"])

    def table(self, by: str | None = None, *, wide: bool = False) -> console.Table:
        """Return a table by "module" or by "layer"; by default by module if there are more than 40 rows.

        `wide` adds layer types, the operations other than multiply-adds, and memory.
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
            (by, *(["kind"] if kinds else []), ">output", *(f">{c}" for c in columns.values()), ">RF"),
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
                "RF: receptive field in input pixels, along the path where it is largest; it may include padding.",
                f"Depth: {self.depth} layers with weights on the longest path, {self.depth_with_pooling} with pools.",
                f"Peak memory of inference: {self.memory()}. Tape in training: {self.tape_bytes:,} bytes.",
            ],
            ("total", *([""] if kinds else []), "", *_sums(self.rows, columns), ""),
        )

    def __str__(self) -> str:
        return str(self.table())

    def __rich__(self) -> console.Table:
        return self.table()

    def __repr__(self) -> str:
        return f"Count({self.params:,} params, {self.macs:,} MAC, {len(self.rows)} rows)"

    def _repr_html_(self) -> str:
        return foldable(self)

    def to_csv(self, path: PathLike) -> None:
        """Write one line per row, with shapes as 64x112x112 and several inputs separated by spaces."""
        with files.atomic(path, "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.rows[0].as_dict())
            for row in self.rows:
                writer.writerow([_csv_cell(value) for value in row.as_dict().values()])

    def to_json(self, path: PathLike) -> None:
        """Write {"totals": {...}, "rows": [{...}, ...]}."""
        others = ("flops", "peak_bytes", "peak_wire_bytes", "depth", "depth_with_pooling")
        totals = {column: getattr(self, column) for column in (*SUMMED, *others)}
        files.write_text(
            path, json.dumps({"totals": totals, "rows": [row.as_dict() for row in self.rows]}, indent=1) + "\n"
        )

    def diff(self, other: "Count") -> console.Table:
        """Return a table of the nodes that differ or that only one of two counts has, with the change of the totals."""
        rows, other_rows = ({row.name: row for row in c.rows} for c in (self, other))
        lines = []
        for name in dict.fromkeys([*rows, *other_rows]):
            a, b = rows.get(name), other_rows.get(name)
            if a is None or b is None:
                lines.append((name, "only in the second" if a is None else "only in the first", *_changes(a, b)))
            elif (a.kind, a.output_shape, a.params, a.macs) != (b.kind, b.output_shape, b.params, b.macs):
                what = f"{a.kind} {console.text(a.output_shape)} -> {b.kind} {console.text(b.output_shape)}"
                lines.append((name, what, *_changes(a, b)))
        return console.Table(
            f"{len(lines)} of {len(rows.keys() | other_rows.keys())} nodes differ",
            ("node", "what", ">params change", ">MAC change"),
            lines,
            total=("total", "", *_changes(self, other)),
        )


def _cost(graph, name):
    layer, wires = graph.nodes[name]
    try:
        return costs.cost(layer, *(graph.shapes[wire] for wire in wires))
    except NotImplementedError as error:
        raise ValueError(f"node {name!r}: {error}. An unknown cost is never counted as zero.") from error


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
