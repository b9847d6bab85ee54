"""A count as HTML for a notebook: modules that unfold into tables of their nodes, inline styles, no script."""

import html

from minigooglenet.console import scrolling, text

HEADINGS = ("", "output", "parameters", "MAC", "activations")
_WIDTHS = ("16em", "7em", "7em", "8em", "7em")
_TABLE = "margin:0;border-collapse:collapse;table-layout:fixed;font-variant-numeric:tabular-nums"


def foldable(count) -> str:
    """Return the HTML of a `Count`."""
    parts = [_table(_row("th", HEADINGS))]
    for module, rows in count.modules().items():
        sums = (sum(getattr(row, column) for row in rows) for column in ("params", "macs", "activations"))
        head = _table(
            _row("td", (f"{module} ({len(rows)})", rows[-1].output_shape, *sums)), style="display:inline-table;"
        )
        nodes = _table(*(_row("td", (f"{row.name} {row.kind}", *_numbers(row))) for row in rows))
        parts.append(f"<details><summary>{head}</summary>{nodes}</details>")
    parts.append(_table(_row("th", ("total", "", count.params, count.macs, count.activations))))
    return scrolling(f'<div style="font-size:90%;min-width:48em">{"".join(parts)}</div>')


def _numbers(row):
    return row.output_shape, row.params, row.macs, row.activations


def _table(*rows, style=""):
    return f'<table style="{style}{_TABLE}">{"".join(rows)}</table>'


def _row(tag, cells):
    return f"<tr>{''.join(_cell(tag, cell, i) for i, cell in enumerate(cells))}</tr>"


def _cell(tag, cell, column):
    align = "left" if column == 0 else "right"
    return f'<{tag} style="width:{_WIDTHS[column]};text-align:{align}">{html.escape(text(cell))}</{tag}>'
