"""The figures of detection agree with their text, and without data they are a sentence."""

import numpy as np
import pytest

from minigooglenet import detection
from minigooglenet.detection import Curve, Detections, Truths, figures
from minigooglenet.figures import DPI, LEAST_SHRUNK, MOST_ALT

PHONE = 344  # pixels that a notebook leaves for a figure on a phone of 390 pixels
IMAGE = np.zeros((3, 4, 6), np.uint8)
LABELS = np.array([[0, 0, 1, 1, 2, 2]] * 4)
NOTHING, NO_OBJECTS = Detections([], [], []), Truths([], [], [])
# The golden case: five detections of four objects, the third of which is small.
OBJECTS = Truths([(0, 0, 40, 40), (10, 0, 50, 40), (100, 100, 110, 110), (200, 200, 240, 240)], [0] * 4, [False] * 4)
FOUND = Detections(
    [(0, 0, 40, 40), (4, 0, 44, 40), (104, 100, 114, 110), (200, 200, 240, 240), (300, 300, 340, 340)],
    [0.9, 0.8, 0.7, 0.6, 0.5],
    [0] * 5,
)


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_visible() and axis.get_title()]


def legend(figure):
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def boxes(axis):
    return [patch.get_bbox().extents.tolist() for patch in axis.patches]


def segments(axis):
    """Return the borders that are drawn on an axis as {(x1, y1, x2, y2)}."""
    return {tuple(line.ravel().tolist()) for line in axis.collections[0].get_segments()}


