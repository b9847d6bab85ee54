"""The table of published weights in docs/weights.md, written from `weights.published`.

`python docs/_ext/published_table.py` writes it again; a test compares it with the list.
"""

from pathlib import Path

from minigooglenet.weights.published import PUBLISHED

PAGE = Path(__file__).parents[1] / "weights.md"
START, END = "<!-- published: written by docs/_ext/published_table.py -->", "<!-- end of published -->"


def rows():
    """Yield the lines of the table."""
    yield "| NAME | file, and the page of its publisher | size | checksum | `pixels` |"
    yield "|---|---|---|---|---|"
    for one in PUBLISHED:
        source = f"in the package `{one.package}`" if one.package else f"`{', '.join(one.urls)}`"
        file = f"[`{one.file}`]({one.page}), {source}"
        size = f"{one.size:,} bytes" if one.size else one.about or "unknown"
        pixels = f"`{one.pixels}`" if one.pixels else "unknown"
        yield f"| `{one.name}` | {file} | {size} | {_checksum(one)} | {pixels} |"


def text():
    """Return the page with the table as it is now."""
    page = PAGE.read_text(encoding="utf-8")
    old = page[page.index(START) : page.index(END)]
    return page.replace(old, "\n".join([START, "", *rows(), "", ""]))


def _checksum(one):
    if one.sha256:
        return f"SHA-256 {'begins with ' if len(one.sha256) < 64 else ''}`{one.sha256}`"
    return f"SHA-1 `{one.sha1}`" if one.sha1 else "unknown"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8", newline="\n")
