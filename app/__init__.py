"""Password-less Chat: a private chat with a language model on a box of your own.

Importing the package loads nothing else; `from app import create_app` loads the application when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.factory import create_app as create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """Load the factory on first use, so that `import app.config` stays cheap."""
    if name == "create_app":
        from app.factory import create_app  # noqa: PLC0415  # the point of this function

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
