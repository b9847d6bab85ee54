"""Helpers of lesson 15: drawn scenes, proposals and their coverage, and a region network that trains in seconds."""

from dataclasses import replace

import numpy as np

from minigooglenet import data, detection, layers, training
from minigooglenet.detection import multibox, region_classifier
from minigooglenet.detection.coverage import coverage  # noqa: F401 (the lesson calls scenes.coverage)
from minigooglenet.detection.detector import OVERLAP, Detector
from minigooglenet.detection.multibox.training import SETTINGS
from minigooglenet.graph import Graph
from minigooglenet.lessons.lesson_12_transfer.regions import features, trained_backbone

SIZE, OBJECTS = 64, 3  # height and width of a scene, and the most objects in it
SIDE = 32  # of a region, the input of the backbone
SCALES = (25, 50)  # of superpixels at x1
HEAD = "loss3/classifier"


def drawn(count, part="train"):
    """Return scenes of up to three objects."""
    return detection.shapes_detection(count, SIZE, OBJECTS, part=part)


def selective_search(image, factor=1.0):
    """Return the proposals of an image (M, 4), from superpixels that are `factor` times as large as at x1."""
    return detection.selective_search(image, [factor * scale for scale in SCALES]).boxes


def region_network(scenes, propose, epochs=30, on_image=None):
    """Return a network for regions: lesson 12's backbone, frozen, and a new head that is fitted to regions of scenes.

    propose : function (image) -> boxes (M, 4);  on_image : called with the number of images done
    """
    network = region_classifier.region_network(trained_backbone(), len(scenes.classes), rng=0)
    regions = region_classifier.region_images(
        scenes.images, scenes.truths, propose, scenes.classes, SIDE, on_image=on_image
    )
    x = features(network, data.UNIT.to_input(regions.images))
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-3
    head = Graph(x=x.shape[1:])
    head.add("head", layers.Linear(x.shape[1], len(scenes.classes) + 1, rng=0), "x")
    scaled = ((x - mean) / std).astype(np.float32)
    training.train(head, scaled, regions.labels, epochs=epochs, lr=0.05, weight_decay=5e-3, rng=0)
    weight = head.params["head/weight"] / std  # the network gets features that are not normalised
    network.params[f"{HEAD}/weight"][...] = weight
    network.params[f"{HEAD}/bias"][...] = head.params["head/bias"] - weight @ mean
    return network


def scores(network, classes, image, boxes):
    """Return the largest confidence of each box (M, 4) of an image among the classes, without the background (M,)."""
    return Detector(network, classes, lambda image: boxes).confidences(image, boxes)[:, :-1].max(axis=1)


def in_turn(first, second):
    """Return the boxes of two lists (M, 4) and (K, 4) in turn; the rest of the longer list is last."""
    places = np.concatenate([np.arange(len(first)), np.arange(len(second))])
    return np.concatenate([first, second])[np.argsort(places, kind="stable")]


def detected(network, scenes, proposals, overlap=OVERLAP):
    """Return the Detections in each scene: its proposals (M, 4), classified and suppressed per class.

    overlap : largest IoU of two detections of a class; 1 suppresses nothing
    """
    result = []
    for image, boxes in zip(scenes.images, proposals, strict=True):
        detector = Detector(network, scenes.classes, lambda image, boxes=boxes: boxes, overlap=overlap)
        result.append(detector.detect(image))
    return result


def trained_multibox(scenes, epochs, on_step=None):
    """Return a small MultiBox that was trained on the boxes of scenes; `on_step` is called with each step."""
    size, boxes = scenes.images.shape[2:], [true.boxes for true in scenes.truths]
    proposer = multibox.multibox_network(
        detection.to_normalised(np.concatenate(boxes), size), size[0], width=0.5, rng=0
    )
    settings = replace(SETTINGS, epochs=epochs, batch_size=16)
    multibox.MultiBoxTrainer(proposer, scenes.images, boxes, settings).run(on_step)
    return proposer
