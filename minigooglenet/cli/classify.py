"""`minigooglenet classify`: what a trained network takes pictures for."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from minigooglenet import console, data, files, weights
from minigooglenet.cli.arguments import check_folder
from minigooglenet.data.image_folder import SUFFIXES
from minigooglenet.data.photos import MOST_PIXELS, decode
from minigooglenet.inference import predictions
from minigooglenet.inference.crops import COUNTS

HELP = "tell what pictures show, with a trained network"
TOP = 5
BATCH_SIZE = 24  # answers come after so many crops
BAR = 20  # characters of a sure one


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="picture files, or folders of them")
    parser.add_argument("--weights", required=True, metavar="FILE", help="of the network")
    parser.add_argument(
        "--crops", type=int, choices=COUNTS, help="of each picture; 0 is the whole of it (default: what was trained on)"
    )
    parser.add_argument("--labels", metavar="FILE", help="names of the classes, one a line (default: the weights' own)")
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="write the answers as JSON, or print them instead of text"
    )


def run(options):
    """Print the likeliest classes of each picture as it is done; exit code 1 if any could not be read."""
    quiet = options.json == "-"  # nothing but JSON on the standard output then
    if options.json and not quiet:
        check_folder(options.json)
    paths = _images(options.images)
    loaded = weights.load(options.weights)
    graph = loaded.graph
    channels, size, _ = next(iter(graph.inputs.values()))
    names = _names(options.labels, loaded, graph.shapes[graph.main][0])
    pixels = loaded.pixels or (data.Pixels() if channels == 3 else data.GREY_UNIT)
    out = _stderr() if quiet else console.stdout()
    if loaded.pixels is None:
        out.print(
            f"{options.weights} does not say how pixels become input; taken: {pixels}", markup=False, soft_wrap=True
        )
    crops = int(loaded.notes.get("crops", 1)) if options.crops is None else options.crops
    answers, readable = {}, []

    def pictures():
        for path in paths:
            try:
                picture = _picture(path, pixels.channels, size)
            except data.BadImageError as error:
                answers[path] = {"image": str(path), "error": str(error)}
                out.print(f"cannot read {path} as an image: {error}", markup=False, soft_wrap=True)
                continue
            readable.append(path)
            yield picture

    with console.progress(out) as bar:
        task = bar.add_task("pictures", total=len(paths), status="")
        found = predictions([graph], pictures(), pixels, (crops,), batch_size=BATCH_SIZE)
        for number, answer in enumerate(found):
            path = readable[number]
            answers[path] = {"image": str(path), "top": _top(answer[0, 0], names)}
            if not quiet:
                out.print(_text(answers[path]), markup=False, soft_wrap=True)
            bar.update(task, completed=len(answers), status=path.name)
    if options.json:
        text = json.dumps([answers[path] for path in paths], indent=1, allow_nan=False)
        if quiet:
            sys.stdout.write(text + "\n")
        else:
            files.write_text(options.json, text + "\n")
            out.print(f"written: {options.json}", markup=False, soft_wrap=True)
    return 0 if len(readable) == len(paths) else 1


def _stderr():
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _images(given):
    """Return the files that are meant: of a folder all its pictures, in the order of their names."""
    found = []
    for path in map(Path, given):
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not inside:
                raise ValueError(f"there are no pictures in the folder {path}")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _picture(path, channels, size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit has better words
        image = decode(path, MOST_PIXELS, least_side=2 * size)  # no crop is of a scale above 352 to 224
    values = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return values[None] if channels == 1 else values.transpose(2, 0, 1)


def _names(path, loaded, count):
    if path is None:
        return loaded.classes or tuple(f"class {number}" for number in range(count))
    try:
        names = Path(path).read_text(encoding="utf-8-sig").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read names of classes, one a line, from {path}: {error}") from error
    if len(names) != count:
        raise ValueError(f"{path} names {len(names)} classes, one a line, and the network has {count}")
    return names


def _top(probabilities, names):
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return [{"class": names[i], "number": int(i), "probability": float(probabilities[i])} for i in order]


def _text(answer):
    lines = [
        f"  {one['probability']:7.2%}  {'#' * round(BAR * one['probability']):{BAR}}  {one['class']}"
        for one in answer["top"]
    ]
    return "\n".join([answer["image"], *lines])
