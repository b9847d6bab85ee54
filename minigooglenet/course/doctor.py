"""What may be wrong with a machine, looked at one thing at a time, and what to do about it."""

import importlib.util
import io
import os
import re
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from minigooglenet.kernels import compiled

LEAST_MEMORY = 1 << 30  # bytes that a lesson may need; lesson 09 comes closest
COURSE = "course"  # the extra whose packages the lessons need


class Finding(NamedTuple):
    """One thing that was looked at: whether it is well, what was found, and what to do if it is not."""

    well: bool
    text: str
    remedy: str = ""

    def __str__(self):
        return f"ok     {self.text}" if self.well else f"WRONG  {self.text}\n       what to do: {self.remedy}"


def look(short=False) -> list[Finding]:
    """Look at the machine; `short` leaves out what takes seconds. What cannot be looked at is a finding too."""
    found = []
    looks = [python, *(lambda need=need: package(*need) for need in needed()), jupyter, kernel]
    if not short:
        looks += [compiler, cache, threads, blas, memory, disk, console, figure, walls]
    for each in looks:
        try:
            found.append(each())
        except Exception as error:
            told = " ".join(str(error).split()) or "no word why"
            name = getattr(each, "__name__", "")
            found.append(Finding(False, f"{name}: {type(error).__name__}: {told}", "install minigooglenet again"))
    return found


def python() -> Finding:
    """Look at Python's version."""
    asked = metadata.metadata("minigooglenet")["Requires-Python"] or ""
    running = ".".join(map(str, sys.version_info[:3]))
    well = SpecifierSet(asked).contains(running, prereleases=True)
    return Finding(well, f"Python {running}, asked for {asked}; {sys.executable}", f"install Python {asked}")


def needed() -> list[tuple[str, str]]:
    """Return (package, lowest version) of all that the engine and the course need, from the installed metadata."""
    found = []
    for line in metadata.requires("minigooglenet") or ():
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": COURSE}):
            floors = [each.version for each in need.specifier if each.operator == ">="]
            found.append((need.name, *floors, "0")[:2])
    return found


