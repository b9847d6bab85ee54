"""Predictions of networks: class probabilities, averaged over crops and over networks.

The paper averages the softmax probabilities, not the logits, so that one crop with a very confident prediction does not
outweigh the others so much. (It also tried the maximum over crops and found it worse.)
"""

import itertools
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigooglenet.data.pixels import Pixels
from minigooglenet.evaluation.multicrop import Crop, crop_list, crop_pixels
from minigooglenet.graph import Graph
from minigooglenet.kernels import softmax
from minigooglenet.layers import Softmax
from minigooglenet.planning import Plan, plan
from minigooglenet.shapes import integer
from minigooglenet.typing import Array, FloatArray, IntArray, Shape, UInt8Array

MOST_MEMORY = 512 * 1024**2  # bytes per batch, if a single image needs more than ONE_IMAGE in the network
ONE_IMAGE = 32 * 1024**2  # bytes; an image needs about 10 MB in GoogLeNet
MOST_CROPS = 64 * 1024**2  # bytes of all crops of an image
BATCH_SIZE = 72  # half of 144; batches larger than about 24 are not faster


def probabilities(
    models: Any,
    images: Iterable[UInt8Array],
    pixels: Pixels,
    crops: int = 1,
    *,
    batch_size: int = BATCH_SIZE,
    on_batch: Callable[[int], object] | None = None,
    rule: str = "box",
) -> FloatArray:
    """Return the probability of each class for each image, the mean over its crops and over the models.

    Parameters
    ----------
    models : one or several Graphs, results of `weights.load`, or plans with one output, the logits. A Graph is planned
        here, without a final Softmax
    images : iterable of uint8 (C, H, W) of any sizes, read on demand
    pixels : Pixels, how an image becomes input
    crops : 1, 10 or 144; 0 for the whole image
    batch_size : number of crops per forward pass; at most that many crops, or those of one image, are in memory
    on_batch : called after each batch with the number of crops done so far; a crop counts once per model
    rule : "box", or "torchvision" for torchvision's weights, as in `crops`

    Returns
    -------
    (N, classes) float64
        Sums have a fixed order, so `batch_size` changes the result only by the float32 round-off of the network.

    Raises
    ------
    FloatingPointError
        If the logits of a network are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(10, rng=0)
    >>> scenes = mg.data.shapes(2)
    >>> p = mg.evaluation.probabilities(g, scenes.images, mg.data.UNIT, crops=10)
    >>> p.shape, p.sum(axis=1).round(6).tolist()
    ((2, 10), [1.0, 1.0])
    """
    results = list(predictions(models, images, pixels, (crops,), batch_size=batch_size, on_batch=on_batch, rule=rule))
    if not results:
        raise ValueError("images is empty: pass at least one image")
    return np.asarray(np.stack(results)[:, :, 0].mean(axis=1))


