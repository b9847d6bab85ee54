"""A convolution engine small enough to read and fast enough to run the real GoogLeNet.

import minigooglenet as mg

g = mg.models.googlenet()
print(mg.count(g))
"""

import sys
from typing import TYPE_CHECKING

from minigooglenet import starting  # noqa: F401 (before anything else is imported)

# isort: split
from minigooglenet import (
    _moved,
    adaptive,
    counting,
    data,
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
    viz,
    weights,
)
from minigooglenet.counting import count
from minigooglenet.graph import Graph
from minigooglenet.kernels.forms import use
from minigooglenet.parallel import get_num_threads, set_num_threads
from minigooglenet.planning import plan

if TYPE_CHECKING:
    from minigooglenet import detection, viewer
    from minigooglenet.viewer import view

exercises.add_lessons("minigooglenet.lessons")  # by name: a lesson is imported when it is first used

__all__ = [
    "Graph",
    "__version__",
    "adaptive",
    "count",
    "counting",
    "data",
    "detection",
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


def __getattr__(name):
    if name == "__version__":  # read on first use, because finding the package metadata takes time
        from importlib import metadata

        return metadata.version("minigooglenet")
    if name in ("detection", "view", "viewer"):  # imported on first use: most programs need neither
        import importlib

        if name == "detection":
            return importlib.import_module("minigooglenet.detection")
        module = importlib.import_module("minigooglenet.viewer")
        globals().update(viewer=module, view=module.view)
        return globals()[name]
    raise AttributeError(f"module 'minigooglenet' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__():
    return __all__


_moved.install()
