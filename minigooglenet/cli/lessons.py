"""`minigooglenet lessons [DIR]`: copy the lessons out, look at the set-up, and open JupyterLab."""

import importlib.util
import os
import subprocess
from pathlib import Path

from minigooglenet import children
from minigooglenet.console import printable
from minigooglenet.course import doctor, lessons

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
        "--sources", action="store_true", help="also the sources, for `minigooglenet release`; they hold the solutions"
    )


def run(options):
    """Copy, check, open."""
    if os.path.realpath(options.dir) == os.path.realpath(lessons.folder()):
        raise ValueError(f"{options.dir} is the lessons' own folder; name another, such as `minigooglenet lessons my`")
    new, same, kept = lessons.copy(options.dir, options.sources)
    print(f"{printable(options.dir)}: {len(new)} files copied, {len(same)} were there already.")
    for path in kept:
        print(f"left as it is, for it is not the lesson as it came: {printable(path)}")
    wrong = [finding for finding in doctor.look(short=True) if not finding.well]
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
