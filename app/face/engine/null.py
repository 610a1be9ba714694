"""The engine of an installation without face recognition."""

from __future__ import annotations

from app.errors import NotFound

NOT_HERE = "Face recognition is not implemented yet."


class NullEngine:
    """Is never ready and recognises nobody."""

    is_ready = False

    def embed(self, image: bytes) -> list[float]:
        """Raise NotFound."""
        raise NotFound(NOT_HERE)

    def distance(self, known: list[float], probe: list[float]) -> float:
        """Raise NotFound."""
        raise NotFound(NOT_HERE)
