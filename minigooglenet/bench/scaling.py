"""Strong and weak scaling of a training step with worker processes, and a prediction for many machines.

Strong scaling: P workers share one batch. Weak scaling: the batch grows with P, so each worker always has the same
work. In both, one thread per worker.
"""

import contextlib
import math
import statistics

from minigooglenet import figures
from minigooglenet.bench import clock, scaling_prediction
from minigooglenet.bench.results import busy_notes, many, mega, milliseconds, percent, times
from minigooglenet.bench.scaling_prediction import GBITS, Constants
from minigooglenet.bench.scaling_workers import Share, Team, Work, mean
from minigooglenet.console import Table
from minigooglenet.training.settings import SHARDS

BATCHES, QUICK = (16,), (8,)
LARGE, SMALL = "googlenet", "mini"  # the default network, and its replacement in a quick run
BUDGET = 5  # a step takes longer than most measurements, so its time limit is so many times theirs
MARKS = "os^"


def measure(options, progress) -> dict:
    """Return the times of a training step for 1, 2, 4, ... workers, measured in turn, and the prediction.

    The entries "threads" and "workers" of a record are per worker and in total; "shards" is None for whole batches.
    """
    model = SMALL if options.quick and options.model == LARGE else options.model
    records, predictions = [], []
    for batch in options.batch_sizes(BATCHES, QUICK):
        shards = math.gcd(SHARDS, batch)
        counts = [count for count in (1, 2, 4, 8) if count <= min(options.threads, shards)]
        strong = [Work(model, batch, count, 1, shards) for count in counts]
        if counts[-1] > 1:
            strong.append(Work(model, batch, 1, counts[-1], shards))
        strong += [Work(model, batch, 1, count, None) for count in sorted({1, counts[-1]})]
        weak = [Work(model, batch * count, count, 1, shards * count) for count in counts]
        measured, constants = _records("strong", strong, options, progress)
        records += measured + _records("weak", weak, options, progress)[0]
        predictions.append(
            {
                "threads": counts[-1],
                "batch": batch,
                "shards": shards,
                "constants": constants._asdict(),
                "records": scaling_prediction.predict(constants, batch, batch // shards),
            }
        )
    return {"model": model, "records": records, "predictions": predictions}


def _records(scaling, works, options, progress):
    """Return (the records of works that take turns, the Constants of one process with the most threads)."""
    with contextlib.ExitStack() as stack:
        teams = {}
        for work in works:
            progress(f"{scaling} scaling, starting {many(work.workers, 'worker')}, batch {work.batch}")
            teams[work] = stack.enter_context(Team(work))
        progress(f"{scaling} scaling, batch {works[0].batch}")
        calls = {work: team.step for work, team in teams.items()}
        limit = BUDGET * options.seconds
        timings = clock.alternate(calls, rounds=options.rounds, seconds=limit, tolerance=None)
    records = []
    for work, timing in timings.items():
        alone = next(one for one in works if (one.workers, one.threads) == (1, 1) and sharded(one) == sharded(work))
        rates = [one.batch / timings[one].median for one in (work, alone)]
        shares = mean(teams[work].shares[1:])  # the first step is not timed
        records.append(
            {
                "scaling": scaling,
                **work._asdict(),
                **timing.as_dict(),
                "images_per_second": rates[0],
                "speed_up": rates[0] / rates[1],
                "efficiency": rates[0] / rates[1] / (work.workers * work.threads),
                "computing_fraction": shares.computing / shares.seconds,
                "waiting_fraction": shares.waiting / shares.seconds,
                "exchanging_fraction": shares.exchanging / shares.seconds,
                "sent_bytes_per_step_and_worker": shares.sent,
            }
        )
    best = max((work for work in works if work.workers == 1 and sharded(work)), key=lambda work: work.threads)
    return records, _constants(best, teams[best])


def sharded(work: Work) -> bool:
    """Return whether a step computes shards."""
    return work.shards is not None


def _constants(work, team):
    shares: list[Share] = team.shares[1:]
    image = statistics.median((share.seconds - share.per_step) / work.batch for share in shares)
    return Constants(image, statistics.median(share.per_step for share in shares), team.gradient_bytes)


def tables(result) -> list[Table]:
    """Return the tables of a result: strong scaling, weak scaling, and the prediction."""
    strong, weak = ([r for r in result["records"] if r["scaling"] == kind] for kind in ("strong", "weak"))
    title = f"scaling of one training step of {result['model']}"
    notes = [
        "Speed-up: images per second divided by those of one process with one thread, with shards or without.",
        "MB sent: what the other workers receive from one worker in a step.",
        *ratio_notes(strong),
    ]
    return [
        _table(f"Strong {title}: workers share a batch", strong, [*notes, *busy_notes(strong)]),
        _table(f"Weak {title}: the batch grows with the workers", weak, busy_notes(weak)),
        *(prediction_table(one) for one in result["predictions"]),
    ]


def _table(title, records, notes):
    rows = [
        (
            r["batch"],
            r["workers"],
            r["threads"],
            r["shards"] or "-",
            milliseconds(r["median_seconds"]),
            f"{r['images_per_second']:.1f}",
            times(r["speed_up"]),
            percent(r["efficiency"]),
            *(percent(r[f"{part}_fraction"]) for part in ("computing", "waiting", "exchanging")),
            mega(r["sent_bytes_per_step_and_worker"]),
        )
        for r in records
    ]
    columns = ("batch", "workers", "threads each", "shards", "median ms", "images/s", "speed-up", "efficiency")
    columns += ("computing", "waiting", "exchanging", "MB sent")
    return Table(title, tuple(f">{name}" for name in columns), rows, notes)


def ratio_notes(records) -> list[str]:
    """Return sentences that compare the most workers with one worker and with as many threads, for each batch."""
    notes = []
    for batch in dict.fromkeys(r["batch"] for r in records):
        rows = [r for r in records if r["batch"] == batch]
        most = max(rows, key=lambda r: r["workers"])
        if most["workers"] == 1:
            continue
        whole, cut = (
            next(r["speed_up"] for r in rows if r["threads"] == most["workers"] and bool(r["shards"]) == shards)
            for shards in (False, True)
        )
        count, ours = most["workers"], most["speed_up"]
        notes.append(
            f"Batch {batch}: {many(count, 'worker')} are {times(ours)} as fast as one, which is {ours / whole:.2f} of "
            f"the speed-up of {many(count, 'thread')} without shards ({times(whole)}), and {ours / cut:.2f} of that "
            f"with shards ({times(cut)})."
        )
    return notes


def prediction_table(prediction) -> Table:
    """Return the table of a prediction: a row for each number of machines, with the networks next to each other."""
    rows = {}
    for r in prediction["records"]:
        rows.setdefault((r["scaling"], r["machines"], r["batch"]), []).extend(
            (milliseconds(r["step_seconds"]), percent(r["efficiency"]))
        )
    columns = ["scaling", ">machines", ">batch"]
    for gbits in GBITS:
        columns += [f">ms, {gbits} Gbit/s", ">efficiency"]
    title = f"Prediction, not measured: machines like this one, with {many(prediction['threads'], 'thread')} each"
    return Table(title, tuple(columns), [(*key, *cells) for key, cells in rows.items()], formula(prediction))


def formula(prediction) -> list[str]:
    """Return the formula of a prediction and its constants in words."""
    one = Constants(**prediction["constants"])
    a, u = milliseconds(one.image_seconds), milliseconds(one.step_seconds)
    return [
        "T(P) = n / P * a + u + 2 (P - 1) / P * M / bandwidth + 3 (P - 1) * latency, for P machines and n images.",
        f"Measured: a = {a} ms per image, u = {u} ms per step (update and memory exchange).",
        f"M = {mega(one.gradient_bytes)} MB of gradients.",
        f"Assumed: latency {one.latency_seconds * 1e6:g} microseconds, equal machines, nothing overlaps.",
    ]


def figure(result):
    """Return (figure, text) of the prediction for the first batch size: the speed-up for each network."""
    prediction = result["predictions"][0]
    drawn, axes = figures.new(5.6, 7.0, nrows=2, sharex=True)
    machines = scaling_prediction.MACHINES
    for axis, (scaling, whose) in zip(axes, {"strong": "for all machines", "weak": "per machine"}.items(), strict=True):
        axis.plot(machines, machines, color="0.5", linestyle="--", linewidth=1, label="ideal")
        for i, gbits in enumerate(GBITS):
            records = [r for r in prediction["records"] if (r["scaling"], r["gbit_per_second"]) == (scaling, gbits)]
            ys = [r["speed_up"] for r in records]
            style = {"marker": MARKS[i], "markersize": 10 - 2 * i, "markerfacecolor": "none"}  # all visible where equal
            axis.plot(machines, ys, color=figures.PALETTE[i], label=f"{gbits} Gbit/s", **style)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.set_xticks(machines, [str(count) for count in machines])
        axis.set_yticks(machines, [str(count) for count in machines])
        axis.set_ylabel("predicted speed-up")
        batch = min(r["batch"] for r in prediction["records"] if r["scaling"] == scaling)
        axis.set_title(f"{scaling.capitalize()} scaling: {batch} images {whose}", fontsize=10)
    axes[0].legend(frameon=False, fontsize=9)
    axes[1].set_xlabel("machines")
    drawn.suptitle(f"Prediction, not measured: training {result['model']}", fontsize=11)
    return figures.described(drawn, text(result["model"], prediction))


def text(model, prediction) -> str:
    """Describe the figure in words and numbers."""
    last = {
        (r["scaling"], r["gbit_per_second"]): r["speed_up"]
        for r in prediction["records"]
        if r["machines"] == scaling_prediction.MACHINES[-1]
    }
    ends = "; ".join(
        f"{scaling} scaling {', '.join(f'{last[scaling, gbits]:.1f}' for gbits in GBITS)}"
        for scaling in ("strong", "weak")
    )
    rates = ", ".join(map(str, GBITS))
    where = f"{scaling_prediction.MACHINES[-1]} machines with {rates} Gbit/s"
    lines = [
        f"Prediction, not measured: speed-up of training {model} on {where}: {ends}.",
        *formula(prediction),
        "",
        f"{'scaling':8}{'machines':>9}" + "".join(f"{f'{gbits} Gbit/s':>13}" for gbits in GBITS),
    ]
    rows = {}
    for r in prediction["records"]:
        rows.setdefault((r["scaling"], r["machines"]), []).append(r["speed_up"])
    for (scaling, machines), values in rows.items():
        lines.append(f"{scaling:8}{machines:9}" + "".join(f"{value:13.2f}" for value in values))
    return "\n".join(lines)
