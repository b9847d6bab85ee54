"""Timeline of one image through a plan: which step each thread computes when, and when it waits for the others.

A plan is observed for many images. The result is the image with the median total time.
"""

import threading
import time

import numpy as np

from minigooglenet import figures
from minigooglenet.bench import settings
from minigooglenet.bench.results import busy_notes, many, milliseconds, percent
from minigooglenet.console import Table
from minigooglenet.kernels import compiled
from minigooglenet.planning import plan

WARM, PER_ROUND = 3, 5  # images before the first observed one, and images in a round
WAITING, ENDS = "waiting", "start and end"
ALGORITHMS = {"winograd": "Winograd", "implicit_gemm": "implicit GEMM", "direct": "direct"}
MOST_COLOURS = 7  # the shortest kinds are drawn in one colour, black
HATCH, GREY = "////", "0.75"
ROW = 0.45  # inches of the figure for a thread


def measure(options, progress) -> dict:
    """Return the events of one image: thread, step, kind, start, end, and whether the thread waits.

    The events of a thread follow one another without gaps from the call of the plan to its end. So what Python does
    between two steps counts for the second one.
    """
    graph = options.graph()
    planned, x = plan(graph, graph.main), settings.images(graph, 1)
    kinds, runs, spent = [kind(step, planned.shapes) for step in planned.steps], [], 0.0
    progress("timeline of one image")
    with settings.threads(options.threads):
        for number in range(WARM + PER_ROUND * options.rounds):
            if number > 2 * WARM and spent > options.seconds:
                break
            observer = Observer()
            planned.observe = observer.observed
            started = time.perf_counter()
            planned(x)
            ended = time.perf_counter()
            if number >= WARM:
                spent += ended - started
                runs.append((ended - started, observer.events(started, ended)))
    total, by_thread = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
    waits = sorted(planned.waits)
    events = [
        event for thread, spans in enumerate(by_thread) for event in _named(thread, spans, planned.steps, kinds, waits)
    ]
    return {
        "threads": options.threads,
        "team": len(by_thread),
        "images": len(runs),
        "median_seconds": total,
        "minimum_seconds": min(seconds for seconds, _ in runs),
        "why_fewer": why_fewer(planned, options.threads, len(by_thread)),
        "events": events,
    }


class Observer:
    """The calls of every thread in one run of a plan."""

    def __init__(self):
        self.calls = {threading.get_ident(): []}  # the calling thread is the first

    def observed(self, index, call):
        """Return a function that runs `call` and records when."""

        def timed():
            started = time.perf_counter()
            call()
            self.calls.setdefault(threading.get_ident(), []).append((index, started, time.perf_counter()))

        return timed

    def events(self, started, ended):
        """Return [(index of the step, or None, or ENDS; start; end)] for each thread, without gaps, from 0 on."""
        by_thread = []
        for calls in self.calls.values():
            indices = [ENDS, *(index for index, _, _ in calls), ENDS]
            times = [started, calls[0][1], *(end for _, _, end in calls), ended]
            spans = zip(indices, times, times[1:], strict=False)
            by_thread.append([(index, start - started, end - started) for index, start, end in spans])
        return by_thread


def _named(thread, spans, steps, kinds, waits):
    """Return the events of a thread. Every thread waits before the same steps, in the same order."""
    before, events = iter(waits), []
    for index, start, end in spans:
        waiting = index is None
        step = next(before) if waiting else index
        events.append(
            {
                "thread": thread,
                "step": None if step == ENDS else " + ".join(steps[step].nodes),
                "kind": ENDS if step == ENDS else WAITING if waiting else kinds[step],
                "start_seconds": start,
                "end_seconds": end,
                "waiting": waiting,
            }
        )
    return events


def kind(step, shapes) -> str:
    """Return the kind of a step: a convolution by its kernel and algorithm, another layer by its family."""
    layer, name = step.layer, type(step.layer).__name__
    if hasattr(layer, "form"):
        image = np.broadcast_to(np.float32(0), (1, *shapes[step.wires[0]]))
        algorithm = layer.form(1, image).__name__.rpartition(".")[2]
        return "conv {}x{}, {}".format(*layer.weight.shape[2:], ALGORITHMS[algorithm])
    if name == "Conv2d":
        return "conv {}x{}".format(*layer.kernel_size)
    families = {"Pool": "pools", "Norm": "norms", "Concat": "concat", "Linear": "linear"}
    return next((family for part, family in families.items() if part in name), "other layers")


