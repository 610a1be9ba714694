"""Looks up known vulnerabilities of every locked package; exits with 1 when there is one, says so when nobody could be asked."""
# ruff: noqa: T201  # a program for a terminal

from __future__ import annotations

import json
import subprocess
import sys

COMMAND = ["pip_audit", "--requirement", "requirements.lock", "--no-deps", "--disable-pip", "--progress-spinner", "off"]


def main() -> int:
    """Audit and give the exit status."""
    command = [sys.executable, "-m", *COMMAND, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"Audit of the dependencies left out: the advisory database is not reachable ({reason})")
        return 0
    asked = [package for package in packages if "vulns" in package]
    if not asked:
        print("Audit of the dependencies left out: the advisory database is not reachable, or knows none of them.")
        return 0
    found = [(package, advisory) for package in asked for advisory in package["vulns"]]
    for package, advisory in found:
        fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}")
    print(f"Audited {len(asked)} of {len(packages)} packages: {len(found)} known vulnerabilities.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
