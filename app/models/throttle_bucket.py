"""Token buckets of `app.throttle`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class ThrottleBucket(Base):
    """How many tries are left for one subject of one policy; the key is a hash, so that no address is kept in clear.

    `strikes` counts how often the bucket was emptied since it was full: each time it takes longer to fill.
    """

    __tablename__ = "throttle_bucket"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    tokens: Mapped[float]
    strikes: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(index=True)
