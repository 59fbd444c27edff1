"""A small server that speaks the model hub's protocol, for tests: metadata, redirects to another path, ranges, cuts.

Answers `HEAD/GET /{repo}/resolve/{revision}/{file}` as the hub does (302 to the storage with X-Repo-Commit,
X-Linked-Etag and X-Linked-Size), `GET /api/models/{repo}/revision/{revision}` with the list of files, and the storage
itself with Range. `requests` keeps what was asked.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee0000000000000000000000000000000000"


class HubWorld:
    """What the hub holds and how it misbehaves.

    `cut_after` ends the first so many transfers after that many bytes each; `states` overrides the sha256 a file's
    metadata states (None: a git hash, as the hub states for small files); `ranges` False makes a server without ranges;
    the storage sends nothing before `gate` is set.
    """

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        self.repo = repo
        self.files = files
        self.cut_after: list[int] = []
        self.states: dict[str, str | None] = {}
        self.ranges = True
        self.gate = threading.Event()
        self.gate.set()
        self.requests: list[tuple[str, str, str | None]] = []
        self.endpoint = ""
        self.storage = ""

    def sha256(self, name: str) -> str | None:
        """Return what the hub states for a file."""
        return self.states.get(name, hashlib.sha256(self.files[name]).hexdigest())


@contextmanager
def serve(world: HubWorld) -> Iterator[HubWorld]:
    """Run the server on a free port of the loopback address until the block ends."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

        def _answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            world.requests.append((self.command, path, self.headers.get("Range")))
            if path.startswith(f"/api/models/{world.repo}"):
                self._listing()
            elif path.startswith(f"/{world.repo}/resolve/"):
                self._resolve(path.split("/", 5)[5])
            elif path.startswith("/storage/"):
                self._storage(path.removeprefix("/storage/"), body)
            else:
                self._plain(404, b"{}")

        def _listing(self) -> None:
            siblings = [
                {"rfilename": name, "size": len(data), "blobId": "b", "lfs": _lfs(world.sha256(name), len(data))}
                for name, data in world.files.items()
            ]
            facts = {"id": world.repo, "modelId": world.repo, "sha": COMMIT, "siblings": siblings}
            self._plain(200, json.dumps(facts).encode())

        def _resolve(self, name: str) -> None:
            if name not in world.files:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(302)
            self.send_header("Location", f"{world.storage}/storage/{name}")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Etag", f'"{world.sha256(name) or "0123456789012345678901234567890123456789"}"')
            self.send_header("X-Linked-Size", str(len(world.files[name])))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _storage(self, name: str, body: bool) -> None:
            world.gate.wait(30)
            data = world.files[name]
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and world.ranges else 0
            if start >= len(data) > 0:
                self._plain(416, b"")
                return
            self.send_response(206 if wanted and world.ranges else 200)
            if wanted and world.ranges:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.send_header("ETag", '"storage"')
            self.end_headers()
            if body:
                limit = world.cut_after.pop(0) if world.cut_after else len(data)
                self.wfile.write(data[start : start + limit])

        def _plain(self, status: int, text: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    # The storage is another address, as it is for the real hub: the library follows redirects within the hub alone.
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Answer) for _ in range(2)]
    world.endpoint, world.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield world
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def _lfs(sha256: str | None, size: int) -> dict[str, object] | None:
    return None if sha256 is None else {"sha256": sha256, "size": size, "pointerSize": 134}
