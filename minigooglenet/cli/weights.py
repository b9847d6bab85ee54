"""`minigooglenet weights inspect|convert FILE`: what a file of weights holds, and the same in another form."""

import argparse
import json
from pathlib import Path

import numpy as np

from minigooglenet import console, models, weights
from minigooglenet.weights import limits, network, npz, own
from minigooglenet.weights.read import reader

HELP = "show or convert a file of weights"
KINDS = {
    "own": "safetensors",
    "npz": "NumPy archive",
    "caffe": "Caffe model",
    "torchvision": "torchvision's GoogLeNet",
}
STATISTICS = ("/running_mean", "/running_var")  # batch norm's
SUFFIXES = (own.SUFFIX, ".npz", ".onnx")


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}: {', '.join(KINDS.values())}."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    inspect = actions.add_parser("inspect", help="show what a file says and holds")
    inspect.add_argument("file", metavar="FILE")
    convert = actions.add_parser("convert", help=f"write it as {', '.join(SUFFIXES)}, as OUT's ending says")
    convert.add_argument("file", metavar="FILE")
    convert.add_argument("out", metavar="OUT")
    convert.add_argument("--model", metavar="NAME", help=f"where FILE does not say it: {', '.join(models.names())}")
    convert.add_argument(
        "--argument",
        metavar="NAME=VALUE",
        type=_argument,
        action="append",
        default=[],
        help="of the model, such as in_channels=1; may be given several times",
    )


def run(options):
    """Show the file, or write the other one."""
    (_inspect if options.action == "inspect" else _convert)(options)


def _inspect(options):
    out = console.stdout()
    kind = reader(options.file)
    contents = kind.read(options.file)
    unverified = contents.notes.pop(own.NOT_VERIFIED, None if kind is own else "files of this kind have no checksums")
    facts = {
        "kind": KINDS[kind.__name__.rpartition(".")[2]],
        "verified": f"no: {unverified}" if unverified else "every array and what is said here match their SHA-256",
        "model": contents.model or "the file does not say",
        "arguments": ", ".join(f"{name}={value!r}" for name, value in contents.arguments.items()),
        "pixels": contents.pixels and str(contents.pixels),
        "classes": contents.classes and f"{len(contents.classes)}: {_some(contents.classes)}",
        **contents.notes,
    }
    for name, fact in facts.items():
        if fact:
            out.print(f"{name}: {fact}", markup=False, soft_wrap=True)
    rows = [_row(name, array) for name, array in contents.arrays.items()]
    statistics = sum(array.size for name, array in contents.arrays.items() if name.endswith(STATISTICS))
    params = sum(array.size for array in contents.arrays.values()) - statistics
    heading = f"{len(rows)} arrays: {params:,} parameters" + f", {statistics:,} running statistics" * bool(statistics)
    console.show(out, console.Table(heading, ("array", "shape", "type", ">mean", ">std", ">min", ">max"), rows))


def _row(name, array):
    with np.errstate(all="ignore"):  # what is not finite is shown as it is
        values = (f"{f(array, dtype=np.float64):.4g}" if array.size else "" for f in (np.mean, np.std))
        ends = (f"{f(array):.4g}" if array.size else "" for f in (np.min, np.max))
        return (name, "x".join(map(str, array.shape)), array.dtype.name, *values, *ends)


def _convert(options):
    suffix = Path(options.out).suffix
    if suffix not in SUFFIXES:
        raise ValueError(f"OUT must end in one of {', '.join(SUFFIXES)}, got {options.out!r}")
    contents = weights.read(options.file)
    if options.model and contents.model:
        raise ValueError(f"{options.file} says itself that its model is {contents.model!r}; leave --model away")
    if options.argument and not options.model:
        raise ValueError("--argument goes with --model NAME")
    if options.model:
        contents.model, contents.arguments = options.model, dict(options.argument)
    contents.notes.pop(own.NOT_VERIFIED, None)
    if suffix == ".npz":
        npz.write(contents, options.out)
    elif suffix == own.SUFFIX and contents.model is None:
        own.write(contents, options.out)
    else:
        with limits.reading(options.file):
            graph = network.build(contents)
            weights.fill(graph, contents.arrays)
        if suffix == own.SUFFIX:
            own.write(contents, options.out)
        else:
            from minigooglenet.weights.onnx import export

            export(graph, options.out)
    out = console.stdout()
    out.print(f"written: {options.out}, {len(contents.arrays)} arrays", markup=False, soft_wrap=True)
    if suffix == ".npz":
        out.print("It holds the arrays alone: neither the model, nor pixels, nor classes.", markup=False)


def _argument(text):
    """Return (name, value) of NAME=VALUE; a value that is no number, true, false or null is text."""
    name, _, value = text.partition("=")
    if not (name and value):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _some(classes):
    return ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
