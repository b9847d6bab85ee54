"""One training step of the whole network, ours and PyTorch's in turn, after their gradients were compared."""

import copy
import functools

import numpy as np

import minigooglenet.bench.peers as known_peers
from minigooglenet import losses, optim
from minigooglenet.bench import clock, equality, settings
from minigooglenet.bench.results import beside, contenders_table, left_out_notes

OURS = "minigooglenet"
BATCHES, QUICK = (8, 16), (2,)
LEARNING_RATE, MOMENTUM = 1e-3, 0.9
# A gradient passes many masks, and where rounding turns one ReLU or one maximum, more than a last digit differs. Seen
# in GoogLeNet: up to 3e-3 of a gradient's largest value, and 2e-3 between our own float32 and float64.
GRADIENT_TOLERANCE = 1e-2


def measure(asked, tell) -> dict:
    """Return the times of a step: forward with dropout, all losses weighted, backward, SGD with momentum."""
    graph = asked.graph()
    records, left_out = [], {}
    with settings.threads(asked.threads, asked.peers.values()):
        for batch in asked.batch_sizes(BATCHES, QUICK):
            tell(f"training step, batch {batch}")
            for peer in asked.peers.values():
                if hasattr(peer, "gradients"):
                    require_equal_gradients(graph, batch, peer)
            contenders, failed = known_peers.build(steps(graph, batch, asked.peers))
            left_out |= failed
            # The losses differ from round to round, as each draws its own dropout and moves its own weights.
            timings = clock.alternate(contenders, rounds=asked.rounds, seconds=2 * asked.seconds, tolerance=None)
            records += beside(timings, OURS, batch=batch, threads=asked.threads)
    return {"records": records, "left_out": left_out}


def steps(graph, batch, peers) -> dict:
    """Return {contender: build}; each function that is built does one step on weights of its own."""
    x, labels, weights = batch_of(graph, batch)
    factories = {OURS: functools.partial(our_step, graph, x, labels, weights)}
    for peer in peers.values():
        if hasattr(peer, "training"):
            factories |= peer.training(graph, x, labels, weights, LEARNING_RATE, MOMENTUM)
    return factories


def batch_of(graph, batch):
    """Return (images, labels, {wire: weight of its loss}) to train on."""
    (classes,) = graph.shapes[graph.main]
    labels = np.random.default_rng(1).integers(0, classes, batch)
    return settings.images(graph, batch), labels, losses.head_weights(graph)


def our_step(graph, x, labels, weights):
    """Return a function that does one step on a copy of `graph` and returns the loss."""
    net, velocity = copy.deepcopy(graph), {}
    (image,) = net.inputs

    def step():
        logits, tape = net.forward({image: x}, train=True)
        loss, _, grads = losses.weighted_sum(logits, labels, weights)
        _, grad_params = net.backward(grads, tape)
        optim.sgd_step(net.params, grad_params, velocity, lr=LEARNING_RATE, momentum=MOMENTUM)
        return loss

    return step


def require_equal_gradients(graph, batch, peer) -> None:
    """Raise a ValueError unless a peer's logits and parameter gradients, dropout off, are ours."""
    x, labels, weights = batch_of(graph, batch)
    (image,) = graph.inputs
    logits, tape = graph.forward({image: x})
    _, _, grads = losses.weighted_sum(logits, labels, weights)
    _, ours = graph.backward(grads, tape)
    their_logits, theirs = peer.gradients(graph, x, labels, weights)
    equality.require_equal({OURS: [logits[wire] for wire in weights], peer.TITLE: their_logits})
    for name, grad in ours.items():
        off = equality.difference(grad, theirs[name])
        if not off <= GRADIENT_TOLERANCE:
            raise ValueError(
                f"{peer.TITLE} and {OURS} do not train the same: the gradients of {name} differ by {off:.1e} of the "
                f"largest value, where {GRADIENT_TOLERANCE:g} is allowed; their times are not compared"
            )


def tables(result) -> list:
    """Return the table of a result."""
    threads = result["records"][0]["threads"]
    notes = [
        "A step: forward with dropout, losses of all heads (0.3 for auxiliary ones), backward, SGD with momentum 0.9.",
        f"In turn. Dropout off, logits equal to 1e-4 and gradients to {GRADIENT_TOLERANCE:g} of the largest value.",
        *left_out_notes(result["left_out"]),
    ]
    return [contenders_table(f"One training step, {threads} threads", result["records"], OURS, notes)]
