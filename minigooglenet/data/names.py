"""Names of files and folders: their normal form for comparison, and the split that they decide."""

import hashlib
import unicodedata

from minigooglenet.data.formats import is_image_name

TEST_FRACTION = 0.2


def same(name: str) -> str:
    """Return a name in Unicode's composed form, NFC; macOS and some archives store the decomposed form."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def position(name: str) -> float:
    """Return a number in [0, 1) that depends only on a file name, without the suffix of an image and its case.

    So 1.jpg, 1.JPG and 1.png have the same number: they usually are the same image in several formats.
    """
    stem = name.rpartition(".")[0] if is_image_name(name) else name
    key = same(same(stem).casefold())
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def held_out(files: list[str]) -> tuple[set[str], bool]:
    """Return (which files of one class are held out, whether the class needed the rule for an empty side).

    A file is held out if its `position` is below `TEST_FRACTION`. Other files do not matter, so an image keeps its side
    when files are added or removed. Only if all files of a class are on one side does a rule move one of them: the file
    with the lowest position is held out, or the file with the highest position is used for training.
    """
    positions = {name: position(name) for name in files}
    chosen = {name for name, at in positions.items() if at < TEST_FRACTION}
    if 0 < len(chosen) < len(files):
        return chosen, False
    lowest, highest = min(positions.values()), max(positions.values())
    if lowest == highest:  # one name with several suffixes
        return {min(files)}, True
    return {name for name, at in positions.items() if (at < highest if chosen else at == lowest)}, True
