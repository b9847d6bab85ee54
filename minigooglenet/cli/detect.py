"""`minigooglenet detect train|run|evaluate`: train a detector, find objects in images, measure average precision."""

import math
import os
from functools import partial
from pathlib import Path

import numpy as np

from minigooglenet import console, figures, files
from minigooglenet.cli.arguments import fraction, image_files, output, positive, report_written, seed
from minigooglenet.data import BadImageError
from minigooglenet.detection import drawing, region_training
from minigooglenet.detection.annotations import few
from minigooglenet.detection.average_precision import RULES, evaluate
from minigooglenet.detection.coverage import coverage
from minigooglenet.detection.detections import Detections, Truths
from minigooglenet.detection.results import results_json
from minigooglenet.evaluation.classification import read_image
from minigooglenet.training import artifacts, run_files
from minigooglenet.training.display import Display
from minigooglenet.training.progress import run_trainer

HELP = "train a detector, detect objects in images, or evaluate a detector"
DATA = "shapes for drawn scenes, or a folder of images with boxes in a COCO file or in VOC's files (default: shapes)"
WEIGHTS = "folder of `detect train`; can be repeated: the confidences of an ensemble are averaged"
STAGES = {
    region_training.OBJECTS: "whole images of single objects",
    region_training.REGIONS: "regions of scenes",
    region_training.HARD: "regions of scenes, with hard negatives",
}
TEST_SCENES = 100


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_train(actions)
    _add_run(actions)
    _add_evaluate(actions)


def _add_action(actions, name, text):
    return actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def _add_train(actions):
    parser = _add_action(actions, "train", "train a detector on images with boxes")
    add = parser.add_argument
    add("--data", metavar="DATA", default=region_training.SHAPES, help=DATA)
    add("--out", metavar="DIR", required=True, help="folder for the checkpoints, weights, logs and figures")
    add("--resume", action="store_true", help="continue the run in DIR with its settings")
    add(
        "--weights",
        metavar="FILE",
        help="weights file of a network to fine-tune, such as a run of `minigooglenet train` (default: for shapes, a "
        "network that is trained first on images of single objects; for a folder, random weights)",
    )
    add(
        "--size", type=positive, metavar="N", help=f"height and width of drawn scenes (default: {region_training.SIZE})"
    )
    add(
        "--scenes",
        type=positive,
        default=region_training.SCENES,
        metavar="N",
        help="number of drawn scenes to train on (default: %(default)s)",
    )
    add(
        "--superpixels",
        type=float,
        default=region_training.SUPERPIXELS,
        metavar="FACTOR",
        help="size of the superpixels of Selective Search, relative to its own scales; twice the size gives less than "
        "half of the proposals (default: %(default)g, as in the paper)",
    )
    add("--multibox", action="store_true", help="train a MultiBox too, and add its proposals, as in the paper")
    add(
        "--epochs",
        type=positive,
        default=region_training.EPOCHS,
        metavar="N",
        help="number of epochs on regions; half as many with hard negatives follow (default: %(default)s)",
    )
    add(
        "--seed",
        type=seed,
        default=0,
        metavar="N",
        help="random seed for weights, regions, shuffling, augmentation and dropout (default: 0)",
    )
    parser.set_defaults(defaults={action.dest: action.default for action in parser._actions if action.dest != "help"})


def _add_run(actions):
    parser = _add_action(actions, "run", "detect objects in images")
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image file, or folder of images")
    add("--weights", metavar="DIR", action="append", required=True, help=WEIGHTS)
    add(
        "--least",
        type=fraction,
        default=0.5,
        metavar="FRACTION",
        help="smallest confidence of a detection (default: %(default)s)",
    )
    add("--out", metavar="DIR", help="folder for the images with boxes drawn (default: draw nothing)")
    add("--json", metavar="FILE", help="JSON file for the detections in COCO's result format; - prints it")


def _add_evaluate(actions):
    parser = _add_action(actions, "evaluate", "measure the average precision of a detector on images with boxes")
    add = parser.add_argument
    add("--data", metavar="DATA", default=region_training.SHAPES, help=DATA)
    add("--weights", metavar="DIR", action="append", required=True, help=WEIGHTS)
    add("--part", choices=("validation", "test"), help="part of the data (default: test, if the data have one)")
    add("--rule", choices=RULES, default="voc", help="rule for hits and false positives (default: %(default)s)")
    add(
        "--size", type=positive, metavar="N", help=f"height and width of drawn scenes (default: {region_training.SIZE})"
    )
    add(
        "--scenes",
        type=positive,
        default=TEST_SCENES,
        metavar="N",
        help="number of drawn scenes (default: %(default)s)",
    )
    add(
        "--out",
        metavar="DIR",
        help="folder for figures of the errors by type, and of the most confident failures (default: draw nothing)",
    )
    add("--json", metavar="FILE", help="JSON file for the detections in COCO's result format; - prints it")


