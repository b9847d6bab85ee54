"""`minigooglenet evaluate`: accuracy of trained networks on held-out images, with several crops and models."""

import json
import time
import warnings
from pathlib import Path

import numpy as np

from minigooglenet import console, data, evaluation, files
from minigooglenet.cli.arguments import add_pixels, load_weights, output, positive, report_written
from minigooglenet.data import names
from minigooglenet.evaluation import evaluate, report, table3
from minigooglenet.evaluation.multicrop import COUNTS, rule_of
from minigooglenet.evaluation.prediction import crop_count

HELP = "evaluate trained networks on held-out images, with several crops and models"
SAMPLE_SEED = 0


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument(
        "--data",
        required=True,
        metavar="NAME",
        help=f"{', '.join(data.NAMES)}, or a folder of images or of MNIST's idx files",
    )
    parser.add_argument(
        "--weights", required=True, nargs="+", metavar="FILE", help="weights file or run folder, one per model"
    )
    add_pixels(parser)
    parser.add_argument(
        "--models",
        type=positive,
        nargs="+",
        metavar="N",
        help="numbers of models to average (default: 1, 3, 7 and all)",
    )
    parser.add_argument(
        "--crops",
        type=int,
        choices=COUNTS,
        nargs="+",
        help="numbers of crops per image; 0 uses the whole image "
        "(default: 0 if all images have the input size of the network, else 1)",
    )
    parser.add_argument(
        "--held-out",
        metavar="NAME",
        help="folder of held-out images, next to the train folder (default: val, or test if val does not exist)",
    )
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="number of images to use, always the same ones (default: all)"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for tables, figures and all predictions")
    parser.add_argument("--json", metavar="FILE", help="JSON file for everything that is printed")


def run(options):
    """Run the networks once, then print and write the results."""
    out = output(options.json)
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
    options.weights = _members(options.weights)
    most = max(options.models or [1])
    if most > len(options.weights):
        raise ValueError(f"--models {most} needs {most} models, but --weights has {len(options.weights)}")
    loaded = _load_all(options.weights, options.pixels, out)
    graphs = [one.graph for one in loaded]
    channels, size, _ = next(iter(graphs[0].inputs.values()))
    rule = _rule(options.weights, loaded)
    dataset = _load_data(options.data, size, options.held_out)
    dataset.shrink = rule == "box"  # torchvision resizes the full-size image
    for note in dataset.notes:
        out.print(note, markup=False, soft_wrap=True)
    _check_fit(dataset, loaded[0], options.weights[0], channels)
    indices = _sample(len(dataset), options.limit)
    # Images that already have the input size were trained on without cropping; 1 crop would lose their edges.
    counts = options.crops or [0 if dataset.whole else 1]
    crops = len(indices) * crop_count(counts, rule) * len(graphs)
    started = time.perf_counter()
    with console.progress(out) as bar:
        task = bar.add_task("crops", total=crops, status="")
        evaluated = evaluate(
            graphs,
            dataset,
            counts,
            pixels=loaded[0].pixels,
            indices=indices,
            rule=rule,
            on_batch=lambda done: bar.update(task, completed=done),
        )
    seconds = time.perf_counter() - started
    comparison = table3(evaluated, options.models)
    last = evaluated.probabilities(comparison.rows[-1].models, comparison.rows[-1].crops)
    matrix = evaluation.confusion(evaluated.labels, last.argmax(axis=1), len(dataset.classes))
    overlap = dataset.overlap([one.training_images for one in loaded], evaluated.indices)
    numbers = {
        "data": options.data,
        "weights": options.weights,
        "seconds": seconds,
        "training_overlap": overlap and overlap._asdict(),
        **report.summary(evaluated, comparison, matrix, dataset.classes),
    }
    if len(comparison.rows) > 1:
        console.show(out, comparison.table())
    console.show(out, report.class_table(matrix, dataset.classes))
    out.print(report.sentence(numbers), markup=False, soft_wrap=True)
    if overlap and overlap.count:
        out.print(_overlapping(overlap), markup=False, soft_wrap=True)
    out.print(f"Classified {crops:,} crops in {seconds:.1f} s ({crops / seconds:,.0f} per second).")
    for name, reason in evaluated.skipped.items():
        out.print(f"skipped: {name}: {reason}", markup=False, soft_wrap=True)
    paths = report.save(options.out, dataset, size, evaluated, comparison, matrix) if options.out else []
    if options.json:
        files.write_text(options.json, json.dumps(numbers, indent=1, allow_nan=False) + "\n")
        paths.append(options.json)
    for path in paths:
        report_written(out, path)


def _members(paths):
    """Return the paths; the folder of an ensemble is replaced by the folders of its members."""
    expanded = []
    for path in paths:
        members = sorted(Path(path).glob("member_*"), key=lambda member: (len(member.name), member.name))
        expanded += [str(member) for member in members] or [path]
    return expanded


def _load_data(name, size, held_out):
    options = {} if held_out is None else {"held_out": held_out}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", data.FolderWarning)  # the notes contain the same text
        return data.load(name, size, **options).test


def _overlapping(overlap):
    about = "" if overlap.exact else "about "
    return (
        f"WARNING: {about}{overlap.count:,} of the {overlap.of:,} test images were training images of these weights "
        "(same file name and content), so these results are too optimistic. Evaluate on other images."
    )


def _rule(paths, loaded):
    """Return the rule that resizes images for one crop; averaged models need the same rule."""
    rules = [rule_of(one.notes) for one in loaded]
    for path, rule in zip(paths, rules, strict=True):
        if rule != rules[0]:
            raise ValueError(
                f"averaged models need the same resizing rule: {paths[0]} has {rules[0]}, {path} has {rule}"
            )
    return rules[0]


def _load_all(paths, pixels, out):
    loaded = [load_weights(path, pixels, out) for path in paths]
    for path, one in zip(paths, loaded, strict=True):
        for what in ("pixels", "classes"):
            first, other = getattr(loaded[0], what), getattr(one, what)
            if other != first:
                raise ValueError(f"averaged models need the same {what}: {paths[0]} has {first}, {path} has {other}")
    return loaded


def _check_fit(dataset, loaded, path, channels):
    """Raise an error if the weights were trained for other images or classes than those of this data set."""
    outputs, classes = loaded.graph.shapes[loaded.graph.main], len(dataset.classes)
    if dataset.pixels.channels != channels:
        raise ValueError(f"{path} expects {channels} channels, but the images have {dataset.pixels.channels}")
    if outputs != (classes,):
        raise ValueError(f"{path} has {outputs[0]} classes, but the data set has {classes}")
    for index, (in_file, in_data) in enumerate(zip(loaded.classes or (), dataset.classes, strict=False)):
        if names.same(in_file) != names.same(in_data):
            raise ValueError(f"class {index} is {in_file!r} in {path}, but {in_data!r} in the data set")


def _sample(count, limit):
    """Return sorted image indices; with a limit, a fixed random sample, because data sets may be sorted by class."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(SAMPLE_SEED).permutation(count)[:limit])
