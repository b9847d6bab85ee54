"""The reading walk: every file and name on it exists, and the core stays small enough for an afternoon.

Lengths do not count the examples in docstrings, which doctest needs and readers skip.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "minigooglenet"
PAGE = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
MOST_LINES = 4400
# Operations of layers/later/, which GoogLeNet does not have. Their files are not part of the core.
LATER = ("channel_shuffle", "channel_slice", "elementwise", "global_max_pool2d", "multiply", "pad", "scale")
LISTED = re.compile(rf'^ *"?({"|".join(LATER)})"?[,:].*\n', re.M)  # a line of the core that only lists one of them
CORE = (
    *("shapes.py", "checks.py", "initializers.py", "losses.py", "optim.py"),
    *("kernels/forms.py", "kernels/signatures.py", "kernels/loops/*.py", "kernels/numpy/*.py", "graph/*.py"),
    *(f"kernels/{path.name}" for path in (PACKAGE / "kernels" / "loops").glob("*.py")),  # one file per operation
    *("layers/__init__.py", "layers/base.py", "layers/conv.py", "layers/pooling.py", "layers/norm.py"),
    *("layers/activation.py", "layers/linear.py", "layers/merge.py"),
    *("models/blocks.py", "models/googlenet.py", "training/step.py", "training/loop.py"),
)
STOPS = re.findall(r"^\| (\d+) \| (.*?) \| (.*)$", PAGE, re.M)


def lines(path):
    """Return the number of lines of a file without the examples in its docstrings."""
    text = (PACKAGE / path).read_text(encoding="utf-8")
    return len(re.sub(r'\n\n *Examples\n *-{8}\n.*?(?=\n *""")', "", text, flags=re.DOTALL).splitlines())


def core():
    return {path for pattern in CORE for path in PACKAGE.glob(pattern) if path.stem not in LATER}


def test_core_stays_below_its_bound():
    files = core()
    assert len(files) > 60
    listed = sum(len(LISTED.findall(path.read_text(encoding="utf-8"))) for path in files)
    assert sum(lines(path.relative_to(PACKAGE)) for path in files) - listed < MOST_LINES


@pytest.mark.parametrize("stop", STOPS[:12], ids=lambda stop: stop[0])
def test_stop_stays_below_its_bound(stop):
    _, files, rest = stop
    bound = int(rest.split(" | ")[0])
    length = sum(map(lines, re.findall(r"`(.*?)`", files)))
    assert 0.5 * bound < length <= bound, f"{length} lines"


def test_walks_have_twelve_and_eight_stops():
    assert [number for number, *_ in STOPS] == [*map(str, range(1, 13)), *map(str, range(1, 9))]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?!\w+/NAME)[\w/]+\.py)`", PAGE))))
def test_every_file_on_the_walks_has_a_docstring(path):
    text = (PACKAGE / path).read_text(encoding="utf-8")
    assert text.startswith('"""')


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop[0])
def test_every_function_on_the_walks_exists(stop):
    _, files, rest = stop
    sources = "".join((PACKAGE / path).read_text(encoding="utf-8") for path in re.findall(r"`(.*?)`", files))
    for name in re.findall(r"`([A-Za-z_]\w+)`", rest):
        assert re.search(rf"^\s*(def|class) {name}\b|^{name} =", sources, re.M), name


def test_core_files_of_the_walk_are_core():
    walked = {path for _, files, _ in STOPS[:12] for path in re.findall(r"`(.*?)`", files)}
    assert walked <= {path.relative_to(PACKAGE).as_posix() for path in core()}
