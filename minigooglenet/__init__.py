"""A convolution engine small enough to read and fast enough to run the real GoogLeNet.

import minigooglenet as mg

g = mg.models.googlenet()
print(mg.count(g))
"""

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

from minigooglenet import starting  # noqa: F401 (before anything else is imported)

# isort: split
from minigooglenet import _moved, shortcut

if TYPE_CHECKING:
    from minigooglenet import (
        adaptive,
        counting,
        data,
        detection,
        distributed,
        evaluation,
        exercises,
        gradcheck,
        kernels,
        layers,
        losses,
        models,
        optim,
        schedules,
        training,
        viewer,
        viz,
        weights,
    )
    from minigooglenet.counting import count
    from minigooglenet.graph import Graph
    from minigooglenet.kernels.forms import use
    from minigooglenet.parallel import get_num_threads, set_num_threads
    from minigooglenet.planning import plan
    from minigooglenet.viewer import view

__all__ = [
    "Graph",
    "__version__",
    "adaptive",
    "count",
    "counting",
    "data",
    "detection",
    "distributed",
    "evaluation",
    "exercises",
    "get_num_threads",
    "gradcheck",
    "kernels",
    "layers",
    "losses",
    "models",
    "optim",
    "plan",
    "schedules",
    "set_num_threads",
    "training",
    "use",
    "view",
    "viewer",
    "viz",
    "weights",
]


FUNCTIONS = {  # {function or class: the module that it is imported from}
    "Graph": "graph",
    "count": "counting",
    "get_num_threads": "parallel",
    "plan": "planning",
    "set_num_threads": "parallel",
    "use": "kernels.forms",
    "view": "viewer",
}


def __getattr__(name):
    """Import a part of the package on its first use, because most programs need only some of them."""
    if name == "__version__":
        from importlib import metadata

        return metadata.version("minigooglenet")
    if name in FUNCTIONS:
        module = importlib.import_module(f"minigooglenet.{FUNCTIONS[name]}")
        value = globals()[name] = getattr(module, name)
        return value
    if not name.startswith("_") and importlib.util.find_spec(f"minigooglenet.{name}"):
        return importlib.import_module(f"minigooglenet.{name}")
    raise AttributeError(f"module 'minigooglenet' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__():
    return __all__


def _infer(graph, inputs, outputs):
    from minigooglenet.planning import live

    return live.infer(graph, inputs, outputs)


shortcut.connect(_infer)
_moved.install()
