"""Lesson 12: a new head on a trained trunk, features kept, and what classifying regions costs."""

import copy
import functools

import numpy as np

from minigooglenet import models
from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import SINGLE, Raised, call, form, matched, one_number, same
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.questions import Question
from minigooglenet.graph import Graph

HEAD, FEATURES = "loss3/classifier", "pool5/global"

new_head = Exercise(
    "12.1",
    "a new head on a trained trunk",
    "new_head(net, classes, rng) -> (a network for so many classes, how many numbers its head trains)",
    minutes=8,
    difficulty=2,
    hints=(
        "Which layer has one row for each class? Only that one starts anew.",
        "`mg.models.with_classes` keeps all but the head's values, and says which are new: weights and biases.",
        "`trainable = sum(other.params[name].____ for name in new)`",
    ),
)


def _trained(classes=6, width=0.25, seed=6):
    """Return a small network that passes for trained: every value is unlike the start's."""
    net = models.mini_googlenet(classes, width=width, depth=2, rng=5)
    rng = np.random.default_rng(seed)
    for values in (net.params, net.buffers):
        for array in values.values():
            array += rng.uniform(0.01, 0.1, array.shape).astype(array.dtype)
    return net


@new_head.judge
def new_head_judge(answer):
    verdict, first = _one_head(answer, _trained(), 4, 0)
    if not verdict.passed:
        return verdict
    second, _ = _one_head(answer, _trained(5, 0.5, 7), 3, 1)
    if not second.passed:
        return Verdict(False, second.mistake, f"with another network, for 3 classes: {second.what}")
    _, third = _one_head(answer, _trained(), 4, 1)
    if np.array_equal(first, third):
        return Verdict(False, None, "rng is not used: the new head has the same weights, whatever it draws")
    return verdict


def _one_head(answer, net, classes, seed):
    """Return the verdict on one new head, and its weights if it passed."""
    before = {name: array.copy() for name, array in {**net.params, **net.buffers}.items()}
    output, _ = call(lambda: answer(net, classes, seed), (), read=lambda returned: returned)
    if isinstance(output, Raised):
        raise output.error
    named = {wrong.name: wrong.message for wrong in new_head.wrongs}

    def wrong(name, what=""):
        return Verdict(False, name, f"{what}{named[name]}"), None

    two = plain(output, (Graph,))
    if not isinstance(two, (list, tuple)) or len(two) != 2 or not isinstance(two[0], Graph):
        return Verdict(
            False, None, "return two things: the network and the number of values that its head trains"
        ), None
    other, trainable = two[0], one_number(two[1], "the second value of new_head")
    params, buffers = other.params, other.buffers
    after = {**net.params, **net.buffers}
    if any(name not in after or not np.array_equal(after[name], array) for name, array in before.items()):
        return wrong("changes the old network")
    if other.shapes[other.main] != (classes,):
        return wrong("as many classes as before", f"the output has the shape {other.shapes[other.main]}. ")
    touched = [
        name
        for name, array in {**params, **buffers}.items()
        if not name.startswith(HEAD) and not np.array_equal(array, before[name])
    ]
    if touched:
        return wrong("trunk touched", f"{len(touched)} arrays of the trunk differ, {touched[0]} for one. ")
    if np.array_equal(params[f"{HEAD}/bias"], before[f"{HEAD}/bias"][:classes]):
        return wrong("old bias kept")
    features = net.shapes[FEATURES][0]
    counts = {sum(a.size for a in params.values()): "everything counted", classes * features: "biases not counted"}
    if trainable in counts:
        return wrong(counts[trainable], f"{trainable:g}: ")
    if trainable != classes * (features + 1):
        return Verdict(False, None, f"the head trains ({features} + 1) * {classes} numbers, not {trainable:g}"), None
    told = f"{trainable:g} numbers of {sum(a.size for a in params.values()):,} are new"
    return Verdict(True, None, told), params[f"{HEAD}/weight"].copy()


def _reference(net, classes, rng):
    other, new = models.with_classes(net, classes, rng=rng)
    return other, sum(other.params[name].size for name in new)


new_head.reference(_reference)


@new_head.right
def new_head_of_a_new_network(net, classes, rng):
    _, arguments = net.made_by
    other = models.mini_googlenet(**{**arguments, "num_classes": classes, "rng": rng})
    for theirs, ours in ((other.params, net.params), (other.buffers, net.buffers)):
        for name, array in ours.items():
            if not name.startswith(HEAD):
                theirs[name][...] = array
    return other, (net.shapes[FEATURES][0] + 1) * classes


@new_head.wrong
def everything_counted(net, classes, rng):
    """that is all of the network. The trunk is frozen: count the head."""
    other, _ = _reference(net, classes, rng)
    return other, sum(array.size for array in other.params.values())


@new_head.wrong
def old_bias_kept(net, classes, rng):
    """The new classes start with biases of the old ones."""
    other, count = _reference(net, classes, rng)
    other.params[f"{HEAD}/bias"][...] = net.params[f"{HEAD}/bias"][:classes]
    return other, count


@new_head.wrong
def biases_not_counted(net, classes, rng):
    """a head has a weight for each feature and class, and one bias for each class."""
    other, count = _reference(net, classes, rng)
    return other, count - classes


@new_head.wrong
def trunk_touched(net, classes, rng):
    """A new trunk has learned nothing: copy its values too."""
    _, arguments = net.made_by
    other = models.mini_googlenet(**{**arguments, "num_classes": classes, "rng": rng})
    return other, (net.shapes[FEATURES][0] + 1) * classes


@new_head.wrong
def changes_the_old_network(net, classes, rng):
    """The network that you were given has changed; work on a copy."""
    net.params[f"{HEAD}/weight"][...] = 0
    return _reference(net, classes, rng)


