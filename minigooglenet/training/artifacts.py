"""What a finished run leaves beside its weights: images with their texts, and the images that it had to skip."""

import csv

from minigooglenet import figures, files, viz
from minigooglenet.evaluation import confusion, held_out
from minigooglenet.training.gradient_norms import module_norms
from minigooglenet.training.lock import only_one
from minigooglenet.training.step import Step

MOST_CLASSES = 20  # of a confusion matrix that one can read


def leave(trainer) -> list:
    """Write into a Trainer's folder what its run came to, and return the files.

    The training curve; the confusion matrix of the held-out images where the classes are few; how far gradients
    reached where they were recorded; skipped.csv where images could not be used. The folder is locked meanwhile.
    """
    with only_one(trainer.out, trainer.hold):
        return _leave(trainer)


def _leave(trainer):
    classes, written = trainer.split.test.classes, []
    skipped = {name: reason for part in trainer.split for name, reason in part.skipped.items()}
    if skipped:
        written.append(trainer.out / "skipped.csv")
        with files.atomic(written[-1], "w") as file:
            csv.writer(file, lineterminator="\n").writerows([("picture", "reason"), *skipped.items()])
    heads = len(trainer.head_weights) - 1
    images = {"training_curve": viz.training_curve(_steps(trainer), trainer.epochs, trainer.best, heads)}
    if len(classes) <= MOST_CLASSES:
        tested = held_out.measure(trainer.trained(), trainer.split.test)
        if len(tested.labels):
            matrix = confusion(tested.labels, tested.predicted, len(classes))
            images["confusion_matrix"] = viz.confusion_matrix(matrix, classes)
    norms = module_norms(trainer.gradient_log.rows())
    if norms:
        images["gradient_norms"] = viz.gradients_over_time(norms)
    for name, (figure, text) in images.items():
        written += figures.save(figure, text, trainer.out / name)
    return written


def _steps(trainer):
    return [Step(int(row[0]), trainer.steps, row[2], row[3]) for row in trainer.log.rows()]
