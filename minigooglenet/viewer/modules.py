"""The hierarchy of a network: nodes in modules and modules in blocks, so that any graph folds into a few boxes.

A module is a run of consecutive nodes whose names begin with the same part, such as inception_3a/1x1 and
inception_3a/3x3. The nodes of a graph are in an order of execution, so a folded run never makes a cycle.
"""

import math
import re
from dataclasses import dataclass, field
from itertools import groupby

MOST_CHILDREN = 60  # a level with more children is divided into blocks
_SEPARATOR = re.compile(r"[/.]")


@dataclass
class Module:
    """A box that can be folded: its label, and its children in the order of execution, nodes or modules.

    The `id` is different from every name of a node; it ends with a slash.
    """

    id: str
    label: str
    children: list["str | Module"] = field(default_factory=list)

    def nodes(self) -> list[str]:
        """Return the nodes in the module and in the modules inside it."""
        return [name for child in self.children for name in (child.nodes() if isinstance(child, Module) else [child])]

    def modules(self) -> "list[Module]":
        """Return the module itself and all modules inside it, outer ones first."""
        return [self, *(inner for child in self.children if isinstance(child, Module) for inner in child.modules())]


def hierarchy(names: list[str]) -> Module:
    """Return the module that contains all names, which are in the order of execution."""
    used: set[str] = set()
    root = Module("/", "", _children([(name, _parts(name)) for name in names], "", used))
    return root


def _parts(name):
    return [part for part in _SEPARATOR.split(name) if part] or [name]


def _children(named, prefix, used):
    """Return the children of a level: runs of two or more names that share their first part become modules."""
    children: list[str | Module] = []
    for first, run in groupby(named, key=lambda pair: pair[1][0] if len(pair[1]) > 1 else None):
        run = list(run)
        if first is None or len(run) == 1:
            children += [name for name, _ in run]
            continue
        inner = [(name, parts[1:]) for name, parts in run]
        if len(run) == len(named):  # a part that all names share divides nothing
            return _children(inner, f"{prefix}{first}/", used)
        identity = _unused(f"{prefix}{first}/", used)
        children.append(Module(identity, first, _children(inner, f"{prefix}{first}/", used)))
    return _in_blocks(children, prefix, used)


def _in_blocks(children, prefix, used):
    while len(children) > MOST_CHILDREN:
        size = math.isqrt(len(children) - 1) + 1
        parts = [children[start : start + size] for start in range(0, len(children), size)]
        blocks = [Module("", f"{_label(part[0])} ... {_label(part[-1])}", part) for part in parts]
        for block in blocks:
            block.id = _unused(f"{prefix}{block.label}/", used)
        children = blocks
    return children


def _label(child):
    return child.label if isinstance(child, Module) else _parts(child)[-1]


def _unused(identity, used):
    number = 2
    unique = identity
    while unique in used:
        unique, number = f"{identity[:-1]} ({number})/", number + 1
    used.add(unique)
    return unique