@new_head.wrong
def as_many_classes_as_before(net, classes, rng):
    """The last layer must have one output for each new class."""
    return copy.deepcopy(net), (net.shapes[FEATURES][0] + 1) * classes


cache_features = Exercise(
    "12.2",
    "features, computed once",
    'cache_features(net, images) -> (M, F): the wire "pool5/global" in test mode',
    minutes=8,
    difficulty=2,
    hints=(
        "In which mode is the network, and which wire goes into the classifier?",
        "Test mode, no variation of the pictures, in their order. `net.infer` returns wires by their names.",
        "`net.infer({'image': images}, ____)['pool5/global']`",
    ),
    tolerance=1e-5,
)


def _images(seed=122):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((7, 3, 32, 32), dtype=np.float32)


def _wire(net, images, wire=FEATURES, **how):
    values, _ = net.forward({"image": images}, train=how.get("train", False), outputs=(wire,))
    return values[wire]


def _returned(function, net=_trained, images=_images):
    return call(function, (net(), images()))[0]


@functools.cache
def _right_features():
    return _returned(cache_features.reference_function)


@functools.cache
def _wrong_features():
    return [_returned(wrong.function) for wrong in cache_features.wrongs]


@cache_features.judge
def cache_features_judge(answer):
    output, right = _returned(answer), _right_features()
    if isinstance(output, Raised):
        raise output.error
    if same(output, right, cache_features.tolerance):
        if not same(output, _returned(answer), cache_features.tolerance):
            return Verdict(False, "training mode", "two calls differ: something is drawn at random")
        other = (lambda: _trained(6, 0.25, 8)), (lambda: _images(3)[:5])
        if not same(_returned(answer, *other), _returned(cache_features.reference_function, *other), SINGLE):
            return Verdict(False, None, "with another network and other images the values are wrong")
        count, width = right.shape
        return Verdict(True, None, f"{count} x {width} numbers; a head trained on them never needs the trunk again")
    for wrong, theirs in zip(cache_features.wrongs, _wrong_features(), strict=True):
        if same(output, theirs, cache_features.tolerance):
            return Verdict(False, wrong.name, wrong.message)
    if next(iter(matched(output, right, "cache_features").values()))[0].shape != right.shape:
        return Verdict(False, None, f"expected shape {right.shape}, got {form(output)}")
    return Verdict(False, None, "the values are not those of pool5/global in test mode")


@cache_features.reference
def cache_features_reference(net, images):
    return net.infer({"image": images}, FEATURES)[FEATURES]


@cache_features.right
def cache_features_of_the_wire(net, images):
    return _wire(net, images)


@cache_features.right
def cache_features_one_by_one(net, images):
    one_by_one = [net.infer({"image": image[None]}, (FEATURES,))[FEATURES] for image in images]
    return np.concatenate(one_by_one)


@cache_features.wrong
def training_mode(net, images):
    """Batch norm used the batch's own mean: a picture's features depend on the others."""
    return _wire(net, images, train=True)


@cache_features.wrong
def dropout_on(net, images):
    """The wire behind dropout in training: some features are 0, others another day."""
    return _wire(net, images, "pool5/drop", train=True)


@cache_features.wrong
def logits(net, images):
    """One number for each old class: the features go *into* the classifier."""
    return _wire(net, images, HEAD)


@cache_features.wrong
def pictures_varied(net, images):
    """You mirrored the pictures: cached features hold for one picture as it is."""
    return _wire(net, images[..., ::-1])


@cache_features.wrong
def order_lost(net, images):
    """Features and labels are matched by their place: keep the order of the pictures."""
    features = _wire(net, images)
    return features[np.argsort(features[:, 0])]


@cache_features.wrong
def mean_over_the_pictures(net, images):
    """One row for each picture: the mean is over places, not pictures."""
    return _wire(net, images).mean(axis=0)


cost = Question(
    "12.6",
    "what classifying regions costs",
    "A detector classifies regions with a network of {mmacs} million multiply-adds. Selective search proposes {found} "
    "regions in an image; larger superpixels halve that number, then {boxes} boxes of MultiBox are added. How many "
    "billion multiply-adds for {images} images?",
    minutes=4,
    difficulty=1,
    core=False,
    tolerance=0.005,
    hints=(
        "How many regions are there in one image?",
        "2,000 proposals halved and 200 boxes: 1,200 regions.",
        "`images * (found / 2 + ____) * mmacs / 1000`",
    ),
)


@cost.draw
def cost_draw(rng):
    found, boxes = 200 * int(rng.integers(5, 16)), 50 * int(rng.integers(2, 9))
    return {
        "found": found,
        "boxes": boxes,
        "mmacs": int(rng.integers(300, 2000)),
        "images": int(rng.choice([5, 10, 20, 50])),
    }


@cost.solution
def cost_solution(found, boxes, mmacs, images):
    return images * (found / 2 + boxes) * mmacs / 1000


@cost.wrong
def not_halved(found, boxes, mmacs, images):
    """Larger superpixels halve the proposals."""
    return images * (found + boxes) * mmacs / 1000


@cost.wrong
def MultiBox_forgotten(found, boxes, mmacs, images):
    """The boxes of MultiBox are regions too."""
    return images * found / 2 * mmacs / 1000


@cost.wrong
def halved_after_adding(found, boxes, mmacs, images):
    """Only the proposals of selective search are halved."""
    return images * (found + boxes) / 2 * mmacs / 1000


@cost.wrong
def FLOP(found, boxes, mmacs, images):
    """Twice ours: we asked for multiply-adds."""
    return 2 * images * (found / 2 + boxes) * mmacs / 1000


@cost.wrong
def one_image(found, boxes, mmacs, images):
    """That is one image."""
    return (found / 2 + boxes) * mmacs / 1000
