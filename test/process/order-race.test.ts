import { randomInt } from 'node:crypto'
import { expect } from 'chai'
import type { WorkOrder } from '../../src/protocol/drone-down.ts'
import type { TurnHeader } from '../../src/turns/turn-store.ts'
import { RawDrone } from '../support/raw-drone.ts'
import { registrationOf } from '../support/raw-socket.ts'
import { RawViewer } from '../support/raw-viewer.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { saidText } from '../support/said-text.ts'
import { seeded } from '../support/seeded.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { until } from '../support/until.ts'

const ROUNDS = Number(process.env['ORDER_RACE_ROUNDS'] ?? '200')
/** Orders that are raced for at a time. */
const AT_A_TIME = 40
/** How long a drone has to say that it has an order: they take about as long, so that half of them are too late. */
const ACK_MS = 80
/** After so many attempts an order is taken at once, so that every turn finds its drone. */
const HESITATES = 5
const WITHIN_MS = 20_000
const SEED = Number(process.env['SEED'] ?? randomInt(2 ** 31))

for (const { name, make } of STORES) {
  describe(`two drones that race for work orders, on the ${name} store (SEED=${SEED})`, function () {
    this.timeout(20_000 + ROUNDS * 1000)
    let store: TestStore
    let relay: RelayProcess
    let viewer: RawViewer
    let drones: RawDrone[]

    beforeEach(async () => {
      store = await make()
      relay = await RelayProcess.start({
        ...store.env,
        DISPATCH_ACK_MS: String(ACK_MS),
        RETRY_FIRST_MS: '10',
        RETRY_LONGEST_MS: '20',
      })
      viewer = new RawViewer(relay.url, { token: relay.keys.code, protocol: 1 })
      await viewer.event('welcome')
      drones = [await drone('a', seeded(SEED)), await drone('b', seeded(SEED + 1))]
    })

    afterEach(async () => {
      for (const peer of [viewer, ...drones]) peer.close()
      await relay.process.end('SIGKILL')
      await store.remove()
    })

    /** Says yes to an order sooner or later, and does it in any case: late, it is somebody else's by then. */
    async function drone(droneId: string, random: () => number): Promise<RawDrone> {
      const registration = registrationOf({ droneId, instanceId: droneId, capacity: AT_A_TIME })
      const peer = new RawDrone(relay.url, { token: relay.keys.drone, protocol: 1, registration })
      peer.acknowledges = false
      peer.socket.on('processWorkOrder', (order: WorkOrder, ack: (answer: object) => void) => {
        const delayMs = order.attempt > HESITATES ? 0 : 2 * ACK_MS * random()
        setTimeout(() => {
          ack({ ok: true })
          void peer.voice(order).response(`${droneId} in attempt ${order.attempt}`).complete()
        }, delayMs)
      })
      await peer.event('welcome')
      return peer
    }

    async function race(): Promise<string> {
      const { turnId } = await viewer.send()
      await until('the turn has ended', WITHIN_MS, () =>
        viewer.statuses(turnId).some(({ status }) => status === 'finished'),
      )
      return turnId
    }

    it('[RC23] have one attempt of each turn acknowledged, and its words alone are the turn', async () => {
      const turnIds: string[] = []
      while (turnIds.length < ROUNDS)
        turnIds.push(...(await Promise.all(Array.from({ length: AT_A_TIME }, () => race()))))
      expect(viewer.faults).to.deep.equal([])
      const said = new Map<string, string>()
      for (const turnId of turnIds) said.set(turnId, saidText((await relay.turn(turnId)).blocks))
      await relay.process.end('SIGTERM')
      const opened = await store.open()
      const headers: TurnHeader[] = []
      for (const turnId of turnIds) headers.push((await opened.readTurn(turnId)) as TurnHeader)
      await opened.close()

      for (const { turnId, attempt, assigned, earlier } of headers) {
        expect(assigned?.acknowledged, turnId).to.equal(true)
        expect(earlier.filter(({ acknowledged }) => acknowledged)).to.deep.equal([])
        expect(said.get(turnId)).to.equal(`${assigned?.droneId} in attempt ${attempt}`)
      }
      const raced = headers.filter(({ attempt }) => attempt > 1).length
      expect(raced, 'orders that went to another drone').to.be.greaterThan(ROUNDS / 10)
    })
  })
}
