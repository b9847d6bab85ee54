"""HTML pages about grades: each is one file without scripts or external resources, and readable on a phone.

All input from a student is text: it is escaped, and invisible characters and changes of the writing direction are
shown as escapes.
"""

import html
import re

from minigooglenet import figures
from minigooglenet.console import printable

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; }
section, details { margin: 1rem 0; }
article { border-left: 0.3rem solid #999; margin: 1rem 0; padding: 0.1rem 0 0.1rem 0.8rem; }
article.passed { border-color: #009e73; }
article.wrong, article.failed { border-color: #d55e00; }
article h3 { margin: 0; font-size: 1.05rem; }
article p { margin: 0.3rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt, dd { margin: 0; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.95em; white-space: pre-wrap; }
figure { margin: 1rem 0; }
img { background: white; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
caption { font-weight: bold; text-align: left; }
th, td { border-bottom: 1px solid #999; overflow-wrap: normal; padding: 0.2rem 0.8rem 0.2rem 0; text-align: left;
  vertical-align: top; }
td.number, th.number { font-variant-numeric: tabular-nums; text-align: right; }
""".strip()
_LONG = re.compile(r"(\S{30})(?=\S)")  # a long word, which would push other columns of a table out of sight


def text(value) -> str:
    """Return a value as escaped HTML text."""
    return html.escape(printable(value))


def page(title, body) -> str:
    """Return a complete page.

    body : HTML fragments, already escaped
    """
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="robots" content="noindex">',
            f"<title>{text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{text(title)}</h1>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def table(caption, columns, rows) -> str:
    """Return a table in which numbers are aligned to the right."""

    def cell(tag, value, number):
        kind = ' class="number"' if number else ""
        scope = ' scope="col"' if tag == "th" else ""
        pieces = _LONG.split("" if value is None else str(value))
        shown = "".join(text(piece) + "<wbr>" * (index % 2) for index, piece in enumerate(pieces))
        return f"<{tag}{scope}{kind}>{shown}</{tag}>"

    numeric = [all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    head = "".join(cell("th", column, numeric[i]) for i, column in enumerate(columns))
    lines = ["".join(cell("td", value, numeric[i]) for i, value in enumerate(row)) for row in rows]
    inside = f"<caption>{text(caption)}</caption><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide" tabindex="0"><table>{inside}</table></div>'


def _is_number(value):
    return isinstance(value, int | float | None) or (isinstance(value, str) and value.removesuffix("%").isdecimal())


def figure(drawn, alt, words="") -> str:
    """Return a matplotlib figure as HTML, with a sentence of alt text and, folded, all of its values as text."""
    lines = html.escape(printable(words, "\n"))
    folded = f"<details><summary>This figure as text</summary><pre>{lines}</pre></details>"
    image = figures.image(drawn, figures.pixels(drawn), printable(alt))
    return f"<figure>{image}<figcaption>{text(alt)}</figcaption>{folded if words else ''}</figure>"


def items(sentences) -> str:
    """Return sentences as an HTML list."""
    return "<ul>" + "".join(f"<li>{text(sentence)}</li>" for sentence in sentences) + "</ul>"
