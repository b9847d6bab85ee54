"""Tables, progress bars and text for every console, including ASCII-only consoles."""

import dataclasses
import functools
import html
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Characters without width that str.isprintable accepts: fillers, joiners and variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufffc\U000e0000-\U000e0fff]"
)

NO_WRAP = 20  # an HTML cell with at most so many characters, such as a name or a shape, stays on one line
CODE_SIZE = "var(--jp-code-font-size,13px)"  # the font size of code in the notebook

# JupyterLab and nbconvert break printed lines inside words. This style prevents it, and every HTML output must have it.
WRAPPING = (
    "<style>.jp-OutputArea-output pre{word-break:normal;overflow-wrap:anywhere}"
    ".jp-RenderedMarkdown :not(pre)>code{white-space:pre-wrap;overflow-wrap:anywhere}</style>"
)


@dataclass(repr=False)
class Table:
    """Rows of text under headings for a terminal, a notebook or `str`.

    Columns whose heading starts with ">" are right-aligned, as for numbers. `notes` are printed below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    total: tuple[Any, ...] | None = None

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        return Group(Text(text(self.title), style="italic"), self.grid(), *(Text(text(note)) for note in self.notes))

    def grid(self) -> Any:
        """Return the headings and rows as a table of rich, without the title and the notes."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=box.SIMPLE_HEAD, show_footer=self.total is not None)
        footers = self.total or [""] * len(self.columns)
        for heading, footer in zip(self.columns, footers, strict=True):
            right = heading.startswith(">")
            justify: Any = "right" if right else "left"
            name = heading.lstrip(">")
            table.add_column(text(name), justify=justify, footer=text(footer), overflow="fold", no_wrap=right)
        for row in self.rows:
            table.add_row(*(Text(text(cell)) for cell in row))
        return table

    def part(self, columns: Sequence[int]) -> "Table":
        """Return a table of the columns with these indices."""
        rows = [tuple(row[i] for i in columns) for row in self.rows]
        total = None if self.total is None else tuple(self.total[i] for i in columns)
        return Table(self.title, tuple(self.columns[i] for i in columns), rows, self.notes, total)

    def column_width(self, index: int) -> int:
        """Return the width of a column on a console in characters, including its margin."""
        cells = [self.columns[index].lstrip(">"), *(row[index] for row in self.rows)]
        cells += [] if self.total is None else [self.total[index]]
        return 3 + max(len(line) for cell in cells for line in text(cell).split("\n"))

    def __str__(self) -> str:
        return render(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        right = [heading.startswith(">") for heading in self.columns]
        rows = [_html_row("th", [heading.lstrip(">") for heading in self.columns], right)]
        rows += [_html_row("td", row, right) for row in self.rows]
        if self.total is not None:
            rows.append(_html_row("th", self.total, right))
        notes = "".join(f"<p>{html.escape(text(note))}</p>" for note in self.notes)
        title = f'<div style="max-width:75vw">{html.escape(text(self.title))}</div>'  # wraps, unlike a wide table
        caption = f'<caption style="text-align:left">{title}</caption>'
        return scrolling(f'<table style="font-size:90%">{caption}{"".join(rows)}</table>') + notes


def text(cell: Any) -> str:
    """Return a cell as text: integers with thousands separators, floats with two decimals.

    Control characters other than line ends are escaped, see `printable`.
    """
    if isinstance(cell, bool) or cell is None:
        return "" if cell is None else ("yes" if cell else "no")
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    if isinstance(cell, tuple):
        return "x".join(map(str, cell))
    return printable(cell, "\n")


def printable(text: Any, keep: str = "") -> str:
    """Return untrusted text in a form that is safe to print: invisible and control characters are escaped.

    Control characters, escape sequences, line ends and tabs, characters without width, characters that change the
    writing direction, and surrogates become \\x1b, \\u202e and so on. Letters and combining marks of all scripts do not
    change.

    keep : characters that are not escaped, such as line ends
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or (c.isprintable() and not _INVISIBLE.match(c)) else _escape(c) for c in text)


def _escape(c):
    return c.encode("unicode_escape", "surrogatepass").decode("ascii")


def brief(record: Any) -> str:
    """Return a dataclass or named tuple in one line for its `__repr__`, with arrays as dtype and shape."""
    names = getattr(record, "_fields", None) or [field.name for field in dataclasses.fields(record)]
    values = ", ".join(f"{name}={_brief_value(getattr(record, name))}" for name in names)
    return f"{type(record).__name__}({values})"


def _brief_value(value):
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if dtype is not None and shape:
        return f"{dtype} {tuple(shape)}"
    if isinstance(value, (dict, list, tuple)) and len(value) > 3 and not hasattr(value, "_fields"):
        return f"{len(value)} items"
    described = repr(value)
    return described if len(described) <= 80 else f"{described[:77]}..."


def render(renderable: Any, width: int = 200) -> str:
    """Return anything that rich can print, as plain ASCII text with at most `width` columns."""
    from rich.console import Console

    # With an ASCII encoding of the stream, rich draws its lines in ASCII too.
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace", newline="\n")
    # Without force_jupyter=False, rich would display the text in the notebook cell.
    plain: dict[str, Any] = {"color_system": None, "legacy_windows": False, "force_jupyter": False}
    Console(file=stream, width=width, **plain).print(renderable)
    stream.flush()
    lines = stream.buffer.getvalue().decode("ascii").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def stdout():
    """Return a rich console on standard output, as wide as the terminal, or with 160 columns for a file or pipe."""
    return _console()(highlight=False, width=None if sys.stdout.isatty() else 160)


def stderr():
    """Return a rich console on standard error."""
    return _console()(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 160)


@functools.cache
def _console():
    """Return a console class that passes all text through `printable`, because names may come from untrusted files."""
    from rich.console import Console

    class Printable(Console):
        """A console that prints no control characters."""

        def render_str(self, text, **options):
            """Return text with its style."""
            return super().render_str(printable(text, "\n"), **options)

    return Printable


def show(console, table) -> None:
    """Print a table. If the console is too narrow, split it into parts, each with the first column."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    console.print(Text(text(table.title), style="italic"))
    for part in _parts(table, console.width):
        grid = part.grid()
        least = Measurement.get(console, console.options.update(max_width=1000), grid).minimum
        if least > console.width:  # lines wrap, but no number is truncated
            console = Console(file=console.file, width=least, force_terminal=console.is_terminal, highlight=False)
        console.print(grid)
    for note in table.notes:
        console.print(Text(text(note)))


def _parts(table, width):
    """Yield tables with the first column and as many others as fit into `width`, at least one."""
    widths = [table.column_width(i) for i in range(len(table.columns))]
    first = 1
    while first < len(widths) or first == 1:
        end, used = first + 1, 1 + widths[0] + sum(widths[first : first + 1])
        while end < len(widths) and used + widths[end] <= width:
            used += widths[end]
            end += 1
        yield table.part([0, *range(first, min(end, len(widths)))])
        first = end


def progress(console):
    """Return rich's progress bar with time left and a `status` field, to be used as a context manager."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    bar = max(8, min(40, console.width // 5))

    class Status(TextColumn):
        """The status, truncated to the space that the numbers leave."""

        def render(self, task):
            numbers = 2 * len(str(task.total)) + len("/0:00:00")
            width = max(0, console.width - bar - len(task.description) - numbers - 5)
            return Text(printable(super().render(task).plain)[:width])

    columns = (TextColumn("{task.description}"), BarColumn(bar), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, Status("{task.fields[status]}", markup=False), console=console, transient=True)


def monospaced(text) -> str:
    """Return lines of text as HTML that keeps columns aligned in every notebook and scrolls if they do not fit."""
    style = f"font-family:monospace;font-size:{CODE_SIZE};line-height:1.3;white-space:pre;word-break:normal"
    style += ";overflow-x:auto;text-align:left;margin:0;padding:0;border:0"
    return f'{WRAPPING}<pre style="{style}">{html.escape(str(text))}</pre>'


def scrolling(table) -> str:
    """Return the HTML of a table that scrolls if it is wider than the page."""
    return f'{WRAPPING}<div style="overflow-x:auto;max-width:100%">{table}</div>'


def _html_row(tag, cells, right):
    parts = []
    for cell, flush in zip(cells, right, strict=True):
        words = text(cell)
        number = flush and tag == "td"
        wrap = "pre" if number or max(map(len, words.split("\n"))) <= NO_WRAP else "pre-line"
        style = f"text-align:{'right' if flush else 'left'};padding:0 0.4em;white-space:{wrap}"
        parts.append(f'<{tag} style="{style}">{html.escape(words)}</{tag}>')
    return f"<tr>{''.join(parts)}</tr>"
