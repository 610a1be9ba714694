from __future__ import annotations

import ctypes
import platform
import sys
from pathlib import Path

import pytest

from app.chat.embedded import runtime
from app.chat.embedded.catalogue import get_entry
from app.chat.embedded.runtime import embedded_problem, runtime_problem
from app.config import Settings

pytestmark = pytest.mark.usefixtures("able_machine")


@pytest.fixture
def able_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 64-bit Linux machine with everything, whatever runs this test."""
    (tmp_path / "xllamacpp").mkdir()
    (tmp_path / "xllamacpp" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: name)
    monkeypatch.setattr(runtime, "CPU_INFO", tmp_path / "cpuinfo")
    write_flags(tmp_path, "fpu avx avx2 fma f16c bmi2")


def write_flags(tmp_path: Path, flags: str) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t: none\n")


def test_it_works(tmp_path: Path) -> None:
    settings = Settings(secret_key="x", models_dir=tmp_path, embedded_model="smollm2-135m")
    assert runtime_problem() is None
    assert embedded_problem(settings) == (
        "The built-in model smollm2-135m is not installed. Run: flask models pull smollm2-135m"
    )
    with (tmp_path / "smollm2-135m.gguf").open("wb") as file:
        file.truncate(get_entry("smollm2-135m").size_bytes)
    assert embedded_problem(settings) is None


def test_an_unknown_model_is_told(tmp_path: Path) -> None:
    settings = Settings(secret_key="x", models_dir=tmp_path, embedded_model="gpt")
    assert "no built-in model called 'gpt'" in str(embedded_problem(settings))


def test_a_missing_extra_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    assert "pip install 'password-less-chat[embedded]'" in str(embedded_problem(Settings(secret_key="x")))


def test_an_old_processor_is_told(tmp_path: Path) -> None:
    write_flags(tmp_path, "fpu avx fma f16c bmi2 avx2_not_really")
    assert "lacks AVX2" in str(runtime_problem())


@pytest.mark.parametrize("machine", ["aarch64", "arm64"])
def test_another_processor_needs_no_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    (tmp_path / "cpuinfo").write_text("Features\t: fp asimd\n")
    assert runtime_problem() is None


def test_no_cpuinfo_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").unlink()
    assert runtime_problem() is None


def test_a_missing_system_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert "apt-get install libgomp1" in str(runtime_problem())
    (tmp_path / "xllamacpp.libs").mkdir()
    (tmp_path / "xllamacpp.libs" / "libgomp-1234.so.1").write_text("")
    assert runtime_problem() is None
