"""Counting conventions of other tools: their totals, computed from our integers, with an explanation."""

import math
from collections.abc import Sequence
from typing import Any


class ConventionCount(int):
    """A total by the convention of a tool: an integer with its `name`, `unit`, `call` and `explanation`.

    `call` is the call of the tool that gives this number.
    """

    name: str
    unit: str
    call: str
    explanation: str

    def __new__(cls, name: str, unit: str, macs: int, extras: dict[str, int], call: str) -> "ConventionCount":
        """Return the sum of `macs` and `extras`, {what: count}, with its explanation."""
        factor = 2 if unit == "FLOP" else 1
        value = super().__new__(cls, factor * macs + sum(extras.values()))
        value.name, value.unit, value.call = name, unit, call
        terms = [f"{factor} x {macs:,} MAC" if factor == 2 else f"{macs:,} MAC"]
        terms += [f"{count:,} {what}" for what, count in extras.items() if count]
        value.explanation = f"{name}: {int(value):,} {unit} = {' + '.join(terms)} ({call})"
        return value

    def __str__(self) -> str:
        return self.explanation

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)


def as_convention(rows: Sequence[Any], name: str) -> ConventionCount:
    """Return the total of `rows` by the convention `name`, one of `NAMES`."""
    if name not in _CONVENTIONS:
        raise ValueError(f"convention must be one of {', '.join(map(repr, NAMES))}, got {name!r}")
    unit, extras, call = _CONVENTIONS[name]
    return ConventionCount(name, unit, sum(row.macs for row in rows), extras(rows), call)


AVERAGES = ("AvgPool2d", "AdaptiveAvgPool2d", "GlobalAvgPool2d")


def _bias(rows):
    return sum(term.count for row in rows for term in row.terms if term.purpose == "bias")


def _inputs(rows, *kinds):
    return sum(math.prod(row.input_shapes[0]) for row in rows if row.kind in kinds)


def _torchinfo(rows):
    norms = sum(row.params for row in rows if row.kind == "BatchNorm2d")
    return {"bias additions": _bias(rows), "batch norm parameters": norms}


def _ptflops(rows):
    relu = sum(row.activations for row in rows if row.kind == "ReLU")
    return {
        "bias additions": _bias(rows),
        "ReLU outputs": relu,
        "pool inputs": _inputs(rows, "MaxPool2d", *AVERAGES),
        "batch norm inputs, twice": 2 * _inputs(rows, "BatchNorm2d"),
    }


def _fvcore(rows):
    # fvcore ignores AvgPool2d. Global pools count as adaptive pools here, because torchvision's networks use those.
    adaptive = [row for row in rows if row.kind in AVERAGES and (row.kind != "AvgPool2d" or _is_global(row))]
    return {
        "inputs of adaptive or global average pools": _inputs(adaptive, *AVERAGES),
        "batch norm inputs, twice": 2 * _inputs(rows, "BatchNorm2d"),
    }


def _is_global(row):
    return row.settings["kernel_size"] == row.input_shapes[0][1:] and row.output_shape[1:] == (1, 1)


def _netscope(rows):
    windows = sum(row.settings["size"] * row.activations for row in rows if row.kind == "LocalResponseNorm")
    return {"multiply-adds in LRN windows (size per value)": windows}


def _no_extras(rows):
    return {}


# {name: (the tool's name for its unit, what it adds to the MACs, the call that gives this number)}
_CONVENTIONS = {
    "torchinfo": ("mult-adds", _torchinfo, "summary(...).total_mult_adds"),
    "ptflops": ("MACs", _ptflops, "backend='pytorch', backend_specific_config={'count_functional': False}"),
    "fvcore": ("flops (one per multiply-add)", _fvcore, "FlopCountAnalysis"),
    "torch": ("FLOP", _no_extras, "FlopCounterMode"),
    "netscope": ("MACC", _netscope, "analysis of a deploy file"),
}
NAMES = tuple(_CONVENTIONS)
