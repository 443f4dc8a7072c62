import { expect } from 'chai'
import type { LineProcess } from '../support/lines.ts'
import { wordsOf } from '../support/scripted-agent.ts'
import { until } from '../support/until.ts'
import { Workplace } from '../support/workplace.ts'

/** More by hand: `STOPPED_DRONE_ROUNDS=100`. */
const ROUNDS = Number(process.env['STOPPED_DRONE_ROUNDS'] ?? '2')
/** What one round may take. */
const ROUND_MS = 20_000
/** In which a drone that wakes has been told, and its agent too: it first has to connect again. */
const TOLD_MS = 5000
/** More than a pipe holds: the agent of a drone that stands still has to stop, too, and has more to say when it wakes. */
const WORDS = 160
const UNITS = 2500
const ALL = wordsOf(WORDS, UNITS)

describe('a drone process that stands still for longer than its grace', function () {
  this.timeout(20_000 + ROUNDS * ROUND_MS)
  let place: Workplace

  beforeEach(async () => {
    // Short, and yet longer than a busy machine may keep the drone that is awake from answering.
    const pings = { PING_INTERVAL_MS: '300', PING_TIMEOUT_MS: '700' }
    place = await Workplace.open({ ...pings, GRACE_MS: '700', RETRY_FIRST_MS: '50' })
  })

  afterEach(() => place.close())

  async function cancelled(droneId: string): Promise<number> {
    return (await place.notesOf(droneId)).filter((note) => note === 'cancelled').length
  }

  /** Resolves with the ms from its waking until its agent was told to stop. */
  async function round(drones: ReadonlyMap<string, LineProcess>): Promise<number> {
    const { turnId, view } = await place.send(WORDS, 10, UNITS)
    const { droneId } = await place.untilTurn(turnId, 'has words', ({ text }) => text.length > 0)
    const sleeper = drones.get(droneId ?? '')
    if (droneId === undefined || !sleeper) throw new Error(`drone ${droneId} is none of this test`)
    const before = await cancelled(droneId)
    sleeper.child.kill('SIGSTOP')
    const finished = await place.untilTurn(turnId, 'has ended', ({ endedAt }) => endedAt !== undefined)
    expect([finished.status, finished.attempt], finished.errorMessage).to.deep.equal(['finished', 2])
    expect(finished.text === ALL, 'all of the second is stored, and nothing else').to.equal(true)
    expect(finished.droneId).to.not.equal(droneId)
    const first = await place.turn(turnId, 1)
    expect(first.text.length, 'it had more to say').to.be.lessThan(ALL.length)

    sleeper.child.kill('SIGCONT')
    const toldMs = await until('its agent is told to stop', TOLD_MS, async () => {
      return (await cancelled(droneId)) > before
    })
    await until('it has nothing left', TOLD_MS, async () => (await place.ordersOf(droneId)).length === 0)
    await place.droneIs(droneId, 'online')
    expect(await place.turn(turnId, 1), 'nothing of it is stored').to.deep.equal(first)
    expect(await place.turn(turnId)).to.deep.equal(finished)
    expect(view.turn(turnId)?.blocks()[0]?.content === ALL, 'the viewer has all of it once').to.equal(true)
    return toldMs
  }

  it('[RC22] is told when it wakes that its turn is over, stops its agent, and changes nothing', async () => {
    const drones = new Map<string, LineProcess>()
    for (const droneId of ['a', 'b']) drones.set(droneId, await place.drone(droneId))
    const told: number[] = []
    for (let n = 0; n < ROUNDS; n++) told.push(await round(drones))
    if (ROUNDS > 2)
      console.log(
        `told after ms: ${told
          .map(Math.round)
          .toSorted((a, b) => a - b)
          .join(' ')}`,
      )
  })
})
