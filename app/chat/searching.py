"""Search: what people type becomes a query, what is found becomes snippets. Asked in a native thread, for a search reads a lot."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from app.chat.answers.engine import Attendant
from app.concurrency import NativePool
from app.database import engine_options, prepare_engine
from app.extensions import db
from app.models.search import MessageHit, Query, TitleHit, find_messages, find_titles
from app.models.search_index import index_some

logger = logging.getLogger(__name__)
R = TypeVar("R")
READING_THREADS = 2
INDEXING_SECONDS = 0.05  # at a time: nobody waits longer for the database
PAUSE_SECONDS = 0.2
TICK_SECONDS = 1.0
LEAD, TAIL = 50, 150


class Found(Struct, frozen=True):
    """What a search for words found."""

    titles: list[TitleHit]
    messages: list[MessageHit]
    words: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.titles or self.messages)

    def title_of(self, hit: TitleHit) -> list[str]:
        """Give a title that was found, cut as `marked` does."""
        return marked(hit.title, self.words)

    def snippet_of(self, hit: MessageHit) -> list[str]:
        """Give what a message says around the words, cut as `marked` does."""
        return snippet(hit.content, self.words)


class Searcher(Attendant):
    """Searches, and keeps the index up to date, in native threads with connections of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._reader = NativePool(READING_THREADS)
        self._writer = NativePool(1)
        self._indexer: threading.Thread | None = None
        self._closing = threading.Event()

    @cached_property
    def _engine(self) -> Any:
        engine = create_engine(self._url, pool_size=1 + READING_THREADS, max_overflow=0, **engine_options(self._url))
        prepare_engine(engine)
        return engine

    def _run(self, pool: NativePool, work: Callable[[Connection], R]) -> R:
        def transaction() -> R:
            with self._engine.begin() as connection:
                return work(connection)

        return pool.run(transaction)

    def find(self, user_id: UUID, query: Query) -> Found:
        """Give what the user has that matches."""
        db.session.commit()  # hold no connection meanwhile
        if query.is_empty:
            return Found([], [])
        titles = self._run(self._reader, lambda connection: find_titles(connection, user_id, query))
        messages = self._run(self._reader, lambda connection: find_messages(connection, user_id, query))
        return Found(titles, messages, query.words)

    def begin(self) -> None:
        """Keep the index up to date from now on, where that is not the database's own business."""
        if self._url.startswith("sqlite") and self._indexer is None:
            self._indexer = threading.Thread(target=self._index_forever, name="search", daemon=True)
            self._indexer.start()

    def close(self) -> None:
        """Stop that, and let go of the database."""
        self._closing.set()
        if self._indexer:
            self._indexer.join()
        if "_engine" in self.__dict__:
            self._writer.run(self._engine.dispose)

    def _index_forever(self) -> None:
        pause = TICK_SECONDS
        while not self._closing.wait(pause):
            try:
                pause = PAUSE_SECONDS if self.index() else TICK_SECONDS
            except (
                SQLAlchemyError
            ) as error:  # busy, or without its tables yet; until it works, search reads what is not indexed
                logger.info("the search index has to wait: %s", str(error).partition("\n")[0])
                pause = TICK_SECONDS

    def index(self) -> bool:
        """Bring the index up to what was written, a little at a time; tells whether something is left."""
        return self._run(self._writer, lambda connection: index_some(connection, INDEXING_SECONDS))


def marked(text: str, words: Iterable[str]) -> list[str]:
    """Cut a text at the words: pieces by turns plain and found, beginning with a plain one."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.split(f"({pattern})", text, flags=re.IGNORECASE) if pattern else [text]


def snippet(text: str, words: Iterable[str]) -> list[str]:
    """Give the surroundings of the first word that occurs, on one line, cut as `marked` does."""
    pattern = "|".join(re.escape(word) for word in words)
    first = re.search(pattern, text, flags=re.IGNORECASE) if pattern else None
    start = max(0, first.start() - LEAD) if first else 0
    if start:  # at a word's beginning, where there is one
        start = (text.find(" ", start, start + LEAD // 2) + 1) or start
    end = min(len(text), start + LEAD + TAIL)
    shown = re.sub(r"\s", " ", text[start:end])
    return marked(f"{'…' if start else ''}{shown}{'…' if end < len(text) else ''}", words)
