"""`minigooglenet bench`: the speed of the engine on this machine, compared with other engines."""

import argparse
import json
from pathlib import Path

from minigooglenet import console, files, models, parallel
from minigooglenet.bench import peers
from minigooglenet.bench.run import PARTS, PROFILE, USUAL, describe, head, measure, save_figures
from minigooglenet.bench.settings import Settings
from minigooglenet.cli.arguments import output, positive, report_written
from minigooglenet.weights import by_name

HELP = "measure the speed of the engine on this machine, and of other installed engines"
ROUNDS, QUICK_ROUNDS = 10, 3
SECONDS, QUICK_SECONDS = 2.0, 0.3


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument(
        "parts",
        metavar="PART",
        nargs="*",
        type=_part,
        help=f"parts to measure: {', '.join(part for part in PARTS if part not in PROFILE)}, or all "
        f"(default: {', '.join(USUAL)}); or the path of the network to measure",
    )
    parser.add_argument(
        "--model",
        default="googlenet",
        metavar="NAME",
        help=f"network to measure: a name, {by_name.FILES} (default: %(default)s)",
    )
    parser.add_argument(
        "--batch",
        type=positive,
        nargs="+",
        metavar="N",
        help="batch sizes for every part (default: depends on the part)",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="number of threads per engine (default: as many as minigooglenet uses)",
    )
    parser.add_argument(
        "--rounds", type=positive, metavar="N", help=f"number of timed runs per measurement (default: {ROUNDS})"
    )
    parser.add_argument(
        "--layers", nargs="+", metavar="NODE", help="convolutions for the ladder (default: a selection)"
    )
    parser.add_argument(
        "--peers",
        metavar="LIST",
        help=f"other engines to measure, of {','.join(peers.KNOWN)}; or none "
        f"(default: those of {','.join(peers.usual())} that are installed)",
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="measure the time per node and per operation of a training step, and draw a timeline of one image",
    )
    parser.add_argument("--quick", action="store_true", help="measure less, in a few seconds")
    parser.add_argument("--json", metavar="FILE", help="JSON file for all results, with units in the names")
    parser.add_argument(
        "--out", metavar="DIR", default="minigooglenet-bench", help="folder for the figure (default: %(default)s)"
    )


def run(options):
    """Measure one part after another; print each result as soon as it is complete."""
    parts, settings, missing = _settings(options)
    if {"ladder", "scaling", "timeline"} & set(parts):
        Path(options.out).mkdir(parents=True, exist_ok=True)
    out = output(options.json)
    result = describe(settings, missing)
    in_file = options.json if options.json != files.STDOUT else None  # updated after every part
    _write(result, in_file)  # report an unwritable path before any work
    for line in head(result):
        out.print(line, markup=False, soft_wrap=True)
    for part in parts:
        bar = console.progress(out)
        bar.live.auto_refresh = False  # a drawing thread would distort the timings
        with bar:
            task = bar.add_task(part, total=None, status="")
            result[part] = measure(
                part, settings, lambda text, bar=bar, task=task: _show_status(bar, task, text), options.layers
            )
        for table in PARTS[part].tables(result[part]):
            console.show(out, table)
        _write(result, in_file)
        saved = save_figures(part, result[part], options.out)
        if saved:
            image, text = saved
            out.print(f"written: {image} and its alt text {text}", markup=False, soft_wrap=True)
    if in_file:
        report_written(out, in_file)
    else:
        _write(result, options.json)


def _show_status(bar, task, text):
    bar.update(task, status=text, refresh=True)


def _settings(options):
    paths = [part for part in options.parts if part not in (*PARTS, "all")]
    if len(paths) > 1:
        raise ValueError(f"one network can be measured at a time, got {' and '.join(paths)}")
    model = paths[0] if paths else options.model
    parts = [part for part in options.parts if part not in paths] or ([] if options.profile else list(USUAL))
    if "all" in parts:
        parts = [part for part in PARTS if part not in PROFILE]
    if options.profile:
        parts = [*parts, *PROFILE]
    chosen = None if options.peers is None else peers.names(options.peers)
    installed, missing = peers.find(chosen)
    if missing and chosen is not None:
        raise ValueError("; ".join(missing.values()))
    by_name.network(model, init="zeros")  # report an unknown name before any work
    settings = Settings(
        model=str(Path(model).resolve()) if by_name.is_path(model) else model,  # other processes have other folders
        threads=options.threads or parallel.get_num_threads(),
        rounds=options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS),
        seconds=QUICK_SECONDS if options.quick else SECONDS,
        batches=tuple(options.batch) if options.batch else None,
        peers=installed,
        quick=options.quick,
    )
    return list(dict.fromkeys(parts)), settings, missing


def _write(result, path):
    if path:
        files.write_text(path, json.dumps(result, indent=1, allow_nan=False) + "\n")


def _part(text):
    known = [*(part for part in PARTS if part not in PROFILE), "all"]
    if text not in known and not by_name.is_path(text):
        hint = f". Did you mean --model {text}?" if text in models.names() else ""
        raise argparse.ArgumentTypeError(f"unknown part {text!r}; choose from {', '.join(known)}{hint}")
    return text
