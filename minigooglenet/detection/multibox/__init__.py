"""MultiBox: proposals for objects of any class from one forward pass (Erhan et al. 2014, Szegedy et al. 2014)."""

from minigooglenet.detection.multibox.coding import decode, encode
from minigooglenet.detection.multibox.loss import Loss, multibox_loss
from minigooglenet.detection.multibox.matching import bipartite, match
from minigooglenet.detection.multibox.network import MultiBox, MultiBoxProposals, load_multibox, multibox_network
from minigooglenet.detection.multibox.priors import grid_priors, kmeans
from minigooglenet.detection.multibox.training import MultiBoxStep, MultiBoxTrainer

__all__ = [
    "Loss",
    "MultiBox",
    "MultiBoxProposals",
    "MultiBoxStep",
    "MultiBoxTrainer",
    "bipartite",
    "decode",
    "encode",
    "grid_priors",
    "kmeans",
    "load_multibox",
    "match",
    "multibox_loss",
    "multibox_network",
]
