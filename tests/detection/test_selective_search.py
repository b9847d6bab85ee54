"""Selective Search: recall on fixed scenes, fewer proposals from larger superpixels, and OpenCV's overlap."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet.detection import iou, merge_tree, selective_search, shapes_detection, superpixels
from minigooglenet.detection.colour_spaces import converted


@pytest.fixture(scope="module")
def scenes():
    """Return [(image, boxes of its objects)] of 100 fixed scenes, without difficult objects."""
    drawn = shapes_detection(100, seed=0)
    return [(image, truths.boxes[~truths.difficult]) for image, truths in zip(drawn.images, drawn.truths, strict=True)]


@pytest.fixture(scope="module")
def found(scenes):
    return [selective_search(image).boxes for image, _ in scenes]


def best_overlaps(proposals, scenes):
    """Return the IoU of each object in the scenes with the best proposal."""
    return np.concatenate([iou(boxes, truth).max(axis=0) for boxes, (_, truth) in zip(proposals, scenes, strict=True)])


def test_recall_on_fixed_scenes_is_high(found, scenes):
    best = best_overlaps(found, scenes)
    assert len(best) > 250
    assert (best >= 0.5).mean() >= 0.98


def test_superpixels_twice_as_large_give_fewer_proposals(found, scenes):
    larger = [selective_search(image, scale=(50, 100)).boxes for image, _ in scenes[:30]]
    assert sum(map(len, larger)) < 0.6 * sum(map(len, found[:30]))
    assert (best_overlaps(larger, scenes[:30]) >= 0.5).mean() >= 0.95


def test_overlap_is_near_that_of_opencv(found, scenes):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "ximgproc"):
        pytest.skip("OpenCV without its contributed modules")
    module = cv2.ximgproc.segmentation

    def proposals(image):
        search, pixels = module.createSelectiveSearchSegmentation(), np.ascontiguousarray(image.transpose(1, 2, 0))
        search.setBaseImage(pixels)
        for space in (cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2Lab):
            search.addImage(cv2.cvtColor(pixels, space))
        for scale in (25, 50):
            search.addGraphSegmentation(module.createGraphSegmentation(0.8, scale, scale))
        names = ("Color", "Texture", "Size", "Fill")
        strategies = [getattr(module, f"createSelectiveSearchSegmentationStrategy{name}")() for name in names]
        search.addStrategy(module.createSelectiveSearchSegmentationStrategyMultiple(*strategies))
        x, y, width, height = search.process().T
        return np.stack([x, y, x + width, y + height], axis=1)

    others = [proposals(image) for image, _ in scenes]
    assert abs(best_overlaps(found, scenes).mean() - best_overlaps(others, scenes).mean()) < 0.03
    assert 0.8 < sum(map(len, found)) / sum(map(len, others)) < 1.25


@pytest.mark.usefixtures("own_threads")
def test_proposals_are_bit_identical_for_every_thread_count(found, scenes):
    images = [image for image, _ in scenes[:4]]
    for threads in (1, 2, 3):
        mg.set_num_threads(threads)
        with ThreadPoolExecutor(threads) as pool:
            for proposals, expected in zip(pool.map(selective_search, images), found, strict=False):
                assert proposals.boxes.tobytes() == expected.tobytes()


def test_proposals_are_the_distinct_boxes_of_all_groupings(scenes):
    image = scenes[0][0]
    boxes = []
    for space in ("hsv", "lab", "rgb"):
        values = converted(image, space)
        for scale in (20, 30.4):
            boxes.append(merge_tree(superpixels(values, scale, round(scale)), values).boxes)
    proposals = selective_search(image, (20, 30.4), ("hsv", "lab", "rgb"))
    expected = {tuple(box) for box in np.concatenate(boxes)}
    assert len(proposals) == len(proposals.boxes) == len(expected)
    assert {tuple(box) for box in proposals.boxes} == expected
    assert proposals.boxes.dtype == np.float64
    assert repr(proposals) == f"Proposals(boxes=float64 ({len(expected)}, 4))"


def test_proposals_begin_with_the_last_regions(scenes):
    image = scenes[1][0]
    tree = merge_tree(superpixels(image, 25, 25), image)
    proposals = selective_search(image, 25, "rgb").boxes
    assert proposals[0].tolist() == [0, 0, 96, 96]
    assert [*map(tuple, proposals)] == [*dict.fromkeys(map(tuple, tree.boxes[::-1]))]


def test_our_superpixels_give_the_same_proposals(found, scenes):
    for (image, _), expected in zip(scenes[:2], found, strict=False):
        assert np.array_equal(selective_search(image, method="ours").boxes, expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (30, 2), (20, 20)])
def test_image_of_one_colour_has_one_proposal(size):
    image = np.full((3, *size), 90, np.uint8)
    assert selective_search(image).boxes.tolist() == [[0, 0, size[1], size[0]]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scale": ()}, ValueError, r"needs a scale and a colour space, got \(\) and \('hsv', 'lab'\)"),
        ({"colour_spaces": []}, ValueError, r"got \(25, 50\) and \[\]"),
        ({"colour_spaces": ("hsv", "labs")}, ValueError, "unknown colour space 'labs'. Did you mean 'lab'?"),
        ({"scale": (25, -50)}, ValueError, "scale must be at least 1, got -50"),
        ({"scale": "25"}, TypeError, "scale must be a number, got '25'"),
        ({"method": "cv"}, ValueError, "unknown method 'cv'; choose from auto, skimage, ours"),
        ({"image": np.zeros((3, 0, 9), np.uint8)}, ValueError, r"at least one pixel, got shape \(3, 0, 9\)"),
        ({"image": np.zeros((9, 9, 3), np.uint8)}, ValueError, r"image\.transpose\(2, 0, 1\)"),
    ],
)
def test_search_with_wrong_arguments_raises(arguments, error, message):
    with pytest.raises(error, match=message):
        selective_search(**{"image": np.zeros((3, 9, 9), np.uint8), **arguments})
