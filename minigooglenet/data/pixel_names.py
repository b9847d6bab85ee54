"""Names and a text form of Pixels, for command-line options and `pixels=`."""

from minigooglenet.data.pixels import COLOURS, GREY_UNIT, RGB_MEAN, UNIT, Pixels

ZERO_ONE = Pixels((0.0,) * 3, (255.0,) * 3)
IMAGENET = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))  # torchvision's means and deviations, times 255
CAFFE = Pixels(RGB_MEAN[::-1], colours="BGR")
GREY_ZERO_ONE = Pixels((0.0,), (255.0,), "L")

# name -> (Pixels, description)
NAMED = {
    "unit": (UNIT, "-1 to 1, as for torchvision's published GoogLeNet"),
    "zero-one": (ZERO_ONE, "0 to 1"),
    "imagenet": (IMAGENET, "ImageNet's means and standard deviations, torchvision's usual transform"),
    "caffe": (CAFFE, "blue, green, red minus 104, 117, 123, as for Caffe's networks"),
    "grey-unit": (GREY_UNIT, "grey, -1 to 1"),
    "grey-zero-one": (GREY_ZERO_ONE, "grey, 0 to 1"),
}
FORM = "COLOURS:MEAN:STD, such as RGB:123.7,116.3,103.5:58.4,57.1,57.4 (pixels in 0 to 255)"


def pixels_of(value: Pixels | str) -> Pixels:
    """Return the Pixels for a name ("unit") or a text ("L:127.5:127.5"); Pixels are returned unchanged.

    Raises
    ------
    ValueError, TypeError
        If the value is none of these, with all names.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.data.pixels_of("grey-unit")
    Pixels(mean=(127.5,), std=(127.5,), colours='L')
    >>> mg.data.pixels_of("L:0:255").std
    (255.0,)
    """
    if isinstance(value, Pixels):
        return value
    if not isinstance(value, str):
        raise TypeError(f"pixels must be Pixels or text, got {value!r}")
    text = value.strip()
    if text.lower() in NAMED:
        return NAMED[text.lower()][0]
    colours, *numbers = text.split(":")
    if colours.upper() not in COLOURS or len(numbers) not in (1, 2):
        raise ValueError(f"pixels must be one of {', '.join(NAMED)}, or {FORM}, got {value!r}")
    try:
        mean, *std = (tuple(float(number) for number in part.split(",")) for part in numbers)
    except ValueError as error:
        raise ValueError(f"pixels must be numbers as in {FORM}, got {value!r}") from error
    return Pixels(mean, std[0] if std else (1.0,) * len(mean), colours.upper())