def test_superpixel_borders_are_between_different_labels():
    figure, text = figures.superpixels(IMAGE, {"x1": LABELS, "x2": LABELS // 2})
    assert titles(figure) == ["x1: 3 superpixels", "x2: 2 superpixels"]
    left, right = (segments(axis) for axis in figure.axes)
    assert left == {(x, y, x, y + 1) for x in (2, 4) for y in range(4)}
    assert right == {(4, y, 4, y + 1) for y in range(4)}
    assert text.splitlines()[2] == "x2: 2 superpixels of 8 to 16 pixels, median 12, 0.67 times as many as x1"


def test_horizontal_borders_are_drawn():
    figure, _ = figures.superpixels(IMAGE[:1], {"halves": np.repeat([[0], [1]], 2, axis=0).repeat(6, axis=1)})
    assert segments(figure.axes[0]) == {(x, 2, x + 1, 2) for x in range(6)}


@pytest.mark.parametrize("labels", [LABELS.T, LABELS / 2])
def test_labels_of_another_image_are_an_error(labels):
    with pytest.raises(ValueError, match=r"x1 must be integers of shape \(4, 6\), as the image, got"):
        figures.superpixels(IMAGE, {"x1": labels})


def test_merge_frames_have_mean_colours_and_the_last_box():
    image = IMAGE.copy()
    image[0, :, 2:4], image[:, :, 4:] = 50, 250
    tree = detection.merge_tree(LABELS, image)
    figure, text = figures.merge_tree(image, LABELS, tree, frames=3)
    assert titles(figure) == ["3 regions", "2 regions", "1 region"]
    assert [boxes(axis) for axis in figure.axes] == [[], [[0, 0, 4, 4]], [[0, 0, 6, 4]]]
    middle = np.asarray(figure.axes[1].images[0].get_array())
    assert middle[0, :, 0].tolist() == [25] * 4 + [250] * 2
    assert "2 regions: the largest has 67% of the pixels, last merge (0, 0, 4, 4)" in text
    assert legend(figure) == ["box of the last merge"]


def test_merge_strip_has_at_most_so_many_frames():
    labels = np.arange(24).reshape(4, 6)
    image = np.random.default_rng(0).integers(0, 255, (3, 4, 6), np.uint8)
    figure, text = figures.merge_tree(image, labels, detection.merge_tree(labels, image), frames=4)
    assert titles(figure) == ["24 regions", "8 regions", "3 regions", "1 region"]
    assert text.startswith("merge tree of 24 superpixels: 23 merges, 47 boxes")


def test_merge_tree_of_one_superpixel_is_one_frame():
    labels = np.zeros((4, 6), int)
    figure, text = figures.merge_tree(IMAGE, labels, detection.merge_tree(labels, IMAGE))
    assert titles(figure) == ["1 region"]
    assert text.splitlines()[0] == "merge tree of 1 superpixel: 0 merges, 1 box"


def test_recall_line_ends_at_the_mean_number_of_proposals():
    truths = [Truths([(0, 0, 8, 8), (10, 10, 14, 14)], [0, 1], [False] * 2), Truths([(0, 0, 4, 4)], [0], [False])]
    many = [[(0, 0, 16, 16), (0, 0, 8, 6), (10, 10, 14, 13)], [(0, 0, 4, 4)]]
    figure, text = figures.recall({"many": many, "none": [[], []]}, truths)
    axis = figure.axes[0]
    assert axis.get_xlabel() == "proposals per image"
    assert axis.get_ylabel() == "recall at IoU 0.5"
    assert axis.lines[0].get_xdata().tolist() == [1, 1.5, 2]
    assert axis.lines[0].get_ydata() == pytest.approx([1 / 3, 2 / 3, 1])
    assert text.splitlines()[2].split() == ["many", "2.0", "1.000", "0.333", "1.000"]
    assert text.splitlines()[3].split() == ["none", "0.0", "0.000", "0.000", "0.000"]
    assert "many: 2.0 per image, recall 1.000; none: 0.0 per image, recall 0.000" in figure.alt_text


def test_recall_legend_has_the_numbers_of_the_text():
    truths = [Truths([(0, 0, 8, 8)], [0], [False])] * 2
    figure, text = figures.recall({"x1": [[(0, 0, 8, 6)] * 58, [(0, 0, 8, 8)] * 59]}, truths)
    (label,) = figure.axes[0].get_legend().get_texts()
    assert label.get_text() == "x1: 58.5 per image, recall 1.000"
    assert text.splitlines()[2].split()[:3] == ["x1", "58.5", "1.000"]


def test_recall_legend_shows_the_markers_of_the_ends():
    axis = figures.recall({"a": [[(0, 0, 8, 6)] * 3], "b": [[(0, 0, 8, 6)] * 4]}, [OBJECTS])[0].axes[0]
    markers = [handle.get_marker() for handle in axis.get_legend().legend_handles]
    assert markers == [line.get_marker() for line in axis.lines] == ["o", "s"]
    assert [line.get_xdata()[line.get_markevery()].tolist() for line in axis.lines] == [[3], [4]]


def test_recall_ignores_difficult_objects():
    truths = [Truths([(0, 0, 8, 8), (10, 10, 14, 14)], [0, 1], [False, True])]
    assert "of 1 object in 1 image" in figures.recall({"x1": [[(0, 0, 8, 8)]]}, truths)[1]


def test_recall_of_empty_proposals_is_zero():
    figure, text = figures.recall({"none": [[]]}, [OBJECTS])
    assert figure._repr_png_()[0].startswith(b"\x89PNG")
    assert text.splitlines()[-1].split() == ["none", "0.0", "0.000"]


def test_proposals_for_other_images_are_an_error():
    with pytest.raises(ValueError, match="proposals 'x1' are for 2 images and truths for 1"):
        figures.recall({"x1": [[], []]}, [OBJECTS])


def test_suppression_panels_show_proposals_scores_and_detections():
    proposals, scores = [(0, 0, 4, 4), (0, 0, 4, 3), (1, 1, 6, 4)], [0.9, 0.7, 0.2]
    kept = Detections(proposals[:1], scores[:1], [1])
    figure, text = figures.suppression(IMAGE, proposals, scores, kept, ["cat", "dog"])
    assert titles(figure) == ["3 proposals", "their scores:\n2 of at least 0.5", "1 detection:\n1 of at least 0.5"]
    first, second, third = figure.axes[:3]
    assert boxes(first) == [list(box) for box in proposals]
    assert boxes(second) == [list(box) for box in proposals[::-1]]  # the best on top
    assert boxes(third) == [[0, 0, 4, 4]]
    assert third.get_xlabel() == "1 dog 0.90"
    assert text.splitlines()[1] == "dog 0.90 at (0, 0, 4, 4)"


def test_suppression_lists_few_names_below_the_panel():
    rows = [(i, 0, i + 2, 4) for i in range(4)] * 5
    figure, text = figures.suppression(IMAGE, rows, [0.5] * 20, Detections(rows, [0.5] * 20, [0] * 20), ["cat"])
    assert figure.axes[2].get_xlabel().splitlines()[-2:] == ["8 cat 0.50", "12 more are not drawn"]
    assert len(figure.axes[2].patches) == 8
    assert len(text.splitlines()) == 21


def test_suppression_draws_the_best_detections_only():
    rows, scores = [(i, 0, i + 1, 4) for i in range(6)] * 2, np.arange(1, 13) / 20
    figure, text = figures.suppression(IMAGE, rows, scores, Detections(rows, scores, [0] * 12), ["cat"])
    assert figure.axes[2].get_title() == "12 detections:\n3 of at least 0.5"
    assert boxes(figure.axes[2]) == [list(box) for box in rows[-8:]]  # the best on top
    assert figure.axes[2].get_xlabel().startswith("1 cat 0.60\n2 cat 0.55")
    assert [line.split()[1] for line in text.splitlines()[1:]] == [f"{score:.2f}" for score in scores[::-1]]


def test_numbers_of_detections_do_not_hide_each_other():
    rows = [(0, 0, 4, 4), (0, 0, 4, 4), (0, 0, 6, 4), (0, 0, 4, 3)]
    kept = Detections(rows, [0.9, 0.8, 0.7, 0.6], [0, 1, 0, 0])
    figure, _ = figures.suppression(IMAGE, rows, kept.scores, kept, ["cat", "dog"])
    labels = {text.get_text(): text.get_position() for text in figure.axes[2].texts}
    assert list(labels) == ["1, 2", "3", "4"]
    assert len(set(labels.values())) == 3


def test_suppression_without_proposals_has_empty_panels():
    figure, text = figures.suppression(IMAGE, [], [], NOTHING, ["cat"])
    assert titles(figure) == ["0 proposals", "their scores:\n0 of at least 0.5", "0 detections:\n0 of at least 0.5"]
    assert "0 proposals, scores: 0 of at least 0.5; 0 detections, scores: 0 of at least 0.5" in text


def test_envelopes_of_the_three_rules_have_their_areas():
    rules = {
        rule: detection.evaluate([FOUND], [OBJECTS], ["thing"], rule).curves[0] for rule in ("voc", "coco", "ilsvrc")
    }
    figure, text = figures.precision_recall(rules)
    assert titles(figure) == ["voc: AP 0.3750", "coco: AP 0.6875", "ilsvrc: AP 1.0000"]
    assert figure.axes[0].get_ylabel() == "precision"
    assert [axis.get_xlabel() for axis in figure.axes] == ["recall"] * 3
    for axis, area in zip(figure.axes, (0.375, 0.6875, 1), strict=True):
        xs, ys = axis.lines[0].get_data()
        assert np.diff(xs) @ ys[1:] == pytest.approx(area)
    assert "voc: 4 objects, 5 detections, 2 hits; AP 0.3750 (all points), 0.4091 (11 points)" in text
    assert "best first, + a hit, - a false positive: + + - + -" in text
    assert "envelope at recall 0, 0.1, ..., 1: 1.00 1.00 1.00 1.00 1.00 1.00 0.75 0.75 0.00 0.00 0.00" in text


def test_envelope_is_the_best_precision_of_larger_recalls():
    curve = Curve(np.array([0.9, 0.8, 0.7]), np.array([False, True, True]), objects=4)
    figure, _ = figures.precision_recall({"cat": curve})
    envelope = figure.axes[0].lines[0]
    assert envelope.get_ydata().tolist() == [2 / 3] * 4 + [0, 0]
    assert envelope.get_xdata().tolist() == [0, 0, 0.25, 0.5, 0.5, 1]
    assert envelope.get_drawstyle() == "steps-pre"


def test_false_positives_are_hollow():
    curve = Curve(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), objects=4)
    figure, _ = figures.precision_recall({"cat": curve})
    hits, wrong = figure.axes[0].lines[2:]
    assert (len(hits.get_xdata()), hits.get_markerfacecolor()) == (2, "black")
    assert (len(wrong.get_xdata()), wrong.get_markerfacecolor()) == (1, "white")
    assert legend(figure) == ["envelope", "precision", "hit", "false positive"]


def test_class_without_detections_has_average_precision_zero():
    figure, text = figures.precision_recall({"cat": Curve(np.zeros(0), np.zeros(0, bool), objects=2)})
    assert titles(figure) == ["cat: AP 0.0000"]
    assert "cat: 2 objects, 0 detections, 0 hits; AP 0.0000" in text


def test_many_detections_are_drawn_as_a_line():
    hits = np.arange(1000) % 2 == 0
    figure, text = figures.precision_recall({"cat": Curve(np.linspace(1, 0, 1000), hits, objects=1000)})
    assert len(figure.axes[0].lines) == 2
    assert "best first" not in text


def test_class_without_objects_is_listed():
    curve = Curve(np.array([0.9]), np.array([False]), objects=0)
    hit = Curve(np.array([0.9]), np.array([True]), objects=1)
    figure, text = figures.precision_recall({"cat": hit, "dog": curve})
    assert titles(figure) == ["cat: AP 1.0000"]
    assert text.splitlines()[-1] == "dog: AP is undefined without objects"
    assert figures.precision_recall({"dog": curve})[1] == "dog: AP is undefined without objects"


def test_error_bars_have_the_counts():
    truths = Truths([(0, 0, 10, 10), (50, 50, 60, 60), (80, 80, 90, 90)], [0, 1, 0], [False, False, True])
    found = Detections(
        [(0, 0, 10, 9), (0, 0, 10, 10), (0, 0, 4, 10), (80, 80, 90, 90)], [0.9, 0.8, 0.7, 0.6], [0, 0, 1, 0]
    )
    figure, text = figures.error_types(detection.error_types([found], [truths]))
    axis = figure.axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0, 0, 1, 1, 0, 1]
    assert [bool(bar.get_hatch()) for bar in axis.patches] == [False] * 5 + [True]
    assert [label.get_text().split("\n")[0] for label in axis.get_yticklabels()] == list(detection.errors.TYPES)
    assert axis.get_xlabel() == "number"
    assert text.startswith("4 detections: 1 hit, 1 of difficult objects, 2 wrong; 1 missed object\n")
    assert figure.get_suptitle() == text.splitlines()[0]


