"""Figures of the primer: boxes in a row with values and gradients between them, and steps down a loss."""

import numpy as np

from minigooglenet import figures


def chain(boxes, values, gradients):
    """Draw boxes in a row, values that run forward above the arrows and gradients that run back below them.

    Parameters
    ----------
    boxes : what each function computes, "h = w x", from the first to the loss
    values : names of what goes in, between the boxes and out: one more than there are boxes
    gradients : what runs back under each of them

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(2.3 * len(boxes) + 1.6, 1.5)
    axis.set_axis_off()
    axis.set(xlim=(-0.7, 2 * len(boxes) + 0.7), ylim=(-0.9, 0.9))
    for place, name in enumerate(boxes):
        frame = {"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": "black"}
        axis.text(2 * place + 1, 0, name, ha="center", va="center", fontsize=9, bbox=frame)
    for place, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        left, right = 2 * place - 0.35, 2 * place + 0.35
        forward = {"arrowstyle": "->", "color": figures.PALETTE[0]}
        back = {"arrowstyle": "->", "color": figures.PALETTE[3], "linestyle": "--"}
        axis.annotate("", (right, 0.18), (left, 0.18), arrowprops=forward)
        axis.annotate("", (left, -0.18), (right, -0.18), arrowprops=back)
        axis.text(2 * place, 0.3, value, ha="center", va="bottom", fontsize=9)
        axis.text(2 * place, -0.3, gradient, ha="center", va="top", fontsize=9)
    stations = [values[0]]
    for box, value in zip(boxes, values[1:], strict=True):
        stations += [f"[ {box} ]", value]
    text = f"forward:  {' -> '.join(stations)}\nbackward: {' <- '.join(gradients)}"
    return figures.described(figure, text, alt=f"boxes in a row. {text}")


def descent(loss, visited, low, high):
    """Draw loss(w) between low and high, with the weights that a descent visited as points; (figure, text)."""
    figure, axis = figures.new(6, 3.2)
    weights = np.linspace(low, high, 200)
    axis.plot(weights, [loss(w) for w in weights], color=figures.PALETTE[0], label="loss")
    axis.plot(visited, [loss(w) for w in visited], "o--", color=figures.PALETTE[3], label="steps")
    axis.set(xlabel="weight w", ylabel="loss")
    axis.legend(frameon=False)
    lines = [f"step {step}: w = {w:6.3f}, loss = {loss(w):8.4f}" for step, w in enumerate(visited)]
    first, last = (f"w = {w:.3g} with loss {loss(w):.3g}" for w in (visited[0], visited[-1]))
    lowest = min(weights, key=loss)
    alt = (
        f"the loss as a curve, lowest near w = {lowest:.2g}; {len(visited)} points on it are the steps of a descent, "
        f"from {first} to {last}"
    )
    return figures.described(figure, "\n".join([alt, *lines]), alt=alt)
