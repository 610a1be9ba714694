"""The built front end, as it is served."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import assets


@pytest.fixture(autouse=True)
def _built_front_end(app: Flask, tmp_path: Path) -> None:
    """A front end of one script; the real one is what the browser tests load."""
    dist = tmp_path / "static/dist"
    dist.mkdir(parents=True)
    (dist / "manifest.json").write_text(json.dumps({"main.js": "main-ABC.js"}), encoding="utf-8")
    (dist / "main-ABC.js").write_text("let plain", encoding="utf-8")
    (dist / "main-ABC.js.gz").write_bytes(gzip.compress(b"let plain"))
    (dist / "main-ABC.js.br").write_bytes(b"as small as can be")
    (tmp_path / "static/secret.txt").write_text("outside", encoding="utf-8")
    app.root_path = str(tmp_path)


def test_it_works(app: Flask, client: FlaskClient) -> None:
    with app.test_request_context():
        url = assets.asset_url("main.js")
    assert url == "/static/dist/main-ABC.js"
    with client.get(url) as response:
        assert response.get_data(as_text=True) == "let plain"
        assert response.mimetype == "text/javascript"
        assert {"public", "immutable", "max-age=31536000"} <= set(response.headers["Cache-Control"].split(", "))
        assert "Accept-Encoding" in response.vary


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", b"as small as can be"),
        ("gzip", "gzip", None),
        ("br;q=0, gzip", "gzip", None),
        ("identity", None, b"let plain"),
        ("", None, b"let plain"),
    ],
)
def test_the_smallest_form_that_the_browser_takes(
    client: FlaskClient, accepted: str, encoding: str | None, body: bytes | None
) -> None:
    with client.get("/static/dist/main-ABC.js", headers={"Accept-Encoding": accepted}) as response:
        assert response.content_encoding == encoding
        assert response.mimetype == "text/javascript"
        assert response.data == body or gzip.decompress(response.data) == b"let plain"


def test_nothing_changed(client: FlaskClient) -> None:
    with client.get("/static/dist/main-ABC.js") as first:
        tag = first.headers["ETag"]
    with client.get("/static/dist/main-ABC.js", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


@pytest.mark.parametrize("name", ["../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "nothing.js", "/etc/passwd"])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    response = client.get(f"/static/dist/{name}")
    assert "outside" not in response.get_data(as_text=True)
    assert response.status_code in (404, 308)


def test_an_unknown_name_says_how_to_build(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(assets.FrontEndMissingError, match="npm run build"):
        assets.asset_url("other.js")


def test_a_missing_front_end_says_how_to_build(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "static/dist/manifest.json").unlink()
    with app.test_request_context(), pytest.raises(assets.FrontEndMissingError, match="npm run build"):
        assets.asset_url("main.js")