def failed(**changes):
    """Return the figure and text of the failures of one image, 32 x 32, of cats (0) and dogs (1)."""
    given = {"truths": Truths([(0, 0, 10, 10), (0, 0, 10, 12)], [0, 1], [False, False]), "count": 9} | changes
    images = [np.zeros((1, 32, 32), np.uint8)]
    return figures.failures(images, [given["found"]], [given["truths"]], ["cat", "dog"], given["count"])


def test_location_error_is_shown_with_the_object_of_its_class():
    figure, text = failed(found=Detections([(0, 0, 10, 4)], [0.9], [1]))
    assert text.splitlines()[1] == (
        "image 0, location: predicted dog 0.90 at (0, 0, 10, 4); object: dog at (0, 0, 10, 12), IoU 0.33"
    )
    assert titles(figure)[0] == "image 0: location\npredicted dog 0.90\nobject: dog, IoU 0.33"
    assert boxes(figure.axes[0]) == [[0, 0, 10, 12], [0, 0, 10, 4]]


def test_class_error_ignores_difficult_objects():
    truths = Truths([(0, 0, 10, 10), (0, 0, 10, 9)], [0, 0], [True, False])
    _, text = failed(found=Detections([(0, 0, 10, 10)], [0.9], [1]), truths=truths)
    assert "class: predicted dog 0.90 at (0, 0, 10, 10); object: cat at (0, 0, 10, 9), IoU 0.90" in text


