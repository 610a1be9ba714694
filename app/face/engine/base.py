"""What a face engine offers. Enrolment and verification build on it; no engine ships yet."""

from __future__ import annotations

from typing import Protocol


class FaceEngine(Protocol):
    """Turns pictures of a face into templates and compares them."""

    @property
    def is_ready(self) -> bool:
        """Whether the engine can be used: installed, models loaded, switched on."""
        ...

    def embed(self, image: bytes) -> list[float]:
        """Give the template of the one face on a picture (JPEG or PNG); raises InvalidField when there is none, or several."""
        ...

    def distance(self, known: list[float], probe: list[float]) -> float:
        """Give how far two templates are apart; 0 is the same picture."""
        ...
