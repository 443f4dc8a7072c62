import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { FaultProxy } from '../../scripts/chaos/fault-proxy.ts'
import { Random } from '../../scripts/chaos/random.ts'
import type { CodeClient } from '../../src/client/code-client.ts'
import type { DroneClient } from '../../src/client/drone-client.ts'
import type { DroneTerminal } from '../../src/client/drone-terminal.ts'
import type { Snapshot } from '../../src/terminals/terminal-log.ts'
import type { Terminal, TerminalPiece } from '../../src/client/terminal.ts'
import { SdkStage } from '../support/sdk-stage.ts'
import { STORES } from '../support/stores.ts'
import { until } from '../support/until.ts'

/** What comes of a terminal until its end, or until that many bytes. */
async function heard(terminal: Terminal, bytes = Number.POSITIVE_INFINITY): Promise<TerminalPiece[]> {
  const pieces: TerminalPiece[] = []
  let count = 0
  for await (const piece of terminal) {
    pieces.push(piece)
    if (piece.kind === 'bytes') count += piece.bytes.length
    if (count >= bytes) break
  }
  return pieces
}

function bytesOf(pieces: readonly TerminalPiece[]): Buffer {
  return Buffer.concat(pieces.flatMap((piece) => (piece.kind === 'bytes' ? [piece.bytes] : [])))
}

const SIZE = { cols: 80, rows: 24 }

/** Connections that are cut: `TERMINAL_CUTS=1000` is what docs/reliability.md tells of. */
const CUTS = Number(process.env['TERMINAL_CUTS'] ?? '12')
const SEED = process.env['SEED'] ?? String(Date.now() % 100_000)
/** How far it writes ahead of who reads: many rings. */
const AHEAD_BYTES = 4_194_304
/** Bytes that are seen between two cuts. */
const CUT_WITHIN_BYTES = 60_000

async function isKnown(client: CodeClient, terminalId: string): Promise<boolean> {
  try {
    const terminal = await client.attachTerminal({ terminalId })
    terminal.detach()
    return true
  } catch {
    return false
  }
}

/** Writes into a terminal of a drone as fast as it may, and knows what it wrote. */
class Program {
  readonly #terminal: DroneTerminal
  readonly #random: Random
  readonly #pieces: { readonly offset: number; readonly bytes: Buffer }[] = []
  written = 0
  seen = 0

  constructor(drone: DroneClient, chatSessionId: string, seed: string) {
    this.#random = new Random(`program ${seed}`)
    // What it draws says where it was drawn.
    const draw = (): Promise<Snapshot> => {
      const offset = this.written - this.#random.whole(0, Math.min(100, this.written))
      return Promise.resolve({ ...SIZE, offset, screen: `drawn at ${offset}` })
    }
    this.#terminal = drone.openTerminal({ ...SIZE, chatSessionId, draw })
  }