def test_missed_object_has_no_prediction():
    _, text = failed(found=NOTHING)
    assert text.splitlines()[:2] == [
        "2 of 2 failures",
        "image 0, missed: nothing predicted; object: cat at (0, 0, 10, 10)",
    ]


def test_gallery_begins_with_the_most_confident_of_each_type():
    rows = [(20, 20, 24, 24), (20, 26, 24, 30), (0, 0, 10, 4)]
    figure, text = failed(found=Detections(rows, [0.3, 0.8, 0.5], [0, 0, 0]), count=3)
    assert [line.split()[2] for line in text.splitlines()[1:]] == ["location:", "background:", "missed:"]
    assert "predicted cat 0.80" in text
    assert text.startswith("3 of 4 failures")
    assert len(titles(figure)) == 3


def test_gallery_crop_stays_inside_the_image_and_contains_the_boxes():
    figure, _ = failed(found=Detections([(0, 0, 10, 4), (30, 0, 32, 32)], [0.9, 0.8], [0, 0]))
    for axis in figure.axes:
        (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
        assert 0 <= left < right <= 32
        assert 0 <= top < bottom <= 32
        for x1, y1, x2, y2 in boxes(axis):
            assert left <= x1 < x2 <= right
            assert top <= y1 < y2 <= bottom


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (lambda: figures.superpixels(IMAGE, {}), "No superpixels: pass at least one array of labels."),
        (
            lambda: figures.recall({"x1": [[]]}, [NO_OBJECTS]),
            "No recall: 1 image without objects that are not difficult.",
        ),
        (lambda: figures.recall({}, [OBJECTS]), "No recall: pass at least one set of proposals."),
        (lambda: figures.precision_recall({}), "No precision and recall: pass at least one curve."),
        (
            lambda: figures.error_types(detection.error_types([NOTHING], [NO_OBJECTS])),
            "No errors: 0 detections, 0 hits.",
        ),
        (lambda: figures.error_types(detection.error_types([], [])), "No errors: 0 detections, 0 hits."),
        (lambda: figures.failures([], [], [], ["cat"]), "No failures in 0 images."),
        (lambda: figures.failures([IMAGE], [NOTHING], [NO_OBJECTS], ["cat"]), "No failures in 1 image."),
    ],
)
def test_figure_without_data_is_a_sentence(figure, text):
    drawn, described = figure()
    assert described == text
    assert drawn.alt_text == text
    assert " ".join(drawn.axes[0].texts[0].get_text().split()) == text