def run(options):
    """Train, run or evaluate a detector."""
    return {"train": _train, "run": _run, "evaluate": _evaluate}[options.action](options)


def _train(options):
    if options.resume:
        given = [name for name, default in options.defaults.items() if getattr(options, name) != default]
        unused = ", ".join(f"--{name}" for name in sorted(set(given) - {"out", "resume"}))
        if unused:
            raise ValueError(f"--resume continues with the settings of the run. Leave out {unused}.")
        run = region_training.read(options.out)
    else:
        _check_drawn(options, region_training.SCENES)
        _check_free(options.out)
        notes = region_training.check_data(options.data, options.size)
        run = region_training.stages(
            options.out,
            options.data,
            start=options.weights,
            size=options.size,
            scenes=options.scenes,
            superpixels=options.superpixels,
            multibox=options.multibox,
            epochs=options.epochs,
            seed=options.seed,
        )
        region_training.write(options.out, run)
        for note in notes:
            Display().line(note)
    done = region_training.begun(options.out)
    for number, (name, recipe) in enumerate(run.items()):
        if name == region_training.REGIONS and not _train_multibox(recipe, options.out):
            return 130
        # A stage is finished as soon as the next one has begun.
        if name not in done[:-1] and not _train_stage(name, recipe, options, f"Stage {number + 1} of {len(run)}"):
            return 130
    return 0


def _train_multibox(recipe, out):
    """Train the MultiBox of a recipe, unless it has none or is trained, and return True; False after Ctrl-C."""
    if recipe.multibox is None or Path(recipe.multibox).exists():
        return True
    with Display() as display:
        display.line("MultiBox: the boxes of all objects.")
        finished = region_training.train_multibox(
            recipe, lambda step: display.status("step", step.number + 1, step.count, f"loss {step.loss:.3f}")
        )
        if finished:
            display.line(f"written: {Path(out) / region_training.MULTIBOX / run_files.WEIGHTS}", whole=True)
        else:
            display.line("Stopped and saved; continue with --resume.")
    return finished


def _train_stage(name, recipe, options, which):
    """Train one stage to its end and return True; return False after Ctrl-C."""
    out = Path(options.out) / name
    with Display() as display:
        display.line(f"{which}: {STAGES[name]}.")
        trainer = recipe.trainer(out, partial(display.status, "images"))
    display = Display()
    if not run_trainer(trainer, display, options.resume):
        return False
    display.line(f"written: {out / run_files.WEIGHTS}", whole=True)
    for path in artifacts.write(trainer):
        display.line(f"written: {path}", whole=True)
    return True


def _check_drawn(options, scenes):
    """Raise an error if an option for drawn scenes would have no effect."""
    given = [f"--{name}" for name, default in (("size", None), ("scenes", scenes)) if getattr(options, name) != default]
    if given and options.data != region_training.SHAPES:
        raise ValueError(f"only drawn scenes have a size and a number to choose. Leave out {', '.join(given)}.")


def _check_free(out):
    """Raise an error if an earlier run saved anything here."""
    if region_training.begun(out):
        raise ValueError(f"{out} already contains a run. Continue it with --resume, or choose another folder.")


def _run(options):
    out, quiet = output(options.json), options.json == files.STDOUT
    paths = image_files(options.images)
    targets = _targets(options.out, paths)
    detector = region_training.detector(*options.weights, least=options.least)
    if options.out:
        files.make_folder(options.out)
    results, unreadable = dict[str, Detections](), 0
    with console.progress(out) as bar:
        task = bar.add_task("images", total=len(paths), status="")
        for number, path in enumerate(paths):
            try:
                image = read_image(path, detector.pixels.channels, None)
            except BadImageError as error:
                unreadable += 1
                out.print(f"cannot read {path} as an image: {error}", markup=False, soft_wrap=True)
                continue
            results[str(path)] = detections = detector.detect(image)
            if not quiet:
                out.print(_lines(path, detections, detector.classes), markup=False, soft_wrap=True)
            if targets:
                with files.atomic(targets[number]) as file:
                    drawing.drawn(image, detections, detector.classes).save(file, "PNG")
                report_written(out, targets[number])
            bar.update(task, completed=number + 1, status=path.name)
    if options.json:
        _write_results(out, options.json, results, range(1, len(detector.classes) + 1))
    return 1 if unreadable else 0