  get terminalId(): string {
    return this.#terminal.terminalId
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const bytes = randomBytes(1 + this.#random.whole(0, 9000))
      this.#pieces.push({ offset: this.written, bytes })
      this.written += bytes.length
      await this.#terminal.write(bytes)
      await setImmediate()
      while (this.written - (this.#pieces[0]?.offset ?? 0) > 2 * AHEAD_BYTES) this.#pieces.shift()
      // While nobody reads it, far ahead is far enough.
      await until('somebody reads', 60_000, () => isOver() || this.written - this.seen < AHEAD_BYTES)
    }
    this.#terminal.exited(0)
  }

  /** What was wrong with what a viewer was given, and where it ended. */
  async check(terminal: Terminal): Promise<{ wrong: string[]; end: number | undefined }> {
    const wrong: string[] = []
    let next = 0
    for await (const piece of terminal) {
      if (piece.kind === 'snapshot') {
        if (piece.offset < next) wrong.push(`a snapshot of ${piece.offset} after ${next}`)
        if (piece.screen !== `drawn at ${piece.offset}`) wrong.push(`"${piece.screen}" at ${piece.offset}`)
        next = piece.offset
      } else if (piece.offset !== next) wrong.push(`${piece.kind} of ${piece.offset} after ${next}`)
      if (piece.kind === 'bytes') {
        if (!this.#at(next, piece.bytes.length).equals(piece.bytes)) wrong.push(`other bytes at ${next}`)
        next += piece.bytes.length
      }
      this.seen = next
      if (piece.kind === 'exited') return { wrong, end: piece.offset }
    }
    return { wrong, end: undefined }
  }

  /** What was written there; less where it is forgotten, which no relay has kept either. */
  #at(from: number, length: number): Buffer {
    const first = this.#pieces.findIndex(({ offset, bytes }) => offset + bytes.length > from)
    const last = this.#pieces.findIndex(({ offset, bytes }) => offset + bytes.length >= from + length)
    const some = this.#pieces.slice(first, last + 1)
    const start = from - (some[0]?.offset ?? 0)
    return Buffer.concat(some.map(({ bytes }) => bytes)).subarray(start, start + length)
  }
}

describe('a terminal over both SDKs', () => {
  let stage: SdkStage
  const [first] = STORES

  beforeEach(async () => {
    if (!first) throw new Error('no store')
    stage = await SdkStage.open(first.make)
  })
  afterEach(() => stage.close())

  async function opened() {
    const drone = await stage.drone()
    const viewer = await stage.viewer()
    const { view } = await viewer.client.send({ messageId: 'm', content: 'Go.' }, viewer.see)
    await stage.works.next()
    const { chatSessionId } = view
    return { drone, viewer, chatSessionId }
  }

  it('[TM6] is every byte once and in order, with its sizes at their places and its end', async () => {
    const { drone, viewer, chatSessionId } = await opened()
    const shown = drone.openTerminal({ ...SIZE, chatSessionId, title: 'tests' })
    const { terminalId } = shown
    await until('the relay knows it', 5000, () => isKnown(viewer.client, terminalId))
    const terminal = await viewer.client.attachTerminal({ terminalId })
    expect(terminal.size).to.deep.equal(SIZE)
    const all = heard(terminal)
    const [one, two] = [randomBytes(100_000), randomBytes(70_000)]
    await shown.write(one)
    shown.resized({ cols: 100, rows: 30 })
    await shown.write(two)
    shown.exited(3)
    const pieces = await all
    expect(bytesOf(pieces).equals(Buffer.concat([one, two]))).to.equal(true)
    expect(pieces.filter(({ kind }) => kind === 'resized')).to.deep.equal([
      { kind: 'resized', offset: one.length, cols: 100, rows: 30 },
    ])
    expect(pieces.at(-1)).to.deep.equal({ kind: 'exited', offset: 170_000, exitCode: 3 })
  })

  it('[TM6] is every byte once and in order, or a snapshot, wherever connections are cut and relays replaced', async function () {
    this.timeout(60_000 + CUTS * 5000)
    const random = new Random(SEED)
    const port = (): number => Number(new URL(stage.relay.url).port)
    const [toDrone, toViewer] = [await FaultProxy.open(port), await FaultProxy.open(port)]
    try {
      const drone = await stage.drone({ url: `http://127.0.0.1:${toDrone.port}` })
      const sender = await stage.viewer()
      const { view } = await sender.client.send({ messageId: 'm', content: 'Go.' }, sender.see)
      await stage.works.next()
      const viewer = await stage.viewer({ url: `http://127.0.0.1:${toViewer.port}` })
      const program = new Program(drone, view.chatSessionId, SEED)
      await until('the relay knows it', 5000, () => isKnown(viewer.client, program.terminalId))
      const terminal = await viewer.client.attachTerminal({ terminalId: program.terminalId })
      const checked = program.check(terminal)
      let isOver = false
      const runs = program.run(() => isOver)
      let [cuts, goal] = [0, 0]
      for (; cuts < CUTS; cuts++) {
        // Somewhere in the middle of what goes on: after so many bytes more.
        goal += 1 + random.whole(0, CUT_WITHIN_BYTES)
        await until('it goes on', 60_000, () => program.seen >= goal)
        goal = Math.max(goal, program.seen)
        const what = random.whole(0, 19)
        if (what === 0) await stage.restart()
        else if (what < 8) toDrone.cut()
        else toViewer.cut()
      }
      isOver = true
      await runs
      expect(await checked).to.deep.equal({ wrong: [], end: program.written })
      expect(program.seen).to.be.greaterThan(0)
    } finally {
      await toDrone.close()
      await toViewer.close()
    }
  })
})
