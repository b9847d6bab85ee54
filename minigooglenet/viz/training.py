"""Figures of a training run: loss, accuracy, confusion matrix, learning-rate sweep, gradient norms."""

import collections.abc
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minigooglenet import figures, renamed
from minigooglenet.typing import IntArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training_curve(
    steps: collections.abc.Sequence[Any],
    epochs: collections.abc.Sequence[Any] = (),
    best: Any = None,
    heads: int = 0,
) -> tuple["Figure", str]:
    """Draw the loss of every training step with its running mean, and next to it the accuracy on the batches.

    Parameters
    ----------
    steps : list of training.Step
    epochs : list of training.Epoch for the held-out line with a marker at the end of each epoch
    best : the Epoch that is marked with a star, or None
    heads : number of auxiliary heads in the loss of a step; the held-out loss is only that of the main classifier

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> steps = [mg.training.Step(i, 20, 2.0 - i / 20, i / 20) for i in range(20)]
    >>> figure, text = mg.viz.training_curve(steps)
    >>> print(text.splitlines()[0][:83])
    Training curve, 20 steps: the mean loss of the last 5 steps falls from 2.000 to 1.1
    """
    losses, accuracies = ([getattr(step, key) for step in steps] for key in ("loss", "accuracy"))
    span = max(5, len(steps) // 20)
    smooth = _running_mean(losses, span)
    hits = _running_mean(accuracies, span)
    figure, (left, right) = figures.new(9, 3.6, ncols=2)
    left.plot(losses, color=figures.PALETTE[5], linewidth=0.8, label="each step")
    left.plot(smooth, color=figures.PALETTE[0], linewidth=2, label=f"mean of the last {span} steps")
    left.set(
        xlabel="step", ylabel="loss (nats)", ylim=(0, None), title="Loss, auxiliary heads included" if heads else "Loss"
    )
    right.plot([100 * hit for hit in hits], color=figures.PALETTE[0], linewidth=2, label=f"batches, last {span} steps")
    right.set(xlabel="step", ylabel="accuracy (%)", ylim=(0, 102), title="Accuracy")
    falls = "falls" if smooth[-1] < smooth[0] else "rises"
    alt = (
        f"Training curve, {len(steps)} steps: the mean loss of the last {span} steps {falls} from {smooth[0]:.3f} to "
        f"{smooth[-1]:.3f} nats, the accuracy on the batches from {hits[0]:.1%} to {hits[-1]:.1%}."
    )
    text = f"{alt}\n\n{figures.curve(smooth)}"
    tested = [epoch for epoch in epochs if not math.isnan(epoch.test_accuracy)]
    if tested:
        alt += f" Held out, at the end: loss {tested[-1].test_loss:.3f}, accuracy {tested[-1].test_accuracy:.1%}."
        text += f"\n\n{_held_out(left, right, tested, best, steps[-1].number + 1, len(epochs))}"
        left.set_ylim(0, 1.05 * max(*losses, min(2 * max(losses), max(epoch.test_loss for epoch in tested))))
    if heads:
        text += f"\n\nThe loss of a step includes {heads} auxiliary heads, the held-out loss only the main classifier."
    left.legend(frameon=False, fontsize=8)
    right.legend(frameon=False, fontsize=8, loc="lower right")
    return figures.described(figure, text, alt=alt)


def _held_out(left, right, tested, best, steps, epochs):
    """Add the held-out line to both axes and return its text."""
    ends = [steps * (epoch.epoch + 1) / epochs - 1 for epoch in tested]
    mark = {"color": figures.PALETTE[3], "linestyle": "--", "marker": "s", "markersize": 4, "label": "held out"}
    left.plot(ends, [epoch.test_loss for epoch in tested], **mark)
    right.plot(ends, [100 * epoch.test_accuracy for epoch in tested], **mark)
    if best is not None:
        star = {"color": figures.PALETTE[7], "marker": "*", "markersize": 11, "linestyle": "", "label": "best epoch"}
        at = steps * (best.epoch + 1) / epochs - 1
        left.plot([at], [best.test_loss], **star)
        right.plot([at], [100 * best.test_accuracy], **star)
    lines = ["Held out, at the end of each epoch:", "", "epoch      loss  accuracy"]
    for epoch in tested:
        note = "  best" if epoch == best else ""
        lines.append(f"{epoch.epoch + 1:5} {epoch.test_loss:9.4f} {epoch.test_accuracy:9.2%}{note}")
    return "\n".join(lines)


def learning_rates(sweep: Any) -> tuple["Figure", str]:
    """Draw the loss of a learning-rate sweep against the learning rate, with the suggested rate.

    Parameters
    ----------
    sweep : training.RateSweep, from `mg.training.find_learning_rate`

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> rates, losses = [1e-4, 1e-3, 1e-2, 1e-1, 1.0], [2.3, 2.1, 1.2, 0.9, 3.0]
    >>> sweep = mg.training.RateSweep(rates, losses, losses, 1e-1, 1e-2, 1.4, 0.1)
    >>> figure, text = mg.viz.learning_rates(sweep)
    >>> figure.axes[0].get_title()
    'Learning-rate sweep'
    """
    figure, axis = figures.new(7, 4)
    axis.plot(sweep.rates, sweep.losses, color=figures.PALETTE[5], linewidth=0.8, label="each step")
    axis.plot(sweep.rates, sweep.smoothed, color=figures.PALETTE[0], linewidth=2, label="running mean")
    lowest = min(sweep.smoothed)
    axis.plot([sweep.lowest], [lowest], "s", color=figures.PALETTE[3], label=f"lowest, at {sweep.lowest:.2g}")
    if sweep.suggestion is not None:
        label = f"suggestion, {sweep.suggestion:g}"
        axis.axvline(sweep.suggestion, color=figures.PALETTE[7], linestyle="--", label=label)
    top = 1.1 * max(sweep.smoothed[0], *sweep.smoothed[: max(1, sweep.rates.index(sweep.lowest))])
    axis.set(
        xscale="log", xlabel="learning rate", ylabel="loss (nats)", ylim=(0, 1.5 * top), title="Learning-rate sweep"
    )
    axis.legend(frameon=False, fontsize=9)
    indices = (
        [round(i * (len(sweep.rates) - 1) / 11) for i in range(12)]
        if len(sweep.rates) > 12
        else range(len(sweep.rates))
    )
    rows = [f"{sweep.rates[i]:10.3g} {sweep.losses[i]:10.4f} {sweep.smoothed[i]:10.4f}" for i in indices]
    text = "\n".join(
        [
            f"Learning-rate sweep. {sweep}",
            "",
            f"{'rate':>10} {'loss':>10} {'mean':>10}",
            *rows,
            "",
            f"Running mean of the loss, rate from {sweep.rates[0]:.3g} to {sweep.rates[-1]:.3g} (logarithmic):",
            "",
            figures.curve([min(value, 1.5 * top) for value in sweep.smoothed]),
        ]
    )
    return figures.described(figure, text)


def confusion_matrix(matrix: IntArray, names: collections.abc.Sequence[str] | None = None) -> tuple["Figure", str]:
    """Draw a confusion matrix: rows are the true classes, columns the predicted classes.

    Parameters
    ----------
    matrix : (classes, classes), number of images
    names : of the classes (default: 0, 1, ...)

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> figure, text = mg.viz.confusion_matrix(np.array([[5, 1], [3, 4]]), ["cat", "dog"])
    >>> print(text.splitlines()[0])
    Confusion matrix (rows true, columns predicted): 9 of 13 right. Mistakes: dog as cat (3), cat as dog (1).
    """
    names = list(names or map(str, range(len(matrix))))
    figure, axis = figures.new(5.6, 5)
    axis.imshow(np.sqrt(matrix), cmap=figures.SEQUENTIAL)  # the square root makes single mistakes visible
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            ink = "white" if count < matrix.max() / 4 else "black"
            axis.text(column, row, str(count), ha="center", va="center", color=ink, fontsize=9)
    axis.set(xlabel="predicted", ylabel="true", xticks=range(len(names)), yticks=range(len(names)))
    axis.set_xticklabels(names)
    axis.set_yticklabels(names)
    right, total = int(np.trace(matrix)), int(matrix.sum())
    axis.set_title(f"{right} of {total} right ({right / total:.1%})")
    wrong = [(int(n), names[i], names[j]) for (i, j), n in np.ndenumerate(matrix) if i != j and n]
    worst = ", ".join(f"{true} as {predicted} ({n})" for n, true, predicted in sorted(wrong, key=lambda w: -w[0])[:5])
    width = max(4, *(len(name) + 1 for name in names))
    lines = [" " * width + "".join(f"{name:>{width}}" for name in names)]
    lines += [
        f"{name:>{width}}" + "".join(f"{n or '.':>{width}}" for n in row)
        for name, row in zip(names, matrix, strict=True)
    ]
    alt = f"Confusion matrix (rows true, columns predicted): {right} of {total} right. Mistakes: {worst or 'none'}."
    return figures.described(figure, "\n".join([alt, "", *lines]), alt=alt)


def gradient_norms(
    norms: dict[str, float],
    auxiliary: collections.abc.Collection[str] = (),
    *,
    beside: collections.abc.Collection[str] | None = None,
) -> tuple["Figure", str]:
    """Draw the gradient norm of each module's parameters, from input to output, on a logarithmic axis.

    Parameters
    ----------
    norms : {module: norm of the gradient of all its parameters}, input first
    auxiliary : modules of auxiliary heads, drawn with a different marker next to the line

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> figure, text = mg.viz.gradient_norms({"conv1": 0.5, "conv2": 1.0})
    >>> print(text.splitlines()[-1])
    conv2           1  ##############################
    """
    if beside is not None:
        renamed.warn("beside=", "auxiliary=")
        auxiliary = beside
    figure, axis = figures.new(7, 0.28 * len(norms) + 1.2)
    shown = {name: norm for name, norm in norms.items() if norm > 0}
    line = {name: norm for name, norm in shown.items() if name not in auxiliary}
    aside = {name: norm for name, norm in shown.items() if name in auxiliary}
    axis.set_yticks(range(len(shown)), list(shown))
    rows = {name: i for i, name in enumerate(shown)}
    axis.plot(list(line.values()), [rows[n] for n in line], "o-", color=figures.PALETTE[0], label="main network")
    if aside:
        marks = [rows[n] for n in aside]
        axis.plot(list(aside.values()), marks, "D", color=figures.PALETTE[3], label="auxiliary heads")
        axis.legend(frameon=False)
    if shown:
        first = math.floor(math.log10(min(shown.values())))
        last = max(math.ceil(math.log10(max(shown.values()))), first + 1)
        axis.set(xscale="log", xlim=(10.0**first, 10.0**last))
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    axis.set(xlabel="norm of the gradient of all parameters of the module", title="Gradient norm of each module")
    return figures.described(
        figure,
        "Gradient norm of the parameters of each module, input first (linear scale):\n\n" + figures.bars(norms),
        alt=f"Gradient norm of the parameters of each module, input first: {_ends(norms)}",
    )


def gradients_over_time(norms: dict[str, list[tuple[int, float]]]) -> tuple["Figure", str]:
    """Draw the gradient norm of each module against the training step.

    Parameters
    ----------
    norms : {module: [(step, norm), ...]}, input first

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> figure, text = mg.viz.gradients_over_time({"conv1": [(0, 0.1), (100, 0.2)], "conv2": [(0, 0.4), (100, 0.3)]})
    >>> print(text.splitlines()[-1])
    conv2                   0.4        0.3
    """
    figure, axis = figures.new(8, 4.2)
    shades = figures.shades(len(norms))
    for (module, points), shade in zip(norms.items(), shades, strict=True):
        axis.plot(*zip(*points, strict=True), color=shade, label=module)
    if any(norm > 0 for points in norms.values() for _, norm in points):
        axis.set_yscale("log")
    axis.set(xlabel="step", ylabel="norm of the gradient", title="Gradient norm of each module")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), title="input first")
    lines = [f"{module:16} {points[0][1]:10.3g} {points[-1][1]:10.3g}" for module, points in norms.items()]
    first, last = ({module: points[i][1] for module, points in norms.items()} for i in (0, -1))
    return figures.described(
        figure,
        "\n".join(["Gradient norm of each module, input first, at the first and the last recorded step:", "", *lines]),
        alt=f"Line chart of the gradient norm of each module. First step: {_ends(first)}; last step: {_ends(last)}",
    )


