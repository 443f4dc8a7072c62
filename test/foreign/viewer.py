"""An IDE client as a command: joins a session or sends a message, holds its lanes by position, prints what happens."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Any

from relay_protocol import Relay, backoff
from viewer_session import Session
from wire import Answer, refusal_of, report

BETWEEN_JOINS_S = 1.0
SILENCE_LIVE_S = 10.0  # a `head` comes every 2 s while a turn is live,
SILENCE_S = 60.0  # and every 20 s otherwise


class Viewer:
    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._loop = asyncio.get_running_loop()
        self.stop = asyncio.Event()
        self.failed = False
        auth: dict[str, Any] = {'token': args.token, 'protocol': 1, 'client': {'name': 'foreign-viewer', 'version': '1'}}
        if args.original:
            auth['original'] = True
        self.relay = Relay(args.url, '/code', auth, self._event, lambda: self._session is not None and self._session.live())
        self._session = Session(args.session) if args.session and args.send is None else None
        self._sends = 0
        self._sent_turn: str | None = None
        self._ended: list[str] = []
        self._completed: set[str] = set()  # the turns whose `workOrderComplete` came, which follows an end for `--original`
        self._joining = False
        self._answered_at = 0.0
        self._tries = 0
        self._timer: asyncio.TimerHandle | None = None  # the next join or send
        self._silence: asyncio.TimerHandle | None = None

    # ---- what comes from the relay

    def _event(self, event: str, args: tuple[Any, ...]) -> Any:
        if event == 'welcome':
            self._welcome()
        elif event in ('error', 'draining'):
            pass  # `Relay` has taken note
        else:
            self._session_event(event, args)
        return {'ok': True}

    def _welcome(self) -> None:
        report('welcome')
        self._joining = False
        self._cancel_timer()
        if self._session is not None:
            self._join()
        elif self._args.send is not None:
            self._send()

    def _session_event(self, event: str, args: tuple[Any, ...]) -> None:
        if self._args.original and (event.startswith('agent:') or event == 'workOrderComplete'):
            report(event, args=list(args))
        session = self._session
        if event == 'workOrderComplete':
            self._completed.add(args[0])
            if session is not None:
                self._look_at_ends(session)
        payload = next((arg for arg in (args[-1:] + args[:1]) if isinstance(arg, dict) and 'chatSessionId' in arg), None)
        if session is None or payload is None or payload['chatSessionId'] != session.chat_session_id or self._joining:
            return
        self._heard()
        if session.hear(event, args, payload):
            self._join_again()
        self._look_at_ends(session)

    def _look_at_ends(self, session: Session) -> None:
        self._ended += session.ends
        session.ends = []
        wanted = [turn_id for turn_id in self._ended if self._sent_turn in (None, turn_id)]
        if self._args.original:
            wanted = [turn_id for turn_id in wanted if turn_id in self._completed]
        if self._args.until_end and wanted:
            self.stop.set()

    # ---- joining

    def _join_again(self) -> None:
        """A gap: one join for it, 1 s after the one before."""
        if self._session is None or self._timer is not None:
            return
        self._session.gaps += 1
        wait = max(0.0, self._answered_at + BETWEEN_JOINS_S - self._loop.time())
        self._timer = self._loop.call_later(wait, self._join)

    def _join(self) -> None:
        self._cancel_timer()
        if self._session is None or self._joining or not self.relay.ready.is_set():
            return
        self._joining = True
        self._session.joins += 1
        self.relay.request(self._joined, 'session:join',
                           {'chatSessionId': self._session.chat_session_id, 'cursors': self._session.cursors()})

    def _joined(self, answer: Answer | None) -> None:
        if answer is None or self._session is None:
            return  # the next welcome joins
        self._joining = False
        self._answered_at = self._loop.time()
        if self._again_after(answer, 'session:join', self._join):
            return
        if answer.get('ok') is True:
            self._session.answer(answer)
            self._heard()

    # ---- sending

    def _send(self) -> None:
        self._cancel_timer()
        if not self.relay.ready.is_set():
            return
        self._sends += 1
        asked = {'chatSessionId': self._args.session, 'content': self._args.send, 'messageId': self._args.message_id,
                 'workspaceId': self._args.workspace}
        self.relay.request(self._sent, 'chat:send', {key: value for key, value in asked.items() if value is not None})

    def _sent(self, answer: Answer | None) -> None:
        if answer is None or self._again_after(answer, 'chat:send', self._send) or answer.get('ok') is not True:
            return
        report('sent', chatSessionId=answer['chatSessionId'], turnId=answer['turnId'], status=answer.get('status'))
        self._session = Session(answer['chatSessionId'])
        self._session.attempt(answer['turnId'], 1)
        self._sent_turn = answer['turnId']
        if self._sends > 1:
            self._join()  # perhaps a repetition, which gets only the first answer
        else:
            self._heard()

    def _again_after(self, answer: Answer, asked: str, again: Any) -> bool:
        """Whether the request was refused but is worth another try, which is then planned."""
        refusal = refusal_of(answer)
        if refusal is None:
            self._tries = 0
            return False
        report('refused', of=asked, code=refusal.code, message=refusal.message)
        if not refusal.retryable and refusal.code != 'rate_limited':
            self.failed = True
            self.stop.set()
            return False
        self._tries += 1
        self._timer = self._loop.call_later(backoff(self._tries, 5.0) if refusal.retry_after is None else refusal.retry_after, again)
        return True

    # ---- timers

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _heard(self) -> None:
        """Who is joined hears a `head` now and then; silence means that the relay does not think so."""
        if self._silence is not None:
            self._silence.cancel()
        wait = SILENCE_LIVE_S if self._session is not None and self._session.live() else SILENCE_S
        self._silence = self._loop.call_later(wait, self._join)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--url', required=True)
    parser.add_argument('--token', required=True)
    parser.add_argument('--session')
    parser.add_argument('--send')
    parser.add_argument('--message-id')
    parser.add_argument('--workspace')
    parser.add_argument('--until-end', action='store_true')
    parser.add_argument('--original', action='store_true')
    args = parser.parse_args()
    if args.send is not None and not args.message_id:
        parser.error('--send needs --message-id')
    if args.send is None and not args.session:
        parser.error('--session or --send')
    viewer = Viewer(args)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, viewer.stop.set)
    final = await viewer.relay.run(viewer.stop)
    if final is not None:
        report('final', code=final)
        return 3
    return 1 if viewer.failed else 0


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))
