"""`minigooglenet lessons [DIR]`: copy the lessons, check the installation, and open JupyterLab."""

import argparse
import importlib.util
import os
import subprocess
from pathlib import Path

from minigooglenet import children
from minigooglenet.console import printable
from minigooglenet.course import doctor, handout
from minigooglenet.course.release import apart

HELP = "copy the lessons to a folder and open them in JupyterLab"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}. Files that you changed are never replaced."
    )
    parser.add_argument(
        "dir", metavar="DIR", nargs="?", default="my-lessons", help="folder for the copies (default: ./%(default)s)"
    )
    parser.add_argument("--no-open", action="store_true", help="copy without opening JupyterLab")
    parser.add_argument(
        "--solutions",
        metavar="SOURCES",
        help="folder outside of DIR for the lesson sources with solutions (see `minigooglenet release`)",
    )
    parser.add_argument("--sources", action="store_true", help=argparse.SUPPRESS)  # the option of version 0.1


def run(options):
    """Copy the lessons, check the installation, and open JupyterLab."""
    if options.sources:
        raise ValueError(
            "--sources is now --solutions SOURCES. The sources contain the solutions: pass a second folder."
        )
    if os.path.realpath(options.dir) == os.path.realpath(handout.folder()):
        raise ValueError(
            f"{options.dir} is the folder of the original lessons. Pass another, such as `minigooglenet lessons my`."
        )
    if options.solutions:
        apart(options.dir, options.solutions)
    new, same, kept = handout.copy(options.dir, options.solutions)
    print(f"{printable(options.dir)}: {len(new)} files copied, {len(same)} already present.")
    for path in kept:
        print(f"kept your version, which differs from the original lesson: {printable(path)}")
    wrong = [diagnosis for diagnosis in doctor.diagnose(short=True) if not diagnosis.ok]
    for finding in wrong:
        print(printable(finding, "\n"))
    if wrong:
        print("Run `minigooglenet doctor` for details.")
    first = min(Path(options.dir).glob("[0-9][0-9]_*.ipynb")).name
    if options.no_open:
        print(f"Open {printable(Path(options.dir) / first)} in JupyterLab or an editor.")
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        path = printable(Path(options.dir) / first)
        print(f"JupyterLab is not installed. Run pip install jupyterlab, or open {path} in an editor.")
        return 1
    print("Starting JupyterLab in your browser. Press Ctrl-C here to stop it.", flush=True)
    variables = {**os.environ, "PYTHONPATH": children.absolute(os.environ.get("PYTHONPATH", ""))}
    command = children.command("jupyterlab", first)
    return subprocess.run(command, cwd=options.dir, env=variables, check=False).returncode
