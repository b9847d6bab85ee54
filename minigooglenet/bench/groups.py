"""Grouped and depthwise convolutions with the shapes of well-known networks, ours and other engines in turn.

Shapes are from the papers: MobileNet-v2 (Sandler et al. 2018, table 2), Xception (Chollet 2017, figure 5), ResNeXt-50
32x4d (Xie et al. 2017, table 1) and EfficientNet-Lite0 (EfficientNet-B0 of Tan and Le 2019, table 1, without
squeeze-and-excitation). All convolutions here pad (kernel - 1) / 2 on each side.
"""

from typing import NamedTuple

from minigooglenet.bench import operations, settings
from minigooglenet.bench.results import busy_notes, many, milliseconds, skipped_notes, times
from minigooglenet.console import Table
from minigooglenet.layers import Conv2d

BATCHES, QUICK = (1, 8), (1,)


class Shape(NamedTuple):
    """A convolution with equal numbers of input and output channels; groups 0 means depthwise."""

    network: str
    channels: int
    size: int
    kernel: int = 3
    stride: int = 1
    groups: int = 0

    @property
    def label(self):
        """The name in tables."""
        kind = f"{self.groups} groups" if self.groups else "depthwise"
        stride = f" stride {self.stride}" if self.stride > 1 else ""
        return f"{self.network}, {kind} {self.kernel}x{self.kernel}{stride}"

    def layer(self):
        """Return the convolution."""
        padding, groups = self.kernel // 2, self.groups or self.channels
        return Conv2d(self.channels, self.channels, self.kernel, self.stride, padding, groups=groups, rng=0)


SHAPES = (
    Shape("MobileNet-v2", 32, 112),
    Shape("MobileNet-v2", 96, 112, stride=2),
    Shape("MobileNet-v2", 144, 56),
    Shape("MobileNet-v2", 144, 56, stride=2),
    Shape("MobileNet-v2", 192, 28),
    Shape("MobileNet-v2", 192, 28, stride=2),
    Shape("MobileNet-v2", 384, 14),
    Shape("MobileNet-v2", 576, 14),
    Shape("MobileNet-v2", 576, 14, stride=2),
    Shape("MobileNet-v2", 960, 7),
    Shape("Xception", 128, 147),
    Shape("Xception", 256, 74),
    Shape("Xception", 728, 37),
    Shape("Xception", 728, 19),
    Shape("Xception", 1024, 10),
    Shape("Xception", 1536, 10),
    Shape("EfficientNet-Lite0", 144, 56, kernel=5, stride=2),
    Shape("EfficientNet-Lite0", 240, 28, kernel=5),
    Shape("EfficientNet-Lite0", 480, 14, kernel=5),
    Shape("EfficientNet-Lite0", 672, 14, kernel=5),
    Shape("EfficientNet-Lite0", 672, 14, kernel=5, stride=2),
    Shape("EfficientNet-Lite0", 1152, 7, kernel=5),
    Shape("ResNeXt-50", 128, 56, groups=32),
    Shape("ResNeXt-50", 256, 56, stride=2, groups=32),
    Shape("ResNeXt-50", 256, 28, groups=32),
    Shape("ResNeXt-50", 512, 28, stride=2, groups=32),
    Shape("ResNeXt-50", 512, 14, groups=32),
    Shape("ResNeXt-50", 1024, 14, stride=2, groups=32),
    Shape("ResNeXt-50", 1024, 7, groups=32),
)


def measure(options, progress, shapes=None) -> dict:
    """Return the times of every shape per batch size, forward and backward."""
    shapes = shapes or (SHAPES[::4] if options.quick else SHAPES)
    records, left_out = [], {}
    with settings.threads(options.threads, options.peers.values()):
        for batch in options.batch_sizes(BATCHES, QUICK):
            for shape in shapes:
                progress(f"{shape.label}, batch {batch}")
                size = shape.channels, shape.size, shape.size
                timings, failed = operations.compare(options, shape.layer(), [size], batch)
                what = {"convolution": shape.label, "input_shape": list(size), "batch": batch}
                records += [{**what, "threads": options.threads, **record} for record in timings]
                left_out |= failed
    return {"records": records, "left_out": left_out}


def tables(result) -> list[Table]:
    """Return the table of a result: ours next to each other engine."""
    grouped, engines = {}, {}
    for record in result["records"]:
        key = record["convolution"], tuple(record["input_shape"]), record["batch"], record["direction"]
        grouped.setdefault(key, {})[record["contender"]] = record["median_seconds"]
        engines.setdefault(record["contender"])
    ours, *others = engines
    rows = []
    for (label, size, batch, direction), medians in grouped.items():
        ratios = [times(medians[ours] / medians[name]) if name in medians else times(None) for name in others]
        numbers = [milliseconds(medians.get(name)) for name in engines]
        rows.append((label, "x".join(map(str, size)), batch, direction, *numbers, *ratios))
    titles = [f">{name} ms" for name in engines], [f">relative to {name}" for name in others]
    notes = [
        "Medians. Below 1x, ours is faster. Measured in turn; results equal to 1e-4 of the largest value.",
        *skipped_notes(result["left_out"]),
        *busy_notes(result["records"]),
    ]
    columns = ("convolution", "input", ">batch", "pass", *titles[0], *titles[1])
    threads = many(result["records"][0]["threads"], "thread")
    return [Table(f"Grouped convolutions of well-known networks, {threads}", columns, rows, notes)]
