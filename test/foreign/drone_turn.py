"""A turn of a drone that addresses its entries: `at`, outbox, resending, completion with heads."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from drone_outbox import Outbox, Said, Window, merged
from drone_script import Piece, Step, fitted, pieces
from relay_protocol import Relay, backoff
from wire import Answer, from_units, refusal_of, report, wire_bytes

REWINDS = 3  # of one head without progress: the turn cannot go on
TAIL = 16  # units of a lane's running text that may be said again
RESULT_EXTRAS = ('isError', 'detail', 'truncated', 'subagent', 'stats')
CALL_EXTRAS = ('detail', 'truncated')


@dataclass
class Limits:
    text_units: int = 1
    tool_bytes: int = 0


class Pace:
    """So many pieces a second; 0 is as fast as it goes."""

    def __init__(self, per_second: float) -> None:
        self._step = 1 / per_second if per_second > 0 else 0.0
        self._due = asyncio.get_running_loop().time()

    async def next(self) -> None:
        now = asyncio.get_running_loop().time()
        self._due = max(self._due + self._step, now - 0.1)
        await asyncio.sleep(max(0.0, self._due - now))


async def complete(relay: Relay, turn_id: str, answered: Any, args: Any) -> None:
    """`workOrderComplete` until it is acknowledged, also on later connections; `args()` are its arguments."""
    tries = 0
    while True:
        await relay.ready.wait()
        answer: Answer | None = await relay.ask('workOrderComplete', *args())
        if answer is None:
            continue
        refusal = refusal_of(answer)
        report('completed', turnId=turn_id, answer=answer)
        if refusal is None or answered(refusal.code) or not (refusal.retryable or refusal.code == 'gap'):
            return
        tries += 1
        if refusal.code != 'gap' or refusal.retry_after is not None:
            await asyncio.sleep(backoff(tries, 5.0) if refusal.retry_after is None else refusal.retry_after)


class Turn:
    def __init__(self, relay: Relay, window: Window, limits: Limits, order: dict[str, Any],
                 steps: list[Step], seed: str, rate: float) -> None:
        self.turn_id, self.attempt = str(order['turnId']), int(order['attempt'])
        self._relay, self._window, self._limits = relay, window, limits
        self._steps, self._rate = steps, rate
        self._rng = random.Random(f'{seed}:{self.turn_id}:{self.attempt}')
        self._outbox = Outbox(window)
        self._lengths: dict[str, int] = {}
        self._tails: dict[str, tuple[str, str]] = {}  # of each lane: its running text and what said it
        self._rewound: dict[str, tuple[int, int]] = {}  # of each lane: offset, how often without progress
        self._number = 0
        self.called = False  # a tool has started; which of them change things is not this drone's to know
        self.fault: str | None = None
        self._faulted = asyncio.Event()

    # ---- playing

    async def run(self) -> None:
        playing = asyncio.ensure_future(self._play())
        faulted = asyncio.ensure_future(self._faulted.wait())
        try:
            await asyncio.wait([playing, faulted], return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
        finally:
            playing.cancel()
            faulted.cancel()
        await complete(self._relay, self.turn_id, self._answered, self._completion)

    def close(self) -> None:
        self._outbox.clear()

    def fail(self, reason: str) -> None:
        if self.fault is None:
            self.fault = reason
            self._faulted.set()

    async def _play(self) -> None:
        pace = Pace(self._rate)
        for piece in pieces(self._steps, self._rng, self._limits.text_units):
            await pace.next()
            await self._window.room()
            if piece.kind == 'status':
                self._relay.send('status', piece.text)
            elif piece.kind == 'fail':
                self.fail(piece.text)
                return
            else:
                self._say(piece)
            await self._relay.drain()

    def _completion(self) -> tuple[Any, ...]:
        heads = [{'lane': lane, 'offset': length} for lane, length in self._lengths.items()]
        return self.turn_id, self.fault is None, self.fault, {'attempt': self.attempt, 'heads': heads}

    def _answered(self, code: str) -> bool:
        """Whether that refusal means that the turn is no longer ours."""
        if code == 'fenced':
            report('fenced', turnId=self.turn_id, attempt=self.attempt)
            return True
        return False

    # ---- saying

    def _say(self, piece: Piece) -> None:
        said = self._entry(piece)
        self._number += 1
        self._outbox.add(said)
        self._lengths[said.lane] = said.end
        chance = self._rng.random()
        event, tail = self._tails.get(said.lane, ('', ''))
        if not said.text:
            self._tails.pop(said.lane, None)
        else:
            self._tails[said.lane] = said.event, ((tail if event == said.event else '') + said.text)[-TAIL:]
        back = self._rng.randint(1, len(tail)) if tail and event == said.event else 0
        if chance < 0.1 and 0 < back <= self._limits.text_units - len(said.text):
            self._send(Said(said.number, said.lane, said.offset - back, said.event, tail[-back:] + said.text, (), {}))
            return
        self._send(said)
        if chance > 0.95:
            self._send(said)

    def _entry(self, piece: Piece) -> Said:
        offset = self._lengths.get(piece.lane, 0)
        args: tuple[Any, ...] = ()
        extra: dict[str, Any] = {}
        if not piece.text:
            data = fitted(piece.data, self._limits.tool_bytes)
            if piece.kind == 'toolCall':
                self.called = True
                args = (data['callId'], data['name'], data.get('params') or '', data.get('response') or '')
            else:
                args = (data['callId'], data.get('response') or '')
            keys = CALL_EXTRAS if piece.kind == 'toolCall' else RESULT_EXTRAS
            extra = {key: data[key] for key in keys if data.get(key) is not None}
        said = Said(self._number, piece.lane, offset, piece.kind, piece.text, args, extra)
        return Said(self._number, piece.lane, offset, piece.kind, piece.text, args, extra, wire_bytes(self._arguments(said)))

    def _arguments(self, said: Said) -> list[Any]:
        at: dict[str, Any] = {'turnId': self.turn_id, 'attempt': self.attempt, 'offset': said.offset, **said.extra}
        if said.lane:
            at['lane'] = said.lane
        return [*((from_units(said.text),) if said.text else said.args), at]

    def _send(self, said: Said) -> None:
        self._relay.send(said.event, *self._arguments(said))

    # ---- what the relay says about positions

    def checkpoint(self, lane: str, offset: int) -> None:
        self._outbox.cover(lane, offset)

    def resume(self, heads: dict[str, int]) -> None:
        """After `welcome`: the durable heads; a lane not named is at 0."""
        self._rewound.clear()
        every = {lane: heads.get(lane, 0) for lane in self._lengths}
        for lane, offset in every.items():
            self.checkpoint(lane, offset)
        self._resend(every)

    def rewind(self, lane: str, offset: int) -> None:
        before, times = self._rewound.get(lane, (-1, 0))
        times = times + 1 if offset <= before else 1
        self._rewound[lane] = offset, times
        if times >= REWINDS:
            self.fail(f'rewound {times} times to {offset} of lane {lane!r}')
            return
        self._resend({lane: offset})

    def _resend(self, heads: dict[str, int]) -> None:
        for lane, offset in heads.items():
            if self._outbox.start(lane, self._lengths.get(lane, 0)) > offset:
                self.fail(f'sent back to {offset} of lane {lane!r}, which a checkpoint had covered')
                return
        for said in merged(self._outbox.after(heads), self._limits.text_units):
            self._send(said)
