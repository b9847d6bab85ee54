"""Detection: which objects are in an image, and where. Boxes, proposals, classified regions, and their evaluation."""

from minigooglenet.detection import multibox
from minigooglenet.detection.average_precision import Curve, Evaluation, average_precision, evaluate
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
from minigooglenet.detection.errors import ErrorTypes, error_types
from minigooglenet.detection.suppression import average_of, nms, nms_per_class

__all__ = [
    "Curve",
    "Detections",
    "ErrorTypes",
    "Evaluation",
    "Truths",
    "area",
    "average_of",
    "average_precision",
    "checked",
    "clipped",
    "error_types",
    "evaluate",
    "from_centre",
    "from_inclusive",
    "from_normalised",
    "iou",
    "multibox",
    "nms",
    "nms_per_class",
    "to_centre",
    "to_inclusive",
    "to_normalised",
]
