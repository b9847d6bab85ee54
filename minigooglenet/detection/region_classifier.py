"""The region classifier: an Inception network with a class more, the background, and the regions that train it.

R-CNN (Girshick et al. 2014, section 2.3) starts from a network that was trained on whole images and replaces its
classifier by a new one for the classes and the background. A region is positive for the object that it overlaps most,
if their IoU is at least 0.5; all others are background. There are far more of those, so each image contributes a fixed
number of both: R-CNN has 32 positives in a batch of 128. Here they are half, because a small network learns its classes
from the positives. Random background is soon too easy: hard negatives are those that a network takes for objects.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigooglenet import checks, data, models
from minigooglenet.data.transforms import mirror
from minigooglenet.detection import boxes as geometry
from minigooglenet.detection import regions
from minigooglenet.detection.detections import Truths
from minigooglenet.evaluation.prediction import planned, probabilities
from minigooglenet.graph import Graph
from minigooglenet.shapes import integer
from minigooglenet.typing import ArrayLike, FloatArray, IntArray, Rng, UInt8Array

Propose = Callable[[UInt8Array], ArrayLike]

BACKGROUND = "background"
POSITIVE = 0.5  # least IoU with an object
NEAR = 0.1  # least IoU of a negative that shows part of an object (Girshick 2015, section 2.3)
POSITIVES, NEGATIVES = 24, 24  # of an image, at most
BATCH = 64  # regions per forward pass
IGNORED = -1  # label of a region on a difficult object


def region_network(graph: Graph, num_classes: int, *, rng: Rng = None) -> Graph:
    """Return a network for regions: the parameters of a trained network, and a new classifier with the background last.

    Parameters
    ----------
    graph : network for whole images of single objects, from a function of `models`, such as a `mini_googlenet`. Its He
        initialisation matters: with small Gaussian weights, deep networks learn almost nothing
    num_classes : K, number of classes without the background
    rng : Generator, int or None for the new classifier

    Returns
    -------
    Graph with K + 1 outputs

    Examples
    --------
    >>> import minigooglenet as mg
    >>> from minigooglenet.detection import region_classifier
    >>> whole = mg.models.mini_googlenet(10, rng=0)
    >>> region_classifier.region_network(whole, 10, rng=0).shapes["loss3/classifier"]
    (11,)
    """
    return models.with_classes(graph, integer(num_classes, "num_classes", 1) + 1, rng=rng)[0]


def region_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the classes of a region network: those of the objects, then the background.

    Examples
    --------
    >>> from minigooglenet.detection import region_classifier
    >>> region_classifier.region_classes(("cat", "dog"))
    ('cat', 'dog', 'background')
    """
    if BACKGROUND in classes:
        raise ValueError(f"{BACKGROUND!r} must not be a class of objects, because regions without an object have it")
    return (*classes, BACKGROUND)


def region_labels(boxes: FloatArray, truths: Truths, background: int) -> IntArray:
    """Return the label of each region (M,): that of its object, `background`, or -1 to ignore it.

    A region belongs to the object that it overlaps most, if their IoU is at least 0.5. If that object is difficult, the
    region is ignored: it is neither a good example nor background.

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import Truths, region_classifier
    >>> truths = Truths(np.array([[0.0, 0, 8, 8]]), np.array([2]), np.array([False]))
    >>> boxes = np.array([[0.0, 0, 8, 8], [0, 0, 8, 4], [4, 4, 12, 12]])
    >>> region_classifier.region_labels(boxes, truths, background=10).tolist()
    [2, 2, 10]
    """
    overlaps = geometry.iou(boxes, truths.boxes)
    labels = np.full(len(overlaps), background, np.int64)
    if overlaps.size:
        nearest = overlaps.argmax(axis=1)
        (rows,) = np.nonzero(overlaps.max(axis=1) >= POSITIVE)
        labels[rows] = np.where(truths.difficult[nearest[rows]], IGNORED, truths.labels[nearest[rows]])
    return labels


