"""What networks say of images: probabilities, averaged over crops and over networks.

The paper averages the softmax probabilities, not the scores: one crop on which a network is very sure outweighs the
others less. (It also tried the maximum over crops and found it worse.)
"""

import itertools
import math
import sys
from functools import partial
from pathlib import Path

import numpy as np

from minigooglenet.evaluation.multicrop import cut, places
from minigooglenet.graph import Graph
from minigooglenet.kernels import softmax
from minigooglenet.layers import Softmax
from minigooglenet.planning import Plan, plan
from minigooglenet.shapes import integer

MOST_MEMORY = 512 * 1024**2  # bytes of a batch in a network whose single image takes more than ONE_IMAGE
ONE_IMAGE = 32 * 1024**2  # bytes; GoogLeNet's takes about 10 MB
MOST_CROPS = 64 * 1024**2  # bytes of all crops of an image
BATCH_SIZE = 72  # half of 144; from about 24 on, a larger batch is no faster


def probabilities(models, images, pixels, crops=1, *, batch_size=BATCH_SIZE, on_batch=None, rule="box") -> np.ndarray:
    """Return the probability of each class for each image, the mean over its crops and over the models.

    Parameters
    ----------
    models : Graphs, what `weights.load` returns, or plans of one output that gives scores; a Graph is planned here (a
        last Softmax is left out)
    images : iterable of uint8 (C, H, W) of any sizes, read as they are needed
    pixels : Pixels, how an image becomes input
    crops : 1, 10 or 144; 0 for the whole image
    batch_size : crops that go through a network at once; no more of them are held, but for those of one image
    on_batch : called after each batch with the number of crops done so far, each counted once for every model
    rule : "box", or "torchvision" for weights of torchvision's, as in `crops`

    Returns
    -------
    (N, classes) float64
        The sums run in a fixed order, so `batch_size` changes no more than the float32 round-off of the network.

    Raises
    ------
    FloatingPointError
        When a network's scores are not finite.
    """
    found = list(predictions(models, images, pixels, (crops,), batch_size=batch_size, on_batch=on_batch, rule=rule))
    if not found:
        raise ValueError("there are no images to predict")
    return np.stack(found)[:, :, 0].mean(axis=1)


def predictions(models, images, pixels, counts=(1,), *, batch_size=BATCH_SIZE, on_batch=None, rule="box"):
    """Yield for each image what each model says with each of several numbers of crops: (models, counts, classes).

    One crop is among the ten and they are among the 144, so they cost nothing beside them. The parameters are those of
    `probabilities`; an image's answer comes as soon as it is there.
    """
    plans = planned(models)
    size, batch_size = plans[0].shapes[plans[0].inputs[0]][1], integer(batch_size, "batch_size", 1)
    wanted = _wanted(counts, rule)
    batch_size = min(batch_size, _most_together(plans, len(wanted)))
    chosen = [[wanted.index(crop) for crop in places(count, rule)] for count in counts]
    together, images, done = max(1, batch_size // len(wanted)), iter(images), 0
    cut_wanted = partial(cut, size=size, wanted=wanted)  # a map keeps no image while the next one is decoded
    while group := list(map(cut_wanted, itertools.islice(images, together))):
        pieces = np.concatenate(group)
        found = np.empty((len(plans), len(pieces), *plans[0].shapes[plans[0].outputs[0]]))
        for start in range(0, len(pieces), batch_size):
            rows = slice(start, start + batch_size)
            x = pixels.to_input(pieces[rows])
            for number, run in enumerate(plans):
                found[number, rows] = _probable(run(x), number)
                done += len(x)
                if on_batch:
                    on_batch(done)
        for own in np.split(found, len(group), axis=1):
            yield np.stack([own[:, choice].mean(axis=1) for choice in chosen], axis=1)


def predict(g, images, batch_size=64) -> np.ndarray:
    """Return the most likely class of each image, M integers."""
    if len(images) == 0:
        raise ValueError("there are no images to predict: a batch of zero")
    batches = (images[start : start + batch_size] for start in range(0, len(images), batch_size))
    return np.concatenate([g(batch).argmax(axis=1) for batch in batches])


def crops_of(counts, rule="box") -> int:
    """Return how many crops of an image go through a network where several numbers of them are asked for."""
    return len(_wanted(counts, rule))


def planned(models) -> list[Plan]:
    """Return the models as plans, once it is known that they take and give the same."""
    plans = [_plan(model) for model in ([models] if is_model(models) else models)]
    if not plans:
        raise ValueError("there are no models to ask")
    forms = [(run.shapes[run.inputs[0]], run.shapes[run.outputs[0]]) for run in plans]
    check_form(*forms[0])
    for number, form in enumerate(forms):
        if form != forms[0]:
            raise ValueError(
                f"models that are averaged must take and give the same: model 0 {forms[0][0]} to {forms[0][1]}, "
                f"model {number} {form[0]} to {form[1]}"
            )
    return plans


def check_form(takes, gives) -> None:
    """Raise a ValueError unless these are the shapes of the input and the output of a classifier of images."""
    if len(takes) != 3 or takes[1] != takes[2] or len(gives) != 1:
        raise ValueError(f"a model must take (C, size, size) and give (classes,), got {takes} and {gives}")


def is_model(value) -> bool:
    """Return whether a value is one model, not several."""
    return isinstance(value, (str, Path, Graph, Plan)) or isinstance(getattr(value, "graph", None), Graph)


def _most_together(plans, crops):
    """Return how many crops go through the networks at once: a small file can declare a network of huge inputs.

    Raises
    ------
    ValueError
        If one crop needs more than MOST_MEMORY, or all crops of an image more than MOST_CROPS.
    """
    shape = plans[0].shapes[plans[0].inputs[0]]
    values = math.prod(shape)
    needed = max(4 * (3 * values + sum(run.sizes)) for run in plans)  # three: pixels, less the mean, divided
    if needed > MOST_MEMORY:
        raise ValueError(
            f"a model with inputs {shape} needs {needed:,} bytes for one image, more than {MOST_MEMORY:,}; "
            "such models cannot be used to classify images"
        )
    if crops * values > MOST_CROPS:
        raise ValueError(
            f"{crops} crops of {shape} take {crops * values:,} bytes, more than {MOST_CROPS:,}; use fewer crops"
        )
    return MOST_MEMORY // needed if needed > ONE_IMAGE else sys.maxsize


def _wanted(counts, rule):
    """Return each crop that one of the counts needs, once."""
    return list(dict.fromkeys(crop for count in sorted(counts, reverse=True) for crop in places(count, rule)))


def _plan(model):
    if isinstance(getattr(model, "graph", None), Graph):
        model = model.graph  # of what weights.load returns
    if isinstance(model, Graph):
        wire = model.main
        node = model.nodes.get(wire)
        model = plan(model, node.wires[0] if node and isinstance(node.layer, Softmax) else wire)
    if not isinstance(model, Plan):
        hint = "; load a file by mg.weights.load(path)" if isinstance(model, (str, Path)) else ""
        raise TypeError(f"a model is a Graph or a plan of one, got {type(model).__name__}{hint}")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"a model must have one input and one output, got {', '.join(model.inputs)} and {', '.join(model.outputs)}"
        )
    return model


def _probable(scores, number):
    if not np.isfinite(scores).all():
        raise FloatingPointError(f"model {number} gives scores that are not finite; are all of its weights?")
    return softmax.forward(scores.astype(np.float64))
