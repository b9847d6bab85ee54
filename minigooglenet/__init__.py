"""A convolution engine small enough to read and fast enough to run the real GoogLeNet.

import minigooglenet as mg
g = mg.models.googlenet()
print(mg.count(g))
"""

from minigooglenet import kernels, layers, losses
from minigooglenet import models
from minigooglenet.graph import Graph
from minigooglenet.parallel import get_num_threads, set_num_threads
from minigooglenet.plan import plan
