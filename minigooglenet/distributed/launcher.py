"""Whether an MPI launcher such as mpiexec or srun started several processes of this program."""

import os
import sys
from typing import Any

from minigooglenet import extras

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")  # the number of processes, set by launchers


def library() -> Any:
    """Return mpi4py's module MPI, which loads the MPI library.

    Raises
    ------
    ModuleNotFoundError
        If mpi4py is not installed.
    OSError
        If the MPI library is not installed, or the loader does not search in its folder.
    """
    try:
        with extras.needed("mpi", "training on several machines"):
            from mpi4py import MPI
    except ModuleNotFoundError:
        raise
    except (ImportError, RuntimeError) as error:  # mpi4py for one MPI, or for any
        reason = str(error).partition("\n")[0]
        raise OSError(
            f"mpi4py cannot start: {reason}. Install an MPI library, such as with `pip install mpich`, or "
            "add the folder of libmpi to LD_LIBRARY_PATH. --workers needs no MPI."
        ) from error
    return MPI


def launched() -> int:
    """Return the number of processes that an MPI launcher started, 1 without one.

    Raises
    ------
    ValueError
        If there are several, but they were started without `-m mpi4py`.
    OSError
        If mpi4py cannot load the MPI library.
    """
    if "mpi4py.run" in sys.modules:  # of `python -m mpi4py`
        return int(library().COMM_WORLD.Get_size())
    for name in SIZES:
        size = os.environ.get(name, "")
        if size.isdecimal() and int(size) > 1:
            raise ValueError(
                f"{size} processes were started ({name}={size}), but each of them would train alone. Start them with "
                "`python -m mpi4py -m minigooglenet train ...`, or start one and let it start --workers."
            )
    return 1
