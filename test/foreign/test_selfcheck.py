"""The position logic alone, without a relay: `python -m unittest test_selfcheck`."""

from __future__ import annotations

import contextlib
import io
import json
import random
import unittest
from typing import Any

from drone_outbox import Outbox, Said, Window, merged
from drone_script import fitted, pieces
from position import Entry, Lane, entry_of, heads_of
from viewer_session import Session
from wire import WireJson, from_units, to_units, wire_bytes

SMILE = '\U0001f600'


def text(offset: int, content: str, mode: str = 'responding') -> Entry:
    return Entry(offset, mode, to_units(content))


def call(offset: int, call_id: str, response: str = '') -> Entry:
    return Entry(offset, call={'callId': call_id, 'name': 'n', 'parameters': '', 'response': response})


def result(offset: int, call_id: str, response: str) -> Entry:
    return Entry(offset, result={'callId': call_id, 'response': response})


def filled(*entries: Entry) -> Lane:
    lane = Lane()
    for entry in entries:
        lane.receive(entry)
    return lane


class Units(unittest.TestCase):
    def test_counts_like_javascript(self) -> None:
        for sample in ('', 'abc', 'é', SMILE, 'a' + SMILE + 'b', '\ud83d'):
            self.assertEqual(len(to_units(sample)), len(sample.encode('utf-16-le', 'surrogatepass')) // 2)
            self.assertEqual(from_units(to_units(sample)), sample)

    def test_halves_travel_escaped_and_whole_characters_plain(self) -> None:
        self.assertEqual(WireJson.dumps(['\ud83d', SMILE]), '["\\ud83d","' + SMILE + '"]')
        self.assertEqual(WireJson.loads(WireJson.dumps('\ud83d')), '\ud83d')
        self.assertEqual(wire_bytes(SMILE), 6)


class Receiving(unittest.TestCase):
    def test_duplicate_accepted_gap(self) -> None:
        lane = filled(text(0, 'hello'))
        self.assertEqual(lane.receive(text(0, 'hello')), 'duplicate')
        self.assertEqual(lane.receive(text(2, 'll')), 'duplicate')
        self.assertEqual(lane.receive(text(6, 'x')), 'gap')
        self.assertEqual(lane.length, 5)
        self.assertEqual(lane.receive(text(3, 'lo you')), 'accepted')
        self.assertEqual(lane.receive(text(9, '')), 'ignored')
        self.assertEqual(lane.blocks(), [{'mode': 'responding', 'content': 'hello you'}])

    def test_calls_and_results_are_one_long(self) -> None:
        lane = filled(text(0, 'ab'), call(2, 'c'), result(3, 'c', 'r'))
        self.assertEqual(lane.length, 4)
        self.assertEqual(lane.receive(call(2, 'c')), 'duplicate')
        self.assertEqual(lane.receive(result(5, 'c', 'x')), 'gap')

    def test_surrogate_halves_meet(self) -> None:
        high, low = list(to_units(SMILE))
        lane = filled(Entry(0, 'thinking', 'a' + high), Entry(2, 'thinking', low + 'b'))
        self.assertEqual(lane.length, 4)
        self.assertEqual(lane.blocks(), [{'mode': 'thinking', 'content': 'a' + SMILE + 'b'}])
        self.assertEqual(lane.receive(Entry(1, 'thinking', high + low + 'bc')), 'accepted')
        self.assertEqual(lane.blocks()[0]['content'], 'a' + SMILE + 'bc')

    def test_any_cutting_merging_and_repeating_is_the_same(self) -> None:
        whole = to_units(('word ' + SMILE) * 30)
        for seed in range(30):
            rng, lane = random.Random(seed), Lane()
            while lane.length < len(whole):
                start = rng.randint(max(0, lane.length - 7), lane.length)
                lane.receive(Entry(start, 'responding', whole[start:start + rng.randint(1, 12)]))
            self.assertEqual(lane.blocks(), [{'mode': 'responding', 'content': from_units(whole)}])


class Folding(unittest.TestCase):
    def test_a_result_ends_no_block_and_belongs_to_the_newest_call(self) -> None:
        lane = filled(call(0, 'c'), text(1, 'one '), result(2 + 3, 'c', 'first'), text(6, 'text'), call(10, 'c'), result(11, 'c', 'second'),
                      result(12, 'c', 'last'))
        blocks = lane.blocks()
        self.assertEqual([block['mode'] for block in blocks], ['tool', 'responding', 'tool'])
        self.assertEqual(blocks[0]['content']['response'], 'first')
        self.assertEqual(blocks[1]['content'], 'one text')
        self.assertEqual(blocks[2]['content']['response'], 'last')

    def test_another_mode_is_another_block(self) -> None:
        lane = filled(text(0, 'a', 'thinking'), text(1, 'b'), text(2, 'c', 'thinking'))
        self.assertEqual([block['content'] for block in lane.blocks()], ['a', 'b', 'c'])

    def test_cut(self) -> None:
        lane = filled(text(0, 'abc'), call(3, 'c'), result(4, 'c', 'r'), text(5, 'def'))
        lane.cut(7)
        self.assertEqual(lane.blocks()[-1]['content'], 'de')
        lane.cut(4)
        self.assertEqual(lane.blocks()[-1]['content']['response'], '')
        lane.cut(2)
        self.assertEqual((lane.blocks(), lane.length), ([{'mode': 'responding', 'content': 'ab'}], 2))
        self.assertEqual(lane.receive(text(2, 'X')), 'accepted')
        lane.cut(0)
        self.assertEqual((lane.blocks(), lane.length), ([], 0))

    def test_entries_of_events(self) -> None:
        at = {'turnId': 't', 'attempt': 1, 'lane': 'a', 'offset': 3, 'isError': True}
        told = entry_of('toolResult', ('c', 'r', at))
        assert told is not None and told[1].result is not None
        self.assertEqual(dict(told[1].result), {'callId': 'c', 'response': 'r', 'isError': True})
        self.assertIsNone(entry_of('head', ({'chatSessionId': 's'},)))


class Viewing(unittest.TestCase):
    def setUp(self) -> None:
        self.out = io.StringIO()
        redirect = contextlib.redirect_stdout(self.out)
        redirect.__enter__()
        self.addCleanup(redirect.__exit__, None, None, None)
        self.session = Session('s')

    def say(self, offset: int, content: str, attempt: int = 1) -> bool:
        return self.session.entry({'turnId': 't', 'attempt': attempt}, text(offset, content))

    def end(self, offset: int, attempt: int = 1) -> bool:
        return self.session.status({'turnId': 't', 'attempt': attempt, 'status': 'finished', 'heads': [{'lane': '', 'offset': offset}]})

    def printed(self) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.out.getvalue().splitlines()) if line['event'] == 'end']

    def test_an_end_cuts_and_is_told_once(self) -> None:
        self.assertFalse(self.say(0, 'abcdef'))
        self.assertFalse(self.end(4))
        self.assertFalse(self.end(4))
        self.assertEqual([line['lanes']['']['blocks'][0]['content'] for line in self.printed()], ['abcd'])

    def test_an_end_beyond_what_is_held_asks_for_a_join(self) -> None:
        self.say(0, 'ab')
        self.assertTrue(self.end(4))
        self.assertEqual(self.printed(), [])
        turns = [{'turnId': 't', 'attempt': 1, 'status': 'finished', 'heads': [{'lane': '', 'offset': 4}]}]
        self.session.answer({'turns': turns, 'resume': [{'turnId': 't', 'attempt': 1, 'lane': '', 'from': 2}], 'version': 3})
        self.say(2, 'cd')
        self.assertFalse(self.session.resumed({'heads': []}))
        self.assertEqual(self.printed()[0]['lanes']['']['heads'], 4)

    def test_a_lower_from_cuts(self) -> None:
        self.say(0, 'abcdef')
        turns = [{'turnId': 't', 'attempt': 1, 'status': 'processing', 'heads': []}]
        self.session.answer({'turns': turns, 'resume': [{'turnId': 't', 'attempt': 1, 'lane': '', 'from': 3, 'reason': 'ahead'}], 'version': 1})
        self.assertEqual(self.session.cursors(), [{'turnId': 't', 'attempt': 1, 'lane': '', 'offset': 3}])

    def test_attempts(self) -> None:
        self.say(0, 'abc')
        self.assertFalse(self.say(0, 'X', attempt=2))
        self.assertFalse(self.say(3, 'old', attempt=1))
        self.assertEqual(self.session.cursors(), [{'turnId': 't', 'attempt': 2, 'lane': '', 'offset': 1}])

    def test_versions(self) -> None:
        see = self.session.see_version
        self.assertEqual([see('turn:status', {'version': 5}), see('queue:changed', {'version': 6}), see('head', {'version': 6})], [False] * 3)
        self.assertTrue(see('head', {'version': 7}))
        self.assertTrue(see('turn:status', {'version': 9}))
        self.assertFalse(see('turn:status', {'version': 9}))