def test_figures_of_a_scene_have_short_alt_text():
    scenes = detection.shapes_detection(1, 64, seed=0)
    image, truths = scenes.images[0], scenes.truths[0]
    labels = detection.superpixels(image, 50, 50, "ours")
    tree = detection.merge_tree(labels, image)
    scores = detection.iou(tree.boxes, truths.boxes).max(axis=1)
    every = Detections(tree.boxes, scores, [0] * len(scores)).checked()
    kept = detection.nms_per_class(every, 0.3)
    for figure, text in (
        figures.superpixels(image, {"scale 50": labels}),
        figures.merge_tree(image, labels, tree),
        figures.recall({"scale 50": [tree.boxes]}, [truths]),
        figures.suppression(image, tree.boxes, scores, kept, scenes.classes),
        figures.precision_recall({"voc": detection.evaluate([kept], [truths], scenes.classes).curves[1]}),
        figures.error_types(detection.error_types([kept], [truths])),
        figures.failures([image], [kept], [truths], scenes.classes),
    ):
        assert text.isascii()
        assert LEAST_SHRUNK * DPI * figure.get_figwidth() <= PHONE
        assert 5 < len(figure.alt_text.split()) <= MOST_ALT + 1
        assert figure._repr_png_()[0].startswith(b"\x89PNG")
