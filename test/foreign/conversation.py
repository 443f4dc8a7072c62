"""A conversation with the guide's drone over two connections of one key; prints a JSON line for each of its steps."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, TypeVar

import aiohttp

from code_connection import WAIT_S, Connection, Failure, response_of
from relay_protocol import waited
from wire import Answer

Found = TypeVar('Found')
SEARCH_EVERY_S = 0.2


def say(what: str, **fields: Any) -> None:
    print(json.dumps({'is': what, **fields}), file=sys.__stdout__, flush=True)


def new_id() -> str:
    return str(uuid.uuid4())


class Conversation:
    def __init__(self, url: str, key: str, http: aiohttp.ClientSession) -> None:
        self._api, self._http = f'{url.rstrip("/")}/api/v1', http
        self._changed = asyncio.Event()
        self.first, self.second = [Connection(name, url, key, self._changed) for name in ('first', 'second')]
        self._id = ''

    async def play(self) -> None:
        await self._commands()
        await self._delete()
        await self._queue()
        await self._model()
        await self._attachment()
        await self._abort_and_retry()
        await self._command()
        await self._usage()
        await self._search()
        await self._lists()
        await self._equal()

    # ---- the steps

    async def _commands(self) -> None:
        def offered() -> bool:
            return any(command['name'] == 'version' for command in (self.first.last('commands:manifest') or {}).get('commands', ()))

        await self._until('a manifest with the command version', offered)
        await self._until('a second connection', self.second.relay.ready.is_set)
        say('commands', has=['version'])

    async def _delete(self) -> None:
        sent = await self.first.asked('chat:send', content='delete it', messageId=new_id(), workspaceId='guide')
        self._id = sent['chatSessionId']
        self.second.watch(self._id)
        await self._until('resumed at the second', lambda: self.second.last('resumed', chatSessionId=self._id))
        question = await self._until('a question', lambda: self.first.last('permission:request', turnId=sent['turnId']))
        name = {key: question[key] for key in ('droneId', 'requestId')}
        await self.second.asked('permission:respond', **name, optionId='yes')
        late = await self.first.asked('permission:respond', **name, optionId='no')
        resolved = await self._until('permission:resolved', lambda: self.first.last('permission:resolved', **name))
        say('answered', resolved=resolved['optionId'], loser=late['optionId'])
        await self._ended(sent['turnId'])

    async def _queue(self) -> None:
        turn_id = await self._start('wait for me')
        later, never = new_id(), new_id()
        await self._put('later', messageId=later)
        await self._put('never', messageId=never)
        await self.first.asked('queue:edit', chatSessionId=self._id, messageId=later, content='later on')
        await self.first.asked('queue:cancel', chatSessionId=self._id, messageId=never)

        def waiting() -> list[str]:
            queue = (self.second.last('queue:changed', chatSessionId=self._id) or {}).get('queue', ())
            return [message['content'] for message in queue]

        await self._until('the queue as it was left', lambda: waiting() == ['later on'])
        say('queue', contents=waiting())
        await self._steer(turn_id, 'here I am', is_said=True)
        await self._ended(turn_id)
        started = await self._until('the queued turn', lambda: self.first.last('turn:started', messageId=later))
        await self._ended(started['turnId'])

    async def _model(self) -> None:
        refusal, details = await self.first.refused('set:model', chatSessionId=self._id, model='huge')
        say('refused', code=refusal.code, allowed=details.get('allowed'))
        await self.first.asked('set:model', chatSessionId=self._id, model='large')
        told = await self._until('the model', lambda: self.second.last('session:info', chatSessionId=self._id, model='large'))
        say('model', model=told['model'])

    async def _attachment(self) -> None:
        file = await self._read('POST', '/attachments?name=notes.txt', data=b'one', headers={'Content-Type': 'text/plain'})
        turn_id = await self._start('read this', attachments=[json.loads(file)['attachmentId']])
        await self._ended(turn_id)
        turn = json.loads(await self._read('GET', f'/turns/{turn_id}'))
        say('attached', names=[attachment['name'] for attachment in turn['attachments']])

    async def _abort_and_retry(self) -> None:
        asked = {'content': 'wait and be stopped', 'messageId': new_id()}
        turn_id = (await self.first.asked('chat:send', chatSessionId=self._id, **asked))['turnId']
        await self._processing(turn_id, 1)
        await self.first.asked('abort', chatSessionId=self._id, turnId=turn_id)
        await self._until('the abort', lambda: self.first.last('turn:status', turnId=turn_id, status='aborted'))
        await self._ended(turn_id)
        attempt = (await self.first.asked('retry', turnId=turn_id))['attempt']
        await self._processing(turn_id, attempt)
        await self._steer(turn_id, 'go on')
        await self._ended(turn_id, attempt)
        say('retried', attempt=attempt)

    async def _command(self) -> None:
        name = {'requestId': new_id(), 'chatSessionId': self._id}
        answer = await self.first.asked('command:execute', **name, command='version', args='short')
        heard = await self._until('command:result at the second', lambda: self.second.last('command:result', **name))
        say('command', result=answer.get('result'), heard=heard.get('result'))

    async def _usage(self) -> None:
        metrics = await self.first.asked('surface:subscribe', surfaceId='session-metrics', chatSessionId=self._id)
        say('metrics', turns=metrics['spec']['usage']['turns'])
        days = json.loads(await self._read('GET', '/usage'))['days']
        say('usage', turns=days[0]['turns'])

    async def _search(self) -> None:
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while not (hits := (await self.first.asked('search', query='read*'))['hits']):
            if asyncio.get_running_loop().time() > deadline:
                raise Failure('nothing was found')
            await asyncio.sleep(SEARCH_EVERY_S)
        say('found', places=[hit['place'] for hit in hits])

    async def _lists(self) -> None:
        lines = (await self._read('GET', f'/chat-sessions/{self._id}/export?format=jsonl')).splitlines()
        if len(lines) != 1 + len(self.first.turns):
            raise Failure(f'{len(self.first.turns)} turns were heard, the export has {len(lines)} lines')
        say('exported', kinds=[json.loads(line)['kind'] for line in lines])
        sessions = (await self.first.asked('session:list'))['sessions']
        say('listed', has=any(session['chatSessionId'] == self._id for session in sessions))

    async def _equal(self) -> None:
        heard = [each.turns for each in (self.first, self.second)]
        if list(heard[0]) != list(heard[1]):
            raise Failure(f'the first heard the turns {list(heard[0])}, the second {list(heard[1])}')
        for turn_id in heard[0]:
            stored = response_of(json.loads(await self._read('GET', f'/turns/{turn_id}'))['blocks'])
            texts = [response_of(turns[turn_id].lane('').blocks()) for turns in heard]
            if texts != [stored, stored]:
                raise Failure(f'turn {turn_id}: the two heard {texts}, stored is {stored!r}')
        say('equal', turns=len(heard[0]))

    # ---- what steps have in common

    async def _put(self, content: str, **more: Any) -> Answer:
        return await self.first.asked('chat:queue', **{'chatSessionId': self._id, 'content': content, 'messageId': new_id(), **more})

    async def _start(self, content: str, **more: Any) -> str:
        answer = await self._put(content, **more)
        if answer['startedTurn'] is not True:
            raise Failure(f'"{content}" has started no turn')
        return str(answer['turnId'])

    async def _steer(self, turn_id: str, content: str, is_said: bool = False) -> None:
        message_id = new_id()
        await self._put(content, messageId=message_id, steer=True)
        steered = await self._until('turn:steered', lambda: self.first.last('turn:steered', turnId=turn_id, messageId=message_id))
        if is_said:
            say('steered', text=steered['text'], **{'as': steered['as']})

    async def _processing(self, turn_id: str, attempt: int) -> None:
        await self._until(f'attempt {attempt} at work', lambda: self.first.last('turn:started', turnId=turn_id, attempt=attempt))

    async def _ended(self, turn_id: str, attempt: int = 1) -> None:
        turn = await self._until(f'the end of {turn_id} at the first', lambda: self.first.ended(turn_id, attempt))
        await self._until(f'the end of {turn_id} at the second', lambda: self.second.ended(turn_id, attempt))
        say('ended', status=turn.status, text=response_of(turn.lane('').blocks()))

    async def _read(self, method: str, path: str, **options: Any) -> str:
        async with self._http.request(method, self._api + path, **options) as response:
            if not response.ok:
                raise Failure(f'{method} {path}: {response.status} {await response.text()}')
            return await response.text()

    async def _until(self, what: str, found: Callable[[], Found | None]) -> Found:
        """What `found` finds, looked at again after every event."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_S
        while not (it := found()):
            self._changed.clear()
            if not await waited(self._changed, deadline - loop.time()):
                raise Failure(f'{what} has not come')
        return it


