"""DistBelief over MPI: rank 0 is the parameter server, every other rank fetches, computes and pushes as fast as it can.

Run it with

    mpiexec -n 4 python -m mpi4py -m minigooglenet.distributed.distbelief.over_mpi

`-m mpi4py` makes an exception on one rank end all ranks. Which gradient arrives first depends on the machine, so the
result differs from run to run. The simulation in this package gives the same bits every time.
"""

import numpy as np

import minigooglenet as mg
from minigooglenet.distributed import launcher
from minigooglenet.distributed.distbelief import experiment
from minigooglenet.training.averaging import average_step
from minigooglenet.training.step import gradients

UPDATES, BATCH = 2400, 16
WORK, STOP = 1, 2  # tags of the server's messages
SETTINGS = {"lr": 0.005, "momentum": 0.9}


def main(updates: int = UPDATES) -> None:
    """Train the network of the experiment with all ranks; rank 0 prints the accuracies."""
    mpi = launcher.library()
    world = mpi.COMM_WORLD
    if world.size < 2:
        raise ValueError("a server and a worker are at least 2 ranks, got 1. Start it with mpiexec -n 4.")
    mg.set_num_threads(1)  # the other cores belong to the other ranks
    graph, split = experiment.network(), experiment.noisy_digits()
    (serve if world.rank == 0 else work)(world, mpi.Status(), graph, split, updates)


def serve(world, status, graph, split, updates):
    """Apply each gradient as it arrives, and answer with the new parameters; at the end, stop every worker."""
    flat, gradient, velocity, average = packed(graph.params), packed(graph.params), {}, {}
    for worker in range(1, world.size):
        world.Send(flat, worker, WORK)
    for count in range(updates + world.size - 1):  # each worker pushes one last gradient, which is not applied
        world.Recv(gradient, status=status)
        if count < updates:
            mg.optim.sgd_step(graph.params, unpacked(gradient, graph.params), velocity, **SETTINGS)
            if count >= updates // 2:
                average_step(average, graph.params, count - updates // 2)
            flat = packed(graph.params)
        world.Send(flat, status.Get_source(), WORK if count < updates else STOP)
    for name, params in (("last weights", graph.params), ("average", average)):
        graph.params.update(params)
        accuracy = np.mean(mg.evaluation.predict(graph, split.test.images) == split.test.labels)
        print(f"{updates} updates by {world.size - 1} workers, {name}: accuracy {accuracy:.3f}", flush=True)


def work(world, status, graph, split, updates):
    """Fetch the parameters, compute the gradient of a batch, push it; stop when the server says so."""
    flat, rng = packed(graph.params), np.random.default_rng([world.rank])
    while True:
        world.Recv(flat, 0, status=status)
        if status.Get_tag() == STOP:
            return
        graph.params.update(unpacked(flat, graph.params))
        rows = rng.integers(0, len(split.train), BATCH)
        x, labels = split.train.inputs(rows), split.train.labels[rows]
        world.Send(packed(gradients(graph, x, labels, {graph.main: 1.0}).params, graph.params), 0)


def packed(arrays, order=None):
    """Return the arrays of a dict as one flat array, in the order of `order`."""
    return np.concatenate([arrays[name].ravel() for name in order or arrays])


def unpacked(flat, like):
    """Return {name: view of a part of `flat`} with the names and shapes of `like`."""
    ends = np.cumsum([array.size for array in like.values()])
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(array.shape) for (name, array), part in zip(like.items(), parts, strict=True)}


if __name__ == "__main__":
    main()
