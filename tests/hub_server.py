"""A small server on this machine that speaks as much of the hub's language as its library asks."""

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SHA = hashlib.sha1(b"the first commit").hexdigest()
"""Of every revision."""


class Hub:
    """Repositories by name, each a mapping of file names to bytes, and what was asked of it."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.sizes: dict[str, int] = {}
        self.digests: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()
        self.private: dict[str, bool] = {}
        self.status = 200
        self.endpoint = ""
        self.licence = "cc-by-4.0"
        self.breaks: dict[str, int] = {}
        self.ranges: list[str] = []

    def file(self, repo: str, name: str) -> dict:
        content = self.repos[repo][name]
        return {
            "type": "file",
            "rfilename": name,
            "path": name,
            "size": self.sizes.get(name, len(content)),
            "blobId": hashlib.sha1(content).hexdigest(),
            "oid": hashlib.sha1(content).hexdigest(),
        } | ({"lfs": self.large(name, content)} if name.endswith(".safetensors") else {})

    def large(self, name: str, content: bytes) -> dict:
        digest = self.digests.get(name, hashlib.sha256(content).hexdigest())
        return {"size": len(content), "sha256": digest, "oid": digest, "pointerSize": 130}


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def send(self, content: object, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path))
        self.hub.tokens.add(self.headers.get("authorization"))
        return path

    def do_GET(self) -> None:
        path = self.begin()
        if self.hub.status != 200:
            self.send({"error": "no"}, self.hub.status)
            return
        for repo, files in self.hub.repos.items():
            if path.startswith(f"/api/models/{repo}"):
                entries = [self.hub.file(repo, name) for name in files]
                if "/tree/" in path:
                    self.send(entries)
                else:
                    card = {"cardData": {"license": self.hub.licence}}
                    self.send({"id": repo, "modelId": repo, "sha": SHA, "siblings": entries} | card)
                return
            if path.startswith(f"/{repo}/resolve/"):
                name = path.split("/", 5)[5]
                content = files[name]
                etag = hashlib.sha1(content).hexdigest()
                self.send_file(name, content, ETag=f'"{etag}"', X_Repo_Commit=SHA)
                return
        self.send({"error": "not found"}, 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET

    def send_file(self, name: str, content: bytes, **headers: str) -> None:
        """Send a file, or what of it is asked for; break off once after as many bytes as set."""
        wanted = self.headers.get("Range")
        if wanted and self.command == "GET":
            self.hub.ranges.append(wanted)
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content_Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            self.send(content[begin:], 206, **headers)
        elif self.command == "GET" and name in self.hub.breaks:
            self.send_response(200)
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: self.hub.breaks.pop(name)])
            self.close_connection = True
        else:
            self.send(content, **headers)

    def do_POST(self) -> None:
        path = self.begin()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.hub.status != 200:
            self.send({"error": "no"}, self.hub.status)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.hub.repos.setdefault(name, {})
            self.hub.private[name] = asked.get("private") or asked.get("visibility") == "private"
            self.send({"url": f"http://{self.headers['Host']}/{name}", "id": name})
        elif "/preupload/" in path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self.send({"files": files})
        elif "/commit/" in path:
            repo = "/".join(path.split("/")[3:5])
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.hub.repos[repo][line["value"]["path"]] = content
            url = f"http://{self.headers['Host']}/{repo}/commit/{SHA}"
            self.send({"success": True, "commitOid": SHA, "commitUrl": url})
        else:
            self.send({"warnings": [], "errors": []})


@contextmanager
def hub_on_this_machine():
    """Serve a hub from a thread; give it and its address."""
    hub = Hub()
    handler = type("OwnHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def use_hub(endpoint: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub's library use a hub on this machine, and an empty cache."""
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.HF_URL_HOSTS", frozenset({"127.0.0.1"}))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))


def files_of(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
