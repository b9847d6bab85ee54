"""The exercise that computes the features of images once."""

import functools

import numpy as np

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import SINGLE, Raised, call, form, matched, same
from minigooglenet.exercises.symptoms import likeness
from minigooglenet.lessons.lesson_12_transfer.new_head import FEATURES, HEAD, trained

cache_features = Exercise(
    "12.2",
    "features, computed once",
    'cache_features(net, images) -> (M, F): the wire "pool5/global" in inference mode',
    minutes=8,
    difficulty=2,
    hints=(
        "Which wire does the classifier read, and in which mode is the network?",
        "Use inference mode, and do not change the images or their order. `net.infer` returns wires by name.",
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


def _returned(function, net=trained, images=_images):
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
            return Verdict(False, "training mode", "two calls return different features: something is random")
        other = (lambda: trained(6, 0.25, 8)), (lambda: _images(3)[:5])
        if not same(_returned(answer, *other), _returned(cache_features.reference_function, *other), SINGLE):
            return Verdict(False, None, "the values are right, but not for another network and other images")
        count, width = right.shape
        what = f"{count} x {width} features; a head that is trained on them does not need the backbone"
        return Verdict(True, None, what)
    for wrong, features in zip(cache_features.wrongs, _wrong_features(), strict=True):
        if same(output, features, cache_features.tolerance):
            return Verdict(False, wrong.name, wrong.message)
    got, _ = next(iter(matched(output, right, "cache_features").values()))
    if got.shape != right.shape:
        what = f"expected shape {right.shape}, got {form(output)}"
        return Verdict(False, None, ". ".join(filter(None, (what, _sentence(likeness(right, got))))))
    what = "the values differ from pool5/global in inference mode"
    return Verdict(False, None, f"{what}. {_sentence(likeness(right, got))}")


def _sentence(text):
    return text[:1].upper() + text[1:]


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
    """You used training mode, in which batch norm uses the mean of the batch. Use inference mode."""
    return _wire(net, images, train=True)


@cache_features.wrong
def dropout_on(net, images):
    """You returned the wire after dropout in training mode: dropout sets random features to 0. Use inference mode."""
    return _wire(net, images, "pool5/drop", train=True)


@cache_features.wrong
def logits(net, images):
    """You returned the logits, one per old class. Return the input of the classifier."""
    return _wire(net, images, HEAD)


@cache_features.wrong
def images_mirrored(net, images):
    """You mirrored the images. The stored features are those of the unchanged image."""
    return _wire(net, images[..., ::-1])


@cache_features.wrong
def order_lost(net, images):
    """You changed the order. Row i must contain the features of image i, so that the labels match."""
    features = _wire(net, images)
    return features[np.argsort(features[:, 0])]


@cache_features.wrong
def mean_over_the_images(net, images):
    """You averaged over the images. Return one row per image."""
    return _wire(net, images).mean(axis=0)
