"""A turn of a plain drone: words in order of arrival, no positions, nothing kept."""

from __future__ import annotations

import random
from typing import Any

from drone_script import Piece, Step, as_text, pieces
from drone_turn import Pace, complete
from relay_protocol import Relay
from wire import from_units


class PlainTurn:
    def __init__(self, relay: Relay, order: dict[str, Any], steps: list[Step], seed: str, rate: float) -> None:
        self.turn_id, self.attempt = str(order['turnId']), int(order.get('attempt') or 1)
        self._relay, self._steps, self._rate = relay, steps, rate
        self._rng = random.Random(f'{seed}:{self.turn_id}:{self.attempt}')
        self._calls: dict[str, tuple[str, str]] = {}  # of each call still open: its name and params
        self._fault: str | None = None

    async def run(self) -> None:
        pace = Pace(self._rate)
        for piece in pieces(self._steps, self._rng, 1 << 20):
            await pace.next()
            await self._relay.ready.wait()  # while there is no connection nothing is said
            if piece.kind == 'fail':
                self._fault = piece.text
                break
            self._say(piece)
            await self._relay.drain()
        await complete(self._relay, self.turn_id, lambda code: code == 'fenced', self._completion)

    def close(self) -> None:
        self._calls.clear()

    def _completion(self) -> tuple[Any, ...]:
        return (self.turn_id, True) if self._fault is None else (self.turn_id, False, self._fault)

    def _say(self, piece: Piece) -> None:
        if piece.text:
            self._relay.send(piece.kind, from_units(piece.text))
        elif piece.kind == 'toolCall':
            call_id, name = piece.data['callId'], piece.data['name']
            params, response = as_text(piece.data.get('params')), as_text(piece.data.get('response'))
            if not response:
                self._calls[call_id] = name, params
            self._relay.send('toolCall', call_id, name, params, response)
        elif piece.kind == 'toolResult':
            name, params = self._calls.pop(piece.data['callId'], ('', ''))
            self._relay.send('toolCall', piece.data['callId'], name, params, as_text(piece.data.get('response')))
        else:
            self._relay.send(piece.kind, piece.data)
