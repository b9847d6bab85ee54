"""Figures of lesson 11: errors over their cost, and six of the 144 crops."""

from minigooglenet import evaluation, figures, viz

SCALE, SQUARE = 352, 1  # of the crops in the figure: shorter side after resizing, and index of the square


def errors_by_cost(errors):
    """Draw top-5 errors {(networks, crops): error in %} over their cost in forward passes.

    Returns
    -------
    figure, text
    """
    lines = {}
    for (networks, crops), error in errors.items():
        name = "1 network" if networks == 1 else f"{networks} networks"
        costs, line = lines.setdefault(name, ([], []))
        costs.append(networks * crops)
        line.append(error)
    figure, text = viz.line_chart(lines, "forward passes per image (logarithmic)", "top-5 error in %")
    figure.axes[0].set_xscale("log")
    return figures.described(figure, text)


def six_crops(image, size=224):
    """Draw the six crops of the middle square at the largest scale: their boxes in the image, and the crops themselves.

    image : uint8 (3, H, W)

    Returns
    -------
    figure, text
    """
    places, boxes = evaluation.crop_list(144), evaluation.boxes(image.shape, size, 144)[0]
    squares = list(dict.fromkeys(square for _, square, _, _ in places))
    chosen = [
        i
        for i, (scale, square, _, mirrored) in enumerate(places)
        if scale == SCALE and square == squares[SQUARE] and not mirrored
    ]
    crops = evaluation.crops(image, size, 144)
    figure, axes = figures.new(7, 6.2, nrows=3, ncols=3)
    grid = axes[0, 0].get_gridspec()
    for axis in axes[0]:
        axis.remove()
    whole = figure.add_subplot(grid[0, :])
    whole.imshow(image.transpose(1, 2, 0))
    lines = [f"6 of 144 crops: shorter side {SCALE}, {squares[SQUARE]} square; left, top, right, bottom in the image"]
    for number, i in enumerate(chosen):
        x0, y0, x1, y1 = boxes[i]
        colour, dash = figures.PALETTE[number], ("-", "--", ":")[number % 3]
        whole.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=colour, linestyle=dash, linewidth=2)
        axis = axes[1 + number // 3, number % 3]
        axis.imshow(crops[i].transpose(1, 2, 0))
        axis.set_title(places[i][2], fontsize=10)
        axis.spines[:].set(color=colour, linestyle=dash, linewidth=3)  # the same as its box in the image
        lines.append(f"{places[i][2]:13} {x0:6.1f} {y0:6.1f} {x1:6.1f} {y1:6.1f}")
    for axis in (whole, *axes[1:].flat):
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(axis is not whole)
    names = ", ".join(places[i][2] for i in chosen)
    alt = f"a photograph with the boxes of 6 of 144 crops, and below it the crops: {names}"
    return figures.described(figure, "\n".join(lines), alt=alt)
