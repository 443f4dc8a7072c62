"""One connection of an IDE client: holds the session it watches by position, and keeps every event for whoever waits for one."""

from __future__ import annotations

import asyncio
from typing import Any

from position import Turn
from relay_protocol import Relay
from viewer_session import Session
from wire import Answer, Refusal, refusal_of

WAIT_S = 30.0
BETWEEN_JOINS_S = 1.0


class Failure(Exception):
    """Something did not come, or is not what it should be."""


class WholeSession(Session):
    """A session that holds all its turns, for what was heard is compared when everything is over. (Its joins name them all.)"""

    def _forget(self) -> None:
        return


class Connection:
    def __init__(self, name: str, url: str, key: str, changed: asyncio.Event) -> None:
        self.name = name
        self.session: WholeSession | None = None
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._changed = changed
        self._joining = False
        self._joined_at = 0.0
        self._timer: asyncio.TimerHandle | None = None  # the next join
        auth = {'token': key, 'protocol': 1, 'client': {'name': 'foreign-conversation', 'version': '1'}}
        self.relay = Relay(url, '/code', auth, self._event, lambda: self.session is not None and self.session.live())

    # ---- asking

    async def asked(self, event: str, **payload: Any) -> Answer:
        """The answer, which has to be a yes."""
        answer = await self._answer(event, payload)
        if (refusal := refusal_of(answer)) is not None:
            raise Failure(f'{self.name}: {event} was refused with {refusal.code}: {refusal.message}')
        return answer

    async def refused(self, event: str, **payload: Any) -> tuple[Refusal, dict[str, Any]]:
        """The answer, which has to be a no, with its details."""
        answer = await self._answer(event, payload)
        if (refusal := refusal_of(answer)) is None:
            raise Failure(f'{self.name}: {event} was not refused')
        return refusal, answer['error'].get('details') or {}

    async def _answer(self, event: str, payload: dict[str, Any]) -> Answer:
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def on_answer(answer: Answer | None) -> None:
            # Not where it is awaited: what comes right after this answer is of the session that it names.
            if answer is not None and event == 'chat:send' and answer.get('ok') is True and self.session is None:
                self.session = WholeSession(answer['chatSessionId'])
            if not future.done():
                future.set_result(answer)

        self.relay.request(on_answer, event, payload)
        try:
            answer = await asyncio.wait_for(future, WAIT_S)
        except asyncio.TimeoutError:
            raise Failure(f'{self.name}: no answer to {event}') from None
        if answer is None:
            raise Failure(f'{self.name}: the connection ended before the answer to {event}')
        return answer

    # ---- watching

    def watch(self, chat_session_id: str) -> None:
        self.session = WholeSession(chat_session_id)
        self._join()

    def last(self, event: str, **fields: Any) -> dict[str, Any] | None:
        """The newest event of that name with these fields."""
        return next((said for name, said in reversed(self.heard) if name == event and fields.items() <= said.items()), None)

    @property
    def turns(self) -> dict[str, Turn]:
        return self.session.turns if self.session else {}

    def ended(self, turn_id: str, attempt: int) -> Turn | None:
        """That attempt, once it is over and whole."""
        turn = self.turns.get(turn_id)
        return turn if turn is not None and turn.attempt == attempt and turn.reported else None

    def _event(self, event: str, args: tuple[Any, ...]) -> Any:
        payload = next((arg for arg in (*args[-1:], *args[:1]) if isinstance(arg, dict)), {})
        session = self.session
        if event == 'welcome':
            self._join()
        elif session is not None and payload.get('chatSessionId') == session.chat_session_id and not self._joining:
            if session.hear(event, args, payload):
                self._join_again()
        self.heard.append((event, payload))
        self._changed.set()
        return {'ok': True}

    # ---- joining

    def _join_again(self) -> None:
        if not self._joining:
            self._joining = True  # what comes until then would only be missed again
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, self._joined_at + BETWEEN_JOINS_S - loop.time()), self._join)

    def _join(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.session is not None:
            self._joining = True
            asked = {'chatSessionId': self.session.chat_session_id, 'cursors': self.session.cursors()}
            self.relay.request(self._joined, 'session:join', asked)

    def _joined(self, answer: Answer | None) -> None:
        if answer is None or self.session is None:
            return  # the next welcome joins
        self._joining = False
        self._joined_at = asyncio.get_running_loop().time()
        if refusal_of(answer) is None:
            self.session.answer(answer)
        else:
            self._join_again()


def response_of(blocks: list[dict[str, Any]]) -> str:
    return ''.join(block['content'] for block in blocks if block['mode'] == 'responding')
