"""Fetches a model as one file over HTTP, and goes on where an earlier try ended."""

from __future__ import annotations

import re
from http import HTTPStatus

from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from app.chat.embedded.catalogue import WebFile
from app.chat.embedded.fetching import Job, SourceError, size_of

# Connecting is given little time: where the site can't be reached, the next source should have its turn soon.
TIMEOUT = Timeout(connect=5, read=30)
BLOCK_BYTES = 1 << 16  # what a line that breaks can lose
RETRIES = Retry(connect=0, read=0, status=0, other=0, redirect=5)


def fetch_web_file(source: WebFile, job: Job) -> None:
    """Bring `job.part` to its full size; raises SourceError, and keeps what came until then."""
    with PoolManager(timeout=TIMEOUT, retries=RETRIES) as pool:
        while (before := size_of(job.part)) < job.entry.size_bytes:
            try:
                _fetch_rest(pool, source.url, job, before)
            except HTTPError as error:
                reason = _reason(error)
            else:
                reason = "it ended too early"
            # A line that broke is taken up again for as long as each try brings something.
            if size_of(job.part) <= before:
                raise SourceError(reason)


def _fetch_rest(pool: PoolManager, url: str, job: Job, offset: int) -> None:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    response = pool.request("GET", url, headers=headers, preload_content=False)
    try:
        _check_status(response, offset)
        _check_size(response, job)
        _write_rest(response, job, offset)
    finally:
        response.close()


def _check_status(response: BaseHTTPResponse, offset: int) -> None:
    resumed = re.match(rf"bytes {offset}-", response.headers.get("Content-Range", ""))
    if response.status == HTTPStatus.OK or (response.status == HTTPStatus.PARTIAL_CONTENT and resumed):
        return
    raise SourceError(f"it answered with status {response.status}")


def _check_size(response: BaseHTTPResponse, job: Job) -> None:
    """Refuse a file of another size before half a gigabyte of it came."""
    total = response.headers.get("Content-Range", "").rpartition("/")[2] or response.headers.get("Content-Length", "")
    if total.isdigit() and int(total) != job.entry.size_bytes:
        raise SourceError("its file has another size")


def _write_rest(response: BaseHTTPResponse, job: Job, offset: int) -> None:
    if response.status == HTTPStatus.OK:  # the server can't resume: from the start
        offset = 0
    with job.part.open("r+b" if offset else "wb") as part:
        part.seek(offset)
        for block in response.stream(BLOCK_BYTES):
            offset += len(block)
            if offset > job.entry.size_bytes:
                raise SourceError("its file has another size")
            part.write(block)
            job.reporter.advance(offset)


def _reason(error: HTTPError) -> str:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, NameResolutionError):
        return "its name is not known here"
    if isinstance(cause, ConnectTimeoutError) and not isinstance(cause, NewConnectionError):
        return f"no connection within {TIMEOUT.connect_timeout} s"
    return f"it can't be reached or broke off ({type(cause).__name__})"
