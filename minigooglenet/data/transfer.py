"""Download of one file: by one process at a time, resumed after interruptions, checked, and renamed as the last step.

The content is written to `NAME.part` next to the file. The downloading process holds a lock on that part file, which
the operating system releases whenever the process ends. Other processes wait until the file exists. The content is
checked before the rename, so a truncated or wrong download never gets the file's name.
"""

import contextlib
import os
import queue
import stat
import threading
import time

from minigooglenet import extras, files

CHUNK = 1 << 18
ATTEMPTS = 20  # for one URL, as long as each attempt adds bytes
TIMEOUT = 30  # seconds without a byte
SLOW = 60, 1 << 16  # seconds, and the least number of bytes that must arrive in that time
WAIT = 120  # seconds after which a part file of another process that does not grow is an error
POLL = 0.1  # seconds
PARTIAL, RANGE_MISSING = 206, 416  # HTTP status codes


class UnusableError(Exception):
    """A URL does not provide the file, with the reason."""


class _BrokenError(Exception):
    """A response ended early, with the reason; another attempt may add more bytes."""


class UnavailableError(Exception):
    """No URL provides the file, with the reason for each URL."""


def obtain(path, urls, check, *, size=None, most=None, resumes=True, on_bytes=None):
    """Download the file at `path`, unless another process does so first.

    Parameters
    ----------
    path : path of the new file
    urls : URLs that may provide it
    check : function of the open part file; returns any value, or raises a ValueError with the reason why it is another
        file
    size : size of the file in bytes, if known
    most : largest size in bytes to accept if the size is unknown
    resumes : whether to continue the part file of an earlier run, because `check` would reject a wrong one
    on_bytes : called with (bytes so far, total bytes or None)

    Returns
    -------
    the result of `check`; None if another process downloaded the file

    Raises
    ------
    UnavailableError
        If no URL provides the file.
    OSError
        If the part file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    file = _locked(part, path)
    if file is None:
        return None
    transfer, reasons = _Transfer(file, check, size, most, resumes, on_bytes), []
    try:
        for url in urls:
            try:
                result = transfer.run(url)
            except UnusableError as error:
                reasons.append(f"{url}: {error}")
            else:
                _rename(file, part, path)
                return result
        raise UnavailableError("; ".join(reasons))
    except OSError as error:
        keeps = " The next download continues from the bytes that have arrived." if resumes else ""
        reason = (error.strerror or str(error)).lower()
        raise OSError(f"cannot write {part}: {reason}. Free some space, or choose another folder.{keeps}") from error
    finally:
        _release(file, part, kept=resumes)


class _Transfer:
    """The download of one file into its part file."""

    def __init__(self, file, check, size, most, resumes, on_bytes):
        self.file, self.check, self.size, self.most, self.on_bytes = file, check, size, most, on_bytes
        self.resumes, self.total = resumes, size  # a server may state the total

    def run(self, url):
        """Complete the part file from one URL, and return the result of the check."""
        while True:
            self.total = self.size
            resumed = self.resumes and self._length() > 0
            reason = self._attempts(url)
            length = self._length()
            if length < (self.total or 0) or (reason and length != self.total):
                raise UnusableError(reason or f"the response ended after {length:,} of {self.total:,} bytes")
            self.file.seek(0)
            try:
                return self.check(self.file)
            except ValueError as error:
                self._empty()
                if not resumed:  # otherwise the old part may be wrong: download once more from scratch
                    raise UnusableError(f"{error}; it was deleted") from error

    def _attempts(self, url):
        """Try until the file is complete or an attempt adds no bytes; return the last error as text, or None."""
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
        """Append the missing bytes to the part file; start from scratch if the server does not support ranges."""
        if not self.resumes:
            self._empty()
        have = self._length()
        if have and self.total is not None and have >= self.total:
            return
        with contextlib.closing(_response(url, have)) as response:
            status, headers = next(response)
            if status == RANGE_MISSING:  # the server's file ends before the part does
                self._empty()
                self._append(url)
                return
            begin = have if status == PARTIAL else 0
            if begin and not headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                raise UnusableError(f"the server sent another range than the requested one, from byte {begin:,} on")
            self.total = self._expected(begin, headers.get("Content-Length"))
            if have and not begin:  # the server sends the whole file
                self._empty()
            self._write(response, begin)

    def _expected(self, begin, declared):
        """Return the size of the file, or None if it is unknown; raise if the length of the response does not fit."""
        if declared is None:
            return self.size
        if not (declared.isascii() and declared.isdigit()):
            raise UnusableError(f"the server declares the length {declared[:40]!r}, which is not a number")
        total = begin + int(declared[:20])
        if self.size is not None and total != self.size:
            raise UnusableError(
                f"the server offers {total:,} bytes, not {self.size:,}. It may be the sign-in page of your network."
            )
        if self.most is not None and total > self.most:
            raise UnusableError(f"the server offers {total:,} bytes, and at most {self.most:,} are accepted")
        return total

    def _write(self, response, have):
        bound = next((bound for bound in (self.size, self.total, self.most) if bound is not None), None)
        for chunk in response:
            # One byte more than expected is enough to detect another file.
            chunk = chunk if bound is None else chunk[: bound + 1 - have]
            self.file.write(chunk)
            have += len(chunk)
            if self.on_bytes:
                self.on_bytes(have, self.total)
            if bound is not None and have > bound:
                if self.size is None:
                    self._empty()
                    raise UnusableError(f"the server sends more than {bound:,} bytes; the part file was deleted")
                break

    def _length(self):
        self.file.flush()
        return os.fstat(self.file.fileno()).st_size

    def _empty(self):
        self.file.seek(0)
        self.file.truncate()


def _response(url, begin):
    """Yield (status, headers) of a URL, then its content from byte `begin` on, with a time limit for each chunk.

    Another thread sends the request, because a name server or a header that never ends cannot be interrupted.
    """
    items, stop = queue.Queue[object](4), threading.Event()
    threading.Thread(target=_request, args=(url, begin, items, stop), daemon=True).start()
    seconds, least = SLOW
    deadline, arrived = time.monotonic() + seconds, 0
    try:
        while True:
            try:
                item = items.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise _BrokenError(f"the server is too slow: it sent {arrived:,} bytes in {seconds:g} s") from None
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


def _request(url, begin, items, stop):
    """Put the response of a URL into the queue `items`: (status, headers), chunks, then None or an exception."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, build_opener

    def put(item):
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                items.put(item, timeout=POLL)
                return

    try:
        request = Request(url, headers={"Range": f"bytes={begin}-"} if begin else {})
        try:
            response = build_opener(_redirects()).open(request, timeout=TIMEOUT)
        except HTTPError as error:
            error.close()
            missing = begin and error.code == RANGE_MISSING
            put((RANGE_MISSING, {}) if missing else UnusableError(str(error)))
            return
        with response:
            put((response.status, response.headers))
            while not stop.is_set() and (chunk := response.read1(CHUNK)):
                put(chunk)
        put(None)
    except UnusableError as error:
        put(error)
    except (OSError, HTTPException, ValueError) as error:
        put(_BrokenError(str(error) or type(error).__name__))
    except BaseException as error:  # the reader waits for every error
        put(_BrokenError(f"{type(error).__name__}: {error}"))


