"""Figures of the primer: a chain of functions with values and gradients, and gradient descent on a loss curve."""

import numpy as np

from minigooglenet import figures


def chain(boxes, values, gradients):
    """Draw functions as boxes in a row, with the values above the arrows and the gradients below them.

    Parameters
    ----------
    boxes : text of each function, such as "h = w x", from the first to the loss
    values : label of the input, of each value between boxes and of the output: one more than there are boxes
    gradients : label of the gradient below each value

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(2.3 * len(boxes) + 1.6, 1.5)
    axis.set_axis_off()
    axis.set(xlim=(-0.7, 2 * len(boxes) + 0.7), ylim=(-0.9, 0.9))
    for index, name in enumerate(boxes):
        frame = {"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": "black"}
        axis.text(2 * index + 1, 0, name, ha="center", va="center", fontsize=9, bbox=frame)
    for index, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        left, right = 2 * index - 0.35, 2 * index + 0.35
        forward = {"arrowstyle": "->", "color": figures.PALETTE[0]}
        back = {"arrowstyle": "->", "color": figures.PALETTE[3], "linestyle": "--"}
        axis.annotate("", (right, 0.18), (left, 0.18), arrowprops=forward)
        axis.annotate("", (left, -0.18), (right, -0.18), arrowprops=back)
        axis.text(2 * index, 0.3, value, ha="center", va="bottom", fontsize=9)
        axis.text(2 * index, -0.3, gradient, ha="center", va="top", fontsize=9)
    stations = [values[0]]
    for box, value in zip(boxes, values[1:], strict=True):
        stations += [f"[ {box} ]", value]
    text = f"forward:  {' -> '.join(stations)}\nbackward: {' <- '.join(gradients)}"
    return figures.described(figure, text, alt=f"boxes in a row. {text}")


def descent(loss, visited, low, high):
    """Draw loss(w) between low and high, with the weights in `visited` as points; return (figure, text)."""
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
        f"the loss as a curve, lowest near w = {lowest:.2g}; {len(visited)} points on it are the steps of gradient "
        f"descent, from {first} to {last}"
    )
    return figures.described(figure, "\n".join([alt, *lines]), alt=alt)
