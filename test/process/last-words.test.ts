import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { LAST_WORDS } from '../support/last-words.ts'
import { LineProcess } from '../support/lines.ts'
import { Workplace } from '../support/workplace.ts'

const DRONE = fileURLToPath(new URL('../../dist/test/support/last-words.js', import.meta.url))
/** How long the relay stands still while a drone says its last words. */
const STILL_MS = 3000

describe('a drone process that says its last words, completes, stops and exits in one go', function () {
  this.timeout(40_000)
  let place: Workplace

  beforeEach(async () => {
    place = await Workplace.open({})
  })

  afterEach(() => place.close())

  /** Runs it until it is to speak; `meanwhile` is what happens to the relay just then. */
  async function lastWords(meanwhile: () => Promise<void>): Promise<void> {
    const { url, keys } = place.relay
    const args = [DRONE, url, keys.drone, place.stateDir('last')]
    const drone = place.keep(new LineProcess({ command: process.execPath, args }))
    await drone.event({ event: 'connected' })
    const { turnId } = await place.send(0, 0)
    await drone.event({ event: 'ready' })
    const happening = meanwhile()
    drone.child.kill('SIGUSR2')
    await happening
    await drone.event({ event: 'stopping' })
    expect(await drone.exited).to.deep.equal({ code: 0, signal: null })
    const turn = await place.turn(turnId)
    expect([turn.status, turn.attempt]).to.deep.equal(['finished', 1])
    expect(turn.text === LAST_WORDS, 'every word is stored').to.equal(true)
    expect(await place.ordersOf('last')).to.deep.equal([])
  }

  it('[SK9] has all of it stored', () => lastWords(async () => {}))

  it('[SK9] has all of it stored, too, by a relay that stands still just then', () =>
    lastWords(async () => {
      place.relay.process.child.kill('SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, STILL_MS))
      place.relay.process.child.kill('SIGCONT')
    }))

  it('[SK9] has all of it stored, too, by a relay that is killed just then and started again', () =>
    lastWords(async () => {
      place.relay = await place.relay.crashAndRestart()
    }))
})
