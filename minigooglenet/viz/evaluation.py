"""How testing went: the crops that were looked at, whether confidence is deserved, and what more crops are worth."""

import itertools

import numpy as np

from minigooglenet import figures

LINES = ("-", "--", ":")


def crops(image, pieces, boxes, places):
    """Draw the boxes of the crops on the image, and beside it every crop as the network sees it.

    Parameters
    ----------
    image : uint8 (C, H, W)
    pieces : uint8 (count, C, size, size), the crops
    boxes : (count, 4) left, top, right, bottom in pixels of the image
    places : for each crop (scale, square, part, mirrored)
    """
    scales, squares = (list(dict.fromkeys(crop[i] for crop in places)) for i in (0, 1))
    shares, tall = ((2, 3), 6.4) if len(scales) > 1 else ((1, 4), 2.4)
    figure, (left, right) = figures.new(13, tall, ncols=2, width_ratios=shares)
    height, width = image.shape[1:]
    for number, scale in enumerate(scales):
        across, down = (number % 2) * 1.1 * width, (number // 2) * (1.1 * height + 0.1 * width)
        own = {crop[1:3]: box for crop, box in zip(places, boxes, strict=True) if crop[0] == scale}
        left.imshow(_drawn(image), extent=(across, across + width, down + height, down), alpha=0.5, **_grey(image))
        left.text(across, down - 0.02 * height, f"shorter side {scale}", fontsize=8, va="bottom")
        for (square, _), (x0, y0, x1, y1) in own.items():
            look = {"color": figures.PALETTE[2 - squares.index(square)], "linestyle": LINES[squares.index(square)]}
            xs, ys = ([start + step for step in steps] for start, steps in ((across, (x0, x1)), (down, (y0, y1))))
            left.plot([xs[i] for i in (0, 1, 1, 0, 0)], [ys[i] for i in (0, 0, 1, 1, 0)], linewidth=1.3, **look)
    columns, rows = min(2, len(scales)), -(-len(scales) // 2)
    left.set(xlim=(-0.03 * width, 1.1 * columns * width), ylim=(rows * (1.1 * height + 0.1 * width), -0.15 * height))
    left.axis("off")
    if len(squares) > 1:
        for number, square in enumerate(squares):
            left.plot([], [], color=figures.PALETTE[2 - number], linestyle=LINES[number], label=f"{square} square")
        left.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 0.02))
    _contact_sheet(right, pieces, places)
    size, count = pieces.shape[-1], _many(len(places), "crop")
    figure.suptitle(f"{count} of an image of {width} x {height} for a network of {size} x {size}", fontsize=10)
    lines = [
        f"{scale:5}  {square:7}  {part:12}  {x0:8.1f} {y0:8.1f} {x1:8.1f} {y1:8.1f}"
        for (scale, square, part, mirrored), (x0, y0, x1, y1) in zip(places, boxes, strict=True)
        if not mirrored
    ]
    twice = ", each taken plain and mirrored" if len(lines) < len(places) else ""
    seen = f"{count} of an image of {width} x {height} pixels (width x height) for a network of {size} x {size}{twice}"
    sides = ", ".join(map(str, scales))
    alt = f"{seen}: boxes on the image, whose shorter side is {sides}, and beside it every crop"
    text = f"{seen}.\n\nscale  square   part              left      top    right   bottom\n"
    return figures.described(figure, text + "\n".join(lines), alt=alt)


