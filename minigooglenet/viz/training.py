"""How training went: the loss, the mistakes that are left, and how far gradients reach."""

import math

import numpy as np

from minigooglenet import figures


def training_curve(steps):
    """Draw the loss of every training step, faint, and its running mean; the accuracy on the batches beside it."""
    losses, accuracies = ([getattr(step, key) for step in steps] for key in ("loss", "accuracy"))
    span = max(5, len(steps) // 20)
    smooth = _running_mean(losses, span)
    hits = _running_mean(accuracies, span)
    figure, (left, right) = figures.new(9, 3.6, ncols=2)
    left.plot(losses, color=figures.PALETTE[5], linewidth=0.8, label="each step")
    left.plot(smooth, color=figures.PALETTE[0], linewidth=2, label=f"mean of the last {span} steps")
    left.set(xlabel="step", ylabel="loss (nats)", ylim=(0, None), title="Loss")
    left.legend(frameon=False)
    right.plot([100 * hit for hit in hits], color=figures.PALETTE[3], linewidth=2)
    right.set(xlabel="step", ylabel="per cent", ylim=(0, 102), title=f"Accuracy on the batches, last {span} steps")
    text = (
        f"Training curve, {len(steps)} steps: the mean loss of the last {span} steps goes from {smooth[0]:.3f} to "
        f"{smooth[-1]:.3f} nats, the accuracy on the batches from {hits[0]:.1%} to {hits[-1]:.1%}.\n\n"
        f"{figures.curve(smooth)}"
    )
    return figure, text


def confusion_matrix(matrix, names=None):
    """Draw how many images of each class (row) were taken for each class (column)."""
    names = list(names or map(str, range(len(matrix))))
    figure, axis = figures.new(5.6, 5)
    axis.imshow(np.sqrt(matrix), cmap=figures.SEQUENTIAL)  # the root, so that single mistakes are visible
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
    worst = ", ".join(f"{true} as {taken} ({n})" for n, true, taken in sorted(wrong, key=lambda w: -w[0])[:5])
    width = max(4, *(len(name) + 1 for name in names))
    lines = [" " * width + "".join(f"{name:>{width}}" for name in names)]
    lines += [
        f"{name:>{width}}" + "".join(f"{n or '.':>{width}}" for n in row)
        for name, row in zip(names, matrix, strict=True)
    ]
    text = (
        f"Confusion matrix (rows true, columns predicted): {right} of {total} right. Mistakes: {worst or 'none'}.\n\n"
    )
    return figure, text + "\n".join(lines)


def gradient_norms(norms: dict[str, float], beside=()):
    """Draw the norm of the gradient of each module's parameters, from input to output, on a logarithmic axis.

    Modules named in `beside`, such as auxiliary heads, get a mark of their own beside the line.
    """
    figure, axis = figures.new(7, 0.28 * len(norms) + 1.2)
    shown = {name: norm for name, norm in norms.items() if norm > 0}
    line = {name: norm for name, norm in shown.items() if name not in beside}
    aside = {name: norm for name, norm in shown.items() if name in beside}
    axis.set_yticks(range(len(shown)), list(shown))
    places = {name: i for i, name in enumerate(shown)}
    axis.plot(list(line.values()), [places[n] for n in line], "o-", color=figures.PALETTE[0], label="on the way")
    if aside:
        marks = [places[n] for n in aside]
        axis.plot(list(aside.values()), marks, "D", color=figures.PALETTE[3], label="heads beside it")
        axis.legend(frameon=False)
    if shown:
        first = math.floor(math.log10(min(shown.values())))
        last = max(math.ceil(math.log10(max(shown.values()))), first + 1)
        axis.set(xscale="log", xlim=(10.0**first, 10.0**last))
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    axis.set(xlabel="norm of the gradient of the module's parameters", title="How far the gradient reaches")
    return (
        figure,
        "Norm of the gradient of each module's parameters, input first (bars in proportion, not logarithmic):\n\n"
        + figures.bars(norms),
    )


def _running_mean(values, span):
    sums = np.cumsum([0.0, *values])
    starts = np.maximum(np.arange(1, len(values) + 1) - span, 0)
    ends = np.arange(1, len(values) + 1)
    return (sums[ends] - sums[starts]) / (ends - starts)
