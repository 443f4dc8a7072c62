"""The wire itself: text lengths, JSON, answers, and the lines this program prints."""

from __future__ import annotations

import json
import re
import struct
import sys
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]
_SURROGATE = re.compile('[\ud800-\udfff]')


def to_units(text: str) -> str:
    """The text with one character per UTF-16 code unit, so that `len` and slices count as JavaScript does."""
    raw = text.encode('utf-16-le', 'surrogatepass')
    return ''.join(map(chr, struct.unpack(f'<{len(raw) // 2}H', raw)))


def from_units(units: str) -> str:
    """Back to ordinary text: pairs become one character, a lone half stays what it is."""
    return units.encode('utf-16-le', 'surrogatepass').decode('utf-16-le', 'surrogatepass')


class WireJson:
    """JSON as `JSON.stringify` writes it: not escaped, but for lone surrogates."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        text = json.dumps(value, ensure_ascii=False, separators=(',', ':'))
        return _SURROGATE.sub(lambda half: f'\\u{ord(half[0]):04x}', text)

    @staticmethod
    def loads(text: Any, **_: Any) -> Any:
        return json.loads(text)


def wire_bytes(value: Any) -> int:
    return len(WireJson.dumps(value).encode())


def report(event: str, **fields: Any) -> None:
    """One JSON line about something that happened."""
    sys.stdout.write(json.dumps({'event': event, **fields}) + '\n')
    sys.stdout.flush()


@dataclass(frozen=True)
class Refusal:
    """Why an answer, an `error` event or a handshake said no."""

    code: str
    message: str
    retryable: bool
    retry_after: float | None  # seconds

    @staticmethod
    def of(error: Any) -> Refusal:
        error = error if isinstance(error, dict) else {}
        details = error.get('details')
        wait = error.get('retryAfterMs')
        if wait is None and isinstance(details, dict):
            wait = details.get('retryAfterMs')
        seconds = wait / 1000 if isinstance(wait, (int, float)) else None
        return Refusal(str(error.get('code', 'internal')), str(error.get('message', '')), error.get('retryable') is True, seconds)


def refusal_of(answer: Answer) -> Refusal | None:
    return None if answer.get('ok') is True else Refusal.of(answer.get('error'))


def refused(code: str, message: str, details: Any = None) -> Answer:
    more = {} if details is None else {'details': details}
    return {'ok': False, 'error': {'code': code, 'message': message, 'retryable': False, **more}}
