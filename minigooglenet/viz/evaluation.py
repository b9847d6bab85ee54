"""Figures of an evaluation: the crops, a reliability diagram, and the gain from more crops and models."""

import itertools

import numpy as np

from minigooglenet import figures

LINES = ("-", "--", ":")


def crops(image, crop_images, boxes, settings):
    """Draw the boxes of the crops on the image, and next to it every crop as the network gets it.

    Parameters
    ----------
    image : uint8 (C, H, W)
    crop_images : uint8 (count, C, size, size), the crops
    boxes : (count, 4) left, top, right, bottom in pixels of the image
    settings : for each crop (scale, square, part, mirrored)

    Returns
    -------
    figure, text
    """
    scales, squares = (list(dict.fromkeys(crop[i] for crop in settings)) for i in (0, 1))
    ratios, tall = ((2, 3), 6.4) if len(scales) > 1 else ((1, 4), 2.4)
    figure, (left, right) = figures.new(13, tall, ncols=2, width_ratios=ratios)
    height, width = image.shape[1:]
    for number, scale in enumerate(scales):
        across, down = (number % 2) * 1.1 * width, (number // 2) * (1.1 * height + 0.1 * width)
        by_part = {crop[1:3]: box for crop, box in zip(settings, boxes, strict=True) if crop[0] == scale}
        left.imshow(_drawn(image), extent=(across, across + width, down + height, down), alpha=0.5, **_grey(image))
        left.text(across, down - 0.02 * height, f"shorter side {scale}", fontsize=8, va="bottom")
        for (square, _), (x0, y0, x1, y1) in by_part.items():
            line = {"color": figures.PALETTE[2 - squares.index(square)], "linestyle": LINES[squares.index(square)]}
            xs, ys = ([start + step for step in steps] for start, steps in ((across, (x0, x1)), (down, (y0, y1))))
            left.plot([xs[i] for i in (0, 1, 1, 0, 0)], [ys[i] for i in (0, 0, 1, 1, 0)], linewidth=1.3, **line)
    columns, rows = min(2, len(scales)), -(-len(scales) // 2)
    left.set(xlim=(-0.03 * width, 1.1 * columns * width), ylim=(rows * (1.1 * height + 0.1 * width), -0.15 * height))
    left.axis("off")
    if len(squares) > 1:
        for number, square in enumerate(squares):
            left.plot([], [], color=figures.PALETTE[2 - number], linestyle=LINES[number], label=f"{square} square")
        left.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0.02))
    _contact_sheet(right, crop_images, settings)
    size, count = crop_images.shape[-1], _many(len(settings), "crop")
    figure.suptitle(f"{count} of an image of {width} x {height} for a network of {size} x {size}", fontsize=10)
    lines = [
        f"{scale:5}  {square:7}  {part:12}  {x0:8.1f} {y0:8.1f} {x1:8.1f} {y1:8.1f}"
        for (scale, square, part, mirrored), (x0, y0, x1, y1) in zip(settings, boxes, strict=True)
        if not mirrored
    ]
    twice = ", each plain and mirrored" if len(lines) < len(settings) else ""
    head = f"{count} of an image of {width} x {height} pixels (width x height) for a network of {size} x {size}{twice}"
    sides = ", ".join(map(str, scales))
    alt = f"{head}: boxes on the image, whose shorter side is {sides}, and next to it every crop"
    text = f"{head}.\n\nscale  square   part              left      top    right   bottom\n"
    return figures.described(figure, text + "\n".join(lines), alt=alt)


def calibration(bins):
    """Draw a reliability diagram: accuracy against confidence. A calibrated network is on the diagonal.

    Parameters
    ----------
    bins : Calibration, from `evaluation.calibration`

    Returns
    -------
    figure, text
    """
    used = bins.counts > 0
    total, centres = int(bins.counts.sum()), (bins.edges[1:] + bins.edges[:-1]) / 2
    width = bins.edges[1] - bins.edges[0]
    figure, (upper, lower) = figures.new(5.6, 5.6, nrows=2, sharex=True, height_ratios=(3, 1))
    upper.bar(centres[used], 100 * bins.accuracy[used], 0.9 * width, color=figures.PALETTE[5])
    upper.plot([0, 1], [0, 100], color="black", linewidth=1, linestyle="--", label="perfect calibration")
    upper.plot(bins.confidence[used], 100 * bins.accuracy[used], "o", color=figures.PALETTE[0], label="this network")
    upper.set(ylabel="accuracy (%)", ylim=(0, 105), title=f"Expected calibration error {bins.error:.1%}")
    upper.legend(frameon=False, loc="upper left", fontsize=9)
    lower.bar(centres, bins.counts, 0.9 * width, color=figures.PALETTE[0])
    lower.set(xlabel="confidence (largest predicted probability)", ylabel="images", xlim=(0, 1))
    gap = float(bins.counts @ (bins.confidence - bins.accuracy)) / total
    verdict = "above" if gap > 0 else "below"
    alt = (
        f"Reliability diagram, {total} images: expected calibration error {bins.error:.1%}; on average the confidence "
        f"is {abs(gap):.1%} {verdict} the accuracy."
    )
    text = (
        f"{alt} Each bin includes its upper limit, not its lower one."
        f"\n\nconfidence   images   mean confidence  accuracy\n"
    )
    lines = [
        f"{low:.2f}-{high:.2f}    {count:8}  {confidence:16.1%}  {accuracy:8.1%}"
        for (low, high), count, confidence, accuracy in zip(
            itertools.pairwise(bins.edges), bins.counts, bins.confidence, bins.accuracy, strict=True
        )
        if count
    ]
    return figures.described(figure, text + "\n".join(lines), alt=alt)


