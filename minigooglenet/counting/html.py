"""A count as HTML for a notebook: modules that unfold into tables of their nodes. Inline styles, no scripts."""

import html

from minigooglenet.console import scrolling, text

HEADINGS = ("", "output", "parameters", "MAC", "activations")
_WIDTHS = ("16em", "7em", "7em", "8em", "7em")
_INSET = "16px"  # space for the triangle that unfolds a module; all tables are inset by it, so that columns align
_TABLE = f"margin:0 0 0 {_INSET};border-collapse:collapse;table-layout:fixed;font-variant-numeric:tabular-nums"


def foldable(count) -> str:
    """Return the HTML of a `Count`."""
    parts = [_table(_row("th", HEADINGS))]
    for module, rows in count.modules().items():
        sums = (sum(getattr(row, column) for row in rows) for column in ("params", "macs", "activations"))
        head = _table(
            _row("td", (f"{module} ({len(rows)})", rows[-1].output_shape, *sums)), more=";display:inline-table;margin:0"
        )
        nodes = _table(*(_row("td", (f"{row.name} {row.kind}", *_numbers(row))) for row in rows))
        summary = f'<summary style="list-style-position:outside;margin-left:{_INSET}">{head}</summary>'
        parts.append(f"<details>{summary}{nodes}</details>")
    parts.append(_table(_row("th", ("total", "", count.params, count.macs, count.activations))))
    return scrolling(f'<div style="font-size:90%;min-width:48em">{"".join(parts)}</div>')


def _numbers(row):
    return row.output_shape, row.params, row.macs, row.activations


def _table(*rows, more=""):
    return f'<table style="{_TABLE}{more}">{"".join(rows)}</table>'


def _row(tag, cells):
    return f"<tr>{''.join(_cell(tag, cell, i) for i, cell in enumerate(cells))}</tr>"


def _cell(tag, cell, column):
    align = "left" if column == 0 else "right"
    return f'<{tag} style="width:{_WIDTHS[column]};text-align:{align}">{html.escape(text(cell))}</{tag}>'
