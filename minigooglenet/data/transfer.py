"""One file from the network: by one process at a time, resumed, checked, and renamed into place as the last step.

The content is collected in `NAME.part` next to the file. The process that downloads has a lock on that part, which the
system releases when the process ends, however that happens. Other processes wait, and then find the file. The content
is compared with what is known of the file before the rename, so a truncated or wrong download never gets the name.
"""

import contextlib
import os
import queue
import stat
import threading
import time

from minigooglenet import files

CHUNK = 1 << 18
ATTEMPTS = 20  # for one address, as long as each brings more than the one before
TIMEOUT = 30  # seconds without a byte
SLOW = 60, 1 << 16  # seconds in which at least so many bytes must arrive
WAIT = 120  # seconds for which the part of another process may not grow
POLL = 0.1  # seconds
PARTIAL, RANGE_MISSING = 206, 416  # status of an answer


class UnusableError(Exception):
    """An address does not have the file, with the reason."""


class _BrokenError(Exception):
    """An answer ended early, with the reason: the next attempt may bring more."""


class UnavailableError(Exception):
    """No address has the file, with the reason of each."""


def obtain(path, urls, check, *, size=None, most=None, resumes=True, on_bytes=None):
    """Download the file at `path`, unless another process does so first.

    Parameters
    ----------
    path : where to put it
    urls : addresses that may have it
    check : called with the open part; returns anything, or raises a ValueError that says why it is another file
    size : its bytes, if known
    most : bytes to accept if the size is unknown
    resumes : whether a part of an earlier run may be continued, because `check` would notice a wrong one
    on_bytes : called with (bytes so far, bytes in total or None)

    Returns
    -------
    what `check` returned; None if another process downloaded the file

    Raises
    ------
    UnavailableError
        If no address has it.
    OSError
        If the part cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    file = _locked(part, path)
    if file is None:
        return None
    transfer, reasons = _Transfer(file, check, size, most, resumes, on_bytes), []
    try:
        for url in urls:
            try:
                answer = transfer.run(url)
            except UnusableError as error:
                reasons.append(f"{url}: {error}")
            else:
                _rename(file, part, path)
                return answer
        raise UnavailableError("; ".join(reasons))
    except OSError as error:
        keeps = " What has arrived is kept, and the next download continues from there." if resumes else ""
        reason = (error.strerror or str(error)).lower()
        raise OSError(f"cannot write {part}: {reason}. Free some space, or choose another folder.{keeps}") from error
    finally:
        _let_go(file, part, kept=resumes)


class _Transfer:
    """The transfer of one file into its part."""

    def __init__(self, file, check, size, most, resumes, on_bytes):
        self.file, self.check, self.size, self.most, self.on_bytes = file, check, size, most, on_bytes
        self.resumes, self.total = resumes, size  # the total is also learned from a server

    def run(self, url):
        """Bring the part to its full size from one address, and return what the check says."""
        while True:
            self.total = self.size
            resumed = self.resumes and self._length() > 0
            reason = self._attempts(url)
            length = self._length()
            if length < (self.total or 0) or (reason and length != self.total):
                raise UnusableError(reason or f"it ended after {length:,} of {self.total:,} bytes")
            self.file.seek(0)
            try:
                return self.check(self.file)
            except ValueError as error:
                self._empty()
                if not resumed:  # otherwise the old part may be the wrong one: once more from scratch
                    raise UnusableError(f"{error}; it was deleted") from error

    def _attempts(self, url):
        """Try until the file is complete or an attempt brings nothing; return the last reason, or None."""
        reason = None
        for _ in range(ATTEMPTS):
            before, reason = self._length(), None
            try:
                self._append(url)
            except _BrokenError as error:
                reason = str(error)
            if not before < self._length() < (self.total or 0):
                break
        return reason

    def _append(self, url):
        """Append to the part what it lacks; from a server without ranges, start from scratch."""
        if not self.resumes:
            self._empty()
        have = self._length()
        if have and self.total is not None and have >= self.total:
            return
        with contextlib.closing(_answer(url, have)) as answer:
            status, headers = next(answer)
            if status == RANGE_MISSING:  # the server's file ends before the part does
                self._empty()
                self._append(url)
                return
            begin = have if status == PARTIAL else 0
            if begin and not headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                raise UnusableError(f"asked for what follows {begin:,} bytes, it sends another part")
            self.total = self._expected(begin, headers.get("Content-Length"))
            if have and not begin:  # the whole file comes
                self._empty()
            self._take(answer, begin)

    def _expected(self, begin, declared):
        """Return the size of the file as far as it is known, once the answer's length fits it."""
        if declared is None:
            return self.size
        if not (declared.isascii() and declared.isdigit()):
            raise UnusableError(f"it declares the length {declared[:40]!r}")
        total = begin + int(declared[:20])
        if self.size is not None and total != self.size:
            raise UnusableError(f"it offers {total:,} bytes, not {self.size:,}; perhaps a sign-in page?")
        if self.most is not None and total > self.most:
            raise UnusableError(f"it offers {total:,} bytes; at most {self.most:,} are read")
        return total

    def _take(self, answer, have):
        bound = next((bound for bound in (self.size, self.total, self.most) if bound is not None), None)
        for chunk in answer:
            # One byte more than expected is enough to know that it is another file.
            chunk = chunk if bound is None else chunk[: bound + 1 - have]
            self.file.write(chunk)
            have += len(chunk)
            if self.on_bytes:
                self.on_bytes(have, self.total)
            if bound is not None and have > bound:
                if self.size is None:
                    self._empty()
                    raise UnusableError(f"it sends more than {bound:,} bytes; what came was deleted")
                break

    def _length(self):
        self.file.flush()
        return os.fstat(self.file.fileno()).st_size

    def _empty(self):
        self.file.seek(0)
        self.file.truncate()


