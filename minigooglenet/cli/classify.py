"""`minigooglenet classify`: what a trained network takes images for."""

import json
from pathlib import Path

from minigooglenet import console, data, files
from minigooglenet.cli.arguments import add_pixels, load_weights, output, written
from minigooglenet.data.formats import is_image_name
from minigooglenet.evaluation import predictions
from minigooglenet.evaluation.classification import likeliest, read_image
from minigooglenet.evaluation.multicrop import COUNTS, rule_of

HELP = "tell what images show, with a trained network"
MOST_LABELS = 16 * 1024**2  # bytes of a file of names
BATCH_SIZE = 24  # answers come after so many crops


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, or folders of them")
    parser.add_argument("--weights", required=True, metavar="FILE", help="of the network, or the folder of a run")
    add_pixels(parser)
    parser.add_argument(
        "--crops", type=int, choices=COUNTS, help="of each image; 0 is the whole of it (default: what was trained on)"
    )
    parser.add_argument("--labels", metavar="FILE", help="names of the classes, one a line (default: the weights' own)")
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="write the answers as JSON, or print them instead of text"
    )


def run(options):
    """Print the likeliest classes of each image as it is done; exit code 1 if any could not be read."""
    out, quiet = output(options.json), options.json == files.STDOUT
    paths = _images(options.images)
    loaded = load_weights(options.weights, options.pixels, out)
    graph = loaded.graph
    channels, size, _ = next(iter(graph.inputs.values()))
    names = _names(options.labels, loaded, graph.shapes[graph.main][0])
    pixels = loaded.pixels or (data.Pixels() if channels == 3 else data.GREY_UNIT)
    if loaded.pixels is None:
        out.print(
            f"{options.weights} does not say how pixels become input; taken: {pixels}; --pixels gives others",
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
            del image  # before the next is decoded

    with console.progress(out) as bar:
        task = bar.add_task("images", total=len(paths), status="")
        found = predictions([graph], images(), pixels, (crops,), batch_size=BATCH_SIZE, rule=rule)
        for number, answer in enumerate(found):
            path = readable[number]
            top = likeliest(answer[0, 0], names)
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
        written(out, options.json)
    return 0 if len(readable) == len(paths) else 1


def _images(given):
    """Return the files that are meant: of a folder all its images, in the order of their names."""
    found = []
    for path in map(Path, given):
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if is_image_name(file.name) and not file.name.startswith(".") and not file.is_dir()
            )
            if not inside:
                raise ValueError(f"there are no images in the folder {path}")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _names(path, loaded, count):
    if path is None:
        return loaded.classes or tuple(f"class {number}" for number in range(count))
    try:
        files.check_regular(path)
        if (size := Path(path).stat().st_size) > MOST_LABELS:
            raise ValueError(f"{path} has {size:,} bytes, more than {MOST_LABELS:,} for names of classes, one a line")
        names = files.read_bytes(path).decode("utf-8-sig").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot read names of classes, one a line, from {path}: {reason}") from error
    if len(names) != count:
        raise ValueError(f"{path} names {len(names)} classes, one a line, and the network has {count}")
    return names
