"""Detection: the classes and boxes of the objects in an image. Proposals, classified regions, and their evaluation."""

from minigooglenet.detection import figures, multibox
from minigooglenet.detection.annotations import Annotations
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
from minigooglenet.detection.coco import read_coco
from minigooglenet.detection.detections import Detections, Truths
from minigooglenet.detection.detector import Detector
from minigooglenet.detection.drawing import drawn
from minigooglenet.detection.errors import ErrorTypes, error_types
from minigooglenet.detection.folders import DetectionFolder, LazyImages, folder, parts
from minigooglenet.detection.grouping import MergeTree, merge_tree
from minigooglenet.detection.region_classifier import region_images, region_network
from minigooglenet.detection.region_training import RegionRecipe
from minigooglenet.detection.regions import crop, crops
from minigooglenet.detection.results import read_results, results_json, write_results
from minigooglenet.detection.scenes import DetectionScenes, shapes_detection
from minigooglenet.detection.selective_search import Proposals, selective_search
from minigooglenet.detection.superpixels import felzenszwalb, superpixels
from minigooglenet.detection.suppression import nms, nms_per_class
from minigooglenet.detection.voc import read_voc

__all__ = [
    "Annotations",
    "Curve",
    "DetectionFolder",
    "DetectionScenes",
    "Detections",
    "Detector",
    "ErrorTypes",
    "Evaluation",
    "LazyImages",
    "MergeTree",
    "Proposals",
    "RegionRecipe",
    "Truths",
    "area",
    "average_precision",
    "checked",
    "clipped",
    "crop",
    "crops",
    "drawn",
    "error_types",
    "evaluate",
    "felzenszwalb",
    "figures",
    "folder",
    "from_centre",
    "from_inclusive",
    "from_normalised",
    "iou",
    "merge_tree",
    "multibox",
    "nms",
    "nms_per_class",
    "parts",
    "read_coco",
    "read_results",
    "read_voc",
    "region_images",
    "region_network",
    "results_json",
    "selective_search",
    "shapes_detection",
    "superpixels",
    "to_centre",
    "to_inclusive",
    "to_normalised",
    "write_results",
]
