"""Detection: which objects are in an image, and where. Boxes, proposals, classified regions, and their evaluation."""

from minigooglenet.detection.boxes import (
    area,
    checked,
    clipped,
    from_centre,
    from_inclusive,
    from_normalised,
    iou,
    to_centre,
    to_inclusive,
    to_normalised,
)
from minigooglenet.detection.detections import Detections, Truths
from minigooglenet.detection.scenes import DetectionScenes, shapes_detection

__all__ = [
    "DetectionScenes",
    "Detections",
    "Truths",
    "area",
    "checked",
    "clipped",
    "from_centre",
    "from_inclusive",
    "from_normalised",
    "iou",
    "shapes_detection",
    "to_centre",
    "to_inclusive",
    "to_normalised",
]
