"""The exercise that builds GoogLeNet from its table."""

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
        "Build the network up to 3a, print g.shapes, and compare it with mg.models.googlenet().shapes.",
        (
            "The stem is conv1, pool1, norm1, 1x1, 3x3, norm2, pool2. The order in a module is 1x1, 3x3, 5x5, pool. "
            "There is a pool after 3b and one after 4e. The heads read 4a and 4d."
        ),
        '`for name, widths in modules.items(): wire = add_module(g, wire, f"inception_{name}", *____)`',
    ),
)


def _faulty(modules, fault=None, heads_last=False):
    """Build GoogLeNet from layers as a student would, with one fault."""
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
        return Verdict(False, None, f"build should return an mg.Graph, got {type(g).__name__}")
    shapes, expected = ({key: values.shape for key, values in net.params.items()} for net in (g, _engine()))
    for row in count(_engine()).rows:
        name, keys = row.name, [key for key in expected if key.startswith(f"{row.name}/")]
        if keys and name not in g.nodes:
            return Verdict(False, None, f"the graph has no node {name!r}")
        if keys and g.shapes[name][1:] != row.output_shape[1:]:
            what = f"{name} returns {g.shapes[name]}, but should return {row.output_shape}"
            return _verdict("pools rounded down", what) if g.shapes[name] < row.output_shape else _unknown(what)
        for key in keys:
            if shapes.get(key) != expected[key]:
                what = f"{key} should have shape {expected[key]}, got {shapes.get(key, 'none')}"
                return _verdict("heads one module late", what) if name.endswith("/conv") else _unknown(what)
    if extra := set(shapes) - set(expected):
        return Verdict(False, None, f"GoogLeNet has no parameter {sorted(extra)[0]!r}: remove this node")
    return _by_logits(g, function)


def _narrow(function):
    """Return a sentence if the modules ignore a table in which all channel counts are halved, or None."""
    halves = {name: tuple(width // 2 for width in widths) for name, widths in MODULES.items()}
    g = function(dict(halves))
    for name, widths in halves.items():
        convolutions = (key for key in g.nodes if key.startswith(f"inception_{name}/") and f"{key}/weight" in g.params)
        filters = sorted(g.shapes[key][0] for key in convolutions)
        if filters != sorted(widths):
            halved = "if every channel count in the table is halved"
            return f"{halved}, module {name} should have {sorted(widths)} filters, got {filters}: use `modules`"
    return None


def _by_logits(g, function):
    if len(g.outputs) != 3:
        return Verdict(False, None, f"the graph should have three outputs, one per loss, got {g.outputs}")
    ratios = sorted(layer.p for layer, _ in g.nodes.values() if layer.kind == "Dropout")
    logits = _logits(g)
    if close(logits, _right(), 1e-4).all():
        if ratios != [0.4, 0.7, 0.7]:
            return _verdict("dropout missing", f"the dropout ratios are {ratios}")
        if unused := _narrow(function):
            return Verdict(False, None, unused)
        counted = count(g)
        counts = f"{counted.params:,} parameters, {counted.macs:,} MACs"
        return Verdict(True, None, f"{counts}, and all 3,000 logits of a random image agree with those of the engine")
    for wrong in build.wrongs:
        same_shapes = wrong.name not in ("pools rounded down", "heads one module late", "dropout missing")
        if same_shapes and close(logits, _wrong_logits(wrong.name), 1e-4).all():
            return _verdict(wrong.name, "all shapes are right, the logits are not")
    return Verdict(False, None, _first_difference(g))


@functools.cache
def _wrong_logits(name):
    return _logits(_faulty(MODULES, name))


def _first_difference(g):
    for row in count(_engine()).rows:
        if row.weights:
            a, b = (net.infer({"image": _image()}, row.name)[row.name] for net in (g, _engine()))
            if not close(a, b, 1e-4).all():
                first = f"{row.name} is the first node with wrong values"
                return f"all shapes are right, but {first}: check it and the nodes before it"
    return "all shapes are right, and so are the values of every node with weights: check the nodes after them"


def _unknown(what):
    return Verdict(False, None, what)


def _verdict(name, what):
    message = next(wrong.message for wrong in build.wrongs if wrong.name == name)
    return Verdict(False, name, f"{message} ({what})")


build.reference(_faulty)
build.right(functools.partial(_faulty, heads_last=True))


@build.wrong
def pools_rounded_down(modules):
    """The four pools of stride 2 round up (ceil_mode=True). Rounded down, the sides would be 55, 27, 13 and 6."""
    return _faulty(modules, "pools rounded down")


@build.wrong
def LRN_missing(modules):
    """A local response normalisation is missing: one comes after pool1, one before pool2."""
    return _faulty(modules, "LRN missing")


@build.wrong
def LRN_before_pool1(modules):
    """Your norm1 comes before pool1. Put norm1 after pool1, and norm2 before pool2."""
    return _faulty(modules, "LRN before pool1")


@build.wrong
def heads_one_module_late(modules):
    """Your heads read 4b and 4e. They should read the outputs of 4a and 4d."""
    return _faulty(modules, "heads one module late")


@build.wrong
def head_pool_4x4(modules):
    """The shape is the same, but the windows differ: the average pool of a head is 5x5 with stride 3."""
    return _faulty(modules, "head pool 4x4")


@build.wrong
def pool_and_5x5_exchanged(modules):
    """In one module the 5x5 and the pool branch are exchanged. The order is 1x1, 3x3, 5x5, pool."""
    return _faulty(modules, "pool and 5x5 exchanged")


@build.wrong
def no_ReLU_on_the_projections(modules):
    """The pool projections return negative values. A ReLU follows each of them too."""
    return _faulty(modules, "no ReLU on the projections")


@build.wrong
def ReLU_on_the_classifiers(modules):
    """None of your logits is negative. Remove the ReLU after the three classifiers."""
    return _faulty(modules, "ReLU on the classifiers")


@build.wrong
def dropout_missing(modules):
    """Dropout comes before each classifier: 0.7 in the heads, 0.4 before the main classifier."""
    return _faulty(modules, "dropout missing")
