"""Position: entries, lanes and turns as a reader holds them. Texts in here are in UTF-16 units (`to_units`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wire import from_units, to_units

Verdict = Literal['duplicate', 'accepted', 'gap', 'ignored']
MODES = {'thinking': 'thinking', 'response': 'responding'}
RESULT_FIELDS = ('isError', 'detail', 'truncated', 'subagent')
ENDED = frozenset({'finished', 'failed', 'aborted'})


@dataclass(frozen=True)
class Entry:
    """What an event added: text in a mode, or (mode '') a call or a result."""

    offset: int
    mode: str = ''
    text: str = ''
    call: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None

    @property
    def length(self) -> int:
        return len(self.text) if self.mode else 1


def entry_of(event: str, args: tuple[Any, ...]) -> tuple[dict[str, Any], Entry] | None:
    """`at` and the entry of a content event towards a viewer; None if it is none."""
    at = args[-1] if args and isinstance(args[-1], dict) else {}
    offset = at.get('offset')
    if not isinstance(offset, int) or 'turnId' not in at:
        return None
    extra = {key: at[key] for key in RESULT_FIELDS if at.get(key) is not None}
    if event in MODES:
        return at, Entry(offset, MODES[event], to_units(args[0] or ''))
    if event == 'toolCall':
        call_id, name, params, response = args[:4]
        return at, Entry(offset, call={'callId': call_id, 'name': name, 'parameters': params, 'response': response or '', **extra})
    if event == 'toolResult':
        return at, Entry(offset, result={'callId': args[0], 'response': args[1] or '', **extra})
    return _original(event, args[0], at, extra) if event.startswith('agent:') else None


def _original(event: str, said: Mapping[str, Any], at: dict[str, Any], extra: dict[str, Any]) -> tuple[dict[str, Any], Entry] | None:
    """An entry of a subagent in the words of the original (`agent:*`)."""
    offset = at['offset']
    call_id = said.get('callId', said.get('agentId'))
    if event == 'agent:thinking':
        return at, Entry(offset, 'thinking', to_units(said.get('thinking') or ''))
    if event == 'agent:response':
        return at, Entry(offset, 'responding', to_units(said.get('chunk') or ''))
    if event == 'agent:tool-call':
        call = {'callId': call_id, 'name': said.get('tool'), 'parameters': said.get('args'), 'response': '', **extra}
        return at, Entry(offset, call=call)
    if event == 'agent:tool-result':
        return at, Entry(offset, result={'callId': call_id, 'response': said.get('result') or '', **extra})
    if event == 'agent:complete':
        return at, Entry(offset, result={'callId': said.get('agentId'), 'response': said.get('response') or '', **extra})
    return None


@dataclass
class _Held:
    """An entry as held: text grows while pieces of the same mode follow."""

    entry: Entry
    parts: list[str] = field(default_factory=list)
    length: int = 1


class Lane:
    def __init__(self) -> None:
        self.length = 0
        self._held: list[_Held] = []

    def receive(self, entry: Entry) -> Verdict:
        if entry.length == 0:
            return 'ignored'
        if entry.offset + entry.length <= self.length:
            return 'duplicate'
        if entry.offset > self.length:
            return 'gap'
        piece = entry.text[self.length - entry.offset:]
        last = self._held[-1] if self._held else None
        if not entry.mode:
            self._held.append(_Held(entry))
        elif last is not None and last.entry.mode == entry.mode:
            last.parts.append(piece)
            last.length += len(piece)
        else:
            self._held.append(_Held(Entry(self.length, entry.mode), [piece], len(piece)))
        self.length = entry.offset + entry.length
        return 'accepted'

    def cut(self, offset: int) -> None:
        """Forgets everything from `offset` on."""
        while self._held and self._held[-1].entry.offset >= offset:
            self._held.pop()
        self.length = min(self.length, offset)
        if self._held and self._held[-1].entry.mode:
            last = self._held[-1]
            last.length = min(last.length, offset - last.entry.offset)
            last.parts = [''.join(last.parts)[:last.length]]

    def blocks(self) -> list[dict[str, Any]]:
        """The lane folded as in a turn as read (without `createdAt`, which entries do not carry)."""
        blocks: list[dict[str, Any]] = []
        newest: dict[str, dict[str, Any]] = {}
        for held in self._held:
            entry = held.entry
            if entry.mode:
                text = ''.join(held.parts)
                if blocks and blocks[-1]['mode'] == entry.mode:
                    blocks[-1]['content'] += text
                else:
                    blocks.append({'mode': entry.mode, 'content': text})
            elif entry.call is not None:
                call = dict(entry.call)
                newest[call['callId']] = call
                blocks.append({'mode': 'tool', 'content': call})
            elif entry.result is not None and entry.result['callId'] in newest:
                newest[entry.result['callId']].update(entry.result)
        for block in blocks:
            if block['mode'] != 'tool':
                block['content'] = from_units(block['content'])
        return blocks


def heads_of(heads: Iterable[Mapping[str, Any]] | None) -> dict[str, int]:
    """A list of heads; whatever lane it does not name is at 0."""
    return {head.get('lane') or '': head.get('offset') or 0 for head in heads or ()}


class Turn:
    """One attempt of a turn."""

    def __init__(self, turn_id: str, attempt: int) -> None:
        self.turn_id, self.attempt = turn_id, attempt
        self.status = ''
        self.final: dict[str, int] | None = None  # the heads at its end
        self.reported = False
        self.lanes: dict[str, Lane] = {}

    def lane(self, name: str) -> Lane:
        return self.lanes.setdefault(name, Lane())

    def behind(self, heads: Mapping[str, int]) -> bool:
        return any(offset > (self.lanes[name].length if name in self.lanes else 0) for name, offset in heads.items())

    def cut(self, heads: Mapping[str, int]) -> None:
        for name, lane in self.lanes.items():
            lane.cut(heads.get(name, 0))

    def cursors(self) -> list[dict[str, Any]]:
        held = {name: lane.length for name, lane in self.lanes.items()} or {'': 0}
        return [{'turnId': self.turn_id, 'attempt': self.attempt, 'lane': name, 'offset': offset} for name, offset in held.items()]