def table3(table):
    """Draw the difference of each setting from the base with its interval; hollow if the interval includes 0.

    Parameters
    ----------
    table : Table3, from `evaluation.table3`

    Returns
    -------
    figure, text
    """
    base, *others = table.rows
    ks = [change.k for change in base.changes]
    figure, axes = figures.new(4.2 * len(ks) + 1.6, 0.34 * len(others) + 1.7, ncols=len(ks), sharey=True, squeeze=False)
    names = [_setting(row) for row in others]
    lines = []
    for column, (axis, k) in enumerate(zip(axes[0], ks, strict=True)):
        changes = [row.changes[column] for row in others]
        colour = figures.PALETTE[column]
        axis.axvline(0, color="black", linewidth=1)
        for row, change in enumerate(changes):
            axis.plot([100 * change.low, 100 * change.high], [row, row], color=colour, linewidth=2)
            filled = colour if change.significant else "white"
            axis.plot(100 * change.difference, row, "o", color=colour, markerfacecolor=filled, markersize=7)
        start = base.changes[column].error
        axis.set(xlabel="percentage points, with 95% interval", title=f"top-{k} error relative to {start:.2%}")
        axis.grid(axis="x", alpha=0.3)
        lines.append(f"Top-{k} error of the base: {start:.2%}. Change in percentage points:")
        lines += [
            f"  {name:24} {100 * c.difference:+7.2f}  ({100 * c.low:+.2f} to {100 * c.high:+.2f})  "
            f"{'significant' if c.significant else 'not significant'}"
            for name, c in zip(names, changes, strict=True)
        ]
    axes[0][0].set_yticks(range(len(names)), names)
    axes[0][0].invert_yaxis()
    start = _setting(base)
    figure.suptitle(f"Compared with {start}, {table.images:,} images (hollow: not significant)", fontsize=10)
    head = f"Settings compared with the base ({start}), {table.images:,} images."
    k, changes = ks[0], [row.changes[0] for row in others]
    named = [f"{name} {100 * change.difference:+.2f}" for name, change in zip(names, changes, strict=True)]
    significant = sum(change.significant for change in changes)
    alt = (
        f"{head} {significant} of {len(others)} differ significantly in the top-{k} error. "
        f"Percentage points: {'; '.join(named)}"
    )
    return figures.described(figure, "\n".join([head, *lines]), alt=alt)


def _contact_sheet(axis, crop_images, settings):
    """Draw every crop: one row per size and square, one column per part, plain and mirrored."""
    rows, columns = (list(dict.fromkeys(values)) for values in ((s[:2] for s in settings), (s[2:] for s in settings)))
    size = crop_images.shape[-1]
    step = size + max(1, size // 16)
    sheet = np.full((crop_images.shape[1], len(rows) * step, len(columns) * step), 255, np.uint8)
    for crop, setting in zip(crop_images, settings, strict=True):
        y, x = rows.index(setting[:2]) * step, columns.index(setting[2:]) * step
        sheet[:, y : y + size, x : x + size] = crop
    axis.imshow(_drawn(sheet), **_grey(sheet))
    centres = size / 2 + step * np.arange(max(len(rows), len(columns)))
    axis.set_yticks(centres[: len(rows)], [f"{scale} {square}" for scale, square in rows])
    names = [part + " (mirrored)" * mirrored for part, mirrored in columns]
    axis.set_xticks(centres[: len(columns)], names, rotation=40, ha="right")
    axis.tick_params(length=0, labelsize=8)
    axis.spines[:].set_visible(False)


def _setting(row):
    return f"{_many(row.models, 'model')}, {_many(row.crops, 'crop') if row.crops else 'whole image'}"


def _many(count, word):
    return f"{count} {word}{'s' * (count != 1)}"


def _drawn(image):
    """Return an image (C, H, W) with the axes that matplotlib expects."""
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)


def _grey(image):
    """Return the arguments of imshow that draw a one-channel image in grey."""
    return {"cmap": "gray", "vmin": 0, "vmax": 255} if len(image) == 1 else {}
