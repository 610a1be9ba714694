from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.errors import NotFound
from app.face.engine.null import NullEngine
from tests.people import Person


def test_it_works(client: FlaskClient) -> None:
    response = client.get("/face/status")

    assert (response.status_code, response.get_json()) == (200, {"implemented": False})


def test_it_says_the_same_to_somebody_signed_in(alice: Person) -> None:
    assert alice.get("/face/status").get_json() == {"implemented": False}


def test_the_engine_is_asked(app: Flask, client: FlaskClient) -> None:
    class ReadyEngine(NullEngine):
        is_ready = True

    app.extensions["face_engine"] = ReadyEngine()

    assert client.get("/face/status").get_json() == {"implemented": True}


def test_the_null_engine_recognises_nobody(app: Flask) -> None:
    engine = app.extensions["face_engine"]

    with pytest.raises(NotFound, match="not implemented"):
        engine.embed(b"")
    with pytest.raises(NotFound, match="not implemented"):
        engine.distance([0.0], [0.0])