def sample_regions(
    boxes: FloatArray,
    truths: Truths,
    background: int,
    *,
    confidences: FloatArray | None = None,
    positives: int = POSITIVES,
    negatives: int = NEGATIVES,
    rng: Rng = None,
) -> tuple[IntArray, IntArray]:
    """Return (indices of the regions of one image that train the classifier, their labels).

    Half of the negatives are near objects, with an IoU of at least 0.1, if there are so many. With `confidences`, half
    are instead the hardest: those with the largest confidence for a class of objects. All others are random.

    Parameters
    ----------
    boxes : (M, 4) regions of the image; add the boxes of its objects to the proposals, because they are positives too
    truths : Truths of the image
    background : label of the background, the number of other classes
    confidences : (M, background + 1), from an earlier network for hard negatives
    positives, negatives : largest number of each
    rng : Generator, int or None

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet.detection import Truths, region_classifier
    >>> truths = Truths(np.array([[0.0, 0, 8, 8]]), np.array([2]), np.array([False]))
    >>> boxes = np.array([[0.0, 0, 8, 8], [0, 0, 8, 4], [4, 4, 12, 12], [8, 8, 9, 9]])
    >>> indices, labels = region_classifier.sample_regions(boxes, truths, 10, positives=1, negatives=3, rng=0)
    >>> labels.tolist()
    [2, 10, 10]
    """
    rng = np.random.default_rng(rng)
    labels = region_labels(boxes, truths, background)
    (objects,) = np.nonzero((labels != background) & (labels != IGNORED))
    (others,) = np.nonzero(labels == background)
    if confidences is None:
        near = geometry.iou(boxes[others], truths.boxes).max(axis=1, initial=0) >= NEAR
        first = rng.permutation(others[near])[: negatives // 2]
    else:
        hardness = checks.has_shape(confidences, "confidences", (len(boxes), background + 1))[others, :background]
        first = others[np.argsort(-hardness.max(axis=1), kind="stable")][: negatives // 2]
    rest = rng.permutation(np.setdiff1d(others, first))[: negatives - len(first)]
    chosen = np.concatenate([np.sort(rng.permutation(objects)[:positives]), np.sort(first), np.sort(rest)])
    return chosen, labels[chosen]


def region_images(
    images: Sequence[UInt8Array] | UInt8Array,
    truths: Sequence[Truths],
    propose: Propose,
    classes: Sequence[str],
    side: int,
    *,
    pixels: data.Pixels = data.UNIT,
    networks: Any = None,
    seed: int = 0,
    on_image: Callable[[int], object] | None = None,
) -> data.Images:
    """Return the regions of many images as a data set, for a `training.Trainer`. Each region is warped only once.

    In training, regions are mirrored at random. An image that cannot be read is left out; `skipped` has the reason.

    Parameters
    ----------
    images : N uint8 (C, H, W) of any sizes, read one at a time
    truths : Truths of each image
    propose : function (image) -> boxes (M, 4)
    classes : names of the classes, without the background
    side : height and width of the network's input
    pixels : Pixels, how a region becomes input
    networks : Graph, or several, that find hard negatives; None for random negatives
    seed : seed of the sampling; image i depends only on the seed and i
    on_image : called with the number of images done

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> image, box = np.zeros((3, 40, 40), np.uint8), np.array([[0.0, 0, 20, 20]])
    >>> truths = detection.Truths(box, np.array([1]), np.array([False]))
    >>> detection.region_classifier.region_images([image], [truths], lambda image: box + 15, ("cat", "dog"), 32)
    Images(2 images, 3 classes, 3x32x32)
    """
    names, seed = region_classes(classes), integer(seed, "seed", 0)
    networks = None if networks is None else planned(networks)
    warped, labels, skipped = list[UInt8Array](), list[IntArray](), dict[str, str]()
    for index, truth in enumerate(truths):
        try:
            image = images[index]
        except data.BadImageError as error:
            skipped[f"image {index}"] = str(error)
            continue
        candidates = unique(np.concatenate([truth.boxes[~truth.difficult], proposals_of(propose, image)]))
        confidence = crops = None
        if networks is not None:
            crops = regions.crops(image, candidates, side)
            confidence = confidences(networks, crops, pixels)
        chosen, label = sample_regions(
            candidates, truth, len(classes), confidences=confidence, rng=np.random.default_rng([seed, index])
        )
        warped.append(regions.crops(image, candidates[chosen], side) if crops is None else crops[chosen])
        labels.append(label)
        if on_image:
            on_image(index + 1)
    if not sum(map(len, labels)):
        reason = next(iter(skipped.values()), "they have no objects and no proposals")
        raise ValueError(f"{len(truths)} images contain no regions to train on: {reason}")
    result = data.Images(np.concatenate(warped), np.concatenate(labels), names, pixels, mirror)
    result.skipped.update(skipped)
    return result


def proposals_of(propose: Propose, image: UInt8Array) -> FloatArray:
    """Return the distinct proposals (M, 4) for an image, after checking that they are boxes in it."""
    return unique(geometry.checked(propose(image), image.shape[1:], "proposals"))


def unique(boxes: FloatArray) -> FloatArray:
    """Return the distinct boxes (M, 4), in their order, so that no region is computed twice."""
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)]


def confidences(networks: Any, warped: UInt8Array, pixels: data.Pixels) -> FloatArray:
    """Return the confidence of each class for each region, the mean over the networks.

    Parameters
    ----------
    networks : Graph or plan, or several of them (an ensemble)
    warped : uint8 (M, C, side, side), from `regions.crops`
    pixels : Pixels, how a region becomes input

    Returns
    -------
    (M, classes) float64; each row has the sum 1
    """
    if not len(warped):
        run = planned(networks)[0]
        return np.zeros((0, *run.shapes[run.outputs[0]]))
    return probabilities(networks, warped, pixels, crops=0, batch_size=BATCH)
