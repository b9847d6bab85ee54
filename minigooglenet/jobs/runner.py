"""The runner of jobs: it skips those that are done, and writes the journal while an engine runs the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from minigooglenet.jobs.job import DONE, INTERRUPTED, WAITING, Event, Job
from minigooglenet.jobs.journal import Journal, latest
from minigooglenet.typing import PathLike

Engine = Callable[[Sequence[Job]], Iterator[Event]]


def run(
    jobs: Sequence[Job],
    engine: Engine,
    journal: Journal,
    *,
    others: Iterable[PathLike] = (),
    on_event: Callable[[Event], object] = lambda event: None,
) -> list[Event]:
    """Run jobs, and return the last event of each, in their order.

    Parameters
    ----------
    engine : function from jobs to an iterator over their events: `in_processes` or `on_dask` with their options
    journal : the events are added to it, and jobs that are done are not run again
    others : more journals, such as those of other elements of an array; they are only read
    on_event : called with each Event; first with those of the jobs that were done before

    Raises
    ------
    KeyboardInterrupt
        If the engine stopped before all jobs ended. Everything is in the journal: the next call continues.

    Examples
    --------
    >>> import functools, math, tempfile
    >>> from minigooglenet import jobs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = jobs.Journal(folder + "/jobs.jsonl")
    ...     calls = [jobs.Job("root of 16", math.sqrt, (16,)), jobs.Job("root of -1", math.sqrt, (-1,))]
    ...     events = jobs.run(calls, functools.partial(jobs.in_processes, at_once=2), journal)
    >>> [event.state for event in events], events[0].value
    (['done', 'failed'], 4.0)
    """
    earlier = latest([*others, journal.path])
    ends = {job.name: Event(job, WAITING) for job in jobs}
    rest = []
    for job in jobs:
        record = earlier.get(job.name, {})
        if record.get("state") == DONE and (job.output is None or job.output.exists()):
            ends[job.name] = Event(job, DONE, record.get("value"))
            on_event(ends[job.name])
        else:
            rest.append(job)
    if rest:
        for event in engine(rest):
            journal.add(event)
            ends[event.job.name] = event
            on_event(event)
    if any(event.state in (WAITING, INTERRUPTED) for event in ends.values()):
        raise KeyboardInterrupt
    return list(ends.values())
