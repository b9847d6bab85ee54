"""Helpers for the tables of all parts: number formats, and records with ratios to our engine."""

from minigooglenet.console import Table

UNSTEADY = 1.3  # a median this many times the minimum means a busy machine


def milliseconds(seconds) -> str:
    """Format seconds as milliseconds with at least three significant digits; a dash for None."""
    if seconds is None:
        return "-"
    value = 1000 * seconds
    return f"{value:,.3f}" if value < 10 else f"{value:,.1f}"


def percent(fraction) -> str:
    """Format a fraction as a percentage; a dash for None."""
    return "-" if fraction is None else f"{100 * fraction:.{0 if fraction >= 0.1 else 1}f}%"


def giga(rate) -> str:
    """Format a rate in units of 10^9; a dash for None."""
    return "-" if rate is None else f"{rate / 1e9:,.{4 if rate < 1e8 else 1}f}"


def mega(count) -> str:
    """Format bytes in units of 10^6; a dash for None."""
    return "-" if count is None else f"{count / 1e6:,.1f}"


def times(ratio) -> str:
    """Format a ratio, such as "1.25x"; a dash for None."""
    return "-" if ratio is None else f"{ratio:.2f}x"


def many(count, noun) -> str:
    """Return a count with its noun, such as "1 thread" or "2 threads"."""
    return f"{count} {noun}{'s' * (count != 1)}"


def with_ratios(timings, first, **what) -> list[dict]:
    """Return a record for each entry of {engine: Timing}, with its ratios to the engine `first`.

    A ratio above 1 means slower than `first`.
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
    """Return a warning if medians are far above minima, which happens if other programs use the machine."""
    measured = [record for record in records if record["median_seconds"] is not None]
    unsteady = [record for record in measured if record["median_seconds"] > UNSTEADY * record["minimum_seconds"]]
    if not unsteady:
        return []
    where = f"{len(unsteady)} of {len(measured)} medians are more than {UNSTEADY} times their minimum"
    return [f"{where}: other programs used the machine. Trust the minima, or measure again."]


def engines_table(title, records, first, notes=()) -> Table:
    """Return the table of records from `with_ratios` that have a batch size."""
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
    columns = (
        ">batch",
        "engine",
        ">median ms",
        ">minimum ms",
        ">median ms per image",
        ">rounds",
        f">relative to {first}",
    )
    return Table(title, (*columns, ">ratio of minima"), rows, [*notes, *busy_notes(records)])


def skipped_notes(left_out) -> list[str]:
    """Return a line for each engine that could not be built."""
    return [f"{name} was skipped. {reason}" for name, reason in left_out.items()]
