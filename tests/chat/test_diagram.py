"""The page that draws diagrams."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def test_it_works(client: FlaskClient) -> None:
    page = client.get("/diagram")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == POLICY
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert page.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_it_is_the_same_for_everybody(client: FlaskClient) -> None:
    page = client.get("/diagram")
    assert "Set-Cookie" not in page.headers
    assert client.get("/diagram").data == page.data


def test_its_script_may_be_loaded_by_an_opaque_origin(client: FlaskClient) -> None:
    scripts = re.findall(r'<script src="([^"]+)" defer>', client.get("/diagram").text)
    assert len(scripts) == 1
    with client.get(scripts[0]) as script:
        assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_no_other_file_may(client: FlaskClient) -> None:
    files = re.findall(r'(?:src|href)="(/static/dist/[^"#]+)"', client.get("/auth/login").text)
    assert files
    for file in files:
        with client.get(file) as answer:
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