def why_fewer(planned, threads, team) -> str | None:
    """Return a sentence why fewer threads than requested computed the image, or None."""
    if team == threads:
        return None
    if team > 1:
        return f"A thread team has at most {many(team, 'thread')}."
    reason = "it is not computed by compiled code" if compiled.why_not_fast() else "no threads were available"
    whole = [step.nodes[0] for step in planned.steps if not step.per_sample]
    if whole:
        reason = f"{', '.join(whole)} may depend on the whole batch"
    return (
        f"This network cannot run in a thread team, because {reason}. So its steps run one after another, each on all "
        "threads, and the timeline has one row."
    )


def by_kind(result) -> dict:
    """Return {kind: (number of steps or waits, seconds of all threads)}, the longest first, then waiting and ENDS."""
    steps, seconds = {}, {}
    for event in result["events"]:
        steps.setdefault(event["kind"], set()).add(event["step"])
        seconds[event["kind"]] = seconds.get(event["kind"], 0.0) + event["end_seconds"] - event["start_seconds"]
    order = sorted(seconds, key=lambda name: (name in (WAITING, ENDS), -seconds[name]))
    return {name: (len(steps[name] - {None}), seconds[name]) for name in order}


def tables(result) -> list[Table]:
    """Return the table of a result: the time of all threads by kind of step."""
    kinds = by_kind(result)
    whole = sum(seconds for _, seconds in kinds.values())
    rows = [
        (name, count or "", milliseconds(seconds), percent(seconds / whole)) for name, (count, seconds) in kinds.items()
    ]
    title = f"One image through the plan, {many(result['team'], 'thread')}"
    columns = ("kind of step", ">steps", ">thread-milliseconds", ">of total")
    return [Table(title, columns, rows, notes(result), ("total", "", milliseconds(whole), percent(1.0)))]


def notes(result) -> list[str]:
    """Return sentences about the waiting time, the total time, and the number of threads."""
    total, team = result["median_seconds"], many(result["team"], "thread")
    waiting = by_kind(result).get(WAITING, (0, 0.0))[1] / (result["team"] * total)
    sentences = [
        f"The threads wait for one another for {percent(waiting)} of the time.",
        f"This image took {milliseconds(total)} ms on {team}, the median of {many(result['images'], 'image')}.",
        result["why_fewer"] or "",
        *busy_notes([result]),
    ]
    return list(filter(None, sentences))


def figure(result):
    """Return (figure, text) of a result: a row for each thread, a colour for each kind of step."""
    from matplotlib.patches import Patch

    team, kinds = result["team"], by_kind(result)
    drawn, axis = figures.new(4.6, 2.9 + ROW * team)  # narrow, so that it is readable on a phone
    computing = [name for name in kinds if name not in (WAITING, ENDS)]
    longest, rest = computing[:MOST_COLOURS], computing[MOST_COLOURS:]
    # In the order of the network, so that the colours are the same in every run.
    coloured = [name for name in dict.fromkeys(event["kind"] for event in result["events"]) if name in longest]
    styles = {name: {"facecolor": figures.PALETTE[i]} for i, name in enumerate(coloured)}
    styles |= {name: {"facecolor": "black"} for name in rest}
    styles[WAITING] = {"facecolor": "white", "edgecolor": GREY, "hatch": HATCH, "linewidth": 0}
    for name in (*computing, WAITING):
        for thread in range(team):
            spans = [
                (1000 * event["start_seconds"], 1000 * (event["end_seconds"] - event["start_seconds"]))
                for event in result["events"]
                if (event["thread"], event["kind"]) == (thread, name)
            ]
            axis.broken_barh(spans, (thread - 0.4, 0.8), **styles[name])
    axis.set(xlim=(0, 1000 * result["median_seconds"]), ylim=(team - 0.5, -0.5), xlabel="milliseconds")
    axis.set_yticks(range(team), [f"thread {thread + 1}" for thread in range(team)])
    labels = {name: name for name in coloured}
    if rest:
        labels[rest[0]] = "other steps"
    if WAITING in kinds:
        labels[WAITING] = "waiting for the others"
    handles = [Patch(**styles[name], label=label) for name, label in labels.items()]
    drawn.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    axis.set_title(f"One image through the plan: {milliseconds(result['median_seconds'])} ms", fontsize=11)
    return figures.described(drawn, text(result))


def text(result) -> str:
    """Describe the figure in words and numbers."""
    whole = result["team"] * result["median_seconds"]
    first, *others = notes(result)
    lines = [f"Timeline of one image through a plan. {first}", *others, "", "Thread-milliseconds by kind of step:"]
    for name, (_, seconds) in by_kind(result).items():
        lines.append(f"  {name:24}{milliseconds(seconds):>8}  {percent(seconds / whole):>5}")
    return "\n".join(lines)
