"""One chat session as a viewer holds it. Every method that returns a bool says whether something was missed (join again)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from position import ENDED, Entry, Turn, entry_of, heads_of
from wire import report


class Session:
    def __init__(self, chat_session_id: str) -> None:
        self.chat_session_id = chat_session_id
        self.turns: dict[str, Turn] = {}  # oldest first
        self.version: int | None = None
        self.duplicates = self.gaps = self.joins = 0
        self.ends: list[str] = []  # turns whose end was reported and not yet looked at

    def live(self) -> bool:
        return any(turn.final is None for turn in self.turns.values())

    def attempt(self, turn_id: str, attempt: int) -> Turn | None:
        """The turn at that attempt, started anew if it is a later one; None if it is an older one."""
        held = self.turns.get(turn_id)
        if held is None:
            held = self.turns[turn_id] = Turn(turn_id, attempt)
        elif attempt > held.attempt:
            held = self.turns[turn_id] = Turn(turn_id, attempt)
        return held if held.attempt == attempt else None

    def hear(self, event: str, args: tuple[Any, ...], payload: Mapping[str, Any]) -> bool:
        """Takes an event of this session; true where something was missed before it."""
        missed = self.see_version(event, payload)
        if (content := entry_of(event, args)) is not None:
            missed = self.entry(*content) or missed
        elif event == 'turn:started':
            self.started(payload)
        elif event == 'turn:status':
            missed = self.status(payload) or missed
        elif event == 'head':
            missed = self.head(payload) or missed
        elif event == 'resumed':
            missed = self.resumed(payload) or missed
        return missed

    def see_version(self, event: str, payload: Mapping[str, Any]) -> bool:
        version = payload.get('version')
        if not isinstance(version, int):
            return False
        step = 0 if event == 'head' else 1
        missed = self.version is not None and version > self.version + step
        self.version = version if self.version is None else max(self.version, version)
        return missed

    def entry(self, at: Mapping[str, Any], entry: Entry) -> bool:
        turn = self.attempt(at['turnId'], at.get('attempt', 1))
        if turn is None:
            return False
        verdict = turn.lane(at.get('lane') or '').receive(entry)
        self.duplicates += verdict == 'duplicate'
        return verdict == 'gap'

    def started(self, payload: Mapping[str, Any]) -> None:
        turn = self.attempt(payload['turnId'], payload['attempt'])
        if turn is not None:
            report('started', turnId=turn.turn_id, attempt=turn.attempt)

    def status(self, payload: Mapping[str, Any]) -> bool:
        turn = self.attempt(payload['turnId'], payload['attempt'])
        keys = ('turnId', 'attempt', 'status', 'reason', 'waitingFor', 'retryInMs')
        report('status', **{key: payload[key] for key in keys if payload.get(key) is not None})
        if turn is None or turn.final is not None:
            return False
        turn.status = payload['status']
        if turn.status not in ENDED:
            return False
        turn.final = heads_of(payload.get('heads'))
        return self.settle(turn)

    def head(self, payload: Mapping[str, Any]) -> bool:
        if not payload.get('turnId'):
            return False
        turn = self.attempt(payload['turnId'], payload.get('attempt') or 1)
        return turn is not None and turn.behind(heads_of(payload.get('lanes')))

    def answer(self, payload: Mapping[str, Any]) -> None:
        """The answer of `session:join`: where every turn stands and from where its lanes go on."""
        named = {turn['turnId']: turn for turn in payload.get('turns') or ()}
        self.turns = {key: turn for key, turn in self.turns.items() if key in named}
        ordered: dict[str, Turn] = {}
        for turn_id, told in named.items():
            turn = self.turns.get(turn_id)
            if turn is None or turn.attempt != told['attempt']:
                turn = Turn(turn_id, told['attempt'])
            turn.status = told['status']
            turn.final = heads_of(told.get('heads')) if turn.status in ENDED else None
            starts = {r.get('lane') or '': r['from'] for r in payload.get('resume') or () if r['turnId'] == turn_id}
            turn.cut(starts)
            ordered[turn_id] = turn
        self.turns = ordered
        if isinstance(payload.get('version'), int):
            self.version = max(self.version or 0, payload['version'])
        report('joined', chatSessionId=self.chat_session_id, resume=payload.get('resume') or [], more=payload.get('more') is True,
               turns=[{key: turn.get(key) for key in ('turnId', 'attempt', 'status')} for turn in named.values()])

    def resumed(self, payload: Mapping[str, Any]) -> bool:
        missed = False
        for turn in list(self.turns.values()):
            if turn.final is None:
                mine = [h for h in payload.get('heads') or () if h['turnId'] == turn.turn_id and h['attempt'] == turn.attempt]
                missed = turn.behind(heads_of(mine)) or missed
            else:
                missed = self.settle(turn) or missed
        return missed

    def settle(self, turn: Turn) -> bool:
        """An ended turn: cut to its final heads, and told once when it is whole."""
        if turn.final is None or turn.reported:
            return False
        turn.cut(turn.final)
        if turn.behind(turn.final):
            return True
        turn.reported = True
        self.ends.append(turn.turn_id)
        report('end', turnId=turn.turn_id, attempt=turn.attempt, status=turn.status,
               lanes={name: {'blocks': lane.blocks(), 'heads': lane.length} for name, lane in turn.lanes.items() if lane.length},
               duplicates=self.duplicates, gaps=self.gaps, joins=self.joins)
        self._forget()
        return False

    def cursors(self) -> list[dict[str, Any]]:
        return [cursor for turn in self.turns.values() for cursor in turn.cursors()]

    def _forget(self) -> None:
        """Turns before the oldest unfinished one are no longer held; the newest always is."""
        while len(self.turns) > 1 and next(iter(self.turns.values())).reported:
            del self.turns[next(iter(self.turns))]
