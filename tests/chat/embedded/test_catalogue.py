from __future__ import annotations

import pytest

from app.chat.embedded.catalogue import CATALOGUE, WebFile, Wheels, get_entry
from app.config import Settings
from app.errors import ModelNotFound


def test_it_has_the_default_model() -> None:
    assert get_entry(Settings(secret_key="x").embedded_model).licence == "Apache-2.0"


def test_every_model_is_named_by_its_hash_and_has_two_sources() -> None:
    for entry in CATALOGUE:
        assert len(entry.sha256) == 64
        assert int(entry.sha256, 16)
        assert [type(source) for source in entry.sources] == [WebFile, Wheels]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelNotFound, match=r"no built-in model called 'gpt'.*smollm2-135m"):
        get_entry("gpt")
