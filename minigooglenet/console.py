"""Tables, progress bars and text on any console, those that know only ASCII too."""

import html
import io
import sys
from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows of text under headings: printed by a terminal, a notebook or `str`.

    `columns` whose heading starts with ">" are aligned to the right, as numbers are. `notes` follow below.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    total: tuple | None = None

    def __rich__(self):
        from rich import box
        from rich.console import Group
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=box.SIMPLE_HEAD, show_footer=self.total is not None)
        footers = self.total or [""] * len(self.columns)
        for heading, footer in zip(self.columns, footers, strict=True):
            right = heading.startswith(">")
            justify = "right" if right else "left"
            name = heading.lstrip(">")
            table.add_column(name, justify=justify, footer=text(footer), overflow="fold", no_wrap=right)
        for row in self.rows:
            table.add_row(*(Text(text(cell)) for cell in row))
        return Group(Text(self.title, style="italic"), table, *(Text(note) for note in self.notes))

    def __str__(self):
        return render(self)

    def _repr_html_(self):
        cells = [_html_row("th", [heading.lstrip(">") for heading in self.columns])]
        cells += [_html_row("td", row) for row in self.rows]
        if self.total is not None:
            cells.append(_html_row("th", self.total))
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<table><caption>{html.escape(self.title)}</caption>{''.join(cells)}</table>{notes}"


def text(cell) -> str:
    """Return a cell as people read it: integers with thousands commas, floats with two decimals.

    Control characters other than line ends are written as escapes: a name from a file must not steer the terminal.
    """
    if isinstance(cell, bool) or cell is None:
        return "" if cell is None else ("yes" if cell else "no")
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    if isinstance(cell, tuple):
        return "x".join(map(str, cell))
    return "\n".join(map(printable, str(cell).split("\n")))


def printable(name: str) -> str:
    """Return a name with its tabs, line ends and other control characters written as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def render(renderable, width: int = 200) -> str:
    """Return anything that rich can print as plain ASCII text of at most `width` columns."""
    from rich.console import Console

    # An ASCII encoding on the underlying stream makes rich draw with ASCII too.
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace", newline="\n")
    Console(file=stream, width=width, color_system=None, legacy_windows=False).print(renderable)
    stream.flush()
    lines = stream.buffer.getvalue().decode("ascii").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def stdout():
    """Return a rich console on standard output: as wide as the terminal, or 160 columns in a file or pipe."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def show(console, table) -> None:
    """Print a table whole: on a terminal that is too narrow its lines wrap, but no number is cut."""
    from rich.console import Console
    from rich.measure import Measurement

    needed = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    if needed > console.width:
        console = Console(file=console.file, width=needed, force_terminal=console.is_terminal, highlight=False)
    console.print(table)


def progress(console):
    """Return rich's progress bar with time left and a `status` field, to be used as a context manager."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[status]}"), console=console, transient=True)


def _html_row(tag, cells):
    style = 'style="text-align:right;padding:0 0.6em"'
    left = 'style="text-align:left;padding:0 0.6em"'
    parts = (
        f"<{tag} {style if isinstance(cell, (int, float)) else left}>{html.escape(text(cell))}</{tag}>"
        for cell in cells
    )
    return f"<tr>{''.join(parts)}</tr>"
