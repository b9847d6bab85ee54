"""A new head on a trained backbone."""

import copy

import numpy as np

from minigooglenet import models
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import FormError, Raised, call, form, one_number, parts
from minigooglenet.exercises.plain import plain
from minigooglenet.graph import Graph

HEAD, FEATURES = "loss3/classifier", "pool5/global"

new_head = Exercise(
    "12.1",
    "a new head on a trained backbone",
    "new_head(net, classes, rng) -> (network, number of parameters of its head)",
    minutes=8,
    difficulty=2,
    hints=(
        "Which layer has one row of weights per class? Only this layer is new.",
        "`mg.models.with_classes` re-initialises only the head, and returns the names of its parameters too.",
        "`trainable = sum(other.params[name].____ for name in new)`",
    ),
)


def trained(classes=6, width=0.25, seed=6):
    """Return a small network that seems to be trained: all its values differ from an initialisation."""
    net = models.mini_googlenet(classes, width=width, depth=2, rng=5)
    rng = np.random.default_rng(seed)
    for values in (net.params, net.buffers):
        for array in values.values():
            array += rng.uniform(0.01, 0.1, array.shape).astype(array.dtype)
    return net


@new_head.judge
def new_head_judge(answer):
    verdict, first = _one_head(answer, trained(), 4, 0)
    if not verdict.passed:
        return verdict
    second, _ = _one_head(answer, trained(5, 0.5, 7), 3, 1)
    if not second.passed:
        return Verdict(False, second.mistake, f"with another network, for 3 classes: {second.what}")
    _, third = _one_head(answer, trained(), 4, 1)
    if np.array_equal(first, third):
        return Verdict(False, None, "rng is not used: the new head has the same weights for every seed")
    return verdict


def _one_head(answer, net, classes, seed):
    """Return the verdict on one new head, and its weights if it passed."""
    before = {name: array.copy() for name, array in {**net.params, **net.buffers}.items()}
    output, _ = call(lambda: answer(net, classes, seed), (), read=lambda returned: returned)
    if isinstance(output, Raised):
        raise output.error
    messages = {wrong.name: wrong.message for wrong in new_head.wrongs}

    def wrong(name, what=""):
        return Verdict(False, name, f"{what}{messages[name]}"), None

    other, trainable = parts(plain(output, (Graph,)), ("network", "number of parameters of its head"), "the output")
    if not isinstance(other, Graph):
        raise FormError(f"the first value of new_head should be a network, got {form(other)}")
    trainable = one_number(trainable, "the second value of new_head")
    params, buffers = other.params, other.buffers
    after = {**net.params, **net.buffers}
    if any(name not in after or not np.array_equal(after[name], array) for name, array in before.items()):
        return wrong("changes the old network")
    if other.shapes[other.main] != (classes,):
        return wrong("as many classes as before", f"the output has shape {other.shapes[other.main]}. ")
    changed = [
        name
        for name, array in {**params, **buffers}.items()
        if not name.startswith(HEAD) and not np.array_equal(array, before[name])
    ]
    if changed:
        return wrong("backbone changed", f"{len(changed)} arrays of the backbone differ, for example {changed[0]}. ")
    if np.array_equal(params[f"{HEAD}/bias"], before[f"{HEAD}/bias"][:classes]):
        return wrong("old bias kept")
    features = net.shapes[FEATURES][0]
    counts = {sum(a.size for a in params.values()): "everything counted", classes * features: "biases not counted"}
    if trainable in counts:
        return wrong(counts[trainable], f"you counted {trainable:g} parameters. ")
    if trainable != classes * (features + 1):
        return Verdict(False, None, f"the head has ({features} + 1) * {classes} parameters, not {trainable:g}"), None
    what = f"{trainable:g} of {sum(a.size for a in params.values()):,} parameters are new"
    return Verdict(True, None, what), params[f"{HEAD}/weight"].copy()


def _reference(net, classes, rng):
    other, new = models.with_classes(net, classes, rng=rng)
    return other, sum(other.params[name].size for name in new)


new_head.reference(_reference)


@new_head.right
def new_head_of_a_new_network(net, classes, rng):
    _, arguments = net.made_by
    other = models.mini_googlenet(**{**arguments, "num_classes": classes, "rng": rng})
    for copies, originals in ((other.params, net.params), (other.buffers, net.buffers)):
        for name, array in originals.items():
            if not name.startswith(HEAD):
                copies[name][...] = array
    return other, (net.shapes[FEATURES][0] + 1) * classes


@new_head.wrong
def everything_counted(net, classes, rng):
    """That is the whole network. The backbone is frozen, so count only the head."""
    other, _ = _reference(net, classes, rng)
    return other, sum(array.size for array in other.params.values())


@new_head.wrong
def old_bias_kept(net, classes, rng):
    """The new head has the biases of the old classes. Re-initialise them too."""
    other, count = _reference(net, classes, rng)
    other.params[f"{HEAD}/bias"][...] = net.params[f"{HEAD}/bias"][:classes]
    return other, count


@new_head.wrong
def biases_not_counted(net, classes, rng):
    """A head has one weight per feature and class, and one bias per class. Count the biases too."""
    other, count = _reference(net, classes, rng)
    return other, count - classes


@new_head.wrong
def backbone_changed(net, classes, rng):
    """A re-initialised backbone has learned nothing. Copy the parameters and buffers of the backbone."""
    _, arguments = net.made_by
    other = models.mini_googlenet(**{**arguments, "num_classes": classes, "rng": rng})
    return other, (net.shapes[FEATURES][0] + 1) * classes


@new_head.wrong
def changes_the_old_network(net, classes, rng):
    """Your function changed its argument net. Work on a copy."""
    net.params[f"{HEAD}/weight"][...] = 0
    return _reference(net, classes, rng)


@new_head.wrong
def as_many_classes_as_before(net, classes, rng):
    """The last layer must have one output per new class."""
    return copy.deepcopy(net), (net.shapes[FEATURES][0] + 1) * classes
