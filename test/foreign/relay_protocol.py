"""What both clients share: one connection to the relay, kept by the page's reconnection rule, its answers and errors."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import socketio  # type: ignore[import-untyped]
from socketio.exceptions import SocketIOError  # type: ignore[import-untyped]

from wire import Answer, Refusal, WireJson, refused, report

OnAnswer = Callable[[Answer | None], None]

HANDSHAKE_S = 20.0
MAX_MESSAGE = 64 * 1024 * 1024
QUEUED = 64  # events waiting to be written before `drain` waits
FINAL_ERRORS = frozenset({'superseded', 'terminated', 'unauthorized', 'unsupported_protocol'})


def backoff(tries: int, most: float) -> float:
    """0.5 s at least, growing to `most`, with jitter."""
    return random.uniform(0.5, min(most, 2.0 ** min(tries, 10)))


async def waited(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within that time."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


@dataclass
class _Talk:
    """What one connection has heard that decides what comes after it."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    welcomed: bool = False
    refusal: Refusal | None = None
    last_error: str = ''
    retry_after: float | None = None

    def give_up(self) -> None:
        if not self.welcomed:
            self.over.set()

    def final(self) -> str | None:
        if self.refusal is not None and not self.refusal.retryable:
            return self.refusal.code
        return self.last_error if self.last_error in FINAL_ERRORS else None


class Relay:
    """A connection to one namespace. `on_event` is called in order of arrival and returns the acknowledgement."""

    def __init__(self, url: str, namespace: str, auth: dict[str, Any],
                 on_event: Callable[[str, tuple[Any, ...]], Any], is_live: Callable[[], bool]) -> None:
        self._url, self._namespace, self._auth = url, namespace, auth
        self._on_event, self._is_live = on_event, is_live
        self.ready = asyncio.Event()  # from `welcome` to the end of that connection
        self._queue: asyncio.Queue[tuple[str, tuple[Any, ...], int | None]] = asyncio.Queue()
        self._room = asyncio.Event()
        self._pending: dict[int, OnAnswer] = {}
        self._asked = itertools.count(1)

    async def run(self, stop: asyncio.Event) -> str | None:
        """Keeps connected until `stop`; the code if the end is final."""
        tries = 0
        while not stop.is_set():
            talk = await self._connection(stop)
            if stop.is_set():
                break
            if (final := talk.final()) is not None:
                return final
            tries = 0 if talk.welcomed else tries + 1
            wait = talk.refusal.retry_after if talk.refusal else talk.retry_after
            await waited(stop, backoff(tries, 5.0 if self._is_live() else 30.0) if wait is None else wait)
        return None

    def send(self, event: str, *args: Any) -> None:
        """Queued in order; dropped when there is no connection."""
        if self.ready.is_set():
            self._queue.put_nowait((event, args, None))

    def request(self, on_answer: OnAnswer, event: str, *args: Any) -> None:
        """As `send`, with an acknowledgement, handed over in order with the events; None if the connection ended first."""
        if not self.ready.is_set():
            on_answer(None)
            return
        number = next(self._asked)
        self._pending[number] = on_answer
        self._queue.put_nowait((event, args, number))

    async def ask(self, event: str, *args: Any) -> Answer | None:
        """An answer where it does not matter that later events are seen first."""
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self.request(lambda answer: None if future.done() else future.set_result(answer), event, *args)
        return await future

    async def drain(self) -> None:
        """Waits while much is still unwritten, so that a slow relay slows its client."""
        while self.ready.is_set() and self._queue.qsize() > QUEUED:
            self._room.clear()
            await self._room.wait()

    async def _connection(self, stop: asyncio.Event) -> _Talk:
        talk = _Talk()
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False, json=WireJson,
                                      websocket_extra_options={'max_msg_size': MAX_MESSAGE})

        def on_refused(*args: Any) -> None:
            error = args[0] if args else None
            if isinstance(error, dict) and isinstance(error.get('data'), dict):
                talk.refusal = Refusal.of(error['data'])
                report('refused', code=talk.refusal.code, message=talk.refusal.message)
            talk.over.set()

        client.on('connect_error', on_refused, namespace=self._namespace)
        client.on('*', lambda event, *args: self._event(talk, event, args), namespace=self._namespace)
        try:
            await asyncio.wait_for(client.connect(
                self._url, auth=self._auth, namespaces=[self._namespace], transports=['websocket'], wait=False), HANDSHAKE_S)
            await self._until_over(client, talk, stop)
        except (SocketIOError, aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            report('unreachable', message=str(error))
        finally:
            self._closed()
            with suppress(Exception):
                if client.eio.state == 'connected':
                    await asyncio.wait_for(client.eio.queue.join(), 1)  # what was said last, such as an acknowledgement
            with suppress(Exception):
                await asyncio.wait_for(client.disconnect(), 5)
        return talk

    async def _until_over(self, client: Any, talk: _Talk, stop: asyncio.Event) -> None:
        late = asyncio.get_running_loop().call_later(HANDSHAKE_S, talk.give_up)
        own = [asyncio.ensure_future(each) for each in (stop.wait(), talk.over.wait(), self._write(client))]
        try:
            await asyncio.wait([client.eio.read_loop_task, *own], return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            for task in own:
                task.cancel()
            await asyncio.gather(*own, return_exceptions=True)

    async def _write(self, client: Any) -> None:
        while True:
            event, args, number = await self._queue.get()
            callback = None if number is None else lambda *answer, n=number: self._answered(n, answer)
            await client.emit(event, args, namespace=self._namespace, callback=callback)
            await client.eio.queue.join()
            self._room.set()

    def _answered(self, number: int, answer: tuple[Any, ...]) -> None:
        on_answer = self._pending.pop(number, None)
        if on_answer is not None:
            on_answer(answer[0] if answer and isinstance(answer[0], dict) else {})

    def _event(self, talk: _Talk, event: str, args: tuple[Any, ...]) -> Any:
        if event == 'error' and args and isinstance(args[0], dict):
            talk.last_error = str(args[0].get('code'))
            report('error', **{'of': args[0].get('event'), **{k: v for k, v in args[0].items() if k != 'event'}})
        elif event == 'draining' and args and isinstance(args[0], dict):
            talk.retry_after = Refusal.of(args[0]).retry_after
        elif event == 'welcome':
            talk.welcomed = True
            self.ready.set()
        try:
            return self._on_event(event, args)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            report('bug', of=event, message=repr(error))
            return refused('invalid_payload', repr(error))

    def _closed(self) -> None:
        if self.ready.is_set():
            report('disconnected')
        self.ready.clear()
        self._queue = asyncio.Queue()
        self._room.set()
        pending, self._pending = self._pending, {}
        for on_answer in pending.values():
            on_answer(None)
