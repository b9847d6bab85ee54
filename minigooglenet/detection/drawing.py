"""Images with boxes drawn on them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from minigooglenet import figures
from minigooglenet.detection import regions
from minigooglenet.detection.detections import Detections
from minigooglenet.typing import UInt8Array

LEAST_SIDE = 480  # of a drawn image; smaller images are enlarged, because their labels would hide them
LINE = 2


def drawn(image: UInt8Array, detections: Detections, classes: Sequence[str]) -> Image.Image:
    """Return an image with the box, the class and the confidence of each detection, the best on top.

    Small images are enlarged by an integer, without smoothing, so that each of their pixels stays visible.

    Parameters
    ----------
    image : uint8 (C, H, W)
    detections : Detections, best first
    classes : names of the classes; each has its own colour

    Examples
    --------
    >>> import numpy as np
    >>> from minigooglenet import detection
    >>> cats = detection.Detections([(10, 5, 30, 35)], [0.75], [0]).checked()
    >>> detection.drawing.drawn(np.zeros((3, 40, 60), np.uint8), cats, ("cat",)).size
    (480, 320)
    """
    image = regions.checked_image(image)
    scale = max(1, LEAST_SIDE // max(image.shape[1:]))
    colours = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    canvas = Image.fromarray(np.ascontiguousarray(colours.repeat(scale, axis=0).repeat(scale, axis=1)))
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default()
    for box, score, label in reversed(list(zip(*detections, strict=True))):
        colour = ImageColor.getrgb(figures.PALETTE[label % len(figures.PALETTE)])
        x1, y1, x2, y2 = (box * scale).tolist()
        pen.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=LINE)
        text = f"{classes[label]} {score:.2f}".encode("ascii", "replace").decode()
        left, top, right, bottom = pen.textbbox((x1 + LINE, y1 + LINE), text, font=font)
        pen.rectangle((left - LINE, top - LINE, right + LINE, bottom + LINE), fill=colour)
        dark = sum(colour) < 3 * 128
        pen.text((x1 + LINE, y1 + LINE), text, font=font, fill="white" if dark else "black")
    return canvas
