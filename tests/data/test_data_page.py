"""The docs page about images: its examples print the stated output, and its lists match the package."""

import re
import tempfile
from pathlib import Path

import pytest

from minigooglenet.data import layout
from minigooglenet.data.formats import SUFFIXES

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the page comes only with the source")


def test_examples_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    for block in blocks:
        exec(block, {"__name__": "page"})
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line in blocks[0]] == ["('dark', 'light') 36 4"]
    assert "(3, 32, 32) {} ()" in printed


def test_page_lists_every_suffix_and_folder():
    text = PAGE.read_text(encoding="utf-8")
    listed = re.search(r"A suffix decides, in any capitalisation: `([^`]+)`", text)[1]
    assert set(listed.split()) == SUFFIXES
    for group in (layout.VALIDATION, layout.TEST):
        assert ", ".join(f"`{name}`" for name in group) in text
