"""The page as one HTML file: data as JSON, the style sheet and the scripts, and a policy that forbids anything else.

Text from outside reaches the page only as JSON, in which `<`, `>` and `&` are escaped, so that it cannot end the
element that contains it. The scripts show it only as text.
"""

import base64
import hashlib
import html
import json
from functools import cache
from importlib import resources
from typing import Any

# In this order: base.js defines what the others use, and main.js starts the page.
SCRIPTS = (
    *("base", "seen", "graph_layout", "formulas", "later_formulas", "edits", "questions", "graph", "tree", "strip"),
    *("panels", "node", "positions", "field", "steps", "change", "compare", "gradient", "keep", "main"),
)
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def page(data: dict[str, Any], title: str) -> str:
    """Return the HTML of a page for `data`."""
    style, script = _file("page.css"), _script()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    parts = {
        "policy": html.escape(policy),
        "title": html.escape(title),
        "style": style,
        "data": as_json(data),
        "script": script,
    }
    first, *rest = _file("page.html").split("{{")
    return first + "".join(parts[name] + after for name, _, after in (part.partition("}}") for part in rest))


def as_json(value: Any) -> str:
    """Return a value as JSON in ASCII that cannot end the element that contains it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def iframe(document: str, title: str, height: int = 720) -> str:
    """Return a frame that shows a page in a notebook, which needs no server and no file.

    The frame may run the page's script and save files, but it cannot reach the notebook around it.
    """
    source, title = html.escape(document, quote=True), html.escape(title, quote=True)
    style = f"width:100%;height:{height}px;border:1px solid #8a97a5"
    sandbox = "allow-scripts allow-downloads"
    return f'<iframe title="{title}" sandbox="{sandbox}" style="{style}" srcdoc="{source}"></iframe>'


@cache
def _script():
    return "\n".join(_file(f"{name}.js") for name in SCRIPTS)


@cache
def _file(name):
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _hash(text):
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
