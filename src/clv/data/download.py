"""Fetching the original workbook, so that a fresh clone has a real log to work on.

One file, known beforehand by length and SHA-256. Bytes gather in ``<name>.part`` beside
the target and take the final name only when the digest is right, so whoever finds the
target finds it whole. A cut connection is picked up where it stopped.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from hashlib import file_digest
from pathlib import Path

from clv.errors import SourceUnreadable, WorkspaceUnwritable

# Chen, D. (2012). Online Retail II. UCI Machine Learning Repository, CC BY 4.0,
# https://doi.org/10.24432/C5CG6D. The zip holds one file, `online_retail_II.xlsx`.
URL = "https://archive.ics.uci.edu/static/public/502/online+retail+ii.zip"
SIZE = 45_622_418
SHA256 = "572e36277c2390fbfde10664750731e0a86f55e33470d91919085f0408e67bfb"

TIMEOUT_SECONDS = 15.0  # without one byte, in each attempt
PAUSES_SECONDS = (0.0, 1.0, 3.0)  # before each attempt; a machine offline learns it in seconds
CHUNK_BYTES = 1 << 18

_NEXT_STEP = (
    "Try again later, put the file there yourself, name another log with CLV_SOURCE, "
    "or let `clv simulate` write a simulated shop."
)

Progress = Callable[[int, int], None]


class _Interrupted(Exception):
    """The network failed, or the server refused; what has arrived is in the part file."""


def fetch(
    url: str, target: Path, *, sha256: str, size: int, progress: Progress | None = None
) -> Path:
    """The file at ``url``, whole and verified, as ``target``; not fetched again where it is that.

    ``progress`` is told the bytes at hand and ``size``; a server that cannot resume sets it back.

    Raises:
        SourceUnreadable: the server cannot be reached, refuses, or stops for good (what
            arrived is kept for the next call); or the file has another digest (it is deleted).
        WorkspaceUnwritable: the folder refuses writing, or the disk is full.
    """
    if target.is_file() and target.stat().st_size == size and _digest(target) == sha256:
        return target
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fill(part, url, size, progress or (lambda done, total: None))
        found = _digest(part)
        if found == sha256:
            return part.replace(target)
        part.unlink()
    except _Interrupted as cause:
        problem = f"it cannot be downloaded from {url}: {cause}."
        raise SourceUnreadable(target, problem, next_step=_NEXT_STEP) from cause
    except OSError as cause:
        raise WorkspaceUnwritable(target.parent, str(cause)) from cause
    problem = f"what {url} sent has SHA-256 {found}, not {sha256}. It was deleted."
    raise SourceUnreadable(target, problem, next_step=_NEXT_STEP)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _fill(part: Path, url: str, size: int, progress: Progress) -> None:
    """``part`` with ``size`` bytes in it (more, if the server sends more), in a few attempts."""
    done = part.stat().st_size if part.exists() else 0
    for pause in PAUSES_SECONDS:
        if done >= size:
            return
        time.sleep(pause)
        try:
            for start, chunk in _chunks(url, done):
                with part.open("ab" if start else "wb") as file:
                    file.write(chunk)
                done = start + len(chunk)
                progress(done, size)
                if done > size:
                    return
            trouble = _Interrupted(f"the connection ended after {done:,} of {size:,} bytes")
        except _Interrupted as failure:
            trouble = failure
    if done < size:
        raise trouble


def _chunks(url: str, start: int) -> Iterator[tuple[int, bytes]]:
    """Pieces of the file from byte ``start`` on, or from 0 if the server says so, with offsets."""
    headers = {"User-Agent": "clv-forecaster"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                start = 0  # the server ignores Range and sends everything again
            while chunk := response.read1(CHUNK_BYTES):
                yield start, chunk
                start += len(chunk)
    except urllib.error.HTTPError as refused:
        refused.close()
        raise _Interrupted(str(refused)) from refused
    except (OSError, http.client.HTTPException) as cause:
        raise _Interrupted(str(cause) or type(cause).__name__) from cause
