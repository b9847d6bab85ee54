"""`minigooglenet evaluate`: trained networks on a test set, and what more crops and more models are worth."""

import json
import time
import warnings
from pathlib import Path

import numpy as np

from minigooglenet import console, data, evaluation, files
from minigooglenet.cli.arguments import add_pixels, load_weights, output, whole, written
from minigooglenet.data import names
from minigooglenet.evaluation import evaluate, report, table3
from minigooglenet.evaluation.multicrop import COUNTS, rule_of
from minigooglenet.evaluation.prediction import crop_count

HELP = "test trained networks on a data set, with several crops and models"
SAMPLE_SEED = 0


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("--data", required=True, metavar="NAME", help="digits, shapes, cifar10 or a folder")
    parser.add_argument(
        "--weights", required=True, nargs="+", metavar="FILE", help="a file or the folder of a run for each model"
    )
    add_pixels(parser)
    parser.add_argument(
        "--models", type=whole, nargs="+", metavar="N", help="how many of them to average (default: 1, 3, 7 and all)"
    )
    parser.add_argument(
        "--crops",
        type=int,
        choices=COUNTS,
        nargs="+",
        help="how many of each image; 0 is the whole of it (default: 0 where all have the network's size, else 1)",
    )
    parser.add_argument(
        "--held-out", metavar="NAME", help="folder next to train to test on (default: val, or test without a val)"
    )
    parser.add_argument("--limit", type=whole, metavar="N", help="only so many images, the same each time")
    parser.add_argument("--out", metavar="DIR", help="write tables, figures and every prediction")
    parser.add_argument("--json", metavar="FILE", help="write everything that is printed")


def run(options):
    """Ask the networks once, then print and write what that tells."""
    out = output(options.json)
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
    options.weights = _members(options.weights)
    if max(options.models or [1]) > len(options.weights):
        raise ValueError(f"--models {max(options.models)}: there are {len(options.weights)} files of weights")
    loaded = _load_all(options.weights, options.pixels, out)
    graphs = [one.graph for one in loaded]
    channels, size, _ = next(iter(graphs[0].inputs.values()))
    rule = _rule(options.weights, loaded)
    dataset = _load_data(options.data, size, options.held_out)
    dataset.shrink = rule == "box"  # torchvision's rule begins with every pixel
    for note in dataset.notes:
        out.print(note, markup=False, soft_wrap=True)
    _check_fit(dataset, loaded[0], options.weights[0], channels)
    indices = _sample(len(dataset), options.limit)
    # A set of images that need no fitting was also trained on whole; the 1 crop would cut their edges off.
    counts = options.crops or [0 if dataset.whole else 1]
    crops = len(indices) * crop_count(counts, rule) * len(graphs)
    started = time.perf_counter()
    with console.progress(out) as bar:
        task = bar.add_task("crops", total=crops, status="")
        found = evaluate(
            graphs,
            dataset,
            counts,
            pixels=loaded[0].pixels,
            indices=indices,
            rule=rule,
            on_batch=lambda done: bar.update(task, completed=done),
        )
    seconds = time.perf_counter() - started
    comparison = table3(found, options.models)
    last = found.probabilities(comparison.rows[-1].models, comparison.rows[-1].crops)
    matrix = evaluation.confusion(found.labels, last.argmax(axis=1), len(dataset.classes))
    overlap = dataset.overlap([one.training_images for one in loaded], found.indices)
    numbers = {
        "data": options.data,
        "weights": options.weights,
        "seconds": seconds,
        "training_overlap": overlap and overlap._asdict(),
        **report.summary(found, comparison, matrix, dataset.classes),
    }
    if len(comparison.rows) > 1:
        console.show(out, comparison.table())
    console.show(out, report.class_table(matrix, dataset.classes))
    out.print(report.sentence(numbers), markup=False, soft_wrap=True)
    if overlap and overlap.count:
        out.print(_overlapping(overlap), markup=False, soft_wrap=True)
    out.print(f"{crops:,} crops through a network in {seconds:.1f} s, {crops / seconds:,.0f} a second.")
    for name, reason in found.skipped.items():
        out.print(f"left out: {name}: {reason}", markup=False, soft_wrap=True)
    paths = report.save(options.out, dataset, size, found, comparison, matrix) if options.out else []
    if options.json:
        files.write_text(options.json, json.dumps(numbers, indent=1, allow_nan=False) + "\n")
        paths.append(options.json)
    for path in paths:
        written(out, path)


def _members(paths):
    """Return the paths, in place of the folder of an ensemble those of its members."""
    found = []
    for path in paths:
        members = sorted(Path(path).glob("member_*"), key=lambda member: (len(member.name), member.name))
        found += [str(member) for member in members] or [path]
    return found


def _load_data(name, size, held_out):
    given = {} if held_out is None else {"held_out": held_out}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", data.FolderWarning)  # the notes say the same
        return data.load(name, size, **given).test


def _overlapping(overlap):
    about = "" if overlap.exact else "about "
    return (
        f"WARNING: {about}{overlap.count:,} of the {overlap.of:,} test images were training images of these weights "
        "(same file name and content), so these results are too good. Test on other images."
    )


def _rule(paths, loaded):
    """Return the rule by which images are resized for one crop; models that are averaged need the same."""
    rules = [rule_of(one.notes) for one in loaded]
    for path, rule in zip(paths, rules, strict=True):
        if rule != rules[0]:
            raise ValueError(
                f"models that are averaged need the same rule for resizing; {paths[0]}: {rules[0]}, {path}: {rule}"
            )
    return rules[0]


def _load_all(paths, pixels, out):
    loaded = [load_weights(path, pixels, out) for path in paths]
    for path, one in zip(paths, loaded, strict=True):
        for what in ("pixels", "classes"):
            first, own = getattr(loaded[0], what), getattr(one, what)
            if own != first:
                raise ValueError(f"models that are averaged need the same {what}; {paths[0]}: {first}, {path}: {own}")
    return loaded


def _check_fit(dataset, loaded, path, channels):
    """Say where the weights were made for something else than this data set."""
    outputs, there = loaded.graph.shapes[loaded.graph.main], len(dataset.classes)
    if dataset.pixels.channels != channels:
        raise ValueError(f"{path} takes {channels} channels, the images have {dataset.pixels.channels}")
    if outputs != (there,):
        raise ValueError(f"{path} tells {outputs[0]} classes apart, the data set has {there}")
    for number, (ours, theirs) in enumerate(zip(loaded.classes or (), dataset.classes, strict=False)):
        if names.same(ours) != names.same(theirs):
            raise ValueError(f"class {number} is {ours!r} in {path}, but {theirs!r} in the data set")


def _sample(count, limit):
    """Return numbers of images, in order; with a limit a fixed random choice, for sets that are sorted by class."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(SAMPLE_SEED).permutation(count)[:limit])
