"""One training step of the whole network, ours and PyTorch in turn, after a comparison of their gradients."""

import copy
import functools

import numpy as np

import minigooglenet.bench.peers as known_peers
from minigooglenet import losses, optim
from minigooglenet.bench import clock, equality, settings
from minigooglenet.bench.results import engines_table, many, skipped_notes, with_ratios

OURS = "minigooglenet"
BATCHES, QUICK = (8, 16), (2,)
LEARNING_RATE, MOMENTUM = 1e-3, 0.9
# A gradient passes many masks. If rounding changes one ReLU mask or one argmax, more than the last digit differs. Seen
# in GoogLeNet: up to 3e-3 of the largest value of a gradient, and 2e-3 between float32 and float64 in our engine.
GRADIENT_TOLERANCE = 1e-2


def measure(options, progress) -> dict:
    """Return the times of a step: forward pass with dropout, weighted losses, backward pass, SGD with momentum."""
    graph = options.graph()
    records, left_out = [], {}
    with settings.threads(options.threads, options.peers.values()):
        for batch in options.batch_sizes(BATCHES, QUICK):
            progress(f"training step, batch {batch}")
            for peer in options.peers.values():
                if hasattr(peer, "gradients"):
                    require_equal_gradients(graph, batch, peer)
            functions, failed = known_peers.build(steps(graph, batch, options.peers))
            left_out |= failed
            # The losses cannot be compared, because each engine draws its own dropout masks and trains its own weights.
            timings = clock.alternate(functions, rounds=options.rounds, seconds=2 * options.seconds, tolerance=None)
            records += with_ratios(timings, OURS, batch=batch, threads=options.threads)
    return {"records": records, "left_out": left_out}


def steps(graph, batch, peers) -> dict:
    """Return {engine: build}; each built function does one step on its own weights."""
    x, labels, weights = batch_of(graph, batch)
    factories = {OURS: functools.partial(our_step, graph, x, labels, weights)}
    for peer in peers.values():
        if hasattr(peer, "training"):
            factories |= peer.training(graph, x, labels, weights, LEARNING_RATE, MOMENTUM)
    return factories


def batch_of(graph, batch):
    """Return (images, labels, {wire: loss weight}) for training."""
    (classes,) = graph.shapes[graph.main]
    labels = np.random.default_rng(1).integers(0, classes, batch)
    return settings.images(graph, batch), labels, losses.head_weights(graph)


def our_step(graph, x, labels, weights):
    """Return a function that does one step on a copy of `graph` and returns the loss."""
    net, velocity = copy.deepcopy(graph), {}
    (image,) = net.inputs
    rates = {"lr": LEARNING_RATE, "momentum": MOMENTUM}
    update = functools.partial(optim.sgd_step, net.params, velocity=velocity, **rates)

    def step():
        logits, tape = net.forward({image: x}, train=True)
        loss, _, grads = losses.weighted_sum(logits, labels, weights)
        net.backward(grads, tape, inputs=False, on_gradients=update)
        return loss

    return step


def require_equal_gradients(graph, batch, peer) -> None:
    """Raise a ValueError unless another engine has our logits and parameter gradients, without dropout."""
    x, labels, weights = batch_of(graph, batch)
    (image,) = graph.inputs
    logits, tape = graph.forward({image: x})
    _, _, grads = losses.weighted_sum(logits, labels, weights)
    _, ours = graph.backward(grads, tape)
    peer_logits, peer_gradients = peer.gradients(graph, x, labels, weights)
    equality.require_equal({OURS: [logits[wire] for wire in weights], peer.TITLE: peer_logits})
    for name, grad in ours.items():
        error = equality.difference(grad, peer_gradients[name])
        if not error <= GRADIENT_TOLERANCE:
            raise ValueError(
                f"{peer.TITLE} and {OURS} do not train the same: the gradients of {name} differ by {error:.1e} of the "
                f"largest value, but only {GRADIENT_TOLERANCE:g} is allowed, so their times are not compared"
            )


def tables(result) -> list:
    """Return the table of a result."""
    threads = result["records"][0]["threads"]
    notes = [
        "A step: forward pass with dropout, all losses (auxiliary ones times 0.3), backward pass, SGD, momentum 0.9.",
        f"In turn. Without dropout, logits agree to 1e-4 and gradients to {GRADIENT_TOLERANCE:g} of the largest value.",
        *skipped_notes(result["left_out"]),
    ]
    return [engines_table(f"One training step, {many(threads, 'thread')}", result["records"], OURS, notes)]
