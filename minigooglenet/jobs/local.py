"""Jobs on this machine: several processes at once, each with an equal part of the cores, restarted after a crash."""

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from minigooglenet import orphans, parallel
from minigooglenet.jobs.job import CRASHED, FAILED, INTERRUPTED, STARTED, Event, Job
from minigooglenet.jobs.process import Process

LOOK = 0.2  # seconds between two calls of `stop`


def in_processes(
    jobs: Sequence[Job],
    *,
    at_once: int = 1,
    threads: int | None = None,
    restarts: int = 2,
    stop: Callable[[], bool] = lambda: False,
    look: float = LOOK,
) -> Iterator[Event]:
    """Run jobs in processes, and yield their events.

    Parameters
    ----------
    at_once : number of jobs in parallel
    threads : threads of each job, by default an equal part of this process's
    restarts : number of times that a job is started again after a crash
    stop : function that returns whether to stop; then no job starts, and those that run are interrupted
    look : seconds between two calls of `stop`

    Notes
    -----
    If the iterator is closed, or raises an error, the running jobs are interrupted and then killed.
    """
    at_once = max(1, min(at_once, len(jobs)))
    if threads is None:
        threads = max(1, parallel.get_num_threads() // at_once)
    waiting, running, crashes = deque(jobs), set[Process](), dict.fromkeys((job.name for job in jobs), 0)
    ended: queue.SimpleQueue[tuple[Process, Event]] = queue.SimpleQueue()
    stopping, patience = False, orphans.GRACE
    try:
        while running or (waiting and not stopping):
            if not stopping and stop():
                stopping = True
                for process in running:
                    process.stop()
            while not stopping and waiting and len(running) < at_once:
                process = Process(waiting.popleft(), threads, lambda *end: ended.put(end))
                running.add(process)
                yield Event(process.job, STARTED, {"process": process.pid})
            try:
                process, event = ended.get(timeout=look)
            except queue.Empty:
                continue
            running.discard(process)
            if event.state == CRASHED:
                crashes[event.job.name] += 1
                if stopping:
                    event = event._replace(state=INTERRUPTED)
                elif crashes[event.job.name] > restarts:
                    event = event._replace(state=FAILED, error=_given_up(event.error, restarts))
                else:
                    waiting.appendleft(event.job)
            yield event
    except KeyboardInterrupt:
        patience = 0.0
        raise
    finally:
        for process in running:
            process.stop()
        deadline = time.monotonic() + patience
        while running and time.monotonic() < deadline:
            try:
                running.discard(ended.get(timeout=look)[0])
            except queue.Empty:
                continue
        for process in running:
            process.kill()


def _given_up(error, restarts):
    return f"{error}; it was restarted {restarts} time{'s' * (restarts != 1)}" if restarts else error
