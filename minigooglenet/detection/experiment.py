"""The paper's experiment with proposals, repeated with several seeds on drawn scenes.

GoogLeNet's detector started Selective Search from superpixels twice as large, which halved the proposals, and added
those of MultiBox (Szegedy et al. 2015, section 8). Here one region network per seed classifies the proposals of each
set, so that the sets are compared under equal conditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minigooglenet import data, models, training
from minigooglenet.console import Table
from minigooglenet.detection.average_precision import evaluate
from minigooglenet.detection.boxes import to_normalised
from minigooglenet.detection.coverage import coverage
from minigooglenet.detection.detector import Detector
from minigooglenet.detection.multibox import MultiBoxTrainer, multibox_network
from minigooglenet.detection.multibox.training import SETTINGS
from minigooglenet.detection.region_classifier import region_images, region_network, unique
from minigooglenet.detection.region_training import ARGUMENTS, LR, SIDE, SIZE
from minigooglenet.detection.regions import warped_whole
from minigooglenet.detection.scenes import DetectionScenes, shapes_detection
from minigooglenet.detection.selective_search import selective_search
from minigooglenet.evaluation import repetition_interval
from minigooglenet.shapes import integer
from minigooglenet.typing import FloatArray

FACTORS = {"superpixels x0.5": 0.5, "superpixels x1": 1.0, "superpixels x2": 2.0}
SCALES = 25.0, 50.0  # of x1, for scenes of 64 pixels
TRAINED_ON = "superpixels x1"  # the region network sees these proposals
MULTIBOX, UNION = "MultiBox", "x2 and MultiBox"


class Sizes(NamedTuple):
    """How much one seed draws and trains.

    Attributes
    ----------
    size : S, height and width of a scene
    side : of a region, the input of its network
    objects, object_epochs : whole images of single objects that the region network sees first
    train, epochs : scenes whose regions it sees then
    multibox_train, multibox_epochs : scenes that MultiBox learns from; the first ones are those of `train`
    multibox : proposals of MultiBox per image
    test : scenes on which everything is measured
    """

    size: int = SIZE
    side: int = SIDE
    objects: int = 2000
    object_epochs: int = 4
    train: int = 200
    epochs: int = 4
    multibox_train: int = 600
    multibox_epochs: int = 5
    multibox: int = 20
    test: int = 60


QUICK = Sizes(objects=300, object_epochs=1, train=20, epochs=1, multibox_train=60, multibox_epochs=2, test=10)


class Measured(NamedTuple):
    """The numbers of one set of proposals on the test scenes of one seed.

    Attributes
    ----------
    proposals : per image
    coverage : fraction of the objects that some proposal overlaps with an IoU of at least 0.5
    mean_ap : mean average precision, VOC's rule, all points
    false_positives : detections per image that hit no object
    """

    proposals: float
    coverage: float
    mean_ap: float
    false_positives: float


def proposals_experiment(
    seeds: int = 5, sizes: Sizes | None = None, *, on_stage: Callable[[int, int, str], object] | None = None
) -> dict[str, list[Measured]]:
    """Return {set of proposals: its numbers for each seed}.

    Parameters
    ----------
    seeds : number of repetitions; each draws scenes and trains networks of its own
    sizes : Sizes, by default those of the documented experiment
    on_stage : called with (stages done, all stages, name of the stage that begins)

    Examples
    --------
    >>> from minigooglenet.detection import experiment
    >>> tiny = experiment.QUICK._replace(objects=20, train=2, multibox_train=4, test=2, multibox_epochs=1)
    >>> result = experiment.proposals_experiment(1, tiny)
    >>> list(result)
    ['superpixels x0.5', 'superpixels x1', 'superpixels x2', 'MultiBox', 'x2 and MultiBox']
    """
    seeds, sizes = integer(seeds, "seeds", 1), Sizes() if sizes is None else sizes
    result: dict[str, list[Measured]] = {}
    for seed in range(seeds):

        def begin(stage: int, name: str, seed: int = seed) -> None:
            if on_stage:
                on_stage(len(STAGES) * seed + stage, len(STAGES) * seeds, f"seed {seed}: {name}")

        for name, measured in _of_seed(seed, sizes, begin).items():
            result.setdefault(name, []).append(measured)
    return result


STAGES = "whole images", "proposals of the training scenes", "regions", "MultiBox", "test scenes"


def _of_seed(seed, sizes, begin):
    scenes, test = (
        shapes_detection(count, sizes.size, seed=seed, part=part)
        for count, part in ((max(sizes.train, sizes.multibox_train), "train"), (sizes.test, "test"))
    )
    images, truths = scenes.images[: sizes.train], scenes.truths[: sizes.train]
    begin(0, STAGES[0])
    network = models.mini_googlenet(len(scenes.classes), size=sizes.side, rng=seed, **ARGUMENTS)
    objects = data.shapes(sizes.objects, seed=seed)
    training.train(
        network, warped_whole(objects.images, sizes.side), objects.labels, epochs=sizes.object_epochs, lr=LR, rng=seed
    )
    begin(1, STAGES[1])
    known = {image.tobytes(): _searched(image, FACTORS[TRAINED_ON]) for image in images}
    begin(2, STAGES[2])
    network = region_network(network, len(scenes.classes), rng=seed)
    regions = region_images(images, truths, lambda image: known[image.tobytes()], scenes.classes, sizes.side, seed=seed)
    training.train(network, regions, epochs=sizes.epochs, lr=LR, rng=seed)
    begin(3, STAGES[3])
    images = scenes.images[: sizes.multibox_train]
    boxes = [truth.boxes for truth in scenes.truths[: sizes.multibox_train]]
    multibox = multibox_network(to_normalised(np.concatenate(boxes), images.shape[2:]), sizes.size, rng=seed)
    settings = replace(SETTINGS, epochs=sizes.multibox_epochs, seed=seed)
    MultiBoxTrainer(multibox, images, boxes, settings).run()
    begin(4, STAGES[4])
    predicted = [proposals.boxes for proposals in multibox.propose(test.images, sizes.multibox)]
    return _measured(test, _sets(test, predicted), Detector(network, test.classes, lambda image: ()))


def _searched(image, factor):
    return selective_search(image, [factor * scale for scale in SCALES]).boxes


def _sets(scenes, predicted) -> dict[str, list[FloatArray]]:
    """Return {set: the proposals for each scene}."""
    sets = {name: [_searched(image, factor) for image in scenes.images] for name, factor in FACTORS.items()}
    sets[MULTIBOX] = predicted
    doubled = sets["superpixels x2"]
    sets[UNION] = [unique(np.concatenate(pair)) for pair in zip(doubled, predicted, strict=True)]
    return sets


def _measured(scenes: DetectionScenes, sets, detector: Detector) -> dict[str, Measured]:
    """Return the numbers of each set; a region that several sets propose is computed once."""
    detections = {name: [] for name in sets}
    for i, image in enumerate(scenes.images):
        boxes = unique(np.concatenate([sets[name][i] for name in sets]))
        rows = {box.tobytes(): row for row, box in enumerate(boxes)}
        confidences = detector.confidences(image, boxes)
        for name in sets:
            proposed = unique(sets[name][i])
            chosen = [rows[box.tobytes()] for box in proposed]
            detections[name].append(detector.suppressed(proposed, confidences[chosen]))
    return {
        name: Measured(
            float(np.mean([len(proposed) for proposed in sets[name]])),
            coverage(sets[name], scenes.truths),
            (result := evaluate(detections[name], scenes.truths, scenes.classes)).mean_ap,
            float(result.false_positives.sum() / len(scenes.images)),
        )
        for name in sets
    }


def table(result: Mapping[str, list[Measured]]) -> Table:
    """Return the table of a result: means over the seeds, with 95% intervals if there are several."""
    rows = [
        (name, *(_summary([row[i] for row in rows], digits) for i, digits in enumerate((0, 3, 3, 2))))
        for name, rows in result.items()
    ]
    seeds = len(next(iter(result.values())))
    notes = [
        "Coverage: fraction of the objects that a proposal overlaps with an IoU of at least 0.5.",
        "False positives: detections per image that hit no object; all detections of at least 0.05 confidence count.",
        f"Means of {seeds} seeds with Student's 95% intervals." if seeds > 1 else "One seed: no interval.",
        *_differences(result),
    ]
    columns = ("proposals from", ">per image", ">coverage", ">mAP", ">false positives")
    return Table("Proposals and detection", columns, rows, notes)


def _differences(result):
    """Return the note on what the doubled superpixels change, paired by seed: scenes and networks are the same."""
    pair = [result.get(name) for name in ("superpixels x2", "superpixels x1")]
    if None in pair:
        return []
    changes = [
        f"{name} {_summary([getattr(a, field) - getattr(b, field) for a, b in zip(*pair, strict=True)], digits)}"
        for name, field, digits in (
            ("coverage", "coverage", 3),
            ("mAP", "mean_ap", 3),
            ("false positives", "false_positives", 2),
        )
    ]
    return [f"x2 minus x1, paired by seed: {', '.join(changes)}."]


def _summary(values, digits):
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    half = mean - repetition_interval(values)[0]
    return f"{mean:.{digits}f} +- {half:.{digits}f}"
