"""The detector, R-CNN: proposals, a region network that classifies each, and non-maximum suppression per class.

Girshick et al. 2014, section 2. GoogLeNet's detector has the same structure, with Inception as the region network, an
ensemble of them, and without bounding-box regression (Szegedy et al. 2015, section 8).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigooglenet import checks, data
from minigooglenet.detection import regions
from minigooglenet.detection.detections import Detections
from minigooglenet.detection.region_classifier import Propose, confidences, proposals_of, region_classes
from minigooglenet.detection.suppression import nms_per_class
from minigooglenet.evaluation.prediction import planned
from minigooglenet.typing import FloatArray, UInt8Array

LEAST = 0.05  # confidence of a detection
OVERLAP = 0.3  # IoU of two detections of which one is suppressed, as in R-CNN


class Detector:
    """Detects objects in images.

    Parameters
    ----------
    networks : region network, a Graph or plan with the background as its last output, or several: an ensemble, whose
        confidences are averaged
    classes : names of the classes, without the background
    propose : function (image (C, H, W) uint8) -> boxes (M, 4), such as Selective Search
    pixels : Pixels, how a region becomes input
    least : smallest confidence of a detection
    overlap : largest IoU of two detections of a class (`suppression.nms_per_class`)

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> from minigooglenet import detection
    >>> network = mg.models.mini_googlenet(3, rng=0)
    >>> detector = detection.Detector(network, ("cat", "dog"), lambda image: [(0, 0, 20, 20), (5, 5, 40, 40)])
    >>> detector.detect(np.zeros((3, 40, 40), np.uint8)).boxes.shape[1]
    4
    """

    def __init__(
        self,
        networks: Any,
        classes: Sequence[str],
        propose: Propose,
        *,
        pixels: data.Pixels = data.UNIT,
        least: float = LEAST,
        overlap: float = OVERLAP,
    ) -> None:
        if not callable(propose):
            raise TypeError(f"propose must be a function from an image to its boxes, got {type(propose).__name__}")
        self.networks, self.classes = planned(networks), tuple(classes)
        self.propose, self.pixels = propose, pixels
        self.least = checks.number(least, "least", 0, 1)
        self.overlap = checks.number(overlap, "overlap", 0, 1)
        run = self.networks[0]
        (outputs,), self.side = run.shapes[run.outputs[0]], run.shapes[run.inputs[0]][1]
        if outputs != len(region_classes(self.classes)):
            raise ValueError(
                f"a region network for {len(self.classes)} classes must have {len(self.classes) + 1} outputs, because "
                f"the last one is the background, got {outputs}. Make it with region_network."
            )

    def detect(self, image: UInt8Array) -> Detections:
        """Return the Detections in one image, uint8 (C, H, W), best first. Each distinct region is computed once.

        Raises
        ------
        ValueError
            If a proposal is not a box in the image, with its index.
        """
        image = regions.checked_image(image, self.pixels.channels)
        boxes = self.proposals(image)
        return self.suppressed(boxes, self.confidences(image, boxes))

    def proposals(self, image: UInt8Array) -> FloatArray:
        """Return the distinct proposals (M, 4) for an image."""
        return proposals_of(self.propose, image)

    def confidences(self, image: UInt8Array, boxes: FloatArray) -> FloatArray:
        """Return the confidence of each class for each box, (M, classes + 1), the mean over the networks."""
        return confidences(self.networks, regions.crops(image, boxes, self.side), self.pixels)

    def suppressed(self, boxes: FloatArray, confidences: FloatArray) -> Detections:
        """Return the Detections that remain of boxes (M, 4) with confidences (M, classes + 1), best first."""
        rows, labels = np.nonzero(confidences[:, :-1] >= self.least)  # a box may be a detection of several classes
        candidates = Detections(boxes[rows], confidences[rows, labels], labels.astype(np.int64))
        return nms_per_class(candidates, self.overlap)
