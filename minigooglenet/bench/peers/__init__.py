"""Other engines that compute the same network with the same weights, each imported only where it is installed.

A peer is a module with these names; engines that only do inference leave the last three out:

TITLE, version() : what it is called
threads(count) : context manager in which it uses so many threads
inference(graph, x, count) : {contender: build}; build() prepares everything and returns a function without arguments
training(graph, x, labels, weights, lr, momentum) : {contender: build}; the function does one step of SGD
gradients(graph, x, labels, weights) : (logits, {"node/weight": gradient}) with dropout off, to hold against ours
operation(layer, xs, grad) : {contender: (forward, backward)}, functions without arguments
"""

import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Where a peer's module lies, what it imports, and how that is installed."""

    module: str
    imports: tuple[str, ...]
    install: str


KNOWN = {
    "torch": Known(
        "minigooglenet.bench.peers.pytorch",
        ("torch",),
        "pip install torch --index-url https://download.pytorch.org/whl/cpu",
    ),
    "onnxruntime": Known(
        "minigooglenet.bench.peers.onnx_runtime", ("onnx", "onnxruntime"), "pip install onnx onnxruntime"
    ),
    "openvino": Known("minigooglenet.bench.peers.openvino_cpu", ("onnx", "openvino"), "pip install onnx openvino"),
}


def names(text: str) -> tuple[str, ...]:
    """Return the peers of a list such as "torch,openvino"; "none" is no peer."""
    asked = tuple(name.strip() for name in text.split(",") if name.strip())
    if asked == ("none",):
        return ()
    for name in asked:
        if name not in KNOWN:
            raise ValueError(f"there is no peer {name!r}; there are {', '.join(KNOWN)}, or none")
    return asked


def find(asked=None) -> tuple[dict, dict]:
    """Return ({name: module} of the peers that work here, {name: why not and what helps} of the others).

    All known ones are looked for unless `asked` names some. What is broken, not merely missing, says why.
    """
    found, missing = {}, {}
    for name in KNOWN if asked is None else asked:
        known = KNOWN[name]
        absent = []
        try:
            for module in known.imports:
                absent = [module]
                importlib.import_module(module)
            found[name] = importlib.import_module(known.module)
        except ModuleNotFoundError as error:
            missing[name] = f"{error.name or absent[0]} is not installed: {known.install}"
        except (ImportError, OSError, RuntimeError) as error:
            missing[name] = f"{absent[0]} does not load ({_first_line(error)}); perhaps anew: {known.install}"
    return found, missing


def build(factories: dict) -> tuple[dict, dict]:
    """Return ({contender: its function}, {contender: why it could not be built})."""
    built, left_out = {}, {}
    for name, factory in factories.items():
        try:
            built[name] = factory()
        # Whatever a foreign engine raises, the others can still be measured; the result says which one is not there.
        except Exception as error:
            left_out[name] = f"{type(error).__name__}: {_first_line(error)}"
    return built, left_out


def _first_line(error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
