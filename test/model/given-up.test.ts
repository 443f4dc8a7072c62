import { expect } from 'chai'
import { drain } from './drain.ts'
import { speak } from './speech.ts'
import { World } from './world.ts'

/** Until a viewer has noticed that its connection is dead, and has joined again. */
const NOTICED_MS = 10_000

describe('a drone that comes to a relay which does not know of its turn', () => {
  it('[DC13] does not say anything else at places where a viewer has seen its words', async () => {
    const world = new World()
    await world.begin(false)
    const [drone, viewer] = [world.drones[0]?.station.link, world.viewers[0]?.station.link]
    if (!drone || !viewer) throw new Error('nobody is there')

    // Its acknowledgement and its words are at the relay and at the viewer, and nothing of them is stored.
    drone.held.up = true
    world.send(0)
    await world.settle()
    world.calls.holding = 'commits'
    drone.held.up = false
    await world.settle()
    speak(world, 0, 'long', '')
    await world.settle()

    viewer.break('relay')
    world.replaceRelay(true, false)
    while (world.calls.pending > 0) world.calls.settle(0, 'lost')
    world.calls.holding = 'nothing'
    world.strayDrone(0)
    expect(world.works, 'it has given the turn up').to.deep.equal([])

    await world.pass(2000)
    for (let times = 0; times < 3; times++) speak(world, 0, 'long', '')
    await world.pass(NOTICED_MS)
    await drain(world)
    expect(world.store.all().map(({ attempt, status }) => [attempt, status])).to.deep.equal([[2, 'finished']])
  })
})
