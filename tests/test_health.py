from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

AWAY = "postgresql://127.0.0.1:1/nobody-listens-here"


def test_healthz_works(client: FlaskClient) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})


def test_readyz_works(client: FlaskClient) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.get_json()) == (200, {"status": "ok", "database": "ok"})


def test_without_the_database_it_lives_and_is_not_ready(make_app: Callable[..., Flask]) -> None:
    client = make_app(database_url=AWAY).test_client()
    response = client.get("/readyz", headers={"Accept": "*/*"})

    assert client.get("/healthz").status_code == 200
    assert response.status_code == 503
    assert response.get_json()["code"] == "unavailable"
    assert response.headers["Retry-After"] == "5"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_leaves_no_cookie(client: FlaskClient, path: str) -> None:
    assert "Set-Cookie" not in client.get(path).headers
