"""The hierarchy of a network: nodes in modules and modules in blocks, so that any graph folds into a few boxes.

A module is a run of consecutive nodes whose names begin with the same part, such as inception_3a/1x1 and
inception_3a/3x3. The nodes of a graph are in an order of execution, so a folded run never makes a cycle.
"""

import math
import re
from dataclasses import dataclass, field
from itertools import groupby

MOST_CHILDREN = 60  # a level with more children is divided into blocks
MOST_LEVELS = 12  # of names; the parts after them stay together, however many slashes a name has
ROOT = "/"
_PART = re.compile(r"[^/.]+")


@dataclass
class Module:
    """A box that can be folded: its label, and its children in the order of execution, nodes or modules.

    The `id` is different from every other module's and from every name of a node; it ends with a slash. `labels` has
    what remains of a node's name inside the module: 3x3 of inception_3a/3x3.
    """

    id: str
    label: str
    children: list["str | Module"] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def nodes(self) -> list[str]:
        """Return the nodes in the module and in the modules inside it."""
        return [name for child in self.children for name in (child.nodes() if isinstance(child, Module) else [child])]

    def modules(self) -> "list[Module]":
        """Return the module itself and all modules inside it, outer ones first."""
        return [self, *(inner for child in self.children if isinstance(child, Module) for inner in child.modules())]


def hierarchy(names: list[str]) -> Module:
    """Return the module that contains all names, which are in the order of execution."""
    used = set(names)
    identity = _unused(ROOT, used)
    return _module(identity, "", [(name, _starts(name)) for name in names], "", used, 0)


def _starts(name):
    """Return where each part of a name begins; a name without parts, such as "...", is one part."""
    return [match.start() for match in _PART.finditer(name)] or [0]


def _first(name, starts):
    """Return the first of the parts that remain, or None if only one remains."""
    return _PART.match(name, starts[0]).group() if len(starts) > 1 else None


def _module(identity, label, named, prefix, used, level):
    """Return a module of [(name, where its remaining parts begin)]: runs that share a part become modules inside it."""
    children: list[str | Module] = []
    labels = {}
    for first, grouped in groupby(named, key=lambda pair: _first(*pair) if level < MOST_LEVELS else None):
        run = list(grouped)
        if first is None or len(run) == 1:
            children += [name for name, _ in run]
            labels |= {name: name[starts[0] :] for name, starts in run}
            continue
        inner = [(name, starts[1:]) for name, starts in run]
        if len(run) == len(named):  # a part that all names share divides nothing
            return _module(identity, label, inner, f"{prefix}{first}/", used, level + 1)
        path = f"{prefix}{first}/"
        children.append(_module(_unused(path, used), first, inner, path, used, level + 1))
    return Module(identity, label, _in_blocks(children, labels, prefix, used), labels)


def _in_blocks(children, labels, prefix, used):
    """Return the children of a level, which has at most MOST_CHILDREN of them: others are grouped in order."""
    while len(children) > MOST_CHILDREN:
        size = min(MOST_CHILDREN, math.isqrt(len(children) - 1) + 1)
        blocks: list[str | Module] = []
        for start in range(0, len(children), size):
            part = children[start : start + size]
            first, last = (child.label if isinstance(child, Module) else labels[child] for child in (part[0], part[-1]))
            label = f"{first.split(' ... ')[0]} ... {last.split(' ... ')[-1]}"
            inside = {child: labels[child] for child in part if not isinstance(child, Module)}
            blocks.append(Module(_unused(f"{prefix}{label}/", used), label, part, inside))
        children = blocks
    return children


def _unused(identity, used):
    """Return an id that is not used yet, with a number if necessary, and mark it as used."""
    number = 2
    unique = identity
    while unique in used:
        unique, number = f"{identity.removesuffix('/')} ({number})/", number + 1
    used.add(unique)
    return unique
