"""How this package starts another Python: isolated, so that nothing in the folder where it was called can run.

Python's option -I leaves out the current folder, the user's site-packages and every PYTHON* variable. (-P leaves out
only the folder: an empty entry in PYTHONPATH, a frequent slip, would bring it back.) What -I leaves out and a
program may need is handed over by name: the parent's search path without the current folder, without relative
entries and without the folder of the parent's script, and this package from where the parent has it. Each child gets a
working folder of its own and only those variables that are listed here.
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
# Variables that a child gets, by their whole name or by how they begin; all others stay with the parent.
KEPT = {
    *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "NO_COLOR"),
    *("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER"),
}
KEPT_STARTS = ("LC_", "MINIGOOGLENET_", "NUMBA_", "OMP_", "OPENBLAS_", "MKL_", "BLIS_", "GOMP_", "KMP_", "VECLIB_")
LISTS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")  # an empty entry is the current folder
PLACES = ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "MINIGOOGLENET_DATA", "MINIGOOGLENET_PUBLISHED")
# The child's first lines. The package is found where the parent has it, whatever else the search path holds.
BOOT = """
import sys
import json
asked = json.loads(sys.argv[1])
sys.path[:] = list(dict.fromkeys(asked["path"] + sys.path))
import importlib.util, os, runpy
class Own:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "minigooglenet":
            return importlib.util.spec_from_file_location(
                name, os.path.join(asked["package"], "__init__.py"), submodule_search_locations=[asked["package"]])
if os.path.isfile(os.path.join(asked["package"], "__init__.py")):
    sys.meta_path.insert(0, Own)
sys.argv[:2] = [asked["name"]]
if "program" in asked:
    exec(compile(asked["program"], "<program>", "exec"), {"__name__": "__main__"})
else:
    runpy.run_module(asked["name"], run_name="__main__", alter_sys=True)
"""


def command(name, *arguments, program=None, options=()) -> list[str]:
    """Return the command that runs a module, or the text of a program, in an isolated Python.

    options : more of Python's own, such as ("-W", "ignore")
    """
    asked = {"name": name, "path": search_path(), "package": str(PACKAGE)}
    if program is not None:
        asked["program"] = program
    if sys.flags.utf8_mode:
        options = ("-X", "utf8", *options)
    return [sys.executable, "-I", *options, "-c", BOOT, json.dumps(asked), *map(str, arguments)]


def start(name, *arguments, folder, program=None, options=(), variables=None, **more) -> subprocess.Popen:
    """Start an isolated Python and return its process.

    folder : where it works, empty and its own;  variables : all of its environment (default: `environment()`)
    more : of `subprocess.Popen`
    """
    words = command(name, *arguments, program=program, options=options)
    return subprocess.Popen(words, cwd=folder, env=environment() if variables is None else variables, **more)


def own_folder():
    """Return a context manager: an empty folder that is deleted afterwards."""
    return tempfile.TemporaryDirectory(prefix="minigooglenet-", ignore_cleanup_errors=True)


def environment(**more) -> dict[str, str]:
    """Return the variables for a child: those that are listed above, without entries that mean the current folder."""
    kept = {}
    for name, value in os.environ.items():
        if name.upper() not in KEPT and not name.upper().startswith(KEPT_STARTS):
            continue
        if name in LISTS:
            value = absolute(value)
        elif name in PLACES and value.strip():
            value = str(Path(value.strip()).absolute())
        if value:
            kept[name] = value
    return {**kept, **more}


def search_path() -> list[str]:
    """Return the entries of `sys.path` that are neither relative, nor the current folder, nor the script's."""
    unsafe = {_script_folder(), _real(".")} - {None, _real(PACKAGE.parent)}
    return [entry for entry in sys.path if Path(entry).is_absolute() and _real(entry) not in unsafe]


def absolute(entries: str) -> str:
    """Return a list of folders, as PATH is, without entries that depend on the current folder."""
    return os.pathsep.join(entry for entry in entries.split(os.pathsep) if Path(entry).is_absolute())


@contextlib.contextmanager
def safe_path():
    """Keep the current folder off the search path of every Python that other libraries start inside."""
    before = {name: os.environ.get(name) for name in ("PYTHONSAFEPATH", "PYTHONPATH", starting.MARK)}
    os.environ["PYTHONSAFEPATH"] = "1"
    if starting.FORGOTTEN:  # a user's own program keeps its folder, and the settings in it
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
    """Return the folder that Python put on its path because a script in it was started."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return None if main is None or sys.flags.safe_path else _real(Path(main).parent)


def _real(path):
    try:
        return os.path.realpath(path)
    except OSError:  # the current folder is gone
        return None
