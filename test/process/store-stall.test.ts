import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { startFerretdb } from '../../scripts/services/ferretdb.ts'
import type { Ferretdb } from '../../scripts/services/ferretdb.ts'
import { CodeClient } from '../../src/client/code-client.ts'
import { realPart } from '../support/real-parts.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { saidText } from '../support/said-text.ts'
import { Speaker } from '../support/speaker.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const DRONES = 6
/** How long the database does not answer. */
const STALL_MS = 8000
/** In which all that was said until then is stored, once it answers again. */
const DRAINED_MS = 10_000
const WINDOW_BYTES = 20_000
/** How much the relay may grow while nothing can be stored. */
const GROWTH_BYTES = 64 * 1024 * 1024
/** A drone that has not been given room for so long stands still. */
const HELD_MS = 1000

// The database under test is one of its own: it is stopped, and others use the one of the variable.
if (realPart('a database that stalls', 'MONGODB_URI') !== undefined)
  describe('a relay whose database stalls', function () {
    this.timeout(STALL_MS + 60_000)
    let database: Ferretdb
    let relay: RelayProcess
    let viewer: CodeClient
    let dir: Awaited<ReturnType<typeof tempDir>>
    let speakers: Speaker[]

    beforeEach(async () => {
      database = await startFerretdb()
      dir = await tempDir('stall')
      const uri = new URL(database.uri)
      uri.pathname = '/stall'
      const env = { DATA_DIR: dir.path, MONGODB_URI: String(uri), WINDOW_BYTES: String(WINDOW_BYTES) }
      relay = await RelayProcess.start(env)
      viewer = new CodeClient({ url: relay.url, token: relay.keys.code })
      await viewer.start()
      speakers = []
      for (let n = 0; n < DRONES; n++) speakers.push(await beginToSpeak(`w${n}`))
    })

    afterEach(async () => {
      process.kill(database.pid, 'SIGCONT')
      viewer.close()
      for (const speaker of speakers) await speaker.drone.stop('the test is over', 100)
      await relay.process.end('SIGKILL')
      await database.stop()
      await dir.remove()
    })

    async function beginToSpeak(workspaceId: string): Promise<Speaker> {
      const speaker = new Speaker(relay, workspaceId, dir.path)
      await speaker.drone.start()
      await viewer.send({ content: 'speak', messageId: randomUUID(), workspaceId }, () => undefined)
      await speaker.begun
      return speaker
    }

    async function relayBytes(): Promise<number> {
      const status = await readFile(`/proc/${relay.process.child.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
    }

    async function storedText(turnId: string): Promise<string> {
      return saidText((await relay.turn(turnId)).blocks)
    }

    /** What a reader is told of a turn: its text, or that it may ask again. */
    async function read(turnId: string): Promise<'read' | 'retryable' | 'refused'> {
      const headers = { authorization: `Bearer ${relay.keys.code}` }
      const response = await fetch(`${relay.url}/api/v1/turns/${turnId}`, { headers })
      const body = (await response.json()) as { retryable?: boolean }
      if (response.ok) return 'read'
      return body.retryable === true ? 'retryable' : 'refused'
    }

    it('[ST21] holds the drones back, keeps its memory, and has every word soon after the database answers again', async () => {
      for (const { turnId } of speakers)
        await until('something is stored', DRAINED_MS, async () => (await storedText(turnId)) !== '')
      const before = await relayBytes()
      let most = before
      process.kill(database.pid, 'SIGSTOP')
      const from = performance.now()
      const reads = speakers.map(({ turnId }) => read(turnId))
      await until('every drone stands still', STALL_MS, () => speakers.every((s) => s.heldMs() > HELD_MS))
      await until('the database has been away long enough', STALL_MS + 1000, async () => {
        most = Math.max(most, await relayBytes())
        return performance.now() - from > STALL_MS
      })
      expect(speakers.every((speaker) => speaker.heldMs() > HELD_MS)).to.equal(true)
      process.kill(database.pid, 'SIGCONT')
      const drained = performance.now()
      await Promise.all(speakers.map((speaker) => speaker.finish()))
      const drainMs = performance.now() - drained
      expect(most - before, 'bytes that the relay has grown by').to.be.below(GROWTH_BYTES)
      expect(drainMs, 'ms until all was stored').to.be.below(DRAINED_MS)
      expect(await Promise.all(reads)).to.not.include('refused')
      for (const { turnId, said } of speakers) {
        const { status, attempt } = await relay.turn(turnId)
        expect({ status, attempt }).to.deep.equal({ status: 'finished', attempt: 1 })
        expect((await storedText(turnId)) === said, 'all that was said is stored').to.equal(true)
      }
    })
  })
