"""`minigooglenet lessons [DIR]`: copy the lessons out, look at the set-up, and open JupyterLab."""

import argparse
import importlib.util
import os
import subprocess
from pathlib import Path

from minigooglenet import children
from minigooglenet.console import printable
from minigooglenet.course import doctor, handout
from minigooglenet.course.release import apart

HELP = "copy the lessons to a folder of yours and open them in JupyterLab"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. What you changed there is never replaced."
    )
    parser.add_argument(
        "dir", metavar="DIR", nargs="?", default="my-lessons", help="where to copy them (default: ./%(default)s)"
    )
    parser.add_argument("--no-open", action="store_true", help="only copy")
    parser.add_argument(
        "--solutions",
        metavar="SOURCES",
        help="also the sources, with the solutions, in a second folder outside of DIR, for `minigooglenet release`",
    )
    parser.add_argument("--sources", action="store_true", help=argparse.SUPPRESS)  # of 0.1


def run(options):
    """Copy, check, open."""
    if options.sources:
        raise ValueError(
            "--sources is now --solutions SOURCES: the sources hold the solutions, so name a second folder"
        )
    if os.path.realpath(options.dir) == os.path.realpath(handout.folder()):
        raise ValueError(f"{options.dir} is the lessons' own folder; name another, such as `minigooglenet lessons my`")
    if options.solutions:
        apart(options.dir, options.solutions)
    new, same, kept = handout.copy(options.dir, options.solutions)
    print(f"{printable(options.dir)}: {len(new)} files copied, {len(same)} were there already.")
    for path in kept:
        print(f"left as it is, for it is not the lesson as it came: {printable(path)}")
    wrong = [diagnosis for diagnosis in doctor.diagnose(short=True) if not diagnosis.ok]
    for finding in wrong:
        print(printable(finding, "\n"))
    if wrong:
        print("`minigooglenet doctor` tells more.")
    first = min(Path(options.dir).glob("[0-9][0-9]_*.ipynb")).name
    if options.no_open:
        print(f"Open {printable(Path(options.dir) / first)} in JupyterLab or an editor.")
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        path = printable(Path(options.dir) / first)
        print(f"JupyterLab is not installed: pip install jupyterlab. Or open {path} in an editor.")
        return 1
    print("JupyterLab starts in your browser; Ctrl-C here ends it.", flush=True)
    variables = {**os.environ, "PYTHONPATH": children.absolute(os.environ.get("PYTHONPATH", ""))}
    command = children.command("jupyterlab", first)
    return subprocess.run(command, cwd=options.dir, env=variables, check=False).returncode
