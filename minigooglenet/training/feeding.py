"""What `train` and a Trainer feed to a network, checked before anything changes."""

import math
import os

import numpy as np

from minigooglenet import checks, data
from minigooglenet.data import arrays
from minigooglenet.evaluation.held_out import check_labels, only_input
from minigooglenet.training.settings import Settings


def feeding(g, images, labels, pixels, rng):
    """Return (M, a function (indices, epoch) that returns (x, labels)); the parameters are those of `train`."""
    classes = g.shapes[g.main][-1]
    if isinstance(images, data.Dataset):
        if labels is not None or pixels is not None:
            raise TypeError("a data set has its own labels and pixels: leave labels= and pixels= out")
        return len(images), _of_dataset(g, images, classes, rng)
    images = np.asarray(checks.unmasked(images, "images"))
    if labels is None:
        raise TypeError("labels are missing: pass one integer for each image, or a data set instead of both")
    labels = np.asarray(checks.unmasked(labels, "labels"))
    if images.shape[:1] != labels.shape[:1]:
        counts = (str(len(a)) if a.ndim else "a single number for" for a in (images, labels))
        raise ValueError("every image needs its label: {} images, {} labels".format(*counts))
    labels = check_labels(g, labels, len(images))
    if images.dtype not in arrays.FLOATS or pixels is not None:
        pixels = pixels or arrays.default_pixels(images)
        arrays.checked(images, pixels)
    if images.dtype == np.uint8:
        g.check_inputs({only_input(g): np.broadcast_to(np.float32(0), images.shape)})  # their shape
        return len(images), lambda indices, epoch: (pixels.to_input(images[indices]), labels[indices])
    g.check_inputs({only_input(g): images})
    return len(images), lambda indices, epoch: (images[indices], labels[indices])


def _of_dataset(g, dataset, classes, rng):
    takes = g.inputs[only_input(g)]
    if tuple(dataset.shape) != takes:
        raise ValueError(f"the network takes images of {takes}, the data set has {tuple(dataset.shape)}")
    if len(dataset.classes) != classes:
        raise ValueError(f"the network has {classes} outputs, but the data set has {len(dataset.classes)} classes")
    check_labels(g, dataset.labels, len(dataset))
    seed = int(rng.integers(2**31))  # of the augmentation

    def take(indices, epoch):
        for batch in data.batches(dataset, indices, len(indices), seed=seed, epoch=epoch):
            return batch.x, batch.labels
        return None, ()  # not one of these images can be used

    return take


def check_batches(g, count, batch_size, wires=None, frozen=()) -> None:
    """Raise a ValueError if the last batch of an epoch of `count` images gives a batch norm one value per channel."""
    last = count % batch_size or min(count, batch_size)
    if last > 1:
        return
    for name, _ in g.schedule(wires):
        layer, _ = g.nodes[name]
        if getattr(layer, "kind", "") == "BatchNorm2d" and math.prod(g.shapes[name][1:]) == 1 and name not in frozen:
            raise ValueError(
                f"node {name!r}: batch norm needs more than one value per channel to train, and {count} images in "
                f"batches of {batch_size} leave a batch of 1 image with 1 x 1 values. Try another batch_size."
            )


def check_run(graph, split, settings, out=None) -> None:
    """Raise unless a Trainer can train this graph on this data.Split, with these settings, in the folder `out`."""
    if not isinstance(settings, Settings):
        raise TypeError(f"settings must be training.Settings, got {type(settings).__name__}")
    train, test = split
    if not len(train):
        raise ValueError("there are no images to learn from")
    if settings.patience is not None and not len(test):
        raise ValueError("patience needs held-out images, and there are none")
    takes = graph.inputs[only_input(graph)]
    gives = graph.shapes[graph.main]
    if tuple(train.shape) != takes:
        raise ValueError(f"the network takes images of {takes}, the data have {tuple(train.shape)}")
    if gives != (len(train.classes),):
        raise ValueError(f"the network tells {gives[0]} classes apart, the data have {len(train.classes)}")
    if train.classes != test.classes or train.shape != test.shape:
        raise ValueError("what is learned from and what is held out must have the same classes and sizes")
    frozen = settings.frozen(graph)
    heads = tuple(settings.head_weights(graph, frozen))
    for part, wires in ((train, heads), (test, (graph.main,))):
        if len(part):
            check_labels(graph, part.labels, len(part), wires)
    check_batches(graph, len(train), settings.batch_size, heads, frozen)
    if out is not None and os.path.lexists(out) and not out.is_dir():
        raise FileExistsError(f"{out} is a file; results go into a folder")
