import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import { OPTIONS } from '../../src/config.ts'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { openMongoStore } from '../../src/store/mongo/mongo-store.ts'
import { SILENT } from '../../src/store/store-logger.ts'
import { Turn } from '../../src/turns/turn.ts'
import type { TurnStore } from '../../src/turns/turn-store.ts'
import { liveTurn } from './live-turn.ts'
import { cpuUsOf } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { TARGET_COLUMNS, against } from './reliability/ground.ts'
import type { Measured } from './reliability/ground.ts'
import type { Row } from './report.ts'
import { openMongo } from './stage.ts'

const BLOCK_CHARS = 1024
const BLOCKS_A_TURN = 200
/** Turns that go on at the same time, a block of each in every commit; FerretDB takes one document after the other. */
const TURNS = { lmdb: 50, mongo: 4 } as const

interface Pace {
  readonly blocksPerSecond: number
  readonly cpuUsPerBlock: number
  readonly databaseCpuUsPerBlock?: number
}

/** How fast a store takes blocks of 1 KB as the relay hands them to it, and as the original did. */
export async function blocks({ store, repeat }: BenchOptions): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), 'drone-relay-bench-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const title = `blocks on ${store}: ${TURNS[store]} turns of ${BLOCKS_A_TURN} blocks of ${BLOCK_CHARS} characters, all at once`
  const common = { title, columns: TARGET_COLUMNS, wrong: [], ranAs: 'tsx' as const }
  if (store === 'lmdb') {
    const embedded = await openEmbeddedStore({ dataDir: dir })
    await storeBlocks(embedded, { run: 'warm-up', turns: TURNS.lmdb })
    const paces: Pace[] = []
    for (let round = 0; round < repeat; round++)
      paces.push(await storeBlocks(embedded, { run: `round-${round}`, turns: TURNS.lmdb }))
    await embedded.close()
    const best = middle(paces)
    return {
      ...common,
      rows: [
        ['blocks stored', '1/s', best.blocksPerSecond, undefined, ''],
        against('CPU for each', 'µs', best.cpuUsPerBlock, 10),
      ],
      raw: paces,
    }
  }
  const mongo = await openMongo()
  try {
    const ours = await openMongoStore({ uri: mongo.uri, logger: SILENT })
    const turns = TURNS.mongo
    await storeBlocks(ours, { run: 'warm-up', turns, blocksATurn: 20 })
    const pace = await storeBlocks(ours, { run: 'ours', turns, database: mongo.database.pid })
    await ours.close()
    const original = await storeAsTheOriginal(mongo.uri, turns, mongo.database.pid)
    const rows: Row[] = [
      ['blocks stored', '1/s', pace.blocksPerSecond, undefined, ''],
      ['blocks stored, the way of the original', '1/s', original.blocksPerSecond, undefined, ''],
      atLeast('ours beside it', 'x', pace.blocksPerSecond / original.blocksPerSecond, 20),
      ['CPU for each', 'µs', pace.cpuUsPerBlock, undefined, ''],
      ['CPU for each, the way of the original', 'µs', original.cpuUsPerBlock, undefined, ''],
      ['CPU of the database for each', 'µs', pace.databaseCpuUsPerBlock, undefined, ''],
      [
        'CPU of the database for each, the way of the original',
        'µs',
        original.databaseCpuUsPerBlock,
        undefined,
        '',
      ],
    ]
    return { ...common, rows, raw: { pace, original } }
  } finally {
    await mongo.stop()
  }
}

function atLeast(what: string, unit: string, figure: number, least: number): Row {
  return [what, unit, figure, `>= ${least}`, figure >= least ? 'yes' : 'NO']
}

function middle(paces: readonly Pace[]): Pace {
  const sorted = paces.toSorted((one, other) => one.cpuUsPerBlock - other.cpuUsPerBlock)
  const found = sorted[Math.floor(sorted.length / 2)]
  if (!found) throw new Error('nothing was measured')
  return found
}

async function measured(
  count: number,
  database: number | undefined,
  task: () => Promise<void>,
): Promise<Pace> {
  const cpu = process.cpuUsage()
  const databaseCpu = database === undefined ? undefined : cpuUsOf(database)
  const beganAt = performance.now()
  await task()
  const seconds = (performance.now() - beganAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const after = database === undefined ? undefined : cpuUsOf(database)
  return {
    blocksPerSecond: count / seconds,
    cpuUsPerBlock: (user + system) / count,
    ...(databaseCpu === undefined || after === undefined
      ? {}
      : { databaseCpuUsPerBlock: (after - databaseCpu) / count }),
  }
}

interface StoreRun {
  readonly run: string
  readonly turns: number
  readonly blocksATurn?: number
  readonly database?: number | undefined
}

/** Block by block of every turn, as the relay's flusher does it: frozen, committed, and then the next. */
async function storeBlocks(
  store: TurnStore,
  { run, turns: count, blocksATurn = BLOCKS_A_TURN, database }: StoreRun,
): Promise<Pace> {
  const bounds = { partBytes: Number(OPTIONS.partBytes.default), maxUnstoredBytes: Number.POSITIVE_INFINITY }
  const turns = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const name = `${run}-${index}`
      const named = { chatSessionId: `chat-${name}`, messageId: `message-${name}`, prompt: 'Speak.' }
      const header = liveTurn({ ...named, userId: 'bench', createdAt: Date.now() })
      return new Turn(await store.insertTurn(header), bounds)
    }),
  )
  return measured(count * blocksATurn, database, async () => {
    for (let block = 0; block < blocksATurn; block++) {
      const mode = block % 2 === 0 ? 'thinking' : 'responding'
      for (const turn of turns) {
        turn.append(1, '', block * BLOCK_CHARS, {
          kind: 'text',
          mode,
          text: blockText(block),
          createdAt: block,
        })
      }
      const batches = turns.flatMap((turn) => turn.freeze() ?? [])
      const outcomes = await store.commit(batches)
      if (outcomes.some((outcome) => outcome !== 'committed')) throw new Error('a commit was refused')
      for (const turn of turns) turn.committed()
    }
  })
}

function blockText(block: number): string {
  return `block ${block} `.padEnd(BLOCK_CHARS, 'lorem ipsum ')
}

/** A document a turn, read, changed and saved whole for each block. */
async function storeAsTheOriginal(uri: string, count: number, database: number | undefined): Promise<Pace> {
  const connection = await mongoose.createConnection(uri).asPromise()
  try {
    const block = new mongoose.Schema({ mode: String, createdAt: Date, content: String }, { _id: false })
    const schema = new mongoose.Schema({ chatSessionId: String, status: String, blocks: [block] })
    const turns = connection.model('OriginalTurn', schema)
    const ids = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const { _id } = await turns.create({
          chatSessionId: `chat-${index}`,
          status: 'processing',
          blocks: [],
        })
        return _id
      }),
    )
    return await measured(count * BLOCKS_A_TURN, database, async () => {
      for (let at = 0; at < BLOCKS_A_TURN; at++) {
        const append = async (id: mongoose.Types.ObjectId): Promise<void> => {
          const turn = await turns.findById(id)
          turn?.blocks.push({
            mode: at % 2 === 0 ? 'thinking' : 'responding',
            createdAt: new Date(),
            content: blockText(at),
          })
          await turn?.save()
        }
        await Promise.all(ids.map(append))
      }
    })
  } finally {
    await connection.close()
  }
}
