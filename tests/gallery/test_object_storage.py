"""The same code on S3, as a server on this machine plays it."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs
import pytest
from people import consent, name, named, newcomer, views

from mien.gallery import UNKNOWN, Gallery

moto = pytest.importorskip("moto.server", reason="the package moto, which plays S3, is missing")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[pyarrow.fs.FileSystem]:
    """An empty bucket named "bucket", and the environment that leads to it."""
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = {"AWS_ENDPOINT": f"http://{host}:{port}", "AWS_ALLOW_HTTP": "true"}
    account = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    for key, value in (address | account).items():
        monkeypatch.setenv(key, value)
    keys = {"access_key": "x", "secret_key": "x", "region": "us-east-1"}
    place = f"{host}:{port}"
    files = pyarrow.fs.S3FileSystem(
        endpoint_override=place, scheme="http", allow_bucket_creation=True, **keys
    )
    files.create_dir("bucket")
    yield files
    server.stop()


def holds(files: pyarrow.fs.FileSystem, person: int) -> bool:
    """Whether anything of a person is in the bucket."""
    found = files.get_file_info(pyarrow.fs.FileSelector("bucket", recursive=True))
    content = [files.open_input_file(f.path).read() for f in found if f.is_file]
    needles = [name(person).encode(), consent(person).encode(), views(person)[0].tobytes()]
    return any(needle in part for needle in needles for part in content)


def test_a_gallery_on_s3_knows_and_forgets(bucket: pyarrow.fs.FileSystem, tmp_path: Path) -> None:
    uri = "s3://bucket/gallery"
    g = Gallery(uri, log=tmp_path / "here")
    g.enrol_all([newcomer(p) for p in range(10)], encoder="v1")
    g.set_threshold(0.6)
    assert named(g, 3) == name(3)
    other = Gallery(uri, log=tmp_path / "another machine")
    other.enrol_all([newcomer(20)], encoder="v1")
    assert named(g, 20) == name(20)
    assert holds(bucket, 3)
    g.forget(name(3))
    assert not holds(bucket, 3)
    assert holds(bucket, 4)
    assert named(other, 3) == UNKNOWN
    assert [line["act"] for line in other.audit.lines()] == ["enrol", "identify"]
