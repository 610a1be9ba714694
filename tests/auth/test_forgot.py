from __future__ import annotations

from flask.testing import FlaskClient


def test_it_says_who_makes_a_link(client: FlaskClient) -> None:
    response = client.get("/auth/forgot")

    assert response.status_code == 200
    assert "administrator" in response.text
    assert "flask sign-in-link" in response.text


def test_the_door_leads_there(client: FlaskClient) -> None:
    assert 'href="/auth/forgot"' in client.get("/auth/login").text
