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
from minigooglenet.detection.grouping import MergeTree, merge_tree
from minigooglenet.detection.scenes import DetectionScenes, shapes_detection
from minigooglenet.detection.selective_search import Proposals, selective_search
from minigooglenet.detection.superpixels import felzenszwalb, superpixels

__all__ = [
    "DetectionScenes",
    "Detections",
    "MergeTree",
    "Proposals",
    "Truths",
    "area",
    "checked",
    "clipped",
    "felzenszwalb",
    "from_centre",
    "from_inclusive",
    "from_normalised",
    "iou",
    "merge_tree",
    "selective_search",
    "shapes_detection",
    "superpixels",
    "to_centre",
    "to_inclusive",
    "to_normalised",
]
