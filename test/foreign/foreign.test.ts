import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { BlockView } from '../../src/protocol/turn-view.ts'
import { LineProcess } from '../support/lines.ts'
import { realPart } from '../support/real-parts.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'
import { PLAIN_SCRIPT, SCRIPT, expectedLanes } from './scripts.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const PYTHON = realPart('the clients in Python', 'FOREIGN_PYTHON')

interface Seen {
  readonly turnId: string
  readonly status: string
  readonly lanes: Record<string, { blocks: { mode: string; content: unknown }[] }>
}

/** When a block began and how long a tool took differ from run to run. */
function withoutTimes(blocks: readonly BlockView[]): object[] {
  return blocks.map(({ mode, content }) => {
    if (typeof content === 'string') return { mode, content }
    const { durationMs: _durationMs, ...call } = content
    return { mode, content: call }
  })
}

for (const { name, make } of PYTHON === undefined ? [] : STORES) {
  describe(`clients written from docs/protocol.md alone, on the ${name} store`, function () {
    this.timeout(120_000)
    let store: TestStore
    let relay: RelayProcess
    let dir: Awaited<ReturnType<typeof tempDir>>
    let peers: LineProcess[]

    beforeEach(async () => {
      store = await make()
      dir = await tempDir('foreign')
      peers = []
      relay = await RelayProcess.start(store.env)
    })

    afterEach(async () => {
      await Promise.all(peers.map((peer) => peer.end('SIGKILL')))
      await relay.stop()
      await store.remove()
      await dir.remove()
    })

    function python(file: string, ...args: string[]): LineProcess {
      const peer = new LineProcess({
        command: PYTHON ?? '',
        args: ['-u', file, '--url', relay.url, ...args],
        cwd: HERE,
      })
      peers.push(peer)
      return peer
    }

    async function drone(script: object[], ...more: string[]): Promise<LineProcess> {
      const file = join(dir.path, 'script.json')
      await writeFile(file, JSON.stringify(script))
      const state = join(dir.path, 'state.json')
      const fixed = ['--name', 'py', '--workspace', 'w', '--script', file, '--state', state]
      const peer = python('drone.py', '--token', relay.keys.drone, ...fixed, ...more)
      await peer.event({ event: 'welcome' })
      return peer
    }

    function viewer(...more: string[]): LineProcess {
      const sends = ['--send', 'hello 👋', '--message-id', 'm1', '--workspace', 'w', '--until-end']
      return python('viewer.py', '--token', relay.keys.code, ...sends, ...more)
    }

    async function seesTheTurn(peer: LineProcess): Promise<Seen> {
      const seen = (await peer.event({ event: 'end' })) as unknown as Seen
      await peer.exited
      return seen
    }

    for (const kind of ['at', 'plain'] as const) {
      const script = kind === 'at' ? SCRIPT : PLAIN_SCRIPT
      const how = kind === 'at' ? ['--instance', 'i1'] : ['--plain']

      it(`[FC1] a drone that speaks ${kind === 'at' ? 'with positions' : 'as the original did'} is seen and stored word for word`, async () => {
        const worker = await drone(script, ...how, '--rate', '400')
        const seen = await seesTheTurn(viewer())
        expect(seen.status).to.equal('finished')
        expect(seen.lanes).to.have.all.keys('', 'agent-1')
        const lanes = expectedLanes(kind)
        expect(seen.lanes['']?.blocks).to.deep.equal(lanes.main)
        expect(seen.lanes['agent-1']?.blocks).to.deep.equal(lanes.agent)
        await worker.event({ event: 'completed' })

        const before = await relay.turn(seen.turnId)
        expect(withoutTimes(before.blocks)).to.deep.equal(lanes.main)
        expect(before.stats.toolCallCount).to.equal(2)
        expect(before.status).to.equal('finished')

        relay = await relay.crashAndRestart()
        expect(await relay.turn(seen.turnId)).to.deep.equal(before)
      })
    }

    it('[FC2] a relay that is killed in the middle of a turn is not noticed in what was said', async () => {
      await drone(SCRIPT, '--instance', 'i1', '--rate', '60')
      const watching = viewer()
      await watching.event({ event: 'started' })
      await new Promise((resolve) => peers[0]?.child.stdout?.once('data', resolve) ?? resolve(undefined))
      relay = await relay.crashAndRestart()
      const seen = await seesTheTurn(watching)
      const lanes = expectedLanes('at')
      expect(seen.status).to.equal('finished')
      expect(seen.lanes['']?.blocks).to.deep.equal(lanes.main)
      expect(seen.lanes['agent-1']?.blocks).to.deep.equal(lanes.agent)
      const stored = await relay.turn(seen.turnId)
      expect(stored.attempt).to.equal(1)
      expect(withoutTimes(stored.blocks)).to.deep.equal(lanes.main)
    })

    it('[FC3] an IDE client of the original hears subagents as agent events, and the end', async () => {
      await drone(PLAIN_SCRIPT, '--plain', '--rate', '400')
      const watching = viewer('--original')
      await seesTheTurn(watching)
      await watching.event({ event: 'workOrderComplete' })
      const events = watching.json().map(({ event }) => event)
      expect(events).to.include.members([
        'agent:thinking',
        'agent:tool-call',
        'agent:tool-result',
        'agent:response',
      ])
      expect(events.indexOf('workOrderComplete')).to.be.greaterThan(events.indexOf('end'))
    })
  })
}
