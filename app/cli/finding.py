"""What `flask doctor` says about one thing."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What was looked at, whether it is right, and what there is to say."""

    subject: str
    ok: bool
    remark: str
