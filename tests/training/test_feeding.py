"""`training.train` and `Trainer` accept the same images (uint8, floats or data sets) and check them first."""

import numpy as np
import pytest
from small import digest, graph, split

from minigooglenet import data, training, weights


def _arrays():
    train = split(40, 8, 0).train
    return train.images, train.labels


def _trained(*arguments, **options):
    g = graph()
    training.train(g, *arguments, epochs=2, batch_size=8, rng=0, **options)
    return digest(g.params)


def test_pixels_and_their_inputs_train_to_the_same_bits():
    images, labels = _arrays()
    expected = _trained(data.GREY_UNIT.to_input(images), labels)
    assert _trained(images, labels) == expected
    assert _trained(images, labels, pixels=data.GREY_UNIT) == expected
    assert _trained(images, labels, pixels=data.Pixels((0,), (255,), "L")) != expected


def test_data_set_trains_without_labels_and_repeats():
    train = split(40, 8, 0, augment=lambda image, rng: np.roll(image, rng.integers(3), axis=2)).train
    assert _trained(train) == _trained(train)
    train.augment = None
    assert _trained(train) == _trained(data.Images(train.inputs(range(20)), train.labels, train.classes, None))


def test_train_skips_bad_images_of_a_data_set():
    class Corrupt(data.Images):
        def image(self, index):
            if index % 2:
                raise data.BadImageError("it is corrupt")
            return super().image(index)

    images, labels = _arrays()
    some = Corrupt(images, labels, ("a", "b"), data.GREY_UNIT, augment=lambda image, rng: image)
    steps = training.train(graph(), some, epochs=1, batch_size=1, rng=0)
    assert len(steps) == len(images) // 2
    assert len(some.skipped) == len(images) // 2


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda x, y: (x, None), {}, TypeError, "labels are missing"),
        (lambda x, y: (x, y + 1), {}, ValueError, r"labels must be in 0 \.\. 1"),
        (lambda x, y: (x, y * 1.0), {}, TypeError, "labels must be integers"),
        (lambda x, y: (x, np.eye(2)[y]), {}, ValueError, "Convert one-hot rows"),
        (lambda x, y: (x[1:], y), {}, ValueError, "every image needs one label, got 19 images and 20 labels"),
        (lambda x, y: (x.astype(np.float32), y), {"pixels": data.GREY_UNIT}, ValueError, "pass them as uint8"),
        (lambda x, y: (x.astype(np.int64), y), {}, TypeError, r"Try images\.astype\(np\.uint8\)"),
        (lambda x, y: (split().train, y), {}, TypeError, "do not pass labels= or pixels="),
        (
            lambda x, y: (split(8, 9).train, None),
            {},
            ValueError,
            r"expects images of \(1, 8, 8\), but the data set has",
        ),
    ],
)
def test_rejected_call_changes_nothing(change, options, error, message):
    g = graph()
    before = digest(g.params) | digest(g.buffers)
    with pytest.raises(error, match=message):
        training.train(g, *change(*_arrays()), epochs=1, **options)
    assert digest(g.params) | digest(g.buffers) == before


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_trainer_accepts_four_arrays(tmp_path, dtype):
    train, test = split()
    arrays = []
    for part in (train, test):
        images = part.images if dtype == np.uint8 else part.inputs(range(len(part))).astype(dtype)
        arrays += [images, part.labels]
    settings = training.Settings(epochs=2, batch_size=8)
    trainers = [training.Trainer(graph(), images, settings, tmp_path / name) for name, images in
                (("arrays", arrays), ("split", split()))]  # fmt: skip
    assert all(trainer.run() for trainer in trainers)
    assert digest(trainers[0].graph.params) == digest(trainers[1].graph.params)
    assert trainers[0].epochs[-1][:5] == trainers[1].epochs[-1][:5]


def test_trainer_resumes_with_float_arrays(tmp_path):
    images, labels = _arrays()
    x = data.GREY_UNIT.to_input(images)
    settings = training.Settings(epochs=1, batch_size=8)
    assert training.Trainer(graph(), (x, labels, x, labels), settings, tmp_path).run()
    assert training.Trainer(graph(), (x, labels, x, labels), settings, tmp_path).resume()
    with pytest.raises(ValueError, match="belongs to another run: images and labels"):
        training.Trainer(graph(), (-x, labels, x, labels), settings, tmp_path).resume()


def test_weights_state_the_pixels_of_float_arrays(tmp_path):
    from minigooglenet import models

    images, labels = (values[:16] for values in _arrays())
    x = data.GREY_UNIT.to_input(images.repeat(2, axis=2).repeat(2, axis=3))
    for name, images, pixels in (
        ("known", data.Split(*[data.Images(x, labels, ("a", "b"), data.GREY_UNIT)] * 2), data.GREY_UNIT),
        ("unknown", (x, labels, x, labels), None),
    ):
        g = models.mini_googlenet(2, in_channels=1, size=16, width=0.25, rng=0)
        training.Trainer(g, images, training.Settings(epochs=1), tmp_path / name).run()
        assert weights.load(tmp_path / name / "weights.safetensors").pixels == pixels
