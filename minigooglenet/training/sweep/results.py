"""The results of a sweep, from the folders of its jobs: finished, failed and unfinished ones."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files, jobs
from minigooglenet.console import Table
from minigooglenet.training.log import Epoch, best_epoch, run_logs
from minigooglenet.training.many import journals
from minigooglenet.training.sweep import plan
from minigooglenet.typing import PathLike

DONE, FAILED, WAITING = "done", "failed", "not started"


class Result(NamedTuple):
    """A job of a sweep.

    values : {option: value};  state : "done", "failed", "not started" or "epoch 3 of 8"
    last, best : the last Epoch and the one with the highest held-out accuracy, or None before the first one ended
    seconds : time of all epochs
    """

    name: str
    values: dict[str, str]
    state: str
    last: Epoch | None
    best: Epoch | None
    epochs: int
    seconds: float
    error: str = ""


def results(out: PathLike) -> list[Result]:
    """Return the Results of the sweep in a folder: finished jobs by held-out accuracy, best first, then the others."""
    values, recipes = plan.read(out)
    records = jobs.latest(journals(out))
    found = [_result(Path(out), name, values[name], recipes[name], records.get(name, {})) for name in values]
    return sorted(found, key=_order)


def table(found: Sequence[Result]) -> Table:
    """Return the results as a table."""
    options = list(found[0].values)
    columns = (*options, ">held-out accuracy", ">best epoch", ">held-out loss", ">seconds", "state")
    rows = [(*result.values.values(), *_numbers(result), f"{result.seconds:.0f}", result.state) for result in found]
    finished = sum(result.state == DONE for result in found)
    notes = ["Accuracy and loss are those of the last epoch."]
    if finished > 1:
        notes.append(
            f"The largest of {finished} accuracies includes luck: evaluate the network that you choose on images that "
            "influenced no choice."
        )
    return Table(f"{finished} of {len(found)} jobs are done", columns, rows, notes)


def write_csv(found: Sequence[Result], path: PathLike) -> None:
    """Write the results as CSV, with one row for each job."""
    options = list(found[0].values)
    head = ("job", *options, "accuracy", "best_accuracy", "best_epoch", "loss", "epochs", "seconds", "state", "error")
    with files.atomic(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        for result in found:
            last, best = result.last, result.best
            numbers = (
                ("",) * 4 if last is None else (last.test_accuracy, best.test_accuracy, best.epoch + 1, last.test_loss)
            )
            rest = (result.epochs, round(result.seconds, 3), result.state, result.error)
            writer.writerow((result.name, *result.values.values(), *numbers, *rest))


def _result(out, name, values, recipe, record):
    rows = [Epoch(*row) for row in run_logs(out / name)[1].rows()]
    state = record.get("state")
    if state not in (DONE, FAILED):
        state = f"epoch {len(rows)} of {recipe.settings.epochs}" if rows else WAITING
    last, seconds = rows[-1] if rows else None, sum(row.seconds for row in rows)
    error = str(record.get("error", "")) if state == FAILED else ""
    return Result(name, values, state, last, best_epoch(rows), len(rows), seconds, error)


def _order(result):
    if result.last is None:
        return (True, 0.0, 0.0)
    return (result.state != DONE, -result.last.test_accuracy, result.last.test_loss)


def _numbers(result):
    if result.last is None or result.best is None:
        return "", "", ""
    best = f"{result.best.test_accuracy:.2%} ({result.best.epoch + 1})"
    return f"{result.last.test_accuracy:.2%}", best, f"{result.last.test_loss:.3f}"
