"""The detector: from proposals to detections, with networks whose answers are known and with small real ones."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import data, models
from minigooglenet.detection import region_classifier, regions
from minigooglenet.detection.boxes import iou
from minigooglenet.detection.detector import Detector

CLASSES = ("red", "green")
PAD = 8


def colour_network(sharpness=20.0):
    """Return a region network that knows colours: the logit of a class is the mean of a channel; blue is background."""
    g = mg.Graph(image=(3, 16, 16))
    g.add("mean", mg.layers.GlobalAvgPool2d(), "image")
    g.add("fc", mg.layers.Linear(3, 3, rng=0), "mean")
    g.params["fc/weight"] = sharpness * np.eye(3, dtype=np.float32)
    g.params["fc/bias"] = np.zeros(3, np.float32)
    return g


def scene(*objects, size=64):
    """Return a blue image with rectangles, each (channel, x1, y1, x2, y2)."""
    image = np.zeros((3, size, size), np.uint8)
    image[2] = 255
    for channel, x1, y1, x2, y2 in objects:
        image[:, y1:y2, x1:x2] = 0
        image[channel, y1:y2, x1:x2] = 255
    return image


def windows(image):
    """Return sliding windows of two sizes; a function of this kind is a detector's third argument."""
    height, width = image.shape[1:]
    return np.array(
        [
            (x, y, x + side, y + side)
            for side in (16, 24)
            for y in range(0, height - side + 1, PAD)
            for x in range(0, width - side + 1, PAD)
        ],
        float,
    )


def test_detector_finds_the_objects_of_each_class():
    image = scene((0, 8, 8, 24, 24), (1, 40, 32, 56, 48))
    found = Detector(colour_network(), CLASSES, windows, least=0.9).detect(image)
    assert found.scores.tolist() == sorted(found.scores, reverse=True)
    for label, box in ((0, (8, 8, 24, 24)), (1, (40, 32, 56, 48))):
        best = found.boxes[found.labels == label][0]
        assert iou([best], [box])[0, 0] > 0.4
    assert (iou(found.boxes, [(8, 8, 24, 24), (40, 32, 56, 48)]).max(axis=1) > 0).all()


def test_suppression_is_per_class():
    boxes = [(0, 0, 20, 20), (0, 0, 20, 20.5), (1, 0, 21, 20)]
    detector = Detector(colour_network(), CLASSES, lambda image: boxes, overlap=0.5)
    confident = np.array([[0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.1, 0.7, 0.2]])
    found = detector.suppressed(np.array(boxes, float), confident)
    assert found.labels.tolist() == [1, 0]
    assert found.scores.tolist() == [0.7, 0.6]
    assert np.array_equal(found.boxes, np.array(boxes, float)[[2, 1]])


def test_background_is_never_detected():
    found = Detector(colour_network(), CLASSES, windows, least=0.01).detect(scene())
    assert not len(found.scores)


def test_detections_below_the_least_confidence_are_dropped():
    image = scene((0, 8, 8, 24, 24))
    many, few = (Detector(colour_network(3), CLASSES, windows, least=least).detect(image) for least in (0, 0.6))
    assert (few.scores >= 0.6).all()
    assert 0 < len(few.scores) < len(many.scores)


def test_distinct_regions_are_computed_once(monkeypatch):
    image, warped = scene((0, 8, 8, 24, 24)), []
    warp = regions.crops
    monkeypatch.setattr(regions, "crops", lambda image, boxes, side: warped.extend(boxes) or warp(image, boxes, side))
    once = Detector(colour_network(), CLASSES, windows).detect(image)
    count = len(warped)
    twice = Detector(colour_network(), CLASSES, lambda image: np.tile(windows(image), (2, 1))).detect(image)
    assert len(warped) == 2 * count == 2 * len(windows(image))
    assert all(np.array_equal(a, b) for a, b in zip(once, twice, strict=True))


def test_ensemble_averages_confidences_before_suppression():
    image, boxes = scene((0, 8, 8, 24, 24)), np.array([(8, 8, 24, 24), (0, 0, 30, 30)], float)
    sharp, soft = colour_network(9), colour_network(1)
    apart = [Detector(one, CLASSES, windows).confidences(image, boxes) for one in (sharp, soft)]
    together = Detector([sharp, soft], CLASSES, windows).confidences(image, boxes)
    assert np.allclose(together, np.mean(apart, axis=0), atol=1e-15)


def test_detections_are_the_same_for_every_number_of_threads(own_threads):
    network = models.mini_googlenet(3, width=0.25, depth=2, rng=0)
    detector = Detector(network, CLASSES, windows, least=0)
    results = []
    for threads in (1, 2, 3):
        mg.set_num_threads(threads)
        results.append(detector.detect(scene((1, 8, 8, 24, 24))))
    assert all(np.array_equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 5, 90)])
def test_image_without_proposals_has_no_detections(shape):
    found = Detector(colour_network(), CLASSES, lambda image: []).detect(np.zeros(shape, np.uint8))
    assert [len(part) for part in found] == [0, 0, 0]
    assert found.boxes.shape == (0, 4)


def test_grey_image_for_a_colour_network_raises():
    with pytest.raises(ValueError, match="image must have 3 channels, as the network's input, got 1"):
        Detector(colour_network(), CLASSES, windows).detect(np.zeros((1, 64, 64), np.uint8))


def test_proposal_outside_the_image_raises():
    detector = Detector(colour_network(), CLASSES, lambda image: [(0, 0, 8, 8), (60, 0, 70, 8)])
    with pytest.raises(ValueError, match=r"proposals\[1\] = \(60, 0, 70, 8\) extends past the image"):
        detector.detect(scene())


def test_network_without_a_background_raises():
    with pytest.raises(ValueError, match=r"for 3 classes must have 4 outputs, .* got 3"):
        Detector(colour_network(), ("red", "green", "blue"), windows)


def test_proposals_instead_of_a_function_raise():
    with pytest.raises(TypeError, match="propose must be a function from an image to its boxes, got list"):
        Detector(colour_network(), CLASSES, [(0, 0, 8, 8)])


def test_network_of_random_weights_gives_valid_detections():
    whole = models.mini_googlenet(2, width=0.25, depth=2, rng=0)
    network = region_classifier.region_network(whole, 2, rng=0)
    image = data.shapes(1, 64, seed=1).images[0]
    found = Detector(network, CLASSES, windows, least=0).detect(image).checked(classes=2, size=(64, 64))
    assert len(found.scores) > 2
