"""What a drone has said and no `checkpoint` covers yet, in the bytes that `limits.windowBytes` counts."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TEXTS = ('thinking', 'response')


@dataclass(frozen=True)
class Said:
    """An entry: a text in UTF-16 units (`thinking`, `response`), or the arguments and `at` fields of a call or result."""

    number: int  # in the order of the whole attempt
    lane: str
    offset: int
    event: str
    text: str
    args: tuple[Any, ...]
    extra: dict[str, Any]
    size: int = 0

    @property
    def end(self) -> int:
        return self.offset + (len(self.text) if self.event in TEXTS else 1)


class Window:
    """The bytes of all outboxes of a drone."""

    def __init__(self) -> None:
        self.limit = 0
        self._used = 0
        self._room = asyncio.Event()

    def add(self, size: int) -> None:
        self._used += size
        if self._used < self.limit:
            self._room.set()

    async def room(self) -> None:
        while self._used >= self.limit:
            self._room.clear()
            await self._room.wait()


class Outbox:
    def __init__(self, window: Window) -> None:
        self._window = window
        self._lanes: dict[str, deque[Said]] = {}

    def add(self, said: Said) -> None:
        self._lanes.setdefault(said.lane, deque()).append(said)
        self._window.add(said.size)

    def cover(self, lane: str, offset: int) -> None:
        """Forgets what lies before a durable head."""
        held = self._lanes.get(lane) or deque()
        while held and held[0].end <= offset:
            self._window.add(-held.popleft().size)

    def clear(self) -> None:
        for lane, held in self._lanes.items():
            if held:
                self.cover(lane, held[-1].end)

    def start(self, lane: str, length: int) -> int:
        """The first offset of a lane of that length which can still be sent."""
        held = self._lanes.get(lane)
        return held[0].offset if held else length

    def after(self, heads: dict[str, int]) -> Iterator[Said]:
        """Everything beyond these heads of these lanes, in the order it was said."""
        lanes = [[said for said in self._lanes.get(lane, ()) if said.end > offset] for lane, offset in heads.items()]
        return heapq.merge(*lanes, key=lambda said: said.number)


def merged(entries: Iterator[Said], longest: int) -> Iterator[Said]:
    """The same entries with neighbouring pieces of one text joined, up to that length."""
    last: Said | None = None
    for said in entries:
        if (last is not None and said.event in TEXTS and said.event == last.event and said.lane == last.lane
                and said.offset == last.end and len(last.text) + len(said.text) <= longest):
            last = Said(last.number, last.lane, last.offset, last.event, last.text + said.text, (), {})
            continue
        if last is not None:
            yield last
        last = said
    if last is not None:
        yield last
