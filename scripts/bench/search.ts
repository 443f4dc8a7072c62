import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { openMongoStore } from '../../src/store/mongo/mongo-store.ts'
import type { FlushBatch, TurnHeader, TurnStore } from '../../src/turns/turn-store.ts'
import { searchAnswer } from '../../src/protocol/search.ts'
import { Random } from '../chaos/random.ts'
import { liveTurn } from './live-turn.ts'
import { anonymousBytes, mb, median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { TARGET_COLUMNS, against } from './reliability/ground.ts'
import type { Measured } from './reliability/ground.ts'
import { startRelay } from './relay-process.ts'
import type { RelayProcess } from './relay-process.ts'
import { openMongo } from './stage.ts'

const USER = 'local'
const SESSION_TURNS = 20
/** Turns that are stored in one go: the database answers one call within its time. */
const AT_ONCE = { lmdb: 1000, mongo: 100 } as const
/** A vocabulary and a turn as agents' conversations have them: few words are most of what is said. */
const VOCABULARY = 60_000
const PROMPT_WORDS = 15
const ANSWER_WORDS = 200
/** Searches of each kind. */
const SEARCHES = 20
/** Between two looks at whether the last turn is in the index. */
const LOOK_MS = 250

/** How long a search over many turns takes, and what it costs to have them in the index. */
export async function searches({ turns, store: kind, cpuProf }: BenchOptions): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), 'drone-relay-bench-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const mongo = kind === 'mongo' ? await openMongo() : undefined
  const store = mongo ? await openMongoStore({ uri: mongo.uri }) : await openEmbeddedStore({ dataDir: dir })
  await storeTurns(store, turns, AT_ONCE[kind])
  await store.close()
  const relay = await startRelay({
    dataDir: dir,
    mongodbUri: mongo?.uri,
    isProbed: false,
    cpuProfDir: cpuProf,
  })
  const beganAt = performance.now()
  while ((await found(relay, 'lastofall')).ids.length === 0)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  const indexedMs = performance.now() - beganAt
  const rows = []
  const raw: Record<string, number[]> = {}
  const wrong: string[] = []
  for (const [name, queryOf] of Object.entries(QUERIES)) {
    const ms: number[] = []
    for (let index = 0; index < SEARCHES; index++) {
      const answer = await found(relay, queryOf(index))
      if (name !== 'nothing' && answer.ids.length === 0) wrong.push(`"${queryOf(index)}" found nothing`)
      ms.push(answer.ms)
    }
    raw[name] = ms
    rows.push(
      against(`${name}, median`, 'ms', median(ms), 100),
      against(`${name}, longest`, 'ms', Math.max(...ms)),
    )
  }
  const bytes = anonymousBytes(relay.server.pid) ?? Number.NaN
  await relay.server.stop()
  await mongo?.stop()
  return {
    title: `search on ${kind}: ${turns} turns of ${PROMPT_WORDS + ANSWER_WORDS} words, ${SEARCHES} searches of each kind`,
    columns: TARGET_COLUMNS,
    rows: [
      ...rows,
      against('put into the index, a second', 'turns', (turns * 1000) / indexedMs),
      against('memory without files, after all searches', 'MB', mb(bytes)),
    ],
    wrong,
    raw: { ...raw, indexedMs },
    ranAs: relay.ranAs,
  }
}

const QUERIES: Readonly<Record<string, (index: number) => string>> = {
  'a word of most turns': (index) => word(index % 3),
  'two words of most turns': (index) => `${word(index % 3)} ${word(3 + (index % 3))}`,
  'a common word and a rare one': (index) => `${word(1)} ${word(5000 + index)}`,
  'words that begin so': (index) => `${word(1000 + index).slice(0, 3)}*`,
  nothing: (index) => `${word(0)} missing${index}`,
}

async function found({ url, keys }: RelayProcess, query: string): Promise<{ ids: string[]; ms: number }> {
  const beganAt = performance.now()
  const response = await fetch(`${url}/api/v1/search?${new URLSearchParams({ query }).toString()}`, {
    headers: { authorization: `Bearer ${keys.code}` },
  })
  if (!response.ok) throw new Error(`GET /search answered ${response.status}`)
  const { hits } = searchAnswer.parse(await response.json())
  return { ids: hits.map(({ turnId }) => turnId), ms: performance.now() - beganAt }
}

async function storeTurns(store: TurnStore, count: number, atOnce: number): Promise<void> {
  const startedAt = Date.now() - count
  const random = new Random(String(count))
  for (let first = 0; first < count; first += atOnce) {
    const indexes = Array.from({ length: Math.min(atOnce, count - first) }, (_, at) => first + at)
    const headers = indexes.map((index) =>
      liveTurn({
        chatSessionId: `chat-${Math.floor(index / SESSION_TURNS)}`,
        userId: USER,
        messageId: `message-${index}`,
        prompt: textOf(PROMPT_WORDS, random),
        createdAt: startedAt + index,
      }),
    )
    await Promise.all(headers.map((header) => store.insertTurn(header)))
    const said = (header: TurnHeader, index: number): FlushBatch =>
      ended(header, `${textOf(ANSWER_WORDS, random)}${index === count - 1 ? ' lastofall' : ''}`)
    await store.commit(headers.map((header, at) => said(header, first + at)))
  }
}

function ended({ turnId, attempt, generation, version, createdAt }: TurnHeader, text: string): FlushBatch {
  const fresh = [{ offset: 0, entry: { kind: 'text', mode: 'responding', text, createdAt } as const }]
  const times = { startedAt: createdAt, endedAt: createdAt }
  const after = { name: '', length: text.length, parts: 0, open: fresh, borrowed: [] }
  return {
    turnId,
    attempt,
    generation,
    version,
    lanes: [{ number: 0, fresh, closed: [], after }],
    state: { attempt, status: 'finished', ...times, toolCallCount: 0, earlier: [] },
  }
}

/** A word by its place in the vocabulary, the commonest first. */
function word(place: number): string {
  return `w${(place * 7919).toString(36)}`
}

function textOf(words: number, random: Random): string {
  const places = Array.from({ length: words }, () => Math.floor(VOCABULARY ** random.next()) - 1)
  return places.map(word).join(' ')
}
