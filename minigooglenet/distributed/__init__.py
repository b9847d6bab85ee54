"""Training with several processes or machines: the same bits for any number; and a simulation of DistBelief."""

from minigooglenet.distributed import figures, mpi
from minigooglenet.distributed.distbelief.clock import ComputeTimes
from minigooglenet.distributed.distbelief.results import Point, Simulation, Update
from minigooglenet.distributed.distbelief.simulation import compare_modes, simulate
from minigooglenet.distributed.flat import Flat
from minigooglenet.distributed.group import Alone, Group, check_same
from minigooglenet.distributed.sample_random import SampleGenerator
from minigooglenet.distributed.sharded import ShardedTrainer
from minigooglenet.distributed.shards import parts
from minigooglenet.distributed.supervisor import train
from minigooglenet.distributed.tree import TreeSum, spans, tree_sum

__all__ = [
    "Alone",
    "ComputeTimes",
    "Flat",
    "Group",
    "Point",
    "SampleGenerator",
    "ShardedTrainer",
    "Simulation",
    "TreeSum",
    "Update",
    "check_same",
    "compare_modes",
    "figures",
    "mpi",
    "parts",
    "simulate",
    "spans",
    "train",
    "tree_sum",
]
