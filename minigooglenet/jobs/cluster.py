"""Jobs on a Dask cluster: each is a task, whose worker runs the job in a separate process.

If a worker dies, Dask runs its tasks on another worker; if only the job's process crashes, the worker restarts it. All
machines need the same file system at the same path, because jobs write their results there.
"""

import os
import queue
import uuid
from collections.abc import Callable, Iterator, Sequence

from minigooglenet import extras
from minigooglenet.jobs.job import DONE, FAILED, INTERRUPTED, STARTED, Event, Job
from minigooglenet.jobs.local import LOOK, in_processes

SECONDS = 30.0  # to connect
LOOK_OF_TASKS = 1.0  # seconds between two questions of a task whether to stop
THREADS = "MINIGOOGLENET_NUM_THREADS"


def on_dask(
    jobs: Sequence[Job], *, address: str, restarts: int = 2, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Run jobs on the Dask cluster whose scheduler is at `address`, and yield their events.

    Parameters
    ----------
    address : such as "tcp://10.0.0.1:8786"
    restarts : number of times that a job is started again after a crash
    stop : function that returns whether to stop; then running jobs are interrupted, and no job starts

    Notes
    -----
    A Dask worker runs as many tasks at once as it has threads, so a job uses one thread, unless the environment
    variable MINIGOOGLENET_NUM_THREADS of the worker has another number.
    """
    with extras.needed("dask", "running on a Dask cluster"):
        import distributed

    try:
        client = distributed.Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise OSError(
            f"no Dask scheduler answers at {address}: {error}. Start one with `dask scheduler`, and pass the address "
            "that it prints."
        ) from error
    with client:
        token, finished = uuid.uuid4().hex[:8], queue.SimpleQueue[distributed.Future]()
        flag = distributed.Event(f"minigooglenet-stop-{token}", client=client)
        flag.clear()
        futures = {}
        for job in jobs:
            key = f"minigooglenet-{job.name}-{token}"
            future = client.submit(task, job, restarts, flag.name, key=key, retries=restarts, pure=False)
            futures[future.key] = future, job
            yield Event(job, STARTED, {"dask": address})
            future.add_done_callback(finished.put)
        stopping = False
        while futures:
            if not stopping and stop():
                stopping = True
                flag.set()
            try:
                future = finished.get(timeout=LOOK)
            except queue.Empty:
                continue
            _, job = futures.pop(future.key)
            yield _end(future, job)


def task(job: Job, restarts: int, flag: str) -> Event:
    """Run a job in a process of its own, from a thread of a Dask worker, and return its last event."""
    import distributed

    threads = int(os.environ.get(THREADS, "").strip() or 1)
    stop = distributed.Event(flag).is_set
    end = Event(job, INTERRUPTED)
    for event in in_processes([job], threads=threads, restarts=restarts, stop=stop, look=LOOK_OF_TASKS):
        end = event
    return end


def _end(future, job):
    """Return the last event of a job from its finished task."""
    if future.status == "cancelled":
        return Event(job, INTERRUPTED)
    error = future.exception()
    if error is None:
        event: Event = future.result()._replace(job=job)
        if event.state == DONE and job.output is not None and not job.output.exists():
            return event._replace(
                state=FAILED,
                error=f"a Dask worker has finished it, but {job.output} does not exist on this machine. All machines "
                "need the same file system at the same path.",
            )
        return event
    if type(error).__name__ == "KilledWorker":
        return Event(job, FAILED, error=f"every Dask worker that ran it died ({error.args[-1] if error.args else ''})")
    return Event(job, FAILED, error=f"{type(error).__name__}: {' '.join(str(error).split())}")
