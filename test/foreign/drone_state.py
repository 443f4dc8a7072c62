"""The orders a drone has accepted, in a file that outlives its process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Orders:
    """By `turnId`. Without a path they live as long as the process."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        held = json.loads(self._path.read_text('utf-8')) if self._path and self._path.exists() else {}
        self._orders: dict[str, dict[str, Any]] = held

    def get(self, turn_id: str) -> dict[str, Any] | None:
        return self._orders.get(turn_id)

    def ids(self) -> list[str]:
        return list(self._orders)

    def put(self, order: dict[str, Any]) -> None:
        self._orders[order['turnId']] = order
        self._write()

    def forget(self, turn_id: str) -> None:
        if self._orders.pop(turn_id, None) is not None:
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        fresh = self._path.with_name(self._path.name + '.new')
        with fresh.open('w', encoding='utf-8') as file:
            json.dump(self._orders, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
