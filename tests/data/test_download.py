"""A local server plays every mood a remote one can have; nothing leaves this machine."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
from pathlib import Path

import pytest

from clv.data import download
from clv.data.download import fetch
from clv.errors import SourceUnreadable, WorkspaceUnwritable

CONTENT = bytes(range(256)) * 4_000
FACTS = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; ``cuts`` says after how many bytes each coming answer breaks off."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.cuts: list[int] = []
        self.resumes = True
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}/file.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        start = int(asked[6:-1]) if asked and self.server.resumes else 0
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cuts.pop(0)] if self.server.cuts else body)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSES_SECONDS", (0.0, 0.0, 0.0))
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "file.zip"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.glob("*"))


def test_a_whole_file_arrives_under_its_final_name_alone(server, target):
    assert fetch(server.url, target, **FACTS) == target

    assert target.read_bytes() == CONTENT
    assert names(target) == ["file.zip"]


def test_progress_is_told_up_to_the_last_byte(server, target):
    told = []

    fetch(server.url, target, **FACTS, progress=lambda done, total: told.append((done, total)))

    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_cut_connection_is_resumed_where_it_stopped(server, target):
    server.cuts = [300_000]

    fetch(server.url, target, **FACTS)

    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


def test_a_later_call_resumes_what_an_earlier_one_left(server, target):
    server.cuts = [100, 0, 200]
    with pytest.raises(SourceUnreadable, match="the connection ended after 300 of"):
        fetch(server.url, target, **FACTS)
    assert names(target) == ["file.zip.part"]

    fetch(server.url, target, **FACTS)

    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=300-"


def test_a_server_that_ignores_range_starts_over(server, target):
    server.resumes, server.cuts = False, [300_000]

    fetch(server.url, target, **FACTS)

    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


def test_a_complete_file_is_not_fetched_again(server, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)

    fetch(server.url, target, **FACTS)

    assert server.ranges == []


def test_a_part_that_lacks_only_its_final_name_is_not_fetched_again(server, target):
    target.parent.mkdir()
    target.with_name("file.zip.part").write_bytes(CONTENT)

    fetch(server.url, target, **FACTS)

    assert target.read_bytes() == CONTENT
    assert server.ranges == []


def test_a_damaged_target_is_replaced(server, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT[:-1] + b"?")

    fetch(server.url, target, **FACTS)

    assert target.read_bytes() == CONTENT


def test_a_wrong_checksum_is_told_with_both_digests_and_leaves_nothing(server, target):
    wrong = "0" * 64

    with pytest.raises(SourceUnreadable) as told:
        fetch(server.url, target, sha256=wrong, size=len(CONTENT))

    assert wrong in str(told.value)
    assert FACTS["sha256"] in str(told.value)
    assert names(target) == []


def test_a_longer_file_than_expected_is_refused(server, target):
    with pytest.raises(SourceUnreadable, match="SHA-256"):
        fetch(server.url, target, sha256=FACTS["sha256"], size=1_000)

    assert names(target) == []


def test_a_damaged_part_is_found_out_and_the_next_call_succeeds(server, target):
    target.parent.mkdir()
    target.with_name("file.zip.part").write_bytes(b"?" * 500)
    with pytest.raises(SourceUnreadable, match="SHA-256"):
        fetch(server.url, target, **FACTS)

    assert fetch(server.url, target, **FACTS).read_bytes() == CONTENT


def test_a_refusing_server_is_quoted(server, target):
    server.status = 503

    with pytest.raises(SourceUnreadable, match="503"):
        fetch(server.url, target, **FACTS)

    assert len(server.ranges) == 3


def test_an_unreachable_host_names_the_next_step(server, target):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file.zip"

        with pytest.raises(SourceUnreadable, match="simulated shop"):
            fetch(url, target, **FACTS)

    assert names(target) == []


def test_a_folder_that_cannot_be_made_is_no_network_problem(server, tmp_path):
    (tmp_path / "raw").write_text("a file where the folder should be")

    with pytest.raises(WorkspaceUnwritable):
        fetch(server.url, tmp_path / "raw" / "file.zip", **FACTS)
