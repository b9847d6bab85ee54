"""The report of an evaluation: numbers, tables, figures and files for the last setting of a Table 3."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from minigooglenet import figures, files, viz
from minigooglenet.console import Table
from minigooglenet.evaluation.comparison import CONFIDENCE, second_k
from minigooglenet.evaluation.intervals import proportion_interval
from minigooglenet.evaluation.metrics import calibration, ranks
from minigooglenet.evaluation.multicrop import boxes, crop_list, crops

MOST_DRAWN = 50  # classes that are readable in a confusion matrix
MOST_LISTED = 20  # classes in a printed table


def summary(evaluation, comparison, matrix, classes) -> dict[str, Any]:
    """Return the numbers as plain values for JSON; accuracies and errors are fractions of 1.

    Parameters
    ----------
    evaluation : Evaluation
    comparison : Table3 of the evaluation
    matrix : (classes, classes) integers, images by true class (row) and predicted class (column)
    classes : names of the classes
    """
    probabilities, setting = _last(evaluation, comparison)
    rank, k = ranks(probabilities, evaluation.labels), second_k(len(classes))
    return {
        "pictures": len(rank),
        **setting,
        "accuracy": float(np.mean(rank == 0)),
        "accuracy_interval": proportion_interval(int(np.sum(rank == 0)), len(rank), CONFIDENCE),
        "k": k,
        "top_k_accuracy": float(np.mean(rank < k)),
        "calibration_error": calibration(probabilities, evaluation.labels).error,
        "classes": list(classes),
        "confusion": np.asarray(matrix).tolist(),
        "table3": comparison.as_dict(),
        "skipped": evaluation.skipped,
    }


def sentence(numbers: dict[str, Any]) -> str:
    """Return the most important numbers of a summary as a sentence."""
    low, high = numbers["accuracy_interval"]
    models, crops = (f"{numbers[key]} {key.removesuffix('s' * (numbers[key] == 1))}" for key in ("models", "crops"))
    crops = crops if numbers["crops"] else "whole images"
    top_k = f"top-{numbers['k']} accuracy {numbers['top_k_accuracy']:.2%}, " if numbers["k"] > 1 else ""
    return (
        f"{models}, {crops}: {numbers['accuracy']:.2%} accuracy on {numbers['pictures']:,} images "
        f"({CONFIDENCE:.0%} interval {low:.2%} to {high:.2%}), {top_k}"
        f"expected calibration error {numbers['calibration_error']:.2%}."
    )


def class_table(matrix, classes) -> Table:
    """Return the accuracy of each class; of many classes, those with the lowest accuracy."""
    matrix = np.asarray(matrix)
    rows = list[tuple[Any, ...]]()
    for number, name in enumerate(classes):
        total, right = int(matrix[number].sum()), int(matrix[number, number])
        wrong = np.where(np.arange(len(classes)) == number, 0, matrix[number])
        mistake = f"{classes[wrong.argmax()]} ({wrong.max():,})" if wrong.any() else ""
        rows.append((name, total, right, 100 * right / total if total else None, mistake))
    title = "Accuracy by class"
    if len(rows) > MOST_LISTED:
        title = f"The {MOST_LISTED} of {len(rows)} classes with the lowest accuracy"
        rows = sorted((row for row in rows if row[1]), key=lambda row: row[3])[:MOST_LISTED]
    return Table(title, ("class", ">images", ">right", ">%", "most often confused with"), rows)


def save(folder, dataset, size, evaluation, comparison, matrix) -> list[Path]:
    """Write tables and figures into a folder, and return their paths.

    The tables are table3.csv and predictions.csv (one row per image). The figures, each with its text form, are
    calibration, confusion_matrix (up to 50 classes), crops (of the first image, for networks of `size`) and table3
    (with at least two settings).
    """
    folder = Path(folder)
    probabilities, setting = _last(evaluation, comparison)
    comparison.to_csv(folder / "table3.csv")
    _save_predictions(folder / "predictions.csv", dataset, evaluation, probabilities)
    written = [folder / "table3.csv", folder / "predictions.csv"]
    image, count = dataset.image(int(evaluation.indices[0])), setting["crops"]
    crop_values, crop_boxes = crops(image, size, count), boxes(image.shape, size, count)[0]
    plots = {
        "calibration": viz.evaluation.calibration(calibration(probabilities, evaluation.labels)),
        "crops": viz.evaluation.crops(image, crop_values, crop_boxes, crop_list(count)),
    }
    if len(matrix) <= MOST_DRAWN:
        plots["confusion_matrix"] = viz.confusion_matrix(np.asarray(matrix), dataset.classes)
    if len(comparison.rows) > 1:
        plots["table3"] = viz.evaluation.table3(comparison)
    for name, (figure, text) in plots.items():
        written += figures.save(figure, text, folder / name)
    return written


def _last(evaluation, comparison):
    setting = {"models": comparison.rows[-1].models, "crops": comparison.rows[-1].crops}
    return evaluation.probabilities(**setting), setting


def _save_predictions(path, dataset, evaluation, probabilities):
    predicted = probabilities.argmax(axis=1)
    with files.atomic(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(("picture", "class", "taken_for", "probability", "right"))
        for index, label, likeliest, row in zip(
            evaluation.indices, evaluation.labels, predicted, probabilities, strict=True
        ):
            names = dataset.classes[label], dataset.classes[likeliest]
            writer.writerow((dataset.name(int(index)), *names, float(row[likeliest]), label == likeliest))
