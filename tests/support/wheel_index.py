"""A small package index for tests: a folder of wheels behind the simple API (PEP 503), asked by the real pip."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def write_wheel(folder: Path, name: str, version: str, members: dict[str, bytes]) -> Path:
    """Write a wheel that holds data files; its `__init__.py` would fail loudly if anybody imported it."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{module}/__init__.py", "raise SystemExit('a parcel was opened as a program')\n")
        for member, data in members.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@contextmanager
def serve(folder: Path, asked: list[str]) -> Iterator[str]:
    """Serve a folder's wheels on a free port of the loopback address; gives the index's address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path.startswith("/simple/"):
                name = self.path.removeprefix("/simple/").strip("/").replace("-", "_")
                links = "".join(_link(wheel) for wheel in sorted(folder.glob(f"{name}-*.whl")))
                self._send(200, "text/html", f"<!DOCTYPE html><html><body>{links}</body></html>".encode())
                return
            wheel = folder / Path(self.path).name
            if wheel.is_file():
                self._send(200, "application/octet-stream", wheel.read_bytes())
            else:
                self._send(404, "text/plain", b"")

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def no_user_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own pip settings out of a test: only the index that the test serves is asked."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)


def _link(wheel: Path) -> str:
    return f'<a href="/files/{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}">{wheel.name}</a>'
