import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { LineProcess } from '../support/lines.ts'
import { realPart } from '../support/real-parts.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { saidText } from '../support/said-text.ts'
import { seeded } from '../support/seeded.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { SCRIPT, expectedLanes } from './scripts.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const PYTHON = realPart('the clients in Python and a relay that is killed', 'FOREIGN_PYTHON')
/** More by hand: `FOREIGN_KILLS=50`. */
const KILLS = Number(process.env['FOREIGN_KILLS'] ?? '8')
/** What one kill may take until both clients are back and there are new words. */
const KILL_MS = 15_000
/** A kill comes within this after the first new words that the relay before it has stored. */
const SPREAD_MS = 400
const SEED = Number(process.env['SEED'] ?? randomInt(2 ** 31))

interface Seen {
  readonly turnId: string
  readonly attempt: number
  readonly status: string
  readonly lanes: Record<string, { blocks: { mode: string; content: unknown }[] }>
}

if (PYTHON !== undefined)
  describe(`clients written from docs/protocol.md alone, and a relay killed ${KILLS} times (SEED=${SEED})`, function () {
    this.timeout(60_000 + KILLS * KILL_MS)
    let relay: RelayProcess
    let dir: Awaited<ReturnType<typeof tempDir>>
    let peers: LineProcess[]
    const random = seeded(SEED)

    beforeEach(async () => {
      dir = await tempDir('many-kills')
      peers = []
      relay = await RelayProcess.start({ DATA_DIR: dir.path, MONGODB_URI: '' })
    })

    afterEach(async () => {
      await Promise.all(peers.map((peer) => peer.end('SIGKILL')))
      await relay.process.end('SIGKILL')
      await dir.remove()
    })

    function python(file: string, ...args: string[]): LineProcess {
      const command = { command: PYTHON ?? '', args: ['-u', file, '--url', relay.url, ...args], cwd: HERE }
      const peer = new LineProcess(command)
      peers.push(peer)
      return peer
    }

    async function drone(): Promise<LineProcess> {
      const script = join(dir.path, 'script.json')
      await writeFile(script, JSON.stringify(SCRIPT))
      const fixed = ['--name', 'py', '--workspace', 'w', '--script', script, '--rate', '40']
      const state = ['--state', join(dir.path, 'state.json'), '--instance', 'i1']
      const peer = python('drone.py', '--token', relay.keys.drone, ...fixed, ...state)
      await peer.event({ event: 'welcome' })
      return peer
    }

    function viewer(number: number): LineProcess {
      const sends = ['--send', `turn ${number}`, '--message-id', `m${number}`, '--workspace', 'w']
      return python('viewer.py', '--token', relay.keys.code, ...sends, '--until-end')
    }

    async function storedUnits(turnId: string): Promise<number> {
      const { heads } = await relay.turn(turnId)
      return heads.reduce((sum, { offset }) => sum + offset, 0)
    }

    /** Waits for new words of the turn, or its end, and then a little longer; false where it has ended. */
    async function whileSpeaking(watching: LineProcess, turnId: string): Promise<boolean> {
      const isOver = (): boolean => watching.json().some(({ event }) => event === 'end')
      const before = await storedUnits(turnId)
      await until(
        'there are new words',
        KILL_MS,
        async () => isOver() || (await storedUnits(turnId)) > before,
      )
      await new Promise((resolve) => setTimeout(resolve, SPREAD_MS * random()))
      return !isOver()
    }

    async function compare(seen: Seen): Promise<void> {
      const lanes = expectedLanes('at')
      const stored = await relay.turn(seen.turnId)
      expect([seen.status, stored.status]).to.deep.equal(['finished', 'finished'])
      expect([seen.attempt, stored.attempt], 'nobody had to begin again').to.deep.equal([1, 1])
      for (const [name, expected] of [
        ['', lanes.main],
        ['agent-1', lanes.agent],
      ] as const) {
        const kept = name === '' ? stored.blocks : (stored.lanes?.[name]?.blocks ?? [])
        expect(seen.lanes[name]?.blocks, `what the viewer saw of lane "${name}"`).to.deep.equal(expected)
        const plain = kept.map(({ mode, content }) => ({ mode, content }))
        expect(plain, `what is stored of lane "${name}"`).to.deep.equal(expected)
      }
      expect(saidText(stored.blocks).length).to.be.greaterThan(500)
    }

    it('[FC4] lose nothing and see nothing twice, however often it is killed in the middle of their turns', async () => {
      const talking = await drone()
      let kills = 0
      let turns = 0
      while (kills < KILLS) {
        const watching = viewer(++turns)
        const { turnId } = await watching.event({ event: 'sent' })
        while (kills < KILLS && (await whileSpeaking(watching, String(turnId)))) {
          relay = await relay.crashAndRestart()
          kills += 1
        }
        const seen = (await watching.event({ event: 'end' })) as unknown as Seen
        await watching.exited
        await compare(seen)
      }
      const told = talking.json().map(({ event }) => event)
      expect(told.filter((event) => event === 'order')).to.have.length(turns)
      expect(told, 'the drone never had to let go').to.not.include('fenced')
      if (KILLS > 8) console.log(`${kills} kills over ${turns} turns`)
    })
  })
