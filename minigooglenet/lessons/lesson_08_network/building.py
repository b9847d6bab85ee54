"""The whole network from its table."""

import functools

import numpy as np

from minigooglenet.counting import count
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import close
from minigooglenet.graph import Graph
from minigooglenet.layers import AvgPool2d, Concat, Conv2d, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, ReLU
from minigooglenet.models import googlenet
from minigooglenet.models.googlenet import MODULES

build = Exercise(
    "08.2",
    "the whole network from its table",
    "build(modules) -> Graph",
    minutes=20,
    difficulty=3,
    hints=(
        "Build as far as 3a, print the shapes of all wires and hold them against mg.models.googlenet's.",
        (
            "Order of the stem: conv1, pool1, norm; 1x1, 3x3, norm, pool2. Order in a module: 1x1, 3x3, 5x5, pool. A "
            "pool follows 3b and 4e, a head reads 4a and 4d."
        ),
        '`for name, widths in modules.items(): wire = inception(g, wire, f"inception_{name}", *____)`',
    ),
)


def _faulty(modules, fault=None, heads_last=False):
    """Build GoogLeNet from the layers as a student would, with one fault in it."""
    g, waiting = Graph(image=(3, 224, 224)), []

    def conv(wire, name, filters, kernel, stride=1, relu=True):
        layer = Conv2d(g.shapes[wire][0], filters, kernel, stride, kernel // 2, init="zeros")
        wire = g.add(name, layer, wire)
        return g.add(f"{name}/relu", ReLU(), wire) if relu else wire

    def pool(wire, name):
        return g.add(name, MaxPool2d(3, 2, ceil_mode=fault != "pools rounded down"), wire)

    def norm(wire, name):
        return wire if fault == "LRN missing" else g.add(name, LocalResponseNorm(), wire)

    def linear(wire, name, features, relu):
        wire = g.add(name, Linear(g.shapes[wire][0], features, init="zeros"), wire)
        return g.add(f"{name}/relu", ReLU(), wire) if relu else wire

    def dropout(wire, name, p):
        return wire if fault == "dropout missing" else g.add(name, Dropout(p), wire)

    def head(wire, name):
        wire = g.add(f"{name}/pool", AvgPool2d(4 if fault == "head pool 4x4" else 5, 3), wire)
        wire = g.add(f"{name}/flatten", Flatten(), conv(wire, f"{name}/conv", 128, 1))
        wire = dropout(linear(wire, f"{name}/fc", 1024, relu=True), f"{name}/drop", 0.7)
        linear(wire, f"{name}/classifier", 1000, relu=fault == "ReLU on the classifiers")

    wire = conv("image", "conv1/7x7_s2", 64, 7, 2)
    if fault == "LRN before pool1":
        wire = pool(norm(wire, "norm1"), "pool1")
    else:
        wire = norm(pool(wire, "pool1"), "norm1")
    wire = conv(conv(wire, "conv2/3x3_reduce", 64, 1), "conv2/3x3", 192, 3)
    wire = pool(norm(wire, "norm2"), "pool2")
    for name, (n1, r3, n3, r5, n5, proj) in modules.items():
        at = f"inception_{name}"
        pooled = g.add(f"{at}/pool", MaxPool2d(3, 1, 1), wire)
        branches = [
            conv(wire, f"{at}/1x1", n1, 1),
            conv(conv(wire, f"{at}/3x3_reduce", r3, 1), f"{at}/3x3", n3, 3),
            conv(conv(wire, f"{at}/5x5_reduce", r5, 1), f"{at}/5x5", n5, 5),
            conv(pooled, f"{at}/pool_proj", proj, 1, relu=fault != "no ReLU on the projections"),
        ]
        if fault == "pool and 5x5 exchanged" and name == "4e":
            branches = [branches[i] for i in (0, 1, 3, 2)]
        wire = g.add(f"{at}/output", Concat(), *branches)
        heads = ("4b", "4e") if fault == "heads one module late" else ("4a", "4d")
        if name in heads:
            waiting.append((wire, f"loss{1 + heads.index(name)}"))
        while waiting and not heads_last:
            head(*waiting.pop())
        if name in ("3b", "4e"):
            wire = pool(wire, f"pool_{name}")
    for source, name in waiting:
        head(source, name)
    wire = g.add("pool5", AvgPool2d(6 if fault == "pools rounded down" else 7, 1), wire)
    wire = g.add("flatten", Flatten(), dropout(wire, "drop", 0.4))
    linear(wire, "loss3/classifier", 1000, relu=fault == "ReLU on the classifiers")
    return g


@functools.cache
def _engine():
    net = googlenet(init="he", rng=8)
    rng = np.random.default_rng(8)
    for key, values in net.params.items():
        if key.endswith("/bias"):
            values[:] = rng.normal(0, 0.3, values.shape)
    return net


def _image():
    return np.random.default_rng(9).normal(0, 50, (1, 3, 224, 224)).astype(np.float32)


def _logits(g):
    for key, values in _engine().params.items():
        g.params[key] = values
    return np.concatenate([values.ravel() for values in g.infer({"image": _image()}, g.outputs).values()])


@functools.cache
def _right():
    return _logits(_engine())


@build.judge
def build_judge(function):
    try:
        g = function(dict(MODULES))
    except ValueError as error:
        if "larger than the padded input" in str(error):
            return _verdict("pools rounded down", str(error))
        raise
    if not isinstance(g, Graph):
        return Verdict(False, None, f"build should return a mg.Graph, got {type(g).__name__}")
    mine, theirs = ({key: values.shape for key, values in net.params.items()} for net in (g, _engine()))
    for row in count(_engine()).rows:
        name, keys = row.name, [key for key in theirs if key.startswith(f"{row.name}/")]
        if keys and name not in g.nodes:
            return Verdict(False, None, f"there is no node {name!r}")
        if keys and g.shapes[name][1:] != row.output_shape[1:]:
            what = f"{name} gives {g.shapes[name]}, it should give {row.output_shape}"
            return _verdict("pools rounded down", what) if g.shapes[name] < row.output_shape else _unknown(what)
        for key in keys:
            if mine.get(key) != theirs[key]:
                what = f"{key} should be {theirs[key]}, got {mine.get(key, 'none')}"
                return _verdict("heads one module late", what) if name.endswith("/conv") else _unknown(what)
    if extra := set(mine) - set(theirs):
        return Verdict(False, None, f"there is a node too many: {sorted(extra)[0]!r}")
    return _by_numbers(g, function)


def _narrow(function):
    """Return a sentence if the modules do not follow their table when all widths are halved, or None."""
    halves = {name: tuple(width // 2 for width in widths) for name, widths in MODULES.items()}
    g = function(dict(halves))
    for name, widths in halves.items():
        convolutions = (key for key in g.nodes if key.startswith(f"inception_{name}/") and f"{key}/weight" in g.params)
        found = sorted(g.shapes[key][0] for key in convolutions)
        if found != sorted(widths):
            return f"with half of each width in the table, module {name} has {found} filters, not {sorted(widths)}"
    return None


def _by_numbers(g, function):
    if len(g.outputs) != 3:
        return Verdict(False, None, f"three wires should be left for the losses, there are {g.outputs}")
    ratios = sorted(layer.p for layer, _ in g.nodes.values() if layer.kind == "Dropout")
    found = _logits(g)
    if close(found, _right(), 1e-4).all():
        if ratios != [0.4, 0.7, 0.7]:
            return _verdict("dropout missing", f"the dropout ratios are {ratios}")
        if unused := _narrow(function):
            return Verdict(False, None, unused)
        counted = count(g)
        what = f"{counted.params:,} parameters, {counted.macs:,} MAC, and the engine's 3,000 scores on a random image"
        return Verdict(True, None, what)
    for wrong in build.wrongs:
        same_shapes = wrong.name not in ("pools rounded down", "heads one module late", "dropout missing")
        if same_shapes and close(found, _wrong_logits(wrong.name), 1e-4).all():
            return _verdict(wrong.name, "all shapes are right, the scores are not")
    return Verdict(False, None, _first_difference(g))


@functools.cache
def _wrong_logits(name):
    return _logits(_faulty(MODULES, name))


def _first_difference(g):
    for row in count(_engine()).rows:
        if row.weights:
            a, b = (net.infer({"image": _image()}, row.name)[row.name] for net in (g, _engine()))
            if not close(a, b, 1e-4).all():
                return f"all shapes are right; the first node whose numbers differ is {row.name}, so look before it"
    return "all shapes are right and so is every node with weights; look after the last ones"


def _unknown(what):
    return Verdict(False, None, what)


def _verdict(name, what):
    message = next(wrong.message for wrong in build.wrongs if wrong.name == name)
    return Verdict(False, name, f"{message} ({what})")


build.reference(_faulty)
build.right(functools.partial(_faulty, heads_last=True))


@build.wrong
def pools_rounded_down(modules):
    """The trunk's pools round up (ceil_mode=True). Rounded down the maps are 55, 27, 13 and 6."""
    return _faulty(modules, "pools rounded down")


@build.wrong
def LRN_missing(modules):
    """The local response normalisations are after pool1 and before pool2."""
    return _faulty(modules, "LRN missing")


@build.wrong
def LRN_before_pool1(modules):
    """norm1 comes after pool1, and norm2 before pool2."""
    return _faulty(modules, "LRN before pool1")


@build.wrong
def heads_one_module_late(modules):
    """The heads read the outputs of 4a and 4d."""
    return _faulty(modules, "heads one module late")


@build.wrong
def head_pool_4x4(modules):
    """Same shape, other windows: a head's average pool is 5x5 of stride 3."""
    return _faulty(modules, "head pool 4x4")


@build.wrong
def pool_and_5x5_exchanged(modules):
    """In one module the 5x5 and the pool branch are exchanged: 1x1, 3x3, 5x5, pool."""
    return _faulty(modules, "pool and 5x5 exchanged")


@build.wrong
def no_ReLU_on_the_projections(modules):
    """The pool projections give negative values: each is followed by a ReLU too."""
    return _faulty(modules, "no ReLU on the projections")


@build.wrong
def ReLU_on_the_classifiers(modules):
    """No score is negative: the three classifiers have no ReLU."""
    return _faulty(modules, "ReLU on the classifiers")


@build.wrong
def dropout_missing(modules):
    """Before the classifiers there is dropout: 0.7 in the heads, 0.4 in the main one."""
    return _faulty(modules, "dropout missing")