def _redirects():
    from urllib.request import HTTPRedirectHandler

    class Redirects(HTTPRedirectHandler):
        """Follows redirects, but not from https to http, where an attacker on the network could change the file."""

        def redirect_request(self, req, fp, code, msg, headers, newurl):
            secure = req.full_url.lower().startswith("https:")
            if not newurl.lower().startswith("https:" if secure else ("https:", "http:")):
                raise UnusableError(f"the server redirects to {newurl[:200]!a}, which is not secure")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return Redirects


def _locked(part, path):
    """Return the part file, open and locked, or None after another process has downloaded the file."""
    with extras.needed("images", "downloading"):
        from filelock import lock_descriptor

    length, since = -1, time.monotonic()
    while not path.exists():
        file = _opened(part)
        try:
            locked = lock_descriptor(file.fileno(), blocking=False)
        except OSError:
            locked = True  # this file system has no locks; the check still rejects a mix of two downloads
        if locked and not path.exists() and files.is_at(file.fileno(), part):
            return file
        now = os.fstat(file.fileno()).st_size
        if locked:  # it was renamed or deleted in the meantime
            _release(file, part, kept=True)
            continue
        file.close()
        if now != length:
            length, since = now, time.monotonic()
        elif time.monotonic() - since > WAIT:
            raise OSError(
                f"another process is downloading {path} and has not made progress for {WAIT:g} s. Stop it, or wait for "
                "its end, then try again."
            )
        time.sleep(POLL)
    return None


def _opened(part):
    if part.is_symlink():
        raise OSError(f"{part} is a link. Remove it, then try again.")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | files.NON_BLOCKING | files.NO_LINK, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{part} is {files.kind_of(part.stat())}, not a file. Remove it, then try again.")
    file = open(descriptor, "r+b")  # noqa: PTH123, SIM115 (the caller closes it)
    file.seek(0, os.SEEK_END)
    return file


def _rename(file, part, path):
    """Sync a part file, rename it, and sync the folder."""
    file.flush()
    os.fsync(file.fileno())
    if os.name != "nt":
        part.replace(path)
    else:
        file.close()  # Windows does not rename open files, and another process may open it for a moment
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


def _release(file, part, *, kept):
    """Close a part file, which releases its lock; delete it if the next download could not continue it."""
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
