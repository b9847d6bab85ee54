"""The region classifier: labels of regions, sampling, hard negatives, and a network that learns in seconds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigooglenet as mg
from minigooglenet import data, models, training
from minigooglenet.detection import Truths, region_classifier, regions
from minigooglenet.detection.boxes import iou

BACKGROUND = 10
OBJECT = np.array([[0.0, 0, 10, 10]])


def truths(boxes, labels, difficult=None):
    boxes = np.array(boxes, float).reshape(-1, 4)
    return Truths(boxes, np.array(labels, np.int64), np.array(difficult or [False] * len(boxes), bool))


def random_boxes(rng, count, size=40):
    corners = rng.uniform(0, size - 4, (count, 2))
    return np.concatenate([corners, np.minimum(corners + rng.uniform(2, 20, (count, 2)), size)], axis=1)


def test_region_network_keeps_the_backbone_and_adds_the_background():
    whole = models.mini_googlenet(4, width=0.25, depth=2, rng=0)
    graph = region_classifier.region_network(whole, 4, rng=0)
    assert graph.shapes[graph.main] == (5,)
    changed = {name for name in whole.params if not np.array_equal(whole.params[name], graph.params[name])}
    assert changed == {"loss3/classifier/weight", "loss3/classifier/bias"}
    assert graph.params["loss3/classifier/weight"].shape[0] == 5


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 10, 10), 3),
        ((0, 0, 10, 5), 3),  # an IoU of exactly 0.5
        ((0, 0, 10, 4.9), BACKGROUND),
        ((20, 20, 30, 30), BACKGROUND),
    ],
)
def test_region_has_the_label_of_its_object(box, expected):
    labels = region_classifier.region_labels(np.array([box], float), truths(OBJECT, [3]), BACKGROUND)
    assert labels.tolist() == [expected]


def test_region_of_two_objects_has_the_nearest_label():
    both = truths([(0, 0, 10, 10), (0, 0, 10, 8)], [3, 7])
    labels = region_classifier.region_labels(np.array([[0, 0, 10, 8.5], [0, 0, 10, 10]]), both, BACKGROUND)
    assert labels.tolist() == [7, 3]


def test_region_on_a_difficult_object_is_ignored():
    hidden = truths(OBJECT, [3], [True])
    boxes = np.array([[0.0, 0, 10, 9], [0, 0, 10, 3]])
    assert region_classifier.region_labels(boxes, hidden, BACKGROUND).tolist() == [-1, BACKGROUND]
    chosen, _ = region_classifier.sample_regions(boxes, hidden, BACKGROUND, rng=0)
    assert chosen.tolist() == [1]


def test_image_without_objects_has_only_background():
    boxes = random_boxes(np.random.default_rng(0), 20)
    chosen, labels = region_classifier.sample_regions(boxes, truths([], []), BACKGROUND, negatives=8, rng=0)
    assert len(set(chosen)) == 8
    assert set(labels) == {BACKGROUND}


@given(
    st.integers(0, 9999), st.integers(0, 60), st.integers(0, 4), st.integers(0, 8), st.integers(0, 20), st.booleans()
)
def test_sample_has_both_kinds_within_their_numbers(seed, count, objects, positives, negatives, hard):
    rng = np.random.default_rng(seed)
    true = truths(random_boxes(rng, objects), rng.integers(0, BACKGROUND, objects), list(rng.random(objects) < 0.3))
    boxes = np.concatenate([true.boxes, random_boxes(rng, count)])
    confidences = rng.dirichlet(np.ones(BACKGROUND + 1), len(boxes)) if hard else None
    sample = [
        region_classifier.sample_regions(
            boxes, true, BACKGROUND, confidences=confidences, positives=positives, negatives=negatives, rng=seed
        )
        for _ in range(2)
    ]
    (chosen, labels), (again, _) = sample
    assert np.array_equal(chosen, again)
    assert len(set(chosen.tolist())) == len(chosen)
    every = region_classifier.region_labels(boxes, true, BACKGROUND)
    assert np.array_equal(labels, every[chosen])
    assert (labels != BACKGROUND).sum() == min(positives, ((every >= 0) & (every != BACKGROUND)).sum())
    assert (labels == BACKGROUND).sum() == min(negatives, (every == BACKGROUND).sum())


def test_half_of_the_negatives_are_near_objects():
    near = np.array([[0.0, 0, 10, y] for y in np.linspace(1.5, 4.5, 20)])
    far = np.array([[20.0, 20, 30, 20 + y] for y in np.linspace(1, 9, 200)])
    chosen, _ = region_classifier.sample_regions(
        np.concatenate([near, far]), truths(OBJECT, [3]), BACKGROUND, negatives=20, rng=0
    )
    assert (iou(np.concatenate([near, far])[chosen], OBJECT) >= 0.1).sum() >= 10


def test_hard_negatives_are_the_confident_mistakes():
    boxes = np.concatenate([OBJECT, [[20.0 + x, 20, 30 + x, 30] for x in range(10)]])
    confidences = np.full((11, 11), 0.01)
    confidences[:, BACKGROUND] = 0.9
    confidences[[0, 4, 7], 2] = 0.95  # region 0 is on the object, so it is not a mistake
    chosen, labels = region_classifier.sample_regions(
        boxes, truths(OBJECT, [3]), BACKGROUND, confidences=confidences, negatives=4, rng=0
    )
    assert chosen.tolist()[:3] == [0, 4, 7]
    assert labels.tolist()[:3] == [3, BACKGROUND, BACKGROUND]


def test_each_region_is_warped_once(monkeypatch):
    rng = np.random.default_rng(0)
    image, warped = rng.integers(0, 256, (3, 40, 40), np.uint8), []
    warp = regions.crops
    monkeypatch.setattr(regions, "crops", lambda image, boxes, side: warped.extend(boxes) or warp(image, boxes, side))
    proposals = random_boxes(rng, 20)
    proposals = np.concatenate([proposals, proposals, OBJECT])
    graph = models.mini_googlenet(3, width=0.25, depth=2, rng=0)
    for networks in (None, graph):
        warped.clear()
        found = region_classifier.region_images(
            [image], [truths(OBJECT, [1])], lambda image: proposals, ("cat", "dog"), 32, networks=networks
        )
        assert len({tuple(box) for box in warped}) == len(warped) == len(found) == 21


def test_regions_of_an_image_depend_only_on_its_index():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 3, 40, 40), np.uint8)
    true, boxes = [truths(OBJECT, [1])] * 3, random_boxes(rng, 99)
    make = region_classifier.region_images
    all_three, two = (make(images[:n], true[:n], lambda image: boxes, ("cat", "dog"), 32, seed=5) for n in (3, 2))
    assert np.array_equal(all_three.images[: len(two)], two.images)
    other = make(images[:2], true[:2], lambda image: boxes, ("cat", "dog"), 32, seed=6)
    assert not np.array_equal(other.images, two.images)


def test_background_must_not_be_a_class():
    with pytest.raises(ValueError, match="'background' must not be a class"):
        region_classifier.region_classes(("cat", "background"))


def test_unreadable_image_is_skipped():
    class Files(list):
        def __getitem__(self, index):
            if index == 1:
                raise data.BadImageError("b.jpg: the file is empty")
            return super().__getitem__(index)

    images, true = Files([np.zeros((3, 40, 40), np.uint8)] * 3), [truths(OBJECT, [1])] * 3
    found = region_classifier.region_images(images, true, lambda image: [], ("cat", "dog"), 32)
    assert len(found) == 2
    assert found.skipped == {"image 1": "b.jpg: the file is empty"}


def test_no_regions_raise():
    with pytest.raises(ValueError, match="1 images contain no regions to train on"):
        region_classifier.region_images(
            [np.zeros((3, 9, 9), np.uint8)], [truths([], [])], lambda image: [], ("cat",), 32
        )


def test_confidences_of_an_ensemble_are_the_mean():
    graphs = [models.mini_googlenet(4, width=0.25, depth=2, rng=seed) for seed in (0, 1)]
    warped = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), np.uint8)
    one, other, both = (region_classifier.confidences(g, warped, data.UNIT) for g in (*graphs, graphs))
    assert both.shape == (5, 4)
    assert np.allclose(both, (one + other) / 2, atol=1e-12)
    assert region_classifier.confidences(graphs, warped[:0], data.UNIT).shape == (0, 4)


def test_small_network_learns_regions():
    scenes = data.shapes(40, 48, seed=0)
    chosen = np.isin(scenes.labels, (0, 3))  # circles and squares
    images, boxes, labels = scenes.images[chosen], scenes.boxes[chosen], (scenes.labels[chosen] == 3).astype(int)
    true = [truths(box, [label]) for box, label in zip(boxes, labels, strict=True)]
    rng = np.random.default_rng(0)
    proposals = (
        np.concatenate([np.clip(box + rng.normal(0, 2, (8, 4)), 0, 48), random_boxes(rng, 8, 48)]) for box in boxes
    )
    found = region_classifier.region_images(images, true, lambda image: next(proposals), ("circle", "square"), 32)
    graph = region_classifier.region_network(models.mini_googlenet(2, width=0.25, depth=2, rng=0), 2, rng=0)
    trainer = training.Trainer(graph, data.Split(found, found), training.Settings(epochs=4, batch_size=16))
    assert trainer.run()
    common = (found.labels == 2).mean()
    assert trainer.best.test_accuracy > common + 0.3 * (1 - common)
    assert mg.evaluation.held_out.measure(trainer.trained(), found).accuracy == trainer.epochs[-1].test_accuracy