def gradient_flow(norms: dict[str, dict[str, float]]) -> tuple["Figure", str]:
    """Draw the gradient norm of each module for several networks.

    Parameters
    ----------
    norms : {network: {module: norm}}, input first

    Returns
    -------
    figure, text

    Examples
    --------
    >>> import minigooglenet as mg
    >>> norms = {"he": {"conv1": 0.5, "conv2": 0.4}, "gaussian": {"conv1": 1e-6, "conv2": 0.1}}
    >>> figure, text = mg.viz.gradient_flow(norms)
    >>> print(text.splitlines()[-1])
    gaussian  first module     1e-06, last       0.1
    """
    figure, axis = figures.new(8, 4.2)
    longest_first = sorted(norms.values(), key=len, reverse=True)
    modules = list(dict.fromkeys(module for network in longest_first for module in network))
    for number, (name, network) in enumerate(norms.items()):
        positions = [modules.index(module) for module in network]
        values = [norm if norm > 0 else np.nan for norm in network.values()]
        colour, mark = figures.PALETTE[number % len(figures.PALETTE)], "osD^vPX*"[number % 8]
        axis.plot(positions, values, marker=mark, markersize=4, color=colour, label=name)
    axis.set_xticks(range(len(modules)), [module.replace("inception_", "") for module in modules], rotation=90)
    axis.set(yscale="log", ylabel="norm of the gradient", title="Gradient norm of each module")
    axis.grid(axis="y", alpha=0.3)
    axis.legend(frameon=False, fontsize=8)
    width = max(map(len, norms))
    lines = [
        f"{name:{width}}  first module {next(iter(network.values())):9.3g}, last {list(network.values())[-1]:9.3g}"
        for name, network in norms.items()
    ]
    ends = "; ".join(f"{name}: {_ends(network)}" for name, network in norms.items())
    return figures.described(
        figure,
        "\n".join(["Gradient norm of the parameters of the first and the last module:", "", *lines]),
        alt=f"Line chart of the gradient norm of the parameters of each module. {ends}",
    )


def _ends(norms):
    """Describe the first and the last entry of {name: norm}."""
    items = list(norms.items())
    first, last = items[0], items[-1]
    return f"{first[0]} {first[1]:.3g}, {last[0]} {last[1]:.3g}"


def _running_mean(values, span):
    sums = np.cumsum([0.0, *values])
    starts = np.maximum(np.arange(1, len(values) + 1) - span, 0)
    ends = np.arange(1, len(values) + 1)
    return (sums[ends] - sums[starts]) / (ends - starts)
