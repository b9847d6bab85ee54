"""Other engines that compute the same network with the same weights, each imported only if it is installed.

Each engine is a module with these names; engines that only do inference omit the last three:

TITLE, version() : name and version
threads(count) : context manager that sets the number of threads
inference(graph, x, count) : {name: build}; build() prepares everything and returns a function without arguments
training(graph, x, labels, weights, lr, momentum) : {name: build}; the function does one step of SGD
gradients(graph, x, labels, weights) : (logits, {"node/weight": gradient}) without dropout, to compare with ours
operation(layer, xs, grad) : {name: (forward, backward)}, functions without arguments
"""

import importlib
from dataclasses import dataclass

from minigooglenet.names import unknown


@dataclass(frozen=True)
class Known:
    """The module of an engine, the packages that it imports, the command that installs them, and whether it is usual.

    An engine that is not usual is measured only if it is named.
    """

    module: str
    imports: tuple[str, ...]
    install: str
    usual: bool = True


_TORCH = "pip install torch --index-url https://download.pytorch.org/whl/cpu"
KNOWN = {
    "torch": Known("minigooglenet.bench.peers.pytorch", ("torch",), _TORCH),
    "torch-compile": Known("minigooglenet.bench.peers.pytorch_compiled", ("torch",), _TORCH, usual=False),
    "onnxruntime": Known(
        "minigooglenet.bench.peers.onnx_runtime", ("onnx", "onnxruntime"), "pip install onnx onnxruntime"
    ),
    "openvino": Known("minigooglenet.bench.peers.openvino_cpu", ("onnx", "openvino"), "pip install onnx openvino"),
}


def names(text: str) -> tuple[str, ...]:
    """Return the engines of a list such as "torch,openvino"; "none" is an empty list."""
    requested = tuple(name.strip() for name in text.split(",") if name.strip())
    if requested == ("none",):
        return ()
    for name in requested:
        if name not in KNOWN:
            raise ValueError(unknown("engine", name, (*KNOWN, "none")))
    return requested


def usual() -> tuple[str, ...]:
    """Return the engines that are measured if none is named."""
    return tuple(name for name, known in KNOWN.items() if known.usual)


def find(names=None) -> tuple[dict, dict]:
    """Return ({name: module} of the engines that work here, {name: reason and install command} of the others).

    names : of the engines (default: the usual ones). If an engine is installed but broken, the reason is its error.
    """
    working, missing = {}, {}
    for name in usual() if names is None else names:
        known = KNOWN[name]
        absent = []
        try:
            for module in known.imports:
                absent = [module]
                importlib.import_module(module)
            working[name] = importlib.import_module(known.module)
        except ModuleNotFoundError as error:
            missing[name] = f"{error.name or absent[0]} is not installed: {known.install}"
        except (ImportError, OSError, RuntimeError) as error:
            missing[name] = (
                f"{absent[0]} does not load ({_first_line(error)}). Try installing it again: {known.install}"
            )
    return working, missing


def build(factories: dict) -> tuple[dict, dict]:
    """Return ({name: function}, {name: reason why it could not be built})."""
    built, left_out = {}, {}
    for name, factory in factories.items():
        try:
            built[name] = factory()
        # An engine may raise any error. The others can still be measured, and the result lists the failed one.
        except Exception as error:
            left_out[name] = f"{type(error).__name__}: {_first_line(error)}"
    return built, left_out


def _first_line(error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