class Saying(unittest.TestCase):
    def test_outbox_covers_and_resends_in_order(self) -> None:
        window = Window()
        window.limit = 100
        outbox = Outbox(window)
        for number, (lane, offset, said) in enumerate([('', 0, 'ab'), ('', 2, 'cd'), ('x', 0, 'yy'), ('', 4, 'ef')]):
            outbox.add(Said(number, lane, offset, 'thinking', said, (), {}, 10))
        outbox.cover('', 3)
        self.assertEqual(outbox.start('', 6), 2)
        again = list(merged(outbox.after({'': 3, 'x': 0}), 100))
        self.assertEqual([(said.lane, said.offset, said.text) for said in again], [('', 2, 'cd'), ('x', 0, 'yy'), ('', 4, 'ef')])
        self.assertEqual([said.text for said in merged(outbox.after({'': 2}), 4)], ['cdef'])
        outbox.clear()
        self.assertEqual(outbox.start('', 6), 6)

    def test_pieces_are_the_whole_text(self) -> None:
        whole = ('x' + SMILE) * 40
        steps: list[dict[str, Any]] = [{'response': whole}, {'lane': 'a', 'thinking': 'deep'}, {'toolCall': {'callId': 'c', 'name': 'n'}}]
        cut = list(pieces(steps, random.Random(3), 5))
        self.assertEqual(from_units(''.join(piece.text for piece in cut if piece.kind == 'response')), whole)
        self.assertTrue(all(len(piece.text) <= 5 for piece in cut))
        self.assertTrue(any('\ud800' <= piece.text[-1:] < '\udc00' for piece in cut))

    def test_tools_are_cut_to_their_limit(self) -> None:
        fit = fitted({'callId': 'c', 'params': 'é' * 10, 'response': 'abc'}, 5)
        self.assertEqual((fit['params'], fit['response'], fit['truncated']), ('éé', 'a', True))

    def test_heads(self) -> None:
        self.assertEqual(heads_of([{'lane': 'a', 'offset': 2}, {'offset': 1}]), {'a': 2, '': 1})


if __name__ == '__main__':
    unittest.main()
