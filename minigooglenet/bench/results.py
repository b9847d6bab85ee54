"""What the parts of a result share: how a number is shown, and the lines of contenders beside ours."""

from minigooglenet.console import Table

UNSTEADY = 1.3  # a median so many times the minimum tells of a busy machine


def milliseconds(seconds) -> str:
    """Return seconds as milliseconds with at least three digits that count; a dash for None."""
    if seconds is None:
        return "-"
    value = 1000 * seconds
    return f"{value:,.3f}" if value < 10 else f"{value:,.1f}"


def per_cent(share) -> str:
    """Return a share as per cent, a dash for None."""
    return "-" if share is None else f"{100 * share:.{0 if share >= 0.1 else 1}f}%"


def giga(rate) -> str:
    """Return a rate in units of 10^9, a dash for None."""
    return "-" if rate is None else f"{rate / 1e9:,.{4 if rate < 1e8 else 1}f}"


def mega(count) -> str:
    """Return bytes in units of 10^6, a dash for None."""
    return "-" if count is None else f"{count / 1e6:,.1f}"


def times(ratio) -> str:
    """Return a ratio as people read it: "1.25x"."""
    return "-" if ratio is None else f"{ratio:.2f}x"


def beside(timings, first, **what) -> list[dict]:
    """Return a record for each contender of {name: Timing}, with its ratios to the one called `first`.

    Above 1 a contender takes longer than `first`.
    """
    one = timings[first]
    return [
        {
            **what,
            "contender": name,
            **timing.as_dict(),
            "ratio_of_medians": timing.median / one.median,
            "ratio_of_minima": timing.minimum / one.minimum,
        }
        for name, timing in timings.items()
    ]


def busy_notes(records) -> list[str]:
    """Return a warning where medians lie far above minima, as they do when something else uses the machine."""
    measured = [record for record in records if record["median_seconds"] is not None]
    unsteady = [record for record in measured if record["median_seconds"] > UNSTEADY * record["minimum_seconds"]]
    if not unsteady:
        return []
    where = f"{len(unsteady)} of {len(measured)} medians are more than {UNSTEADY} times their minimum"
    return [f"{where}: something else used the machine. Trust the minima, or measure again."]


def contenders_table(title, records, first, notes=()) -> Table:
    """Return the table of records made by `beside`, which hold a batch size."""
    rows = [
        (
            record["batch"],
            record["contender"],
            milliseconds(record["median_seconds"]),
            milliseconds(record["minimum_seconds"]),
            milliseconds(record["median_seconds"] / record["batch"]),
            record["rounds"],
            times(record["ratio_of_medians"]),
            times(record["ratio_of_minima"]),
        )
        for record in records
    ]
    columns = (">batch", "contender", ">median ms", ">minimum ms", ">median ms an image", ">rounds", f">to {first}")
    return Table(title, (*columns, ">of minima"), rows, [*notes, *busy_notes(records)])


def left_out_notes(left_out) -> list[str]:
    """Return a line for each contender that could not be built."""
    return [f"{name} is left out. {reason}" for name, reason in left_out.items()]
