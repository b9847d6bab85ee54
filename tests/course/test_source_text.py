"""Source files are read in their declared encoding; anything else raises one sentence."""

import codecs
import re

import pytest

from minigooglenet.course import source_text

TEXT = "s = 'caf\u00e9'\nt = 2\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
)
def test_source_text_ignores_marks_and_line_endings(data):
    assert source_text.decode(data) == TEXT


@pytest.mark.parametrize(
    "line",
    [
        "# -*- coding: latin-1 -*-\n",
        "#!/usr/bin/env python\r\n# vim: set fileencoding=latin-1 :\r\n",
        "# coding: iso-8859-15\r",
    ],
)
def test_source_text_follows_the_coding_line(line):
    text = source_text.decode((line + TEXT).encode("latin-1"))
    assert text.endswith(TEXT)
    assert "\r" not in text


def test_source_text_believes_a_mark_over_a_coding_line():
    assert source_text.decode(codecs.BOM_UTF8 + b"# coding: latin-1\n" + TEXT.encode()).endswith(TEXT)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x = 1\n\ny = '\xe9'\n", "mine.py is not valid UTF-8: line 3 has the byte 0xe9. Save it as UTF-8, or name"),
        (b"# caf\xe9\n", "line 1 has the byte 0xe9"),
        (b"x = 1\r\r\xe9", "line 3 has the byte 0xe9"),
        (b"# coding: \xe9\n", "line 1 has the byte 0xe9"),
        (b"# coding: ascii\n\xe9 = 1", "not valid ASCII: line 2"),
        (b"# coding: nope\n", "its coding line cannot be used: unknown encoding: nope. Save the file as UTF-8."),
        (b"# coding: nope\n\n\n\xe9", "line 4 has the byte 0xe9"),
        (b"# coding: rot13\n", "'rot13' is not a text encoding"),
        (b"# coding: undefined\n", "its coding line cannot be used"),
        (codecs.BOM_UTF16_LE + b"x", "not valid UTF-16"),
    ],
)
def test_source_text_names_the_unreadable_line(data, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        source_text.decode(data, "mine.py")


def test_source_text_advises_a_notebook_to_be_utf8():
    with pytest.raises(ValueError, match=r"Save it as UTF-8\.$"):
        source_text.decode(b'{"cells": "\xe9"}', "mine.ipynb")