async def main() -> int:
    url, key = os.environ.get('RELAY_URL'), os.environ.get('RELAY_KEY')
    if not url or not key:
        print('conversation: RELAY_URL and RELAY_KEY have to be set', file=sys.stderr)
        return 1
    stop = asyncio.Event()
    async with aiohttp.ClientSession(headers={'Authorization': f'Bearer {key}'}, timeout=aiohttp.ClientTimeout(WAIT_S)) as http:
        conversation = Conversation(url, key, http)
        connected = [asyncio.create_task(each.relay.run(stop)) for each in (conversation.first, conversation.second)]
        played = asyncio.create_task(conversation.play())
        try:
            await asyncio.wait([played, *connected], return_when=asyncio.FIRST_COMPLETED)
            if not played.done():
                raise Failure(f'a connection is over: {[task.result() for task in connected if task.done()]}')
            played.result()
        except (Failure, LookupError, TypeError, ValueError, aiohttp.ClientError, asyncio.TimeoutError) as error:
            print(f'conversation: {error!r}', file=sys.stderr)
            return 1
        finally:
            played.cancel()
            stop.set()
            await asyncio.gather(played, *connected, return_exceptions=True)
    return 0


if __name__ == '__main__':
    with redirect_stdout(sys.stderr):  # what the parts shared with the viewer report is no line of a step
        code = asyncio.run(main())
    sys.exit(code)