def calibration(bins):
    """Draw how often the network is right by how sure it is; on the diagonal its confidence is deserved.

    bins : what `evaluation.calibration` returns
    """
    used = bins.counts > 0
    total, centres = int(bins.counts.sum()), (bins.edges[1:] + bins.edges[:-1]) / 2
    width = bins.edges[1] - bins.edges[0]
    figure, (upper, lower) = figures.new(5.6, 5.6, nrows=2, sharex=True, height_ratios=(3, 1))
    upper.bar(centres[used], 100 * bins.accuracy[used], 0.9 * width, color=figures.PALETTE[5])
    upper.plot([0, 1], [0, 100], color="black", linewidth=1, linestyle="--", label="as often right as sure")
    upper.plot(bins.confidence[used], 100 * bins.accuracy[used], "o", color=figures.PALETTE[0], label="this network")
    upper.set(ylabel="per cent right", ylim=(0, 105), title=f"Calibration: expected error {bins.error:.1%}")
    upper.legend(frameon=False, loc="upper left", fontsize=9)
    lower.bar(centres, bins.counts, 0.9 * width, color=figures.PALETTE[0])
    lower.set(xlabel="probability of the likeliest class", ylabel="images", xlim=(0, 1))
    gap = float(bins.counts @ (bins.confidence - bins.accuracy)) / total
    verdict = "more sure than right" if gap > 0 else "less sure than right"
    alt = (
        f"Calibration, {total} images: expected calibration error {bins.error:.1%}; on the whole the network is "
        f"{verdict}, by {abs(gap):.1%}."
    )
    text = (
        f"{alt} A row contains its upper probability, not its lower one."
        f"\n\nprobability  images  mean probability  right\n"
    )
    lines = [
        f"{low:.2f}-{high:.2f}    {count:8}  {sure:16.1%}  {right:6.1%}"
        for (low, high), count, sure, right in zip(
            itertools.pairwise(bins.edges), bins.counts, bins.confidence, bins.accuracy, strict=True
        )
        if count
    ]
    return figures.described(figure, text + "\n".join(lines), alt=alt)


def table3(table):
    """Draw the difference of each setting to the base with its interval; hollow where the interval holds 0.

    table : what `evaluation.table3` returns
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
        for place, change in enumerate(changes):
            axis.plot([100 * change.low, 100 * change.high], [place, place], color=colour, linewidth=2)
            filled = colour if change.significant else "white"
            axis.plot(100 * change.difference, place, "o", color=colour, markerfacecolor=filled, markersize=7)
        start = base.changes[column].error
        axis.set(xlabel="percentage points, with 95% interval", title=f"top-{k} error against {start:.2%}")
        axis.grid(axis="x", alpha=0.3)
        lines.append(f"Top-{k} error of the base: {start:.2%}. Change in percentage points:")
        lines += [
            f"  {name:24} {100 * c.difference:+7.2f}  ({100 * c.low:+.2f} to {100 * c.high:+.2f})  "
            f"{'more than chance' if c.significant else 'not told apart'}"
            for name, c in zip(names, changes, strict=True)
        ]
    axes[0][0].set_yticks(range(len(names)), names)
    axes[0][0].invert_yaxis()
    start = _setting(base)
    figure.suptitle(f"Against {start}, {table.images:,} images (hollow: not told apart from it)", fontsize=10)
    head = f"Settings against the base ({start}), {table.images:,} images."
    k, changes = ks[0], [row.changes[0] for row in others]
    named = [f"{name} {100 * change.difference:+.2f}" for name, change in zip(names, changes, strict=True)]
    apart = sum(change.significant for change in changes)
    alt = (
        f"{head} {apart} of {len(others)} differ by more than chance in the top-{k} error. "
        f"Percentage points: {'; '.join(named)}"
    )
    return figures.described(figure, "\n".join([head, *lines]), alt=alt)


def _contact_sheet(axis, pieces, places):
    """Draw every crop: a row for each size and square, a column for each part, plain and mirrored."""
    rows, columns = (list(dict.fromkeys(values)) for values in ((p[:2] for p in places), (p[2:] for p in places)))
    size = pieces.shape[-1]
    step = size + max(1, size // 16)
    sheet = np.full((pieces.shape[1], len(rows) * step, len(columns) * step), 255, np.uint8)
    for piece, place in zip(pieces, places, strict=True):
        y, x = rows.index(place[:2]) * step, columns.index(place[2:]) * step
        sheet[:, y : y + size, x : x + size] = piece
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
    """Return (C, H, W) as matplotlib draws it."""
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)


def _grey(image):
    """Return what keeps an image of one channel grey."""
    return {"cmap": "gray", "vmin": 0, "vmax": 255} if len(image) == 1 else {}
