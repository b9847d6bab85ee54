"""What `train` feeds to a network: batches of arrays or of a data set, checked before anything changes."""

import numpy as np

from minigooglenet import checks, data
from minigooglenet.data import arrays
from minigooglenet.evaluation.held_out import check_labels, only_input


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
