import { expect } from 'chai'
import type { Turn } from '../../src/turns/turn.ts'
import { ASSIGNED, aTurn, say, settled } from './flush-bench.ts'
import { call } from './lane-model.ts'

/** What became of `whenStored`, so far. */
function watch(turn: Turn): { state: string } {
  const watched = { state: 'waiting' }
  turn.whenStored().then(
    () => (watched.state = 'stored'),
    (error: { code: string }) => (watched.state = error.code),
  )
  return watched
}

async function expectState(watched: { state: string }, state: string): Promise<void> {
  await settled()
  expect(watched.state).to.equal(state)
}

const succession = {
  ended: { attempt: 1, reason: 'r', acknowledged: true, droneId: 'd', startedAt: 1, endedAt: 2 },
  borrows: false,
}

const changes: Record<string, (turn: Turn) => void> = {
  'a word': (turn) => void say(turn, 'b'),
  'a call': (turn) => void say(turn, call('1')),
  'a change': (turn) => turn.update({ incomplete: true }),
  'an end': (turn) => turn.update({ status: 'finished' }),
  'a next attempt': (turn) => turn.succeed({ status: 'processing', assigned: ASSIGNED }, succession),
}

describe('waiting for a turn to be stored', () => {
  it('[TN7] is over at once where nothing is new', async () => {
    await expectState(watch(aTurn()), 'stored')
  })

  for (const [name, change] of Object.entries(changes)) {
    it(`[TN7] lasts until ${name} is committed`, async () => {
      const turn = aTurn()
      change(turn)
      const before = watch(turn)
      await expectState(before, 'waiting')
      turn.freeze()
      const during = watch(turn)
      await expectState(during, 'waiting')
      turn.committed()
      await expectState(before, 'stored')
      await expectState(during, 'stored')
      await expectState(watch(turn), 'stored')
    })

    it(`[TN7] lasts for the next commit where ${name} came while one was under way`, async () => {
      const turn = aTurn()
      say(turn, 'a')
      turn.freeze()
      const early = watch(turn)
      change(turn)
      const late = watch(turn)
      turn.committed()
      await expectState(early, 'stored')
      await expectState(late, 'waiting')
      turn.freeze()
      turn.committed()
      await expectState(late, 'stored')
    })

    it(`[TN9] fails as fenced where ${name} has another owner`, async () => {
      const turn = aTurn()
      say(turn, 'a')
      turn.freeze()
      const early = watch(turn)
      change(turn)
      const late = watch(turn)
      turn.fence()
      await expectState(early, 'fenced')
      await expectState(late, 'fenced')
      await expectState(watch(turn), 'fenced')
      expect(turn.freeze()).to.equal(undefined)
      turn.committed()
      expect(turn.storedHeads()).to.deep.equal([])
    })
  }
})
