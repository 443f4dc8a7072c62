import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import type { LineProcess } from '../support/lines.ts'
import { wordsOf } from '../support/scripted-agent.ts'
import { Workplace } from '../support/workplace.ts'
import { until } from '../support/until.ts'

const WITHIN_MS = 10_000

describe('a drone process that is killed in the middle of a turn', function () {
  this.timeout(60_000)
  let place: Workplace

  beforeEach(async () => {
    place = await Workplace.open({ RETRY_FIRST_MS: '50', RETRY_LONGEST_MS: '100' })
  })

  afterEach(() => place.close())

  /** Kills it when words of this attempt are stored. */
  async function killWhileSpeaking(drone: LineProcess, turnId: string, attempt: number): Promise<string> {
    const { text } = await place.untilTurn(
      turnId,
      `has words of attempt ${attempt}`,
      (turn) => turn.attempt === attempt && turn.text.length > 0,
    )
    await drone.end('SIGKILL')
    return text
  }

  it('[RC20] is started again, and its turn finishes as attempt 2; attempt 1 stays readable', async () => {
    const drone = await place.drone('d')
    const { turnId, view } = await place.send(100, 10)
    const seen = await killWhileSpeaking(drone, turnId, 1)
    expect(await place.ordersOf('d'), 'written down for the next process').to.deep.equal([turnId])
    await place.drone('d')
    const turn = await place.untilTurn(turnId, 'has ended', ({ endedAt }) => endedAt !== undefined)
    expect([turn.status, turn.attempt]).to.deep.equal(['finished', 2])
    expect(turn.text).to.equal(wordsOf(100))
    const first = (await place.turn(turnId, 1)).text
    expect(first.startsWith(seen), 'what was stored of attempt 1 is still there').to.equal(true)
    expect(wordsOf(100).startsWith(first) && first.length < turn.text.length).to.equal(true)
    await until('the viewer has the end', WITHIN_MS, () => view.turn(turnId)?.status === 'finished')
    expect(view.turn(turnId)?.blocks()[0]?.content).to.equal(wordsOf(100))
    await until('nothing is left to ask', WITHIN_MS, async () => (await place.ordersOf('d')).length === 0)
  })

  it('[DC8] does not share what is written down with another drone in the same folder', async () => {
    await place.drone('a', [])
    const { turnId } = await place.send(1000, 10)
    await place.untilTurn(turnId, 'has words', ({ text }) => text.length > 0)
    await place.drone('b', [])
    // Done by the second, which has answered for whatever it found when it started.
    const next = await place.send(5, 1)
    await place.untilTurn(next.turnId, 'has ended', ({ status }) => status === 'finished')
    const kept = await readdir(place.stateHome, { recursive: true })
    expect(kept.filter((name) => name.includes(turnId))).to.have.length(1)
    expect((await place.turn(turnId)).attempt).to.equal(1)
  })

  it('[RC21] again and again fails its turn, and gets no work until it is released', async () => {
    const { turnId } = await place.send(300, 10)
    for (const attempt of [1, 2, 3]) {
      await killWhileSpeaking(await place.drone('d'), turnId, attempt)
    }
    await place.drone('d')
    const failed = await place.untilTurn(turnId, 'has ended', ({ endedAt }) => endedAt !== undefined)
    expect(failed.status).to.equal('failed')
    expect(failed.errorMessage).to.match(/after 3 attempts/)
    const drone = await place.droneIs('d', 'quarantined')
    expect(drone.quarantine).to.match(/crashed 3 times/)
    const next = await place.send(5, 1)
    expect(next.status).to.equal('queued')
    await place.release(drone)
    const turn = await place.untilTurn(next.turnId, 'has ended', ({ endedAt }) => endedAt !== undefined)
    expect([turn.status, turn.attempt, turn.text]).to.deep.equal(['finished', 1, wordsOf(5)])
    expect((await place.notesOf('d')).filter((note) => note === 'began')).to.have.length(4)
  })
})