def _targets(folder, paths):
    """Return the path of the drawing of each image, or raise an error if a drawing would replace an image."""
    if not folder:
        return []
    # with the number, because images in different folders may have the same name
    targets = [Path(folder) / f"{number:04}_{path.stem}.png" for number, path in enumerate(paths, 1)]
    images = {os.path.realpath(path) for path in paths}
    for target in targets:
        if os.path.realpath(target) in images:
            raise ValueError(f"{target} is an image and would be overwritten. Choose another folder for --out.")
    return targets


def _check_outside(path, data):
    """Raise an error if results would be written among the annotations of the data, or over them."""
    if path in (None, files.STDOUT) or data == region_training.SHAPES:
        return
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(data)):
        raise ValueError(f"{path} is part of {data}, whose JSON files are annotations. Choose another path for --json.")


def _lines(path, detections, classes):
    rows = [
        f"  {score:7.2%}  {classes[label]:12}  {' '.join(f'{value:.0f}' for value in box)}"
        for box, score, label in zip(*detections, strict=True)
    ]
    return "\n".join(
        [f"{path}: {len(rows)} object{'s' * (len(rows) != 1)} (confidence, class, box x1 y1 x2 y2)", *rows]
    )


def _evaluate(options):
    _check_drawn(options, TEST_SCENES)
    _check_outside(options.json, options.data)
    out = output(options.json)
    if options.out:
        files.make_folder(options.out)
    detector = region_training.detector(*options.weights)
    part = options.part or region_training.held_out_part(options.data)
    scenes = region_training.load(part, options.data, options.size, options.scenes, detector.classes)
    if scenes.classes != detector.classes:
        raise ValueError(
            f"the detector has the classes {few(detector.classes)}, but {options.data} has {few(scenes.classes)}. "
            "Choose other --data."
        )
    for note in getattr(scenes, "notes", ()):
        out.print(note, markup=False, soft_wrap=True)
    ids = getattr(scenes, "image_ids", range(len(scenes.truths)))
    results = dict.fromkeys(ids, Detections([], [], []))  # an unreadable image keeps its empty entries
    truths, proposals = [Truths([], [], [])] * len(ids), [np.zeros((0, 4))] * len(ids)
    unreadable = 0
    with console.progress(out) as bar:
        task = bar.add_task("images", total=len(ids), status="")
        for number, image_id in enumerate(ids):
            try:
                image = scenes.images[number]
            except BadImageError as error:
                unreadable += 1
                out.print(str(error), markup=False, soft_wrap=True)
                continue
            truths[number], proposals[number] = scenes.truths[number], detector.proposals(image)
            confidences = detector.confidences(image, proposals[number])
            results[image_id] = detector.suppressed(proposals[number], confidences)
            bar.update(task, completed=number + 1)
    detections, count = list(results.values()), len(ids) - unreadable
    result = evaluate(detections, truths, detector.classes, options.rule)
    console.show(out, _table(result, f"{count:,} images of {options.data}, {part}; rule {options.rule}"))
    covered = coverage(proposals, truths) if truths else math.nan
    number = sum(map(len, proposals)) / max(1, count)
    out.print(f"Proposals per image: {number:.0f}. Objects covered: {_percent(covered)}.")
    if options.out and count:
        _draw(out, Path(options.out), (scenes.images, detections, truths), detector.classes)
    if options.json:
        categories = getattr(scenes, "category_ids", range(1, len(detector.classes) + 1))
        _write_results(out, options.json, results, categories)
    return 1 if unreadable else 0


def _draw(out, folder, images, classes):
    """Draw the errors by type and the failures; `images` is (images, their Detections, their Truths)."""
    from minigooglenet.detection import errors
    from minigooglenet.detection import figures as drawn

    for name, figure in (
        ("errors", drawn.error_types(errors.error_types(*images[1:]))),
        ("failures", drawn.failures(*images, classes)),
    ):
        for path in figures.save(*figure, folder / name):
            report_written(out, path)


def _table(result, title):
    columns = zip(result.classes, result.curves, result.ap.tolist(), result.false_positives.tolist(), strict=True)
    rows = [(name, curve.objects, _percent(ap), wrong) for name, curve, ap, wrong in columns]
    notes = [f"Not in the mean, because without objects: {', '.join(result.excluded)}."] * bool(result.excluded)
    total = ("mean", sum(row[1] for row in rows), _percent(result.mean_ap), int(result.false_positives.sum()))
    return console.Table(title, ("class", ">objects", ">average precision", ">false positives"), rows, notes, total)


def _percent(fraction):
    return "-" if math.isnan(fraction) else f"{fraction:.1%}"


def _write_results(out, path, results, category_ids):
    files.write_text(path, results_json(list(results.values()), list(results), list(category_ids)))
    report_written(out, path)
