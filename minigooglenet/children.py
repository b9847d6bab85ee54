"""Isolated Python processes: no code in the folder from which the parent was called can run in them.

Python's option -I excludes the current folder, the user's site-packages and every PYTHON* variable. (-P excludes only
the folder: an empty entry in PYTHONPATH, a common mistake, would bring it back.) What a program may still need is
passed explicitly: the parent's search path without the current folder, without relative entries and without the folder
of the parent's script, and this package from the parent's location. Each child gets a separate working folder and only
the environment variables listed here.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from minigooglenet import starting

PACKAGE = Path(__file__).parent
# Environment variables that a child gets, by name or by prefix; it gets no others.
KEPT = {
    *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "NO_COLOR"),
    *("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER"),
}
KEPT_PREFIXES = ("LC_", "MINIGOOGLENET_", "NUMBA_", "OMP_", "OPENBLAS_", "MKL_", "BLIS_", "GOMP_", "KMP_", "VECLIB_")
LISTS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")  # an empty entry means the current folder
FOLDERS = ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "MINIGOOGLENET_DATA", "MINIGOOGLENET_PUBLISHED")
# The child's first lines. The package is imported from the parent's location, whatever is on the search path.
BOOT = """
import sys
import json
options = json.loads(sys.argv[1])
sys.path[:] = list(dict.fromkeys(options["path"] + sys.path))
import importlib.util, os, runpy
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "minigooglenet":
            return importlib.util.spec_from_file_location(
                name, os.path.join(options["package"], "__init__.py"), submodule_search_locations=[options["package"]])
if os.path.isfile(os.path.join(options["package"], "__init__.py")):
    sys.meta_path.insert(0, Finder)
sys.argv[:2] = [options["name"]]
if "program" in options:
    exec(compile(options["program"], "<program>", "exec"), {"__name__": "__main__"})
else:
    runpy.run_module(options["name"], run_name="__main__", alter_sys=True)
"""


def command(name, *arguments, program=None, options=()) -> list[str]:
    """Return the command that runs a module, or the text of a program, in an isolated Python.

    options : more options of the Python interpreter, such as ("-W", "ignore")
    """
    settings = {"name": name, "path": search_path(), "package": str(PACKAGE)}
    if program is not None:
        settings["program"] = program
    if sys.flags.utf8_mode:
        options = ("-X", "utf8", *options)
    return [sys.executable, "-I", *options, "-c", BOOT, json.dumps(settings), *map(str, arguments)]


def start(name, *arguments, folder, program=None, options=(), variables=None, **more) -> subprocess.Popen:
    """Start an isolated Python and return its process.

    folder : its working folder, an empty folder that no other process uses
    variables : its complete environment (default: `environment()`)
    more : arguments of `subprocess.Popen`
    """
    words = command(name, *arguments, program=program, options=options)
    return subprocess.Popen(words, cwd=folder, env=environment() if variables is None else variables, **more)


def own_folder():
    """Return a context manager that creates an empty folder and deletes it afterwards."""
    return tempfile.TemporaryDirectory(prefix="minigooglenet-", ignore_cleanup_errors=True)


def environment(**more) -> dict[str, str]:
    """Return the environment for a child: the variables listed above, without entries that mean the current folder."""
    kept = {}
    for name, value in os.environ.items():
        if name.upper() not in KEPT and not name.upper().startswith(KEPT_PREFIXES):
            continue
        if name in LISTS:
            value = absolute(value)
        elif name in FOLDERS and value.strip():
            value = str(Path(value.strip()).absolute())
        if value:
            kept[name] = value
    return {**kept, **more}


def search_path() -> list[str]:
    """Return the entries of `sys.path` that are not relative, not the current folder and not the script's folder."""
    unsafe = {_script_folder(), _real(".")} - {None, _real(PACKAGE.parent)}
    return [entry for entry in sys.path if Path(entry).is_absolute() and _real(entry) not in unsafe]


def absolute(entries: str) -> str:
    """Return a list of folders, such as PATH, without entries that depend on the current folder."""
    return os.pathsep.join(entry for entry in entries.split(os.pathsep) if Path(entry).is_absolute())


@contextlib.contextmanager
def safe_path():
    """Keep the current folder off the search path of every Python process that libraries start in this block."""
    before = {name: os.environ.get(name) for name in ("PYTHONSAFEPATH", "PYTHONPATH", starting.MARK)}
    os.environ["PYTHONSAFEPATH"] = "1"
    if starting.FORGOTTEN:  # a user's program keeps its folder and the settings in it
        os.environ[starting.MARK] = "1"
    if before["PYTHONPATH"] is not None:
        os.environ["PYTHONPATH"] = absolute(before["PYTHONPATH"])
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _script_folder():
    """Return the folder of the script that Python runs, which Python put on the search path, or None."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return None if main is None or sys.flags.safe_path else _real(Path(main).parent)


def _real(path):
    try:
        return os.path.realpath(path)
    except OSError:  # the current folder was deleted
        return None
