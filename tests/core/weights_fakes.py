"""A tiny world of weights for tests: entries, wheels, a package index and a hub on this machine."""

import contextlib
import hashlib
import http.server
import re
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.weights.manifest import Entry, File, Source, Wheel

BODY = bytes(range(256)) * 40


def file(path: str = "net.bin", body: bytes = BODY) -> File:
    return File(path, hashlib.sha256(body).hexdigest(), len(body))


def entry(
    name: str = "net", *, files: tuple[File, ...] = (), sources: tuple[Source, ...] = (), **changes: Any
):
    files = files or (file(),)
    sources = sources or (wheel(files),)
    words = dict.fromkeys(
        (
            "about",
            "limits",
            "architecture",
            "code_licence",
            "weights_licence",
            "training_data",
            "data_terms",
            "paper",
        ),
        "words",
    )
    rest: dict[str, Any] = {
        "role": "recognition",
        "title": "Net",
        "size": 8,
        "channels": "RGB",
        "range": (0.0, 1.0),
    }
    return Entry(
        **{
            **words,
            **rest,
            "name": name,
            "embedding": 4,
            "commercial": "no",
            "files": files,
            "sources": sources,
        }
        | changes
    )


def wheel(files: tuple[File, ...] = (), *, size: int = 20_000, **changes: Any) -> Wheel:
    members = tuple(f"carrier/data/{each.path}" for each in files or (file(),))
    return Wheel(**{"package": "carrier", "version": "1.0", "bytes": size, "members": members} | changes)


def build_wheel(folder: Path, members: Mapping[str, bytes], tag: str = "py3-none-any") -> Path:
    """A valid wheel ``carrier 1.0`` that demands a Python nobody has: such demands must not matter."""
    info = "carrier-1.0.dist-info"
    texts = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\nRequires-Python: >=99\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/RECORD": b"",
        "carrier/__init__.py": b"raise RuntimeError('a carrier must never be imported')\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"carrier-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in {**texts, **members}.items():
            archive.writestr(name, body)
    return path


@dataclass
class Served:
    """What a server on this machine gives out, and what was asked of it.

    Attributes:
        address: where it listens.
        asked: the Range header of each download, None without.
        breaks: so many downloads are cut in the middle.
        rate: bytes a second.
    """

    address: str = ""
    asked: list[str | None] = field(default_factory=list)
    breaks: int = 0
    rate: float = 1e9


@contextlib.contextmanager
def serve(folder: Path, *, breaks: int = 0, rate: float = 1e9) -> Iterator[Served]:
    """Serve the files of ``folder`` as a package index under /simple/ and as a hub everywhere else."""
    served = Served(breaks=breaks, rate=rate)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            if self.path.startswith("/simple/"):
                links = "".join(f'<a href="/files/{w.name}">{w.name}</a>' for w in folder.glob("*.whl"))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(links)))
                self.end_headers()
                self.wfile.write(links.encode())
                return
            path = folder / self.path.rpartition("/")[2]
            if not path.is_file():
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_file(path.read_bytes(), with_body=with_body)

        def send_file(self, body: bytes, *, with_body: bool) -> None:
            wanted = self.headers.get("Range")
            start = int(match[1]) if (match := re.match(r"bytes=(\d+)-", wanted or "")) else 0
            self.send_response(206 if match else 200)
            if match:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", "1" * 40)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            if not with_body:
                return
            served.asked.append(wanted)
            end = start + (len(body) - start) // 2 if len(served.asked) <= served.breaks else len(body)
            step = max(1, int(served.rate / 20))
            with contextlib.suppress(ConnectionError):
                for at in range(start, end, step):
                    self.wfile.write(body[at : min(at + step, end)])
                    if end - at > step:
                        time.sleep(0.05)
            self.close_connection = end < len(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pip_environment(index: str | None = None, links: Path | None = None) -> dict[str, str]:
    """Environment variables that keep pip on this machine: an index of our own, or a folder of wheels."""
    variables = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": str(links or ""),
    }
    if index:
        return {**variables, "PIP_INDEX_URL": f"{index}/simple/", "PIP_RETRIES": "0"}
    return {**variables, "PIP_NO_INDEX": "1"}
