import { setImmediate } from 'node:timers/promises'
import { commitBatches } from '../../src/store/mongo/commit.ts'
import type { CommitDocuments } from '../../src/store/mongo/commit.ts'
import type { PartWrite } from '../../src/store/mongo/plan.ts'
import { readParts } from '../../src/store/mongo/read-parts.ts'
import { afterBatch, headerOf, recordOf } from '../../src/store/turn-record.ts'
import { requestOf } from '../../src/turns/header.ts'
import type { Placed } from '../../src/turns/entry.ts'
import type { FlushBatch, LaneOwner, TurnHeader } from '../../src/turns/turn-store.ts'
import { StoreDocuments } from './store-documents.ts'
import type { SwitchedOff } from './store-documents.ts'
import { StoreNetwork } from './store-network.ts'
import { Promises } from './store-promises.ts'
import { Random } from './store-random.ts'
import { aTurn, batchOf, nextAttempt, say } from './store-turns.ts'
import type { LaneWords } from './store-turns.ts'

const MAX_OWNERS = 5
/** Commits after which an owner has nothing more to say. */
const OWNER_COMMITS = 4

/** One random history of one turn: owners that come, write, crash and are replaced, and readers in between. */
export class StoreHistory {
  readonly #random: Random
  readonly #off: SwitchedOff
  readonly #network: StoreNetwork
  readonly #documents: StoreDocuments
  readonly #promises = new Promises()
  readonly #alive = new Set<string>()
  #owners = 0
  #words = 0

  constructor(seed: number, off: SwitchedOff) {
    this.#random = new Random(seed)
    this.#off = off
    this.#network = new StoreNetwork(this.#random)
    this.#documents = new StoreDocuments(aTurn({ status: 'processing' }), off)
  }

  /** Throws at the first broken promise. */
  async run(): Promise<void> {
    let failure: unknown
    const start = (task: Promise<void>): void => void task.catch((error: unknown) => (failure ??= error))
    start(this.#own())
    while (this.#owners < MAX_OWNERS || !this.#network.isIdle) {
      if (this.#owners < MAX_OWNERS && (this.#network.isIdle || this.#random.chance(0.03))) start(this.#own())
      if (this.#random.chance(0.05)) start(this.#read())
      if (this.#random.chance(0.01)) this.#crashOne()
      this.#network.step()
      await setImmediate()
      if (failure !== undefined) throw failure
    }
    const header = this.#documents.read()
    await this.#check(header, this.#promises.acknowledged, (wanted) =>
      Promise.resolve(this.#documents.findParts(wanted)),
    )
    this.#promises.checkFenced()
  }

  async #own(): Promise<void> {
    const node = `node-${++this.#owners}`
    this.#alive.add(node)
    let header = await this.#takeOver(node)
    for (let commits = 0; header && commits < OWNER_COMMITS; commits++) {
      const batch = this.#batch(header)
      header = await this.#commit(node, header, batch)
    }
    this.#alive.delete(node)
  }

  async #takeOver(node: string): Promise<TurnHeader | undefined> {
    const { generation } = await this.#insist(() => this.#send(node, () => this.#documents.read()))
    return this.#insist(() => this.#send(node, () => this.#documents.takeOver(generation, node)))
  }

  /** The header after the batch, or nothing where the owner has to stop. */
  async #commit(node: string, header: TurnHeader, first: FlushBatch): Promise<TurnHeader | undefined> {
    let batch = first
    let unknown = false
    const [outcome] = await this.#insist(
      () => commitBatches(this.#port(node), [batch]),
      () => {
        unknown = true
        if (this.#off === 'frozen batches') batch = this.#batch(header)
      },
    )
    if (outcome !== 'committed') {
      // One whose answer was lost may have been there before the next owner came: that one has its words.
      if (!unknown) this.#promises.fence(batch)
      return undefined
    }
    this.#promises.acknowledge(batch)
    const after = headerOf(requestOf(header), afterBatch(recordOf(header), batch))
    return after.status === 'processing' ? after : undefined
  }

  #batch(header: TurnHeader): FlushBatch {
    if (header.lanes.length > 0 && this.#random.chance(0.15))
      return nextAttempt(header, this.#random.chance(0.5))
    const lanes: LaneWords[] = [this.#laneWords(header, 0)]
    if (this.#random.chance(0.4)) lanes.push(this.#laneWords(header, 1))
    return batchOf(header, lanes, this.#random.chance(0.08) ? { status: 'finished' } : undefined)
  }

  #laneWords(header: TurnHeader, number: number): LaneWords {
    const count = 1 + this.#random.below(3)
    const entries = Array.from({ length: count }, () => say(`<${header.generation}.${++this.#words}>`))
    return { number, entries, close: this.#random.chance(0.6) }
  }

  async #read(): Promise<void> {
    const acknowledged = [...this.#promises.acknowledged]
    try {
      const header = await this.#network.send(() => this.#documents.read())
      await this.#check(header, acknowledged, (wanted) =>
        this.#network.send(() => this.#documents.findParts(wanted)),
      )
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'store_unavailable') throw error
    }
  }

  async #check(
    header: TurnHeader,
    acknowledged: Promises['acknowledged'],
    findParts: Parameters<typeof readParts>[0],
  ): Promise<void> {
    const attempts = [header, ...header.earlier.map((earlier) => ({ turnId: header.turnId, ...earlier }))]
    for (const owner of attempts) {
      for (const number of owner.lanes.keys()) {
        const words = await wordsOf(findParts, owner, number)
        this.#promises.checkRead(owner, number, words)
      }
      this.#promises.checkAcknowledged(owner, acknowledged)
    }
  }

  #port(node: string): CommitDocuments {
    const documents = this.#documents
    const send = <T>(operation: () => T): Promise<T> => this.#send(node, operation)
    const sendParts = (writes: readonly PartWrite[]): Promise<boolean[]> =>
      Promise.all(writes.map((write) => send(() => documents.writePart(write))))
    let late: readonly PartWrite[] = []
    return {
      writeParts: async (writes) => {
        if (this.#off !== 'parts before headers') return (await sendParts(writes)).every(Boolean)
        late = writes
        return true
      },
      writeHeaders: async (writes) => {
        const matched = await Promise.all(writes.map((write) => send(() => documents.writeHeader(write))))
        await sendParts(late)
        return matched.reduce((sum, count) => sum + count, 0)
      },
      readStamps: async ([turnId = '']) => new Map([[turnId, await send(() => documents.stamp())]]),
    }
  }

  /** From a process that has crashed nothing comes any more, and nobody is left to hear an answer. */
  async #send<T>(node: string, operation: () => T): Promise<T> {
    const silence = new Promise<never>(() => {})
    if (!this.#alive.has(node)) return silence
    const answer = await this.#network.send(operation)
    return this.#alive.has(node) ? answer : silence
  }

  /** The same call again until its outcome is known. */
  async #insist<T>(call: () => Promise<T>, inBetween = (): void => {}): Promise<T> {
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'store_unavailable') throw error
        inBetween()
      }
    }
  }

  #crashOne(): void {
    const [node] = [...this.#alive].slice(this.#random.below(this.#alive.size))
    if (node !== undefined) this.#alive.delete(node)
  }
}

async function wordsOf(
  findParts: Parameters<typeof readParts>[0],
  owner: LaneOwner,
  number: number,
): Promise<Placed[]> {
  const words: Placed[] = []
  for await (const piece of readParts(findParts, owner, number, 0)) words.push(...piece)
  return words
}
