"""Input data for `train` and a Trainer, checked before anything changes."""

import math
import os

import numpy as np

from minigooglenet import checks, data
from minigooglenet.data import arrays
from minigooglenet.evaluation.held_out import check_labels, only_input
from minigooglenet.training.settings import Settings


def feeding(g, images, labels, pixels, rng):
    """Return (M, function (indices, epoch) -> (x, labels)); the parameters are those of `train`."""
    classes = g.shapes[g.main][-1]
    if isinstance(images, data.Dataset):
        if labels is not None or pixels is not None:
            raise TypeError("a data set already has labels and pixels: do not pass labels= or pixels=")
        return len(images), _of_dataset(g, images, classes, rng)
    images = np.asarray(checks.unmasked(images, "images"))
    if labels is None:
        raise TypeError("labels are missing: pass one integer per image, or pass a data set instead of arrays")
    labels = np.asarray(checks.unmasked(labels, "labels"))
    if images.shape[:1] != labels.shape[:1]:
        counts = (str(len(a)) if a.ndim else "a single number for" for a in (images, labels))
        raise ValueError("every image needs one label, got {} images and {} labels".format(*counts))
    labels = check_labels(g, labels, len(images))
    if images.dtype not in arrays.FLOATS or pixels is not None:
        pixels = pixels or arrays.default_pixels(images)
        arrays.checked(images, pixels)
    if images.dtype == np.uint8:
        g.check_inputs({only_input(g): np.broadcast_to(np.float32(0), images.shape)})  # checks the shape
        return len(images), lambda indices, epoch: (pixels.to_input(images[indices]), labels[indices])
    g.check_inputs({only_input(g): images})
    return len(images), lambda indices, epoch: (images[indices], labels[indices])


def _of_dataset(g, dataset, classes, rng):
    expected = g.inputs[only_input(g)]
    if tuple(dataset.shape) != expected:
        raise ValueError(f"the network expects images of {expected}, but the data set has {tuple(dataset.shape)}")
    if len(dataset.classes) != classes:
        raise ValueError(f"the network has {classes} outputs, but the data set has {len(dataset.classes)} classes")
    check_labels(g, dataset.labels, len(dataset))
    seed = int(rng.integers(2**31))  # for the augmentation

    def take(indices, epoch):
        for batch in data.batches(dataset, indices, len(indices), seed=seed, epoch=epoch):
            return batch.x, batch.labels
        return None, ()  # none of these images can be used

    return take


def check_batches(g, count, batch_size, wires=None, frozen=(), shards=None) -> None:
    """Raise a ValueError if a batch norm has only one value per channel in the last batch of an epoch, or a shard."""
    last = count % batch_size or min(count, batch_size)
    least = last // (shards or 1)
    if least > 1:
        return
    text = f"a batch of {last} {'image' if last == 1 else 'images'}"
    if shards:
        text += f" in {shards} shards, and so a shard of 1 image"
    for name, _ in g.schedule(wires):
        layer, _ = g.nodes[name]
        if getattr(layer, "kind", "") == "BatchNorm2d" and math.prod(g.shapes[name][1:]) == 1 and name not in frozen:
            raise ValueError(
                f"node {name!r}: batch norm needs more than one value per channel to train, and {count} images in "
                f"batches of {batch_size} leave {text} with 1 x 1 values. Try another batch_size."
            )


def check_run(graph, split, settings, out=None) -> None:
    """Raise an error unless a Trainer can train this graph on this data.Split with these settings in `out`."""
    if not isinstance(settings, Settings):
        raise TypeError(f"settings must be training.Settings, got {type(settings).__name__}")
    train, test = split
    if not len(train):
        raise ValueError("the training set is empty")
    if settings.patience is not None and not len(test):
        raise ValueError("patience needs held-out images, but the held-out set is empty")
    expected = graph.inputs[only_input(graph)]
    outputs = graph.shapes[graph.main]
    if tuple(train.shape) != expected:
        raise ValueError(f"the network expects images of {expected}, but the data set has {tuple(train.shape)}")
    if outputs != (len(train.classes),):
        raise ValueError(f"the network has {outputs[0]} outputs, but the data set has {len(train.classes)} classes")
    if train.classes != test.classes or train.shape != test.shape:
        raise ValueError("the training set and the held-out set must have the same classes and image sizes")
    frozen = settings.frozen(graph)
    heads = tuple(settings.head_weights(graph, frozen))
    for part, wires in ((train, heads), (test, (graph.main,))):
        if len(part):
            check_labels(graph, part.labels, len(part), wires)
    check_batches(graph, len(train), settings.batch_size, heads, frozen, settings.shards)
    if out is not None and os.path.lexists(out) and not out.is_dir():
        raise FileExistsError(f"out must be a folder, but {out} is a file")
