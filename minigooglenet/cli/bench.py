"""`minigooglenet bench`: how fast the engine is on this machine, and beside other engines."""

import argparse
import json
from pathlib import Path

from minigooglenet import console, files, models, parallel
from minigooglenet.bench import peers
from minigooglenet.bench.run import PARTS, USUAL, describe, head, measure, save_figures
from minigooglenet.bench.settings import Settings
from minigooglenet.cli.arguments import output, whole, written

HELP = "measure the engine on this machine, beside other engines where they are installed"
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
        help=f"{', '.join(part for part in PARTS if part != 'profile')} or all (default: {', '.join(USUAL)})",
    )
    parser.add_argument("--model", default="googlenet", metavar="NAME", help="which network (default: %(default)s)")
    parser.add_argument("--batch", type=whole, nargs="+", metavar="N", help="images at once, for every part")
    parser.add_argument("--threads", type=whole, metavar="N", help="of every contender (default: as the engine's)")
    parser.add_argument("--rounds", type=whole, metavar="N", help=f"how often each is timed (default: {ROUNDS})")
    parser.add_argument("--layers", nargs="+", metavar="NODE", help="convolutions for the ladder")
    parser.add_argument(
        "--peers", metavar="LIST", help=f"of {','.join(peers.KNOWN)}, or none (default: those that are installed)"
    )
    parser.add_argument("--profile", action="store_true", help="time per node and per operation of a training step")
    parser.add_argument("--quick", action="store_true", help="less of everything, in some seconds")
    parser.add_argument("--json", metavar="FILE", help="write everything that is printed, with units in the names")
    parser.add_argument(
        "--out", metavar="DIR", default="minigooglenet-bench", help="where the figure goes (default: %(default)s)"
    )


def run(options):
    """Measure part after part; print each as soon as it is done."""
    parts, asked, missing = _asked(options)
    if "ladder" in parts:
        Path(options.out).mkdir(parents=True, exist_ok=True)
    out = output(options.json)
    result = describe(asked, missing)
    in_file = options.json if options.json != files.STDOUT else None  # kept up to date after every part
    _write(result, in_file)  # what cannot be written is said before any work
    for line in head(result):
        out.print(line, markup=False, soft_wrap=True)
    for part in parts:
        bar = console.progress(out)
        bar.live.auto_refresh = False  # a thread that draws the bar would be timed too; it is drawn between timings
        with bar:
            task = bar.add_task(part, total=None, status="")
            result[part] = measure(part, asked, lambda text, bar=bar, task=task: _tell(bar, task, text), options.layers)
        for table in PARTS[part].tables(result[part]):
            console.show(out, table)
        _write(result, in_file)
        if part == "ladder":
            image, words = save_figures(result[part], options.out)
            out.print(f"written: {image} and, in words, {words}", markup=False, soft_wrap=True)
    if in_file:
        written(out, in_file)
    else:
        _write(result, options.json)


def _tell(bar, task, text):
    bar.update(task, status=text, refresh=True)


def _asked(options):
    wanted = options.parts or ([] if options.profile else list(USUAL))
    if "all" in wanted:
        wanted = [part for part in PARTS if part != "profile"]
    if options.profile:
        wanted = [*wanted, "profile"]
    chosen = None if options.peers is None else peers.names(options.peers)
    found, missing = peers.find(chosen)
    if missing and chosen is not None:
        raise ValueError("; ".join(missing.values()))
    models.build(options.model, init="zeros")  # a wrong name is said before any work
    asked = Settings(
        model=options.model,
        threads=options.threads or parallel.get_num_threads(),
        rounds=options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS),
        seconds=QUICK_SECONDS if options.quick else SECONDS,
        batches=tuple(options.batch) if options.batch else None,
        peers=found,
        quick=options.quick,
    )
    return list(dict.fromkeys(wanted)), asked, missing


def _write(result, path):
    if path:
        files.write_text(path, json.dumps(result, indent=1, allow_nan=False) + "\n")


def _part(text):
    known = [*(part for part in PARTS if part != "profile"), "all"]
    if text not in known:
        raise argparse.ArgumentTypeError(f"there is no part {text!r}; there are {', '.join(known)}")
    return text