def predictions(
    models: Any,
    images: Iterable[UInt8Array],
    pixels: Pixels,
    counts: Sequence[int] = (1,),
    *,
    batch_size: int = BATCH_SIZE,
    on_batch: Callable[[int], object] | None = None,
    rule: str = "box",
) -> Iterator[FloatArray]:
    """Yield the class probabilities of each image for each model and number of crops: (models, counts, classes).

    The 1 crop is among the 10 crops and the 10 are among the 144, so smaller numbers of crops cost nothing extra. The
    parameters are those of `probabilities`. The result of an image is yielded as soon as it is computed.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(10, rng=0)
    >>> scenes = mg.data.shapes(2)
    >>> [p.shape for p in mg.evaluation.predictions(g, scenes.images, mg.data.UNIT, counts=(1, 10))]
    [(1, 2, 10), (1, 2, 10)]
    """
    plans = planned(models)
    size, batch_size = plans[0].shapes[plans[0].inputs[0]][1], integer(batch_size, "batch_size", 1)
    crops = _distinct_crops(counts, rule)
    batch_size = min(batch_size, _most_together(plans, len(crops)))
    choices = [[crops.index(crop) for crop in crop_list(count, rule)] for count in counts]
    together, images, done = max(1, batch_size // len(crops)), iter(images), 0
    all_crops = partial(crop_pixels, size=size, chosen=crops)  # a map keeps no image while the next one is decoded
    while group := list(map(all_crops, itertools.islice(images, together))):
        values = np.concatenate(group)
        results = np.empty((len(plans), len(values), *plans[0].shapes[plans[0].outputs[0]]))
        for start in range(0, len(values), batch_size):
            rows = slice(start, start + batch_size)
            x = pixels.to_input(values[rows])
            for number, run in enumerate(plans):
                results[number, rows] = _softmax(run(x), number)
                done += len(x)
                if on_batch:
                    on_batch(done)
        for of_image in np.split(results, len(group), axis=1):
            yield np.stack([of_image[:, choice].mean(axis=1) for choice in choices], axis=1)


def predict(g: Callable[[Array], Array], images: Array, batch_size: int = 64) -> IntArray:
    """Return M integers, the likeliest class of each image by a Graph or a plan.

    Parameters
    ----------
    images : (M, C, H, W), inputs of the network
    batch_size : number of images per forward pass

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(10, rng=0)
    >>> mg.evaluation.predict(g, np.zeros((5, 3, 32, 32), np.float32)).shape
    (5,)
    """
    if len(images) == 0:
        raise ValueError("images is an empty batch: pass at least one image")
    batches = (images[start : start + batch_size] for start in range(0, len(images), batch_size))
    return np.concatenate([g(batch).argmax(axis=1) for batch in batches])


def crop_count(counts: Iterable[int], rule: str = "box") -> int:
    """Return how many different crops of an image several numbers of crops need together."""
    return len(_distinct_crops(counts, rule))


def planned(models: Any) -> list[Plan]:
    """Return the models as plans, after checking that their inputs and outputs have the same shapes."""
    plans = [_plan(model) for model in ([models] if is_model(models) else models)]
    if not plans:
        raise ValueError("models is empty: pass at least one model")
    shapes = [(run.shapes[run.inputs[0]], run.shapes[run.outputs[0]]) for run in plans]
    check_form(*shapes[0])
    for number, (takes, gives) in enumerate(shapes):
        if (takes, gives) != shapes[0]:
            raise ValueError(
                "models must have the same input and output shapes to be averaged: model 0 maps "
                f"{shapes[0][0]} to {shapes[0][1]}, model {number} maps {takes} to {gives}"
            )
    return plans


def check_form(takes: Shape, gives: Shape) -> None:
    """Raise a ValueError unless these are the input and output shapes of an image classifier."""
    if len(takes) != 3 or takes[1] != takes[2] or len(gives) != 1:
        raise ValueError(f"a model must map (C, size, size) to (classes,), this one maps {takes} to {gives}")


def is_model(value: object) -> bool:
    """Return whether a value is one model, not several."""
    return isinstance(value, (str, Path, Graph, Plan)) or isinstance(getattr(value, "graph", None), Graph)


def _most_together(plans, crops):
    """Return how many crops fit into memory in one forward pass: a small file can declare a network with huge inputs.

    Raises
    ------
    ValueError
        If one crop needs more than MOST_MEMORY, or all crops of an image more than MOST_CROPS.
    """
    shape = plans[0].shapes[plans[0].inputs[0]]
    values = math.prod(shape)
    needed = max(4 * (3 * values + sum(run.sizes)) for run in plans)  # three: pixels, minus the mean, divided
    if needed > MOST_MEMORY:
        raise ValueError(
            f"a model with inputs {shape} needs {needed:,} bytes for one image, more than {MOST_MEMORY:,}; "
            "such models cannot be used to classify images"
        )
    if crops * values > MOST_CROPS:
        raise ValueError(
            f"{crops} crops of {shape} need {crops * values:,} bytes, more than {MOST_CROPS:,}. Use fewer crops."
        )
    return MOST_MEMORY // needed if needed > ONE_IMAGE else sys.maxsize


def _distinct_crops(counts, rule) -> list[Crop]:
    """Return each crop that one of the counts needs, once."""
    return list(dict.fromkeys(crop for count in sorted(counts, reverse=True) for crop in crop_list(count, rule)))


def _plan(model):
    if isinstance(getattr(model, "graph", None), Graph):
        model = model.graph  # a result of weights.load
    if isinstance(model, Graph):
        wire = model.main
        node = model.nodes.get(wire)
        model = plan(model, node.wires[0] if node and isinstance(node.layer, Softmax) else wire)
    if not isinstance(model, Plan):
        hint = ". Load a file with mg.weights.load(path)." if isinstance(model, (str, Path)) else ""
        raise TypeError(f"a model must be a Graph or a plan, got {type(model).__name__}{hint}")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"a model must have one input and one output, got {', '.join(model.inputs)} and {', '.join(model.outputs)}"
        )
    return model


def _softmax(logits, number):
    if not np.isfinite(logits).all():
        raise FloatingPointError(f"the logits of model {number} are not finite. Check whether its weights are.")
    return softmax.forward(logits.astype(np.float64))
