"""Weights that others publish: what is known of each file, and how it is downloaded and checked.

MINIGOOGLENET_PUBLISHED names a JSON file with a list of your own, [{"name": ..., "file": ..., "urls": [...]}, ...],
with further keys as `Published` has them. A name that is here too replaces the entry here.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files
from minigooglenet.data import transfer
from minigooglenet.data.download import data_folder
from minigooglenet.weights import contents

LIST = "MINIGOOGLENET_PUBLISHED"


class Published(NamedTuple):
    """A file of weights that its publisher offers.

    size : bytes, and `about` in words where the exact number is unknown
    sha256 : its SHA-256 or as much of its beginning as is known; sha1 : where only that is known; empty if unknown
    page : where its publisher describes it
    """

    name: str
    file: str
    urls: tuple[str, ...]
    page: str = ""
    about: str = ""
    size: int | None = None
    sha256: str = ""
    sha1: str = ""

    def facts(self) -> dict[str, str]:
        """Return what is known of the file, in words."""
        beginning = "begins with " if len(self.sha256) < 64 else ""
        return {
            "file": self.file,
            "publisher": self.page or "unknown",
            "address": ", ".join(self.urls),
            "size": f"{self.size:,} bytes" if self.size else self.about or "unknown",
            "SHA-256": f"{beginning}{self.sha256}" if self.sha256 else "unknown",
            **({"SHA-1": self.sha1} if self.sha1 else {}),
        }


PUBLISHED = (
    Published(
        "bvlc_googlenet",
        "bvlc_googlenet.caffemodel",
        ("http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",),
        "https://github.com/BVLC/caffe/tree/master/models/bvlc_googlenet",
        about="about 51 MB; the exact size is unknown",
        sha1="405fc5acd08a3bb12de8ee5e23a96bec22f08204",
    ),
    Published(
        "torchvision_googlenet",
        "googlenet-1378be20.pth",
        ("https://download.pytorch.org/models/googlenet-1378be20.pth",),
        "https://pytorch.org/vision/stable/models/googlenet.html",
        about="about 49.7 MB; the exact size is unknown",
        sha256="1378be20",
    ),
    Published(
        "places365_googlenet",
        "googlenet_places365.caffemodel",
        ("http://places2.csail.mit.edu/models_places365/googlenet_places365.caffemodel",),
        "https://github.com/CSAILVision/places365",
    ),
)


def published() -> dict[str, Published]:
    """Return {name: Published} of the list here and the user's own.

    Raises
    ------
    ValueError
        If the user's own list cannot be read, with the reason.
    """
    found = {one.name: one for one in PUBLISHED}
    path = os.environ.get(LIST, "").strip()
    if path:
        try:
            told = json.loads(files.read_bytes(Path(path).expanduser()).decode("utf-8-sig"))
            found |= {one.name: one for one in map(_entry, told)}
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"cannot read the list {path}, which {LIST} names: {error}") from error
    return found


def fetch(name: str, path=None, *, on_bytes=None) -> tuple[Path, str]:
    """Download a published file, unless it is there already, and check it.

    Parameters
    ----------
    name : one of `published()`
    path : where to write it; in the data folder by default
    on_bytes : called with (bytes so far, bytes in total or None)

    Returns
    -------
    path, and a sentence that says what was checked

    Raises
    ------
    ValueError
        If the name is unknown, or the file that is there already is another one.
    OSError
        If no address gives the file, with each one's reason and what can be done by hand.
    """
    known = published()
    if name not in known:
        raise ValueError(f"unknown file {name!r}; choose from {', '.join(known)}")
    one = known[name]
    path = data_folder() / one.file if path is None else Path(path)
    if path.is_dir():
        path = path / one.file
    if os.path.lexists(path):
        return path, f"it was there already; {_of_file(path, one)}"
    files.make_folder(path.parent)
    try:
        said = transfer.obtain(
            path,
            one.urls,
            lambda file: _checked(file, one),
            size=one.size,
            most=contents.MOST_BYTES,
            resumes=bool(one.sha256 or one.sha1),
            on_bytes=on_bytes,
        )
    except transfer.UnavailableError as error:
        facts = "; ".join(f"{what}: {fact}" for what, fact in one.facts().items())
        raise OSError(
            f"cannot download {one.file} ({error}). Without a network, download it on another computer and copy it to "
            f"{path}. What is known of it: {facts}. {LIST} can name a list with another address"
        ) from error
    return path, said or f"another process downloaded it; {_of_file(path, one)}"


def _entry(told) -> Published:
    """Return an entry of the user's list, once every part of it is of its kind."""
    if not isinstance(told, dict) or not {"name", "file", "urls"} <= told.keys() <= set(Published._fields):
        raise ValueError(f"an entry must have name, file, urls, and may have page, about, size, sha256, sha1: {told!r}")
    one = Published(**{**told, "urls": tuple(told["urls"])})
    texts = (one.name, one.file, one.page, one.about, one.sha256, one.sha1, *one.urls)
    if not all(isinstance(text, str) for text in texts) or not (one.size is None or type(one.size) is int):
        raise ValueError(f"size must be an integer, everything else text: {told!r}")
    if Path(one.file).name != one.file or "\\" in one.file or not one.file:
        raise ValueError(f"file must be the name of a file, without a folder, got {one.file!r}")
    if not all(re.match(r"(https?|file)://", url) for url in one.urls):
        raise ValueError(f"urls must begin with https://, http:// or file://, got {one.urls}")
    if not all(re.fullmatch("[0-9a-f]*", digest) for digest in (one.sha256, one.sha1)):
        raise ValueError("sha256 and sha1 must be lower-case hexadecimal digits")
    return one


def _of_file(path, one):
    with files.open_regular(path) as file:
        return _checked(file, one)


def _checked(file, one) -> str:
    """Return a sentence that says what of an open file was checked, or raise a ValueError if it is another file."""
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise ValueError("it is another file: it is empty")
    digests = {}
    for kind in ("sha256", "sha1"):
        file.seek(0)
        digests[kind] = hashlib.file_digest(file, kind).hexdigest()
    if one.size is not None and size != one.size:
        raise ValueError(f"it is another file: it has {size:,} bytes, not {one.size:,}")
    for kind, shown in (("sha256", "SHA-256"), ("sha1", "SHA-1")):
        expected = getattr(one, kind)
        if expected and not digests[kind].startswith(expected):
            wanted = expected if len(expected) >= 40 else f"one that begins with {expected}"
            raise ValueError(f"it is another file: its {shown} is {digests[kind]}, not {wanted}")
    if len(one.sha256) == 64:
        return "its SHA-256 is the published one"
    if one.sha1:
        return f"its SHA-1 is the published one; its SHA-256 is {digests['sha256']}"
    if one.sha256:
        return f"its SHA-256 is {digests['sha256']}, which begins with the published {one.sha256}"
    return f"no checksum of it is published, so it was not checked; its SHA-256 is {digests['sha256']}"
