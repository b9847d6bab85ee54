"""Decoding of a Python file or a notebook: byte order mark, coding line (PEP 263), universal newlines."""

import codecs
import io
import tokenize

# The mark of UTF-32 begins with that of UTF-16, so it comes first. Some editors call these encodings "Unicode".
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes, name: str = "the file") -> str:
    """Return source text with Python's rules, or raise a ValueError that names the first unreadable line."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    try:
        text = data.decode(encoding or tokenize.detect_encoding(io.BytesIO(lines).readline)[0])
    except UnicodeDecodeError as error:
        raise ValueError(_unreadable(data, name, error)) from None
    except (SyntaxError, LookupError, UnicodeError) as error:  # an error in the first two lines
        _utf8(data, name)
        raise ValueError(f"{name}: its coding line cannot be used: {error}. Save the file as UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _utf8(data, name):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(_unreadable(data, name, error)) from None


def _unreadable(data, name, error):
    line = len(data[: error.start + 1].splitlines())
    byte = data[error.start : error.start + 1].hex()
    advice = "" if name.endswith(".ipynb") else ", or name its encoding in the first line: # -*- coding: latin-1 -*-"
    return f"{name} is not valid {error.encoding.upper()}: line {line} has the byte 0x{byte}. Save it as UTF-8{advice}."
