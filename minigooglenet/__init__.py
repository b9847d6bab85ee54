"""A convolution engine small enough to read and fast enough to run the real GoogLeNet.

import minigooglenet as mg

g = mg.models.googlenet()
print(mg.count(g))
"""

from minigooglenet import (
    counting,
    data,
    exercises,
    gradcheck,
    inference,
    kernels,
    layers,
    losses,
    models,
    optim,
    training,
    viz,
    weights,
)
from minigooglenet.counting import count
from minigooglenet.graph import Graph
from minigooglenet.parallel import get_num_threads, set_num_threads
from minigooglenet.plan import plan

__all__ = [
    "Graph",
    "count",
    "counting",
    "data",
    "exercises",
    "get_num_threads",
    "gradcheck",
    "inference",
    "kernels",
    "layers",
    "losses",
    "models",
    "optim",
    "plan",
    "set_num_threads",
    "training",
    "viz",
    "weights",
]
