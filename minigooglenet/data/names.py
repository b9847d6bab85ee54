"""Names of files and folders: one form for comparing them, and the share of [0, 1) that a name has forever."""

import hashlib
import unicodedata

from minigooglenet.data.formats import is_image_name

TEST_SHARE = 0.2


def same(name: str) -> str:
    """Return a name in Unicode's composed form, NFC: macOS and some archives decompose it, which looks the same."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def position(name: str) -> float:
    """Return a number in [0, 1) that depends on nothing but a file's name, without an image's suffix and its case.

    So 1.jpg and 1.png, which usually are one image in two formats, have the same number, and so has 1.JPG.
    """
    stem = name.rpartition(".")[0] if is_image_name(name) else name
    key = same(same(stem).casefold())
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def held_out(files: list[str]) -> tuple[set[str], bool]:
    """Return (which files of one class are held out, whether the rule for a single side was needed).

    Held out are those with a position below `TEST_SHARE`. The others of the class do not matter, so an image keeps its
    side when files are added or removed. Only if all files are on one side does the class need a rule: then the lowest
    position is held out, or the highest position is for training, so that neither side is empty.
    """
    positions = {name: position(name) for name in files}
    chosen = {name for name, at in positions.items() if at < TEST_SHARE}
    if 0 < len(chosen) < len(files):
        return chosen, False
    lowest, highest = min(positions.values()), max(positions.values())
    if lowest == highest:  # one name with several suffixes
        return {min(files)}, True
    return {name for name, at in positions.items() if (at < highest if chosen else at == lowest)}, True