def _answer(url, begin):
    """Yield (status, headers) of an address, then the content from byte `begin` on, never waiting without end.

    Another thread asks, because nothing else can interrupt a name server or a header that never ends.
    """
    passed, stop = queue.Queue(4), threading.Event()
    threading.Thread(target=_ask, args=(url, begin, passed, stop), daemon=True).start()
    seconds, least = SLOW
    deadline, arrived = time.monotonic() + seconds, 0
    try:
        while True:
            try:
                item = passed.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise _BrokenError(f"it sent {arrived:,} bytes in {seconds:g} s; that is too slow") from None
            if item is None:
                return
            if isinstance(item, (UnusableError, _BrokenError)):
                raise item
            yield item
            if isinstance(item, bytes):
                arrived += len(item)
            if arrived >= least:
                deadline, arrived = time.monotonic() + seconds, 0
    finally:
        stop.set()


def _ask(url, begin, passed, stop):
    """Put what an address answers into a queue: (status, headers), chunks, then None or an exception."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, build_opener

    def put(item):
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                passed.put(item, timeout=POLL)
                return

    try:
        request = Request(url, headers={"Range": f"bytes={begin}-"} if begin else {})
        try:
            answer = build_opener(_redirects()).open(request, timeout=TIMEOUT)
        except HTTPError as error:
            error.close()
            missing = begin and error.code == RANGE_MISSING
            put((RANGE_MISSING, {}) if missing else UnusableError(str(error)))
            return
        with answer:
            put((answer.status, answer.headers))
            while not stop.is_set() and (chunk := answer.read1(CHUNK)):
                put(chunk)
        put(None)
    except UnusableError as error:
        put(error)
    except (OSError, HTTPException, ValueError) as error:
        put(_BrokenError(str(error) or type(error).__name__))
    except BaseException as error:  # whatever it is, nobody must wait for it
        put(_BrokenError(f"{type(error).__name__}: {error}"))


def _redirects():
    from urllib.request import HTTPRedirectHandler

    class Redirects(HTTPRedirectHandler):
        """Follows addresses, but not from https to http, where anyone on the way could change the file."""

        def redirect_request(self, req, fp, code, msg, headers, newurl):
            secure = req.full_url.lower().startswith("https:")
            if not newurl.lower().startswith("https:" if secure else ("https:", "http:")):
                raise UnusableError(f"it redirects to {newurl[:200]!a}, which is not secure")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return Redirects


def _locked(part, path):
    """Return the part, open and locked, or None after another process finished the file."""
    from filelock import lock_descriptor

    length, since = -1, time.monotonic()
    while not path.exists():
        file = _opened(part)
        try:
            locked = lock_descriptor(file.fileno(), blocking=False)
        except OSError:
            locked = True  # this filesystem has no locks; the checksum still finds what two of them mix up
        if locked and not path.exists() and files.is_at(file.fileno(), part):
            return file
        now = os.fstat(file.fileno()).st_size
        if locked:  # it was renamed or deleted in between
            _let_go(file, part, kept=True)
            continue
        file.close()
        if now != length:
            length, since = now, time.monotonic()
        elif time.monotonic() - since > WAIT:
            raise OSError(
                f"another process is downloading {path} and has not made progress for {WAIT:g} s. Try again after it "
                "ended, or stop it."
            )
        time.sleep(POLL)
    return None


def _opened(part):
    if part.is_symlink():
        raise OSError(f"{part} is a link. Remove it, then try again.")
    place = os.open(part, os.O_RDWR | os.O_CREAT | files.NON_BLOCKING | files.NO_LINK, 0o666)
    if not stat.S_ISREG(os.fstat(place).st_mode):
        os.close(place)
        raise OSError(f"{part} is {files.kind_of(part.stat())}, not a file. Remove it, then try again.")
    file = open(place, "r+b")  # noqa: PTH123, SIM115 (a descriptor, which the caller closes)
    file.seek(0, os.SEEK_END)
    return file


def _rename(file, part, path):
    """Sync a part and give it the file's name; the folder is synced too."""
    file.flush()
    os.fsync(file.fileno())
    if os.name != "nt":
        part.replace(path)
    else:
        file.close()  # Windows renames no open file, and another process may look at it for a moment
        for attempt in range(50):
            try:
                part.replace(path)
                break
            except FileNotFoundError:
                break
            except PermissionError:
                if attempt == 49:
                    raise
                time.sleep(POLL)
        if not path.exists():
            raise FileNotFoundError(f"{part} disappeared")
    files.sync_folder(path.parent)


def _let_go(file, part, *, kept):
    """Close a part, which releases it; delete it if it is empty or of no use to the next download."""
    if file.closed:
        return
    with contextlib.suppress(OSError):
        file.flush()
    ours = files.is_at(file.fileno(), part)
    useless = ours and not (kept and os.fstat(file.fileno()).st_size)
    if useless and os.name != "nt":
        part.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        file.close()
    if useless and os.name == "nt":
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
