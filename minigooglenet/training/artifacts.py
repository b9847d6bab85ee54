"""The files of a finished run besides its weights: figures with their text forms, and the list of skipped images."""

import csv
from pathlib import Path

from minigooglenet import figures, files, viz
from minigooglenet.evaluation import confusion, held_out
from minigooglenet.training.gradient_norms import module_norms
from minigooglenet.training.lock import locked
from minigooglenet.training.run_files import CURVE, MATRIX, NORMS, SKIPPED
from minigooglenet.training.step import Step

MOST_CLASSES = 20  # that are readable in a confusion matrix


def write(trainer) -> list[Path]:
    """Write the figures and tables of a finished run into its folder, and return their paths.

    These are the training curve; the confusion matrix of the held-out images, unless there are too many classes; the
    gradient norms, if they were recorded; and skipped.csv, if images could not be used. The folder is locked meanwhile.
    """
    with locked(trainer.out, trainer.hold):
        return _write(trainer)


def _write(trainer):
    classes, written = trainer.split.test.classes, []
    skipped = {name: reason for part in trainer.split for name, reason in part.skipped.items()}
    if skipped:
        written.append(trainer.out / SKIPPED)
        with files.atomic(written[-1], "w") as file:
            csv.writer(file, lineterminator="\n").writerows([("picture", "reason"), *skipped.items()])
    heads = len(trainer.head_weights) - 1
    plots = {CURVE: viz.training_curve(_steps(trainer), trainer.epochs, trainer.best, heads)}
    if len(classes) <= MOST_CLASSES:
        result = held_out.measure(trainer.trained(), trainer.split.test)
        if result is not None and len(result.labels):
            matrix = confusion(result.labels, result.predicted, len(classes))
            plots[MATRIX] = viz.confusion_matrix(matrix, classes)
    norms = module_norms(trainer.gradient_log.rows())
    if norms:
        plots[NORMS] = viz.gradients_over_time(norms)
    for name, (figure, text) in plots.items():
        written += figures.save(figure, text, trainer.out / name)
    return written


def _steps(trainer):
    return [Step(int(row[0]), trainer.steps, row[2], row[3]) for row in trainer.log.rows()]
