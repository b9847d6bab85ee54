"""`minigooglenet docs`: the documentation as web pages, built from a checkout."""

import importlib.util
import subprocess
import sys
import webbrowser
from pathlib import Path

from minigooglenet.console import printable

HELP = "build the documentation and open it in a browser"
DESCRIPTION = """\
Build the documentation as web pages and open it in a browser. If it has been built before, only open it. The first
build runs all lessons and takes several minutes."""
SOURCE = Path(__file__).parents[2] / "docs"
NEEDED = ("sphinx", "pydata_sphinx_theme", "numpydoc", "myst_nb", "sphinx_copybutton", "sphinx_design")
INSTALL = "Run pip install -e '.[course,docs]' in a checkout"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(name, help=HELP, description=DESCRIPTION)
    parser.add_argument("--out", metavar="DIR", help="output folder (default: docs/_build/html in the checkout)")
    parser.add_argument("--rebuild", action="store_true", help="rebuild what has changed since the last build")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")


def run(options):
    """Build the pages if necessary, then open them."""
    if not (SOURCE / "conf.py").is_file():
        raise FileNotFoundError(
            f"the sources of the documentation are not part of an installed package. {INSTALL}, then this command."
        )
    out = Path(options.out or SOURCE / "_build" / "html").absolute()
    index = out / "index.html"
    if options.rebuild or not index.exists():
        build(out)
    print(printable(index))
    if not options.no_open:
        webbrowser.open(index.as_uri())


def build(out):
    """Build the pages in a folder; a warning is an error."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(f"the documentation needs {', '.join(missing)}. {INSTALL}.")
    print("Building the documentation. The lessons run once, which takes several minutes.", flush=True)
    command = [sys.executable, "-m", "sphinx", "--quiet", "--jobs", "auto", "--fail-on-warning", "--keep-going"]
    if subprocess.run([*command, SOURCE, out], check=False, cwd=SOURCE.parent).returncode:
        raise ValueError("the documentation was not built; the messages above name the pages and lines")
