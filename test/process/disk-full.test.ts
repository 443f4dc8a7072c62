import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { CodeClient } from '../../src/client/code-client.ts'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { ViewedSession } from '../../src/client/viewed-session.ts'
import type { Work } from '../../src/client/work.ts'
import { ItemQueue } from '../support/item-queue.ts'
import { RelayProcess, commandLine } from '../support/relay-process.ts'
import { saidText } from '../support/said-text.ts'
import { SmallDisk, smallDisksExist } from '../support/small-disk.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const DISK_BYTES = 8 * 1024 * 1024
/** Stored before the disk is filled up, as texts of so many units each. */
const STORED_BYTES = 1024 * 1024
const TEXT_UNITS = 32 * 1024
const WINDOW_BYTES = 20_000
const CYCLES = 3

/** ms in which a refusal has to come, a new message has to be taken after there is space, and a drone has to stand still. */
const REFUSED_MS = 1000
const HEALED_MS = 5000
const HELD_MS = 300

if (smallDisksExist())
  describe('a relay whose disk is full', function () {
    this.timeout(60_000)
    let disk: SmallDisk
    let relay: RelayProcess
    let drone: DroneClient
    let viewer: CodeClient
    let works: ItemQueue<Work>
    let state: Awaited<ReturnType<typeof tempDir>>

    beforeEach(async () => {
      const mounted = SmallDisk.mount(DISK_BYTES)
      if (!mounted) throw new Error('the disk could not be mounted')
      disk = mounted
      state = await tempDir('drone-state')
      works = new ItemQueue()
      const env = { DATA_DIR: disk.path, MONGODB_URI: '', WINDOW_BYTES: String(WINDOW_BYTES) }
      relay = await RelayProcess.start(env)
      viewer = new CodeClient({ url: relay.url, token: relay.keys.code })
      await viewer.start()
      drone = new DroneClient({
        url: relay.url,
        token: relay.keys.drone,
        registration: { name: 'digger', hostname: 'box', workspaceId: 'w', capacity: 4 },
        stateDir: state.path,
        onWorkOrder: (work) => {
          works.push(work)
          return new Promise((resolve) => work.signal.addEventListener('abort', () => resolve()))
        },
      })
      await drone.start()
    })

    afterEach(async () => {
      viewer.close()
      await drone.stop('the test is over', 100)
      await relay.process.end('SIGKILL')
      disk.remove()
      await state.remove()
    })

    function send(messageId: string = randomUUID()): ReturnType<CodeClient['send']> {
      return viewer.send({ content: 'hello', messageId, workspaceId: 'w' }, () => undefined)
    }

    async function begin(): Promise<{ turnId: string; view: ViewedSession; work: Work }> {
      const { turnId, view } = await send()
      return { turnId, view, work: await works.next() }
    }

    async function storedText(turnId: string): Promise<string> {
      return saidText((await relay.turn(turnId)).blocks)
    }

    /** Speaks until there is no room for more, and answers what waits for some. */
    async function speakUntilHeld(
      work: Work,
      say: (text: string) => void,
    ): Promise<{ spoken: Promise<void> }> {
      for (let n = 0; n < 1000; n++) {
        const text = `${n} ${'x'.repeat(500)} `
        say(text)
        const spoken = work.response(text)
        if (!(await isDoneWithin(spoken, HELD_MS))) return { spoken }
      }
      throw new Error('the drone was never held back')
    }

    it('[ST20] refuses what it cannot store, reads, lives, and goes on without a lost word once there is space', async () => {
      const done: { turnId: string; said: string }[] = []
      for (let stored = 0; stored < STORED_BYTES; stored += TEXT_UNITS * 4) {
        const { turnId, work } = await begin()
        let said = ''
        for (let n = 0; n < 4; n++) {
          const text = `${stored} ${n} `.padEnd(TEXT_UNITS, 'y')
          said += text
          await work.response(text)
        }
        await work.complete(true)
        done.push({ turnId, said })
      }
      const { turnId, view, work } = await begin()
      let said = ''
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        // Both at once: somebody else takes the last page while the relay is in the middle of a commit.
        const speaking = speakUntilHeld(work, (text) => (said += text))
        await disk.fill()
        const { spoken } = await speaking
        expect(await disk.free()).to.equal(0)

        const messageId = randomUUID()
        const from = performance.now()
        const refusal: { code?: string } = await send(messageId).then(
          () => ({ code: 'it was taken' }),
          (error: { code?: string }) => error,
        )
        expect(refusal.code).to.equal('store_unavailable')
        expect(performance.now() - from).to.be.below(REFUSED_MS)
        for (const turn of done) expect((await storedText(turn.turnId)) === turn.said).to.equal(true)
        expect((await relay.turn(turnId)).status).to.equal('processing')
        expect((await fetch(`${relay.url}/healthz`)).status).to.equal(200)
        expect((await fetch(`${relay.url}/readyz`)).status).to.equal(503)
        expect(await isDoneWithin(spoken, 0), 'the drone is still held back').to.equal(false)

        await disk.empty()
        await until('it is ready again', HEALED_MS, async () => (await fetch(`${relay.url}/readyz`)).ok)
        await spoken
        const taken = await send(messageId)
        const other = await works.next()
        expect(other.order.turnId).to.equal(taken.turnId)
        await other.response('and another answer')
        await other.complete(true)
        done.push({ turnId: taken.turnId, said: 'and another answer' })
      }
      await work.complete(true)
      expect((await relay.turn(turnId)).status).to.equal('finished')
      expect((await storedText(turnId)) === said, 'every word of the turn is stored').to.equal(true)
      await until('the viewer has the end', HEALED_MS, () => view.turn(turnId)?.status === 'finished')
      const blocks = view.turn(turnId)?.blocks() ?? []
      expect(saidText(blocks) === said, 'and was heard').to.equal(true)
      expect(relay.process.child.exitCode).to.equal(null)
      expect(relay.process.errors.join('\n')).to.not.match(/Commit failed|Write error|unhandled/i)
    })

    it('[ST20] has all of it after a kill on the full disk, and takes work once there is space', async () => {
      const { turnId, work } = await begin()
      const text = 'z'.repeat(TEXT_UNITS)
      await work.response(text)
      await work.complete(true)
      await disk.fill()
      await relay.process.end('SIGKILL')
      const env = { DATA_DIR: disk.path, MONGODB_URI: '', PORT: String(relay.port) }
      const serve = commandLine(['serve', '--json'], env)
      try {
        await serve.until('a line about the store', () =>
          serve.errors.some((line) => line.includes('cannot begin yet')),
        )
        expect((await fetch(`${relay.url}/healthz`)).status).to.equal(200)
        expect((await fetch(`${relay.url}/readyz`)).status).to.equal(503)
        await disk.empty()
        await until('it is ready again', HEALED_MS, async () => (await fetch(`${relay.url}/readyz`)).ok)
        expect(await storedText(turnId)).to.equal(text)
      } finally {
        await serve.end('SIGKILL')
      }
    })
  })

async function isDoneWithin(task: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)))
  try {
    return await Promise.race([task.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
