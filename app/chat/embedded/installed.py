"""The models on disk: `<name>.gguf` in the models directory, verified when it was pulled.

Beside a model that is not whole yet lie its parts, named `<name>.gguf.…`.
"""

from __future__ import annotations

from pathlib import Path

from app.chat.embedded.catalogue import CATALOGUE, CatalogueEntry
from app.errors import ModelNotFound


def model_path(models_dir: Path, entry: CatalogueEntry) -> Path:
    """Where the model is, or would be."""
    return models_dir / f"{entry.name}.gguf"


def is_installed(models_dir: Path, entry: CatalogueEntry) -> bool:
    """Whether the model is there; by its size alone, because its hash was checked before it got its name."""
    try:
        return model_path(models_dir, entry).stat().st_size == entry.size_bytes
    except OSError:
        return False


def list_installed(models_dir: Path) -> list[CatalogueEntry]:
    """Give the installed models in the catalogue's order."""
    return [entry for entry in CATALOGUE if is_installed(models_dir, entry)]


def require_installed(models_dir: Path, entry: CatalogueEntry) -> Path:
    """Give the model's file; raises ModelNotFound with the command that gets it."""
    if not is_installed(models_dir, entry):
        raise ModelNotFound(f"The built-in model {entry.name} is not installed. Run: flask models pull {entry.name}")
    return model_path(models_dir, entry)


def list_leftovers(models_dir: Path, entry: CatalogueEntry) -> list[Path]:
    """Give the parts that interrupted downloads left behind."""
    return sorted(models_dir.glob(f"{entry.name}.gguf.*"))
