"""The MultiBox network: the order of priors and outputs; proposals that are ordered, clipped and repeatable."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import detection
from minigooglenet.detection.multibox import MultiBox, load_multibox, multibox_network
from minigooglenet.detection.multibox.network import LOGITS, OFFSETS, by_channel, by_prior

SCENES = mg.data.shapes(12, 64, objects=3, seed=4)
BOXES = SCENES.boxes.reshape(-1, 4) / 64
FORMS = {"convolutional": 3, "fully_connected": 20}
form = pytest.mark.parametrize("form", FORMS)


def small(form, seed=0):
    """Return a small MultiBox whose output layers have random weights; initially, they are zeros."""
    multibox = multibox_network(BOXES, form=form, priors=FORMS[form], width=0.25, rng=seed)
    for name in (f"{OFFSETS}/weight", f"{LOGITS}/weight"):
        weight = multibox.graph.params[name]
        weight[...] = np.random.default_rng(seed).normal(0, 0.5 / np.sqrt(weight[0].size), weight.shape)
    return multibox


@form
def test_proposals_are_ordered_and_inside_the_image(form):
    proposals = small(form).propose(SCENES.images[0], count=15)
    assert proposals.boxes.shape == (15, 4)
    assert (np.diff(proposals.scores) <= 0).all()
    assert ((proposals.scores > 0) & (proposals.scores < 1)).all()
    detection.checked(proposals.boxes, size=(64, 64))


@form
def test_proposals_of_equal_seeds_are_bit_identical(form, own_threads):
    results = []
    for threads in (1, 2):
        mg.set_num_threads(threads)
        results += small(form).propose(SCENES.images[:3])
    for first, second in zip(results[:3], results[3:], strict=True):
        assert first.boxes.tobytes() == second.boxes.tobytes()
        assert first.scores.tobytes() == second.scores.tobytes()


@form
def test_batch_of_images_gives_the_proposals_of_each(form):
    multibox = small(form)
    for image, several in zip(SCENES.images[:3], multibox.propose(list(SCENES.images[:3]), 5), strict=True):
        single = multibox.propose(image, 5)
        np.testing.assert_allclose(several.scores, single.scores, rtol=1e-4)
        np.testing.assert_allclose(several.boxes, single.boxes, atol=1e-2)


def test_image_of_another_size_gets_boxes_in_its_pixels():
    multibox = small("convolutional")
    wide = mg.data.transforms.resize(SCENES.images[0], 64, 160)
    boxes = multibox.propose(wide, 192).boxes
    assert boxes[:, [0, 2]].max() == 160
    assert boxes[:, [1, 3]].max() == 64


@form
def test_no_proposal_repeats_a_better_one(form):
    boxes = small(form).propose(SCENES.images[0], 200).boxes
    overlaps = detection.iou(boxes, boxes)
    assert overlaps[~np.eye(len(boxes), dtype=bool)].max() <= 0.7


@form
def test_untrained_network_proposes_its_priors_in_order(form):
    multibox = multibox_network(BOXES, form=form, priors=FORMS[form], width=0.25, rng=0)
    proposals = multibox.propose(SCENES.images[0], 9)
    priors, _ = detection.clipped(multibox.priors * 64, (64, 64))
    assert len(set(proposals.scores)) == 1
    np.testing.assert_allclose(proposals.scores[0], 1 / (1 + np.exp(3)), rtol=1e-6)
    np.testing.assert_allclose(proposals.boxes, priors[detection.nms(priors, np.ones(len(priors)), 0.7)[:9]])


def test_boxes_outside_the_image_are_dropped():
    multibox = small("fully_connected")
    multibox.graph.params[f"{OFFSETS}/weight"][...] = 0
    multibox.graph.params[f"{OFFSETS}/bias"][:-4:4] = 1000  # every box but the last one is far to the right
    assert multibox.propose(SCENES.images[0]).boxes.shape == (1, 4)


@form
def test_outputs_and_priors_have_one_order(form):
    multibox = small(form)
    shapes = multibox.graph.shapes[OFFSETS], multibox.graph.shapes[LOGITS]
    offsets, logits = (np.arange(2 * np.prod(shape), dtype=float).reshape(2, *shape) for shape in shapes)
    rows, confidences = by_prior(offsets, 4), by_prior(logits, 1)
    assert rows.shape == (2, len(multibox.priors), 4)
    assert confidences.shape == (2, len(multibox.priors), 1)
    assert (by_channel(rows, offsets.shape) == offsets).all()
    assert (by_channel(confidences, logits.shape) == logits).all()
    if form == "convolutional":  # the second of three priors in row 2, column 5 of 8 x 8
        assert rows[1, (2 * 8 + 5) * 3 + 1].tolist() == offsets[1, 4:8, 2, 5].tolist()
        assert confidences[1, (2 * 8 + 5) * 3 + 1] == logits[1, 1, 2, 5]


@form
def test_saved_multibox_proposes_the_same(form, tmp_path):
    multibox = small(form)
    multibox.save(tmp_path / "multibox.safetensors")
    loaded = load_multibox(tmp_path / "multibox.safetensors")
    assert loaded.form == form
    assert loaded.priors.tobytes() == multibox.priors.tobytes()
    for first, second in zip(loaded.propose(SCENES.images), multibox.propose(SCENES.images), strict=True):
        assert first.boxes.tobytes() == second.boxes.tobytes()


def test_classifier_cannot_be_loaded_as_a_multibox(tmp_path):
    mg.weights.save(mg.models.mini_googlenet(width=0.25), tmp_path / "net.safetensors")
    with pytest.raises(mg.weights.WeightsError, match="it is not a MultiBox: it has no priors"):
        load_multibox(tmp_path / "net.safetensors")


def test_multibox_rejects_priors_of_another_network():
    multibox = small("convolutional")
    with pytest.raises(ValueError, match="10 priors need 40 offsets and 10 confidences, but the network has 768 and"):
        MultiBox(multibox.graph, multibox.priors[:10])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: multibox_network(BOXES, form="dense"), "form must be one of 'convolutional', 'fully_connected', got"),
        (lambda: multibox_network(BOXES * 64), r"boxes\[0\] = .* extends past the image, which is 1 wide"),
        (lambda: multibox_network(BOXES, 16), "size must be at least 32, got 16"),
        (lambda: multibox_network(BOXES[:2]), "4 centroids need at least 4 different points, got 2 of 2"),
        (lambda: small("convolutional").propose(SCENES.images[0] / 255), r"must be \(3, H, W\) uint8, got .* float64"),
        (lambda: small("convolutional").propose(SCENES.images[0], 0), "count must be at least 1, got 0"),
    ],
)
def test_wrong_arguments_of_multibox_raise(call, message):
    with pytest.raises(ValueError, match=message):
        call()
