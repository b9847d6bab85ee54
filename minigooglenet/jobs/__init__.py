"""Independent jobs, one process for each: a job that crashes costs only itself, and a journal records what is done."""

from minigooglenet.jobs.array import Part, part
from minigooglenet.jobs.cluster import on_dask
from minigooglenet.jobs.job import CRASHED, DONE, FAILED, INTERRUPTED, STARTED, WAITING, Event, Job
from minigooglenet.jobs.journal import Journal, latest
from minigooglenet.jobs.local import in_processes
from minigooglenet.jobs.runner import run

__all__ = ["CRASHED", "DONE", "FAILED", "INTERRUPTED", "STARTED", "WAITING", "Event", "Job", "Journal", "Part"]
__all__ += ["in_processes", "latest", "on_dask", "part", "run"]
