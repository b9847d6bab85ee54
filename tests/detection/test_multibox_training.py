"""Training of a MultiBox: gradients, a loss that falls, coverage that grows, runs that resume bit-identically."""

import dataclasses

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import detection
from minigooglenet.detection.multibox import MultiBoxTrainer, encode, multibox_network
from minigooglenet.detection.multibox.network import LOGITS, OFFSETS

SCENES = mg.data.shapes(16, 32, objects=2, seed=2)
BOXES = list(SCENES.boxes)
FORMS = {"convolutional": 3, "fully_connected": 20}
SETTINGS = mg.training.Settings(epochs=4, batch_size=8, lr=0.02, schedule="cosine", clip_norm=10.0)
form = pytest.mark.parametrize("form", FORMS)


def trainer(form="convolutional", settings=SETTINGS, boxes=BOXES, scenes=SCENES, **options):
    every, width = np.concatenate(BOXES) / 32, options.pop("width", 0.25)
    multibox = multibox_network(every, 32, form=form, priors=FORMS[form], width=width, rng=0)
    return MultiBoxTrainer(multibox, scenes.images, boxes, settings, **options)


def digest(run):
    graph = run.multibox.graph
    return {name: array.tobytes() for name, array in {**graph.params, **graph.buffers}.items()}


def coverage(multibox, count):
    proposals = multibox.propose(SCENES.images, count)
    best = [detection.iou(boxes, p.boxes).max(axis=1) for boxes, p in zip(BOXES, proposals, strict=True)]
    return (np.concatenate(best) >= 0.5).mean()


@form
@pytest.mark.parametrize("name", [f"{OFFSETS}/weight", f"{OFFSETS}/bias", f"{LOGITS}/weight", f"{LOGITS}/bias"])
def test_parameter_gradients_match_central_differences(form, name):
    run, indices = trainer(form, alpha=0.7), np.array([3, 5, 8])
    run.multibox.graph, run.inputs = run.multibox.graph.astype(np.float64), run.inputs.astype(np.float64)
    param = run.multibox.graph.params[name]
    direction = np.random.default_rng(0).standard_normal(param.shape)
    analytic = (run.gradients(indices)[1][name] * direction).sum()
    losses = []
    for h in (1e-5, -1e-5):
        param += h * direction
        losses.append(run.gradients(indices)[0].total)
        param -= h * direction
    np.testing.assert_allclose((losses[0] - losses[1]) / 2e-5, analytic, rtol=1e-6)


def test_targets_are_the_offsets_of_the_matched_objects():
    run = trainer("fully_connected")
    targets, matched = run.targets(np.array([4]))
    assert matched.sum() == 2
    priors = np.flatnonzero(matched[0])
    expected = encode(BOXES[4][run.matches[4][priors]] / 32, run.multibox.priors[priors])
    np.testing.assert_allclose(targets[0, priors], expected, rtol=1e-6)
    assert (targets[0][~matched[0]] == 0).all()


@form
def test_training_lowers_the_loss_and_raises_the_coverage(form):
    settings = dataclasses.replace(SETTINGS, epochs=30)
    run, steps = trainer(form, settings, width=0.5), []
    before = coverage(run.multibox, 4)
    assert run.run(steps.append)
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert coverage(run.multibox, 4) > max(0.6, before + 0.3)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_interrupted_run_resumes_bit_identically(optimizer, tmp_path):
    settings = dataclasses.replace(SETTINGS, optimizer=optimizer, lr=0.005)
    whole, path = trainer(settings=settings), tmp_path / "run.safetensors"
    whole.run()

    def stop(step):
        if step.number == 4:
            first.save()
            raise KeyboardInterrupt

    first = trainer(settings=settings, checkpoint=path)
    with pytest.raises(KeyboardInterrupt):
        first.run(stop)
    second = trainer(settings=settings, checkpoint=path)
    assert second.resume()
    assert second.step == 5
    assert second.run()
    assert digest(second) == digest(whole)


def test_finished_run_resumes_with_nothing_to_do(tmp_path):
    path = tmp_path / "run.safetensors"
    first, second = (trainer(checkpoint=path) for _ in range(2))
    first.run()
    assert second.resume()
    assert second.run()
    assert digest(second) == digest(first)


def test_threads_do_not_change_a_run(own_threads):
    digests = []
    for threads in (1, 2):
        mg.set_num_threads(threads)
        run = trainer()
        run.run()
        digests.append(digest(run))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": "fully_connected"}, "with different network, priors"),
        ({"settings": dataclasses.replace(SETTINGS, lr=0.03)}, "with different settings"),
        ({"alpha": 0.1}, "with different settings"),
        ({"boxes": [boxes[:1] for boxes in BOXES]}, "with different boxes"),
        ({"scenes": SCENES._replace(images=255 - SCENES.images)}, "with different images"),
    ],
)
def test_checkpoint_of_another_run_is_rejected(change, message, tmp_path):
    path = tmp_path / "run.safetensors"
    trainer(checkpoint=path).save()
    other = trainer(**change, checkpoint=path)
    before = digest(other)
    with pytest.raises(ValueError, match=message):
        other.resume()
    assert digest(other) == before


def test_file_of_a_network_is_not_a_checkpoint(tmp_path):
    run = trainer(checkpoint=tmp_path / "run.safetensors")
    run.multibox.save(run.checkpoint)
    with pytest.raises(mg.weights.WeightsError, match="not the checkpoint of a MultiBox"):
        run.resume()


def test_missing_checkpoint_changes_nothing(tmp_path):
    assert not trainer().resume()
    assert not trainer(checkpoint=tmp_path / "run.safetensors").resume()


def test_images_without_objects_can_be_trained_on():
    run, steps = trainer(boxes=[np.zeros((0, 4))] * 16), []
    run.run(steps.append)
    assert {step.localisation for step in steps} == {0}
    assert steps[-1].confidence < steps[0].confidence


def test_infinite_loss_reports_its_step():
    run = trainer(settings=dataclasses.replace(SETTINGS, lr=1e30, clip_norm=None))
    with pytest.raises(FloatingPointError, match=r"the loss of step \d+ is not finite\. Try a smaller learning rate\."):
        run.run()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": BOXES[:3]}, "every image needs an array of boxes, got 16 images and 3 arrays"),
        ({"boxes": [[[0, 0, 40, 9]], *BOXES[1:]]}, r"boxes\[0\]\[0\] = \(0, 0, 40, 9\) extends past the image"),
        ({"settings": dataclasses.replace(SETTINGS, patience=3)}, "does not support patience, got 3"),
        ({"alpha": -1}, "alpha must be at least 0, got -1"),
    ],
)
def test_wrong_arguments_of_a_run_raise(change, message):
    with pytest.raises(ValueError, match=message):
        trainer(**change)