def package(name, floor) -> Finding:
    """Look at one package's version."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(False, f"{name} is not installed", f'{_pip()} install "{name}>={floor}"')
    well = Version(Version(version).base_version) >= Version(floor)  # a release candidate will do
    return Finding(
        well, f"{name} {version}, asked for at least {floor}", f'{_pip()} install --upgrade "{name}>={floor}"'
    )


def jupyter() -> Finding:
    """Look for JupyterLab."""
    well = importlib.util.find_spec("jupyterlab") is not None
    text = "JupyterLab is there" if well else "JupyterLab is not installed"
    return Finding(well, text, f"{_pip()} install jupyterlab, or open the notebooks in an editor")


def kernel() -> Finding:
    """Look whether notebooks would run with this Python."""
    remedy = f"{_pip()} install ipykernel; then {sys.executable} -m ipykernel install --sys-prefix"
    if importlib.util.find_spec("ipykernel") is None:
        return Finding(False, "there is no Python kernel for notebooks", remedy)
    from jupyter_client.kernelspec import KernelSpecManager

    starts = KernelSpecManager().get_kernel_spec("python3").argv[0]
    found = shutil.which(starts)
    well = found is not None and (starts in ("python", "python3") or Path(found).samefile(sys.executable))
    return Finding(well, f"the kernel python3 starts {starts}", remedy)


def compiler() -> Finding:
    """Compile a function as the kernels are compiled, and look at what it computes; or say what runs instead."""
    if reason := compiled.why_not_fast():
        remedy = f"{_pip()} install --upgrade numba; if Numba has no release for this Python, install an older Python"
        if reason == compiled.JIT_DISABLED:
            remedy = "unset NUMBA_DISABLE_JIT"
        return Finding(False, f"{reason}. {compiled.INSTEAD}", remedy)
    import numba

    begun = time.perf_counter()
    function = numba.njit(nogil=True)(lambda x: 2 * x + 1)
    well = function(20.5) == 42.0
    seconds = time.perf_counter() - begun
    return Finding(well, f"Numba compiles ({seconds:.1f} s for a small function)", f"{_pip()} install --upgrade numba")


def cache() -> Finding:
    """Look whether compiled kernels can be kept."""
    from minigooglenet import warmup

    if compiled.why_not_fast():
        return Finding(True, "no compiled kernels to keep")
    folder = warmup.folder()
    remedy = "set NUMBA_CACHE_DIR to a folder that you can write; until then every start compiles anew"
    if folder is None:
        return Finding(False, "compiled kernels cannot be kept: no folder can be written", remedy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Finding(False, f"compiled kernels cannot be kept: {error}", remedy)
    return Finding(True, f"compiled kernels are kept in {folder}")


def threads() -> Finding:
    """Look at how many threads there are for how many cores."""
    from minigooglenet import parallel

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = parallel.get_num_threads()
    text = f"{count} threads on {cores} cores that this process may use, {os.cpu_count()} in the machine"
    return Finding(count <= cores, text, f"unset MINIGOOGLENET_NUM_THREADS, or set it to at most {cores}")


def blas() -> Finding:
    """Look at which library multiplies matrices, and whether it gives the right product."""
    import numpy as np
    import threadpoolctl

    a = np.arange(64 * 64, dtype=np.float64).reshape(64, 64) % 7
    well = bool(((a @ a) == np.einsum("ij,jk->ik", a, a)).all())
    named = [each for each in threadpoolctl.threadpool_info() if each.get("user_api") == "blas"]
    parts = (named[0].get(key) for key in ("internal_api", "version", "architecture")) if named else ("unnamed",)
    text = f"BLAS: {' '.join(str(part) for part in parts if part)}, a product is {'right' if well else 'WRONG'}"
    return Finding(well, text, f"unset OPENBLAS_CORETYPE if it is set; {_pip()} install --force-reinstall numpy")


def memory() -> Finding:
    """Look at the memory that is free."""
    free = available_memory()
    if free is None:
        return Finding(True, "memory: this system does not say how much is free")
    text = f"{free / 1e9:.1f} GB of memory are free"
    return Finding(free >= LEAST_MEMORY, text, "close other programs; a lesson needs about 1 GB")


def disk() -> Finding:
    """Look whether a notebook could be saved in this folder."""
    well, here = os.access(".", os.W_OK), Path.cwd()
    return Finding(well, f"the folder {here} can{'' if well else 'not'} be written", "go to a folder of your own")


def console() -> Finding:
    """Look at the console's encoding. Whatever it is, what this package prints is plain ASCII."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    well = "plain text".encode(encoding) == b"plain text"
    return Finding(well, f"the console takes {encoding}", "set PYTHONIOENCODING=utf-8")


def figure() -> Finding:
    """Draw a figure, and look at which backend a notebook would use."""
    import matplotlib

    from minigooglenet import figures

    drawn, _ = figures.new(1, 1)
    drawn.savefig(io.BytesIO(), format="png")
    return Finding(True, f"figures are drawn; matplotlib's backend is {matplotlib.get_backend()}")


def walls() -> Finding:
    """Look at what `minigooglenet grade` can keep notebooks from; a student's own machine needs none of it."""
    from minigooglenet.course.grading import sandbox
    from minigooglenet.course.grading.sandbox import probe

    held = probe.held()
    with_what = f" with {held.mechanism}" if held.mechanism else ""
    there = ", ".join(wall for wall in sandbox.WALLS if wall in held.walls) or "none"
    missing = ", ".join(wall for wall in sandbox.WALLS if wall not in held.walls)
    told = f"; missing: {missing} (before you grade, see Walls in docs/grading.md)" if missing else ""
    return Finding(True, f"walls around graded notebooks{with_what}: {there}{told}")


def available_memory() -> int | None:
    """Return the bytes of memory that are free, all there are where the system tells no more, or None."""
    if Path("/proc/meminfo").exists():
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(re.search(r"^MemAvailable:\s+(\d+)", text, re.MULTILINE).group(1))
    if sys.platform == "win32":
        return _windows_memory()
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _windows_memory():
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "page", "page_free", "own", "own_free", "more")),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status.free


def _pip():
    return f"{sys.executable} -m pip"
