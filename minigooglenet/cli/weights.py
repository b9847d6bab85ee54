"""`minigooglenet weights inspect|convert|fetch`: show, convert or download a weights file."""

import argparse
import json
from pathlib import Path

import numpy as np

from minigooglenet import console, models, weights
from minigooglenet.cli.arguments import add_pixels
from minigooglenet.weights import detect, network, npz, published, safetensors
from minigooglenet.weights.contents import NOT_VERIFIED, PIXELS_ASSUMED, PIXELS_UNKNOWN, check_values, reading
from minigooglenet.weights.detect import NOT_USABLE

HELP = "show, convert or download a weights file"
STATISTICS = ("/running_mean", "/running_var")  # of batch norm
SUFFIXES = (safetensors.SUFFIX, ".npz", ".onnx")


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]} ({', '.join(reader.FORMAT for reader in detect.READERS)}).",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    inspect = _add_action(actions, "inspect", "show the metadata and the arrays of a weights file")
    inspect.add_argument("file", metavar="FILE", help="weights file, or folder of a training run")
    convert = _add_action(actions, "convert", "write a weights file in another format")
    convert.add_argument("file", metavar="FILE", help="weights file, or folder of a training run")
    convert.add_argument("out", metavar="OUT", help=f"file to write; its suffix sets the format: {', '.join(SUFFIXES)}")
    convert.add_argument(
        "--model", metavar="NAME", help=f"model, if FILE does not record it: {', '.join(models.names())}"
    )
    add_pixels(convert)
    convert.add_argument(
        "--argument",
        metavar="NAME=VALUE",
        type=_argument,
        action="append",
        default=[],
        help="argument of the model, such as in_channels=1; can be repeated",
    )
    fetch = _add_action(actions, "fetch", "download published weights, or list them")
    fetch.add_argument("name", nargs="?", metavar="NAME", help="weights to download (default: list all)")
    fetch.add_argument(
        "--out",
        metavar="FILE",
        help="output file or folder (default: your cache folder)",
    )


def _add_action(actions, name, text):
    return actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def run(options):
    """Show, convert or download a weights file."""
    {"inspect": _inspect, "convert": _convert, "fetch": _fetch}[options.action](options)


def _fetch(options):
    out = console.stdout()
    if options.name is None:
        for one in published.published().values():
            out.print(f"{one.name}", markup=False)
            for what, fact in {**one.facts(), "command": one.command}.items():
                out.print(f"  {what}: {fact}", markup=False, soft_wrap=True)
        return
    with console.progress(out) as bar:
        task = bar.add_task(options.name, total=None, status="")
        path, summary = published.fetch(
            options.name, options.out, on_bytes=lambda done, size: bar.update(task, completed=done, total=size)
        )
    out.print(f"{path}: {summary}", markup=False, soft_wrap=True)
    out.print(f"next: minigooglenet classify IMAGE --weights {path}", markup=False, soft_wrap=True)


def _inspect(options):
    out = console.stdout()
    with detect.opened(options.file) as reader:
        contents = reader.read()
    graph = contents.architecture
    without = None if isinstance(reader, safetensors.Reader) else "this format has no checksums"
    unverified = contents.notes.pop(NOT_VERIFIED, without)
    facts = {
        "format": reader.FORMAT,
        "verified": f"no: {unverified}" if unverified else "all arrays and all metadata match their SHA-256",
        "graph": graph
        and f"{len(graph['nodes'])} nodes, input{'s' * (len(graph['inputs']) != 1)} {', '.join(graph['inputs'])}",
        "model": contents.model or (None if graph else "not recorded in the file"),
        "arguments": ", ".join(f"{name}={value!r}" for name, value in contents.arguments.items()),
        "pixels": contents.pixels and str(contents.pixels),
        "classes": contents.classes and f"{len(contents.classes)}: {_some(contents.classes)}",
        **contents.notes,
    }
    for name, fact in facts.items():
        if fact:
            out.print(f"{name}: {fact}", markup=False, soft_wrap=True)
    for name, array in contents.arrays.items():
        try:
            check_values(name, array)
        except ValueError as error:
            out.print(f"not usable: {error}", markup=False, soft_wrap=True)
    rows = [_row(name, array) for name, array in contents.arrays.items()]
    statistics = sum(array.size for name, array in contents.arrays.items() if name.endswith(STATISTICS))
    params = sum(array.size for array in contents.arrays.values()) - statistics
    heading = f"{len(rows)} arrays: {params:,} parameters" + f", {statistics:,} running statistics" * bool(statistics)
    console.show(out, console.Table(heading, ("array", "shape", "type", ">mean", ">std", ">min", ">max"), rows))


def _row(name, array):
    with np.errstate(all="ignore"):  # NaN and infinity are shown
        values = (f"{f(array, dtype=np.float64):.4g}" if array.size else "" for f in (np.mean, np.std))
        extremes = (f"{f(array):.4g}" if array.size else "" for f in (np.min, np.max))
        return (name, "x".join(map(str, array.shape)), array.dtype.name, *values, *extremes)


def _convert(options):
    suffix = Path(options.out).suffix
    if suffix not in SUFFIXES:
        raise ValueError(f"OUT must end in one of {', '.join(SUFFIXES)}, got {options.out!r}")
    contents = weights.read(options.file)
    contents.arrays = network.of_network(contents.arrays)
    if NOT_USABLE in contents.notes:
        raise ValueError(f"{options.file} is {NOT_USABLE}: {contents.notes[NOT_USABLE]}")
    if options.model and contents.architecture and not contents.model:
        raise ValueError(f"{options.file} contains its graph. Leave out --model.")
    if options.model and contents.model:
        raise ValueError(f"{options.file} records its model, {contents.model!r}. Leave out --model.")
    if options.argument and not options.model:
        raise ValueError("--argument needs --model NAME")
    if options.model:
        contents.model, contents.arguments = options.model, dict(options.argument)
    contents.notes.pop(NOT_VERIFIED, None)
    if options.pixels:
        contents.pixels = options.pixels
        for note in (PIXELS_UNKNOWN, PIXELS_ASSUMED):
            contents.notes.pop(note, None)
    if suffix == ".npz":
        npz.write(contents, options.out)
    elif suffix == safetensors.SUFFIX and contents.model is None and contents.architecture is None:
        safetensors.write(contents, options.out)
    else:
        with reading(options.file):
            graph = network.build(contents)
            weights.fill(graph, contents.arrays)
        if suffix == safetensors.SUFFIX:
            contents.architecture = weights.architecture.describe(graph)
            safetensors.write(contents, options.out)
        else:
            from minigooglenet.weights.onnx import export

            export(graph, options.out, pixels=contents.pixels, classes=contents.classes)
    out = console.stdout()
    out.print(
        f"written: {options.out}, {len(contents.arrays)} array{'s' * (len(contents.arrays) != 1)}",
        markup=False,
        soft_wrap=True,
    )
    if suffix == ".npz":
        out.print("It contains only arrays, without the model, pixels or classes.", markup=False)
    elif PIXELS_UNKNOWN in contents.notes:
        out.print(f"{options.file}: {contents.notes[PIXELS_UNKNOWN]}", markup=False, soft_wrap=True)


def _argument(text):
    """Return (name, value) from NAME=VALUE; a value that is not valid JSON is a string."""
    name, _, value = text.partition("=")
    if not (name and value):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _some(classes):
    return ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
