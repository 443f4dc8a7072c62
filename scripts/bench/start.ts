import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { newId } from '../../src/turns/new-id.ts'
import type { TurnHeader, TurnStore } from '../../src/turns/turn-store.ts'
import { anonymousBytes, mb, median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { TARGET_COLUMNS, against } from './reliability/ground.ts'
import type { Measured } from './reliability/ground.ts'
import { startRelay } from './relay-process.ts'
import type { RelayProcess } from './relay-process.ts'

/** The user of the keys that a first start makes. */
const USER = 'local'
const LONG_SESSION = 'chat-long'
/** Turns of the one long session; the rest are spread over sessions of this many. */
const LONG_SESSION_TURNS = 10_000
const SESSION_TURNS = 100
/** Turns that are stored in one go. */
const AT_ONCE = 2000
const PAGE = 100

interface TurnsPage {
  readonly turns: readonly object[]
  readonly next?: string
}

/** How long a relay with many stored turns takes until it takes work, and how it pages through a long session. */
export async function starts({ turns, repeat }: BenchOptions): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), 'drone-relay-bench-'))
  const remove = (): void => rmSync(dir, { recursive: true, force: true })
  process.once('exit', remove)
  const full = join(dir, 'full')
  await storeTurns(full, turns)
  const timesOf: Record<'full' | 'empty', number[]> = { full: [], empty: [] }
  let last: { pages: Pages; bytes: number; ranAs: RelayProcess['ranAs'] } | undefined
  for (let round = 0; round < repeat; round++) {
    for (const [kind, dataDir] of [
      ['empty', join(dir, `empty-${round}`)] as const,
      ['full', full] as const,
    ]) {
      const beganAt = performance.now()
      const relay = await startRelay({ dataDir, isProbed: false })
      timesOf[kind].push(performance.now() - beganAt)
      if (kind === 'full') {
        const pages = await pageThrough(relay)
        last = { pages, bytes: anonymousBytes(relay.server.pid) ?? Number.NaN, ranAs: relay.ranAs }
      }
      await relay.server.stop()
    }
  }
  if (!last) throw new Error('nothing was started')
  const { pages, bytes, ranAs } = last
  const wrong =
    pages.found === LONG_SESSION_TURNS ? [] : [`${pages.found} of ${LONG_SESSION_TURNS} turns were listed`]
  return {
    title: `start on lmdb: ${turns} stored turns, ${repeat} start(s) of each; pages of ${PAGE} turns`,
    columns: TARGET_COLUMNS,
    rows: [
      against('start with an empty store, until it takes work, median', 'ms', median(timesOf.empty)),
      against('start with all turns, until it takes work, median', 'ms', median(timesOf.full), 500),
      against('a page of a session with 10,000 turns, median', 'ms', median(pages.ms), 20),
      against('a page, longest', 'ms', Math.max(...pages.ms)),
      against('memory without files, after all pages', 'MB', mb(bytes)),
    ],
    wrong,
    raw: { timesOf, pages: pages.ms },
    ranAs,
  }
}

async function storeTurns(dataDir: string, count: number): Promise<void> {
  const store = await openEmbeddedStore({ dataDir })
  const startedAt = Date.now() - count
  for (let first = 0; first < count; first += AT_ONCE) {
    const indexes = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, at) => first + at)
    await Promise.all(indexes.map((index) => store.insertTurn(endedTurn(index, startedAt + index))))
  }
  const sessions = new Set(Array.from({ length: count }, (_, index) => sessionOf(index)))
  await Promise.all([...sessions].map((chatSessionId) => insertSession(store, chatSessionId, startedAt)))
  await store.close()
}

function sessionOf(index: number): string {
  return index < LONG_SESSION_TURNS ? LONG_SESSION : `chat-${Math.floor(index / SESSION_TURNS)}`
}

function endedTurn(index: number, createdAt: number): TurnHeader {
  const text = `The answer of turn ${index}.`
  return {
    turnId: newId(createdAt),
    chatSessionId: sessionOf(index),
    userId: USER,
    messageId: `message-${index}`,
    prompt: `What is in file ${index}?`,
    createdAt,
    attempt: 1,
    status: 'finished',
    startedAt: createdAt,
    endedAt: createdAt + 1000,
    toolCallCount: 0,
    earlier: [],
    generation: 1,
    version: 3,
    node: 'bench',
    lanes: [{ name: '', length: text.length, parts: 0, open: [], borrowed: [] }],
  }
}

async function insertSession(store: TurnStore, chatSessionId: string, at: number): Promise<void> {
  const times = { createdAt: at, updatedAt: at }
  await store.insertSession({ chatSessionId, userId: USER, queue: [], version: 1, ...times })
}

interface Pages {
  readonly ms: number[]
  readonly found: number
}

async function pageThrough({ url, keys }: RelayProcess): Promise<Pages> {
  const ms: number[] = []
  let found = 0
  let after: string | undefined
  do {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after === undefined ? {} : { after }) })
    const beganAt = performance.now()
    const response = await fetch(`${url}/api/v1/chat-sessions/${LONG_SESSION}/turns?${query.toString()}`, {
      headers: { authorization: `Bearer ${keys.code}` },
    })
    if (!response.ok) throw new Error(`GET /chat-sessions/:id/turns answered ${response.status}`)
    const { turns, next } = (await response.json()) as TurnsPage
    ms.push(performance.now() - beganAt)
    found += turns.length
    after = next
  } while (after !== undefined)
  return { ms, found }
}
