"""`minigooglenet classify`: the most likely classes of images."""

import json
from pathlib import Path

from minigooglenet import console, data, extras, files
from minigooglenet.cli.arguments import add_pixels, image_files, load_weights, output, report_written
from minigooglenet.data import imagenet
from minigooglenet.evaluation import predictions
from minigooglenet.evaluation.classification import likeliest, read_image
from minigooglenet.evaluation.multicrop import COUNTS, rule_of
from minigooglenet.weights.contents import CLASSES, IMAGENET

HELP = "classify images with a trained network"
MOST_LABELS = 16 * 1024**2  # bytes of a file of class names
BATCH_SIZE = 24  # crops per batch; answers are printed after each batch


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image file, or folder of images")
    parser.add_argument(
        "--weights",
        required=True,
        metavar="FILE",
        help="weights file, folder of a training run, or a name that `weights fetch` lists",
    )
    add_pixels(parser)
    parser.add_argument(
        "--crops", type=int, choices=COUNTS, help="crops per image; 0 uses the whole image (default: as in training)"
    )
    parser.add_argument(
        "--labels", metavar="FILE", help="text file with one class name per line (default: names in the weights file)"
    )
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="JSON file for the answers; without FILE, print JSON"
    )


def run(options):
    """Print the most likely classes of each image; return 1 if any image could not be read."""
    out, quiet = output(options.json), options.json == files.STDOUT
    paths = image_files(options.images)
    loaded = load_weights(options.weights, options.pixels, out)
    graph = loaded.graph
    channels, size, _ = next(iter(graph.inputs.values()))
    names = _names(options.labels, loaded, graph.shapes[graph.main][0])
    if loaded.notes.get(CLASSES) == IMAGENET and not (loaded.classes or options.labels):
        out.print(
            f"The classes are {IMAGENET}. To see their names: {extras.command(imagenet.EXTRA)}",
            markup=False,
            soft_wrap=True,
        )
    pixels = loaded.pixels or (data.Pixels() if channels == 3 else data.GREY_UNIT)
    if loaded.pixels is None:
        out.print(
            f"{options.weights} does not record how pixels become inputs. Using {pixels}; --pixels changes it.",
            markup=False,
            soft_wrap=True,
        )
    rule = rule_of(loaded.notes)
    crops = loaded.crops if options.crops is None else options.crops
    answers, readable = {}, []

    def images():
        for path in paths:
            try:
                image = read_image(path, pixels.channels, size if rule == "box" else None)
            except data.BadImageError as error:
                answers[path] = {"image": str(path), "error": str(error)}
                out.print(f"cannot read {path} as an image: {error}", markup=False, soft_wrap=True)
                continue
            readable.append(path)
            yield image
            del image  # free it before the next one is decoded

    with console.progress(out) as bar:
        task = bar.add_task("images", total=len(paths), status="")
        probabilities = predictions([graph], images(), pixels, (crops,), batch_size=BATCH_SIZE, rule=rule)
        for index, probability in enumerate(probabilities):
            path = readable[index]
            top = likeliest(probability[0, 0], names)
            answers[path] = {
                "image": str(path),
                "top": [{"class": name, "number": i, "probability": p} for name, p, i in top],
            }
            if not quiet:
                out.print(f"{path}\n{top}", markup=False, soft_wrap=True)
            bar.update(task, completed=len(answers), status=path.name)
    if options.json:
        text = json.dumps([answers[path] for path in paths], indent=1, allow_nan=False)
        files.write_text(options.json, text + "\n")
        report_written(out, options.json)
    return 0 if len(readable) == len(paths) else 1


def _names(path, loaded, count):
    if path is None:
        return loaded.classes or tuple(f"class {index}" for index in range(count))
    try:
        files.check_regular(path)
        if (size := Path(path).stat().st_size) > MOST_LABELS:
            raise ValueError(
                f"{path} has {size:,} bytes; a file of class names, one per line, has at most {MOST_LABELS:,}"
            )
        names = files.read_bytes(path).decode("utf-8-sig").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "").lower() or error
        raise ValueError(f"cannot read class names, one per line, from {path}: {reason}") from error
    if len(names) != count:
        raise ValueError(
            f"{path} must have one class name per line for the {count} classes of the network, got {len(names)}"
        )
    return names
