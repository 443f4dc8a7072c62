"""A script (a JSON list of steps) as the small pieces a drone says, cut by a seeded random generator."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire import from_units, to_units

LONGEST_PIECE = 12  # UTF-16 units
TEXT_FIELDS = {'agent:thinking': 'thinking', 'agent:response': 'chunk'}
Step = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """One thing to say. `kind` is the key of its step; `text` is in UTF-16 units; `lane` is '' for the turn's own."""

    kind: str
    lane: str = ''
    text: str = ''
    data: dict[str, Any] = field(default_factory=dict)


def load(path: str, plain: bool) -> list[Step]:
    steps = json.loads(Path(path).read_text('utf-8'))
    if not isinstance(steps, list):
        raise ValueError('a script is a list of steps')
    for step in steps:
        kind = kind_of(step)
        if kind.startswith('agent:') and not plain or 'lane' in step and plain:
            raise ValueError(f'{kind}: lanes are for drones with `at`, `agent:*` for plain ones')
    return steps


def kind_of(step: Step) -> str:
    kinds = [key for key in step if key != 'lane']
    if len(kinds) != 1:
        raise ValueError(f'a step has one kind: {step}')
    return kinds[0]


def cuts(text: str, rng: random.Random, longest: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + rng.randint(1, min(LONGEST_PIECE, longest))
        yield text[start:end]
        start = end


def pieces(steps: list[Step], rng: random.Random, longest: int) -> Iterator[Piece]:
    for step in steps:
        kind = kind_of(step)
        lane, value = step.get('lane') or '', step[kind]
        if kind in ('thinking', 'response'):
            for text in cuts(to_units(value), rng, longest):
                yield Piece(kind, lane, text)
        elif kind in TEXT_FIELDS:
            key = TEXT_FIELDS[kind]
            for text in cuts(to_units(value[key]), rng, longest):
                yield Piece(kind, data={**value, key: from_units(text)})
        elif kind in ('status', 'fail'):
            yield Piece(kind, text=str(value))
        else:
            yield Piece(kind, lane, data=value)


def shortened(text: str, most: int) -> str:
    """The text cut to so many bytes of UTF-8, between characters."""
    return text.encode('utf-8', 'surrogatepass')[:most].decode('utf-8', 'ignore')


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else '' if value is None else json.dumps(value)


def fitted(data: dict[str, Any], most: int) -> dict[str, Any]:
    """`params`, `response` and `detail` cut to `limits.toolBytes` together, which is then said in `truncated`."""
    fit = dict(data)
    for key in ('params', 'response'):
        if key in fit:
            fit[key] = as_text(fit[key])
    room = most - len(json.dumps(fit.get('detail'), ensure_ascii=False).encode('utf-8', 'surrogatepass')) if 'detail' in fit else most
    if room < 0:
        del fit['detail']
        fit['truncated'] = True
        room = most
    for key in ('params', 'response'):
        if key in fit:
            kept = shortened(fit[key], room)
            if kept != fit[key]:
                fit['truncated'] = True
            fit[key] = kept
            room -= len(kept.encode('utf-8', 'surrogatepass'))
    return fit
