"""A drone as a command: registers, takes work orders, plays a script for each, prints what happens."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
import uuid
from typing import Any

from drone_outbox import Window
from drone_plain import PlainTurn
from drone_script import load
from drone_state import Orders
from drone_turn import Limits, Turn
from position import heads_of
from relay_protocol import FINAL_ERRORS, Relay
from wire import Answer, Refusal, refused, report

REFUSED_ENTRY = ('invalid_payload', 'payload_too_large')
ENTRIES = ('thinking', 'response', 'toolCall', 'toolResult')


class Drone:
    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._steps = load(args.script, args.plain)
        self._orders = Orders(args.state)
        self._turns: dict[str, Turn | PlainTurn] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._given_up: dict[str, Turn] = {}  # the latest attempt of each that was begun and let go of
        self._window, self._limits = Window(), Limits()
        self._heart: asyncio.Task[None] | None = None
        self._draining = False
        self.stop = asyncio.Event()
        registration: dict[str, Any] = {
            'name': args.name, 'hostname': socket.gethostname(), 'workspaceId': args.workspace, 'capacity': 1 if args.plain else args.capacity}
        if not args.plain:
            registration['instanceId'] = args.instance or uuid.uuid4().hex
        auth = {'token': args.token, 'protocol': 1, 'client': {'name': 'foreign-drone', 'version': '1'}, 'registration': registration}
        self.relay = Relay(args.url, '/drone', auth, self._event, lambda: bool(self._orders.ids()))
        self._handlers = {
            'welcome': self._welcome, 'processWorkOrder': self._order, 'abortWorkOrder': self._abort, 'checkpoint': self._checkpoint,
            'rewind': self._rewind, 'crashRecoveryResponse': self._recovery, 'requestTermination': self._terminate, 'error': self._error,
            'steer': self._noted('steer'), 'permission:resolved': self._noted('permission'), 'draining': self._noted('draining'),
            'executeCommand': self._noted('command'), 'surface:invoke': self._noted('surface')}

    def _event(self, event: str, args: tuple[Any, ...]) -> Any:
        handler = self._handlers.get(event)
        if handler is None:
            return refused('invalid_payload', f'unknown event {event}')
        return handler(args[0] if args and isinstance(args[0], dict) else {})

    def _noted(self, name: str) -> Any:
        def handler(payload: dict[str, Any]) -> Answer:
            report(name, **{key: value for key, value in payload.items() if key != 'event'})
            return {'ok': True}
        return handler

    # ---- the connection

    def _welcome(self, welcome: dict[str, Any]) -> Answer:
        report('welcome', droneId=welcome.get('droneId'), turns=welcome.get('turns') or [])
        limits = welcome.get('limits') or {}
        self._limits.text_units = int(limits.get('textUnits') or 1)
        self._limits.tool_bytes = int(limits.get('toolBytes') or 0)
        self._window.limit = int(limits.get('windowBytes') or 0)
        self._window.add(0)  # wakes whoever waits if there is room now
        listed = {turn['turnId']: turn for turn in welcome.get('turns') or ()}
        for turn_id in {*self._turns, *self._orders.ids()} - set(listed):
            self._forget(turn_id)
            report('forgotten', turnId=turn_id)
        for turn in listed.values():
            self._reconcile(turn)
        if not self._args.plain and (self._heart is None or self._heart.done()):
            self._heart = asyncio.ensure_future(self._beat(float(welcome.get('heartbeatIntervalMs') or 10_000) / 1000))
        return {'ok': True}

    def _reconcile(self, listed: dict[str, Any]) -> None:
        """A live turn of ours, as the relay knows it."""
        turn_id, turn = listed['turnId'], self._turns.get(listed['turnId'])
        if isinstance(turn, PlainTurn):
            return
        if turn is not None and turn.attempt == listed['attempt']:
            turn.resume(heads_of(listed.get('lanes')))
            return
        if turn is not None:
            self._forget(turn_id)
        order = self._orders.get(turn_id)
        if order is not None:
            asked = {'workspaceId': order.get('workspaceId'), 'turnId': turn_id, 'chatSessionId': order.get('chatSessionId')}
            if not self._args.plain:
                asked['attempt'] = order.get('attempt')
            report('recovery', turnId=turn_id, attempt=order.get('attempt'))
            self.relay.send('requestCrashRecovery', asked)
        elif listed.get('acknowledged'):
            report('lost', turnId=turn_id, attempt=listed['attempt'])
            more = [] if self._args.plain else [{'attempt': listed['attempt'], 'heads': []}]
            self.relay.request(lambda answer: report('completed', turnId=turn_id, answer=answer),
                               'workOrderComplete', turn_id, False, 'lost', *more)

    async def _beat(self, seconds: float) -> None:
        while True:
            self.relay.request(lambda _: None, 'heartbeat', {'turns': self._orders.ids()})
            await asyncio.sleep(seconds)

    def _error(self, error: dict[str, Any]) -> Answer:
        """Of an entry: `fenced` drops the attempt, another final one ends the turn as failed."""
        at = error.get('at')
        refusal = Refusal.of(error)
        turn = self._turns.get(str(at.get('turnId'))) if isinstance(at, dict) else None
        if isinstance(turn, Turn) and isinstance(at, dict) and at.get('attempt') == turn.attempt:
            if refusal.code == 'fenced':
                report('fenced', turnId=turn.turn_id, attempt=turn.attempt)
                self._forget(turn.turn_id)
            elif refusal.code in REFUSED_ENTRY and error.get('event') in (*ENTRIES, None):
                turn.fail(f'{refusal.code}: {refusal.message}')
        elif refusal.code in FINAL_ERRORS:
            report('final', code=refusal.code)
        return {'ok': True}

    # ---- work orders

    def _order(self, order: dict[str, Any]) -> Answer:
        turn_id, attempt = order['turnId'], order.get('attempt')
        turn = self._turns.get(turn_id)
        if turn is not None and (turn.attempt == attempt or attempt is None):
            return {'ok': True}
        if self._draining:
            return refused('draining', 'this drone is leaving')
        begun = self._given_up.get(turn_id)
        if begun is not None and attempt is not None and begun.attempt >= attempt:
            report('begun', turnId=turn_id, attempt=attempt)
            return refused('fenced', 'this attempt was begun here and given up', {'sideEffects': begun.called})
        self._forget(turn_id)
        self._orders.put(order)
        report('order', turnId=turn_id, attempt=attempt, prompt=order.get('prompt'))
        seed, rate = str(self._args.seed), self._args.rate
        if self._args.plain:
            turn = PlainTurn(self.relay, order, self._steps, seed, rate)
        else:
            turn = Turn(self.relay, self._window, self._limits, order, self._steps, seed, rate)
        self._turns[turn_id] = turn
        self._tasks[turn_id] = asyncio.ensure_future(self._work(turn))
        return {'ok': True}

    async def _work(self, turn: Turn | PlainTurn) -> None:
        try:
            await turn.run()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            report('bug', turnId=turn.turn_id, message=repr(error))
        if self._turns.get(turn.turn_id) is turn:
            self._forget(turn.turn_id)

    def _forget(self, turn_id: str) -> None:
        turn, task = self._turns.pop(turn_id, None), self._tasks.pop(turn_id, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        if turn is not None:
            turn.close()
        if isinstance(turn, Turn):
            self._given_up[turn_id] = turn
        self._orders.forget(turn_id)
        if self._draining and not self._turns:
            self.stop.set()

    def _abort(self, payload: dict[str, Any]) -> bool:
        turn = self._turns.get(payload['turnId'])
        if turn is not None and payload.get('attempt') in (None, turn.attempt):
            report('aborted', turnId=turn.turn_id, attempt=turn.attempt)
            self._forget(turn.turn_id)
        return True

    def _recovery(self, payload: dict[str, Any]) -> Answer:
        report('recovered', turnId=payload['turnId'], action=payload['action'])
        if payload['action'] == 'discard' and payload['turnId'] not in self._turns:
            self._orders.forget(payload['turnId'])
        return {'ok': True}

    def _terminate(self, payload: dict[str, Any]) -> bool:
        mode = payload.get('mode') or 'now'
        report('termination', mode=mode, reason=payload.get('reason'))
        self._draining = True
        if mode == 'now' or not self._turns:
            asyncio.get_running_loop().call_soon(self.stop.set)
        return True

    def _checkpoint(self, head: dict[str, Any]) -> Answer:
        turn = self._turns.get(head['turnId'])
        if isinstance(turn, Turn) and turn.attempt == head['attempt']:
            turn.checkpoint(head.get('lane') or '', head['offset'])
        return {'ok': True}

    def _rewind(self, head: dict[str, Any]) -> Answer:
        turn = self._turns.get(head['turnId'])
        if isinstance(turn, Turn) and turn.attempt == head['attempt']:
            report('rewind', turnId=turn.turn_id, lane=head.get('lane') or '', offset=head['offset'])
            turn.rewind(head.get('lane') or '', head['offset'])
        return {'ok': True}

    async def close(self) -> None:
        tasks = [task for task in (*self._tasks.values(), self._heart) if task is not None]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.gather(*tasks, return_exceptions=True)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('--url', '--token', '--name', '--workspace', '--script'):
        parser.add_argument(name, required=True)
    parser.add_argument('--state')
    parser.add_argument('--instance')
    parser.add_argument('--plain', action='store_true')
    parser.add_argument('--rate', type=float, default=100.0, help='pieces a second; 0: as fast as it goes')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--capacity', type=int, default=1)
    drone = Drone(parser.parse_args())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, drone.stop.set)
    final = await drone.relay.run(drone.stop)
    await drone.close()
    if final is not None:
        report('final', code=final)
    return 3 if final is not None else 0


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))
