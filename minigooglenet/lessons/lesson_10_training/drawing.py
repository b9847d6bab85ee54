"""Figures of lesson 10: random crops on a photograph, and feature maps next to their gradients."""

import numpy as np

from minigooglenet import data, figures, viz

HEIGHT, WIDTH = 128, 192  # of the photograph, cropped to a ratio of 3 : 2 so that it is not distorted


def photograph():
    """Return the middle of the package's photograph as uint8 (HEIGHT, WIDTH, 3)."""
    image = data.photograph()
    across, down = image.size
    high = round(across * HEIGHT / WIDTH)
    top = (down - high) // 4
    return np.asarray(image.crop((0, top, across, top + high)).resize((WIDTH, HEIGHT)))


def crop_boxes(boxes, title, drawn=8):
    """Draw the first boxes (top, left, height, width) on the photograph; the alt text describes all boxes.

    Returns
    -------
    figure, text
    """
    figure, axis = figures.new(6, 4.2)
    axis.imshow(photograph())
    for number, (top, left, height, width) in enumerate(boxes[:drawn]):
        style = {"color": figures.PALETTE[number % 7], "linestyle": ("-", "--", ":")[number % 3]}
        xs, ys = (left, left + width, left + width, left, left), (top, top, top + height, top + height, top)
        axis.plot(xs, ys, linewidth=2, **style)
    axis.set(title=f"{title}: {min(drawn, len(boxes))} of {len(boxes)}", xticks=[], yticks=[])
    axis.set(xlim=(-1, WIDTH + 1), ylim=(HEIGHT + 1, -1))
    axis.spines[:].set_visible(False)
    areas = np.array([height * width for _, _, height, width in boxes]) / (HEIGHT * WIDTH)
    wide = sum(width > height for _, _, height, width in boxes)
    text = f"{title}: {len(boxes)} crops, {wide} wider than high, {areas.min():.0%} to {areas.max():.0%} of the area"
    return figures.described(figure, text)


def maps_and_gradients(image, maps, gradients, channels):
    """Draw an image (H, W) and some channels of a feature map (C, H, W), with the gradient below each.

    Returns
    -------
    figure, text
    """
    shown = {"digit": image} | {f"channel {k}": maps[k] for k in channels}
    shown |= {"gradient: digit": gradients[0]} | {f"gradient: {k}": gradients[1][k] for k in channels}
    return viz.images(shown, columns=1 + len(channels), numbers=False, same_scale=False)
