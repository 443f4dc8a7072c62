import { expect } from 'chai'
import type { Tables } from '../../src/store/embedded/tables.ts'
import { WriteGate } from '../../src/store/embedded/write-gate.ts'
import { SILENT } from '../../src/store/store-logger.ts'

interface GateWorld {
  readonly gate: WriteGate
  readonly transactions: () => number
  readonly renewals: () => number
  /** Monotonic ms; a test sets it. */
  now: number
  /** What there is room for, in bytes. */
  room: number
}

/** A data file whose commits do as they are told; `transact` is asked once for every transaction. */
function aGate(
  transact: (count: number) => Promise<void> = () => Promise.resolve(),
  owner: { token?: string } = {},
): GateWorld {
  let transactions = 0
  let renewals = 0
  const tables = {
    meta: {
      get: () => owner.token,
      put: (key: string, token: string) => key === 'owner' && (owner.token = token),
    },
    root: {
      transactionSync: (action: () => unknown) => action(),
      transaction: async (action: () => unknown) => {
        const result = action()
        await transact(++transactions)
        return result
      },
    },
  } as unknown as Tables
  const nothing = (): void => undefined
  const file = {
    tables,
    journal: { begin: nothing, keep: nothing, undo: nothing, publish: nothing },
    used: { pages: 1, pageBytes: 4096 },
    whenOpen: () => undefined,
    renew: async () => void renewals++,
  }
  const room = {
    isEnough: () => world.room > 0,
    reserve: async ({ bytes }: { bytes: number }) => bytes <= world.room,
  }
  const gate = new WriteGate({ file, room, logger: SILENT, now: () => world.now })
  const world: GateWorld = {
    gate,
    transactions: () => transactions,
    renewals: () => renewals,
    now: 0,
    room: Number.POSITIVE_INFINITY,
  }
  return world
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
}

const full = (): never => {
  throw new Error('no space left on device')
}

describe('the write gate', () => {
  it('[ST8] puts what arrives during one transaction into the next, together', async () => {
    const { gate, transactions } = aGate()
    const first = gate.write(() => 0)
    await Promise.resolve()
    const others = Array.from({ length: 100 }, (_, index) => gate.write(() => index))
    expect(await first).to.equal(0)
    expect(await Promise.all(others)).to.deep.equal(others.map((_, index) => index))
    expect(transactions()).to.be.at.most(2)
  })

  it('rejects one action that throws, and not the others of its transaction', async () => {
    const { gate } = aGate()
    const calls = [gate.write(() => 'a'), gate.write(() => JSON.parse('{')), gate.write(() => 'b')]
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(await gate.write(() => 'c')).to.equal('c')
  })

  it('[ST9] has one transaction under way at a time, however many write', async () => {
    let underWay = 0
    let most = 0
    const { gate } = aGate(async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
    })
    const writes: Promise<number>[] = []
    for (let count = 0; count < 50; count++) {
      writes.push(gate.write(() => count))
      await Promise.resolve()
    }
    await Promise.all(writes)
    expect(most).to.equal(1)
  })

  it('[ST9] writes nothing more after a commit that failed, also of what was waiting, and opens the file anew', async () => {
    const { gate, transactions, renewals } = aGate(async (count) => (count === 2 ? full() : undefined))
    await gate.write(() => 'stored')
    const failed = gate.write(() => 'fails')
    await Promise.resolve()
    const waiting = gate.write(() => 'waits')
    expect(await codeOf(failed)).to.equal('store_unavailable')
    expect(await codeOf(waiting)).to.equal('store_unavailable')
    expect(await codeOf(gate.write(() => 'comes later'))).to.equal('store_unavailable')
    expect(await codeOf(gate.check())).to.equal('store_unavailable')
    expect(transactions()).to.equal(2)
    await gate.close()
    expect(renewals()).to.equal(1)
  })

  it('[ST18] tries again with a single transaction after a pause that grows, and heals with the first that succeeds', async () => {
    let broken = true
    const world = aGate(async () => (broken ? full() : undefined))
    const tries: number[] = []
    for (; world.now < 20_000; world.now += 100) {
      const before = world.transactions()
      expect(await codeOf(world.gate.write(() => 'lost'))).to.equal('store_unavailable')
      if (world.transactions() > before) tries.push(world.now)
    }
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
    expect(pauses.slice(0, 5)).to.deep.equal([500, 1000, 2000, 4000, 4000])
    broken = false
    world.now += 4000
    await world.gate.check()
    expect(await world.gate.write(() => 'stored')).to.equal('stored')
    expect(world.renewals()).to.equal(tries.length)
  })

  it('[ST18] writes something in the first transaction after a failure, as a proof, though nothing is asked', async () => {
    const tokens: string[] = []
    const owner = {
      get token() {
        return tokens.at(-1) ?? ''
      },
      set token(token: string) {
        tokens.push(token)
      },
    }
    const world = aGate(async (count) => (count === 2 ? full() : undefined), owner)
    await world.gate.write(() => 'stored')
    await codeOf(world.gate.write(() => 'lost'))
    expect(tokens).to.have.length(1)
    world.now += 10_000
    await world.gate.check()
    expect(tokens).to.have.length(2)
    await world.gate.write(() => 'stored')
    expect(tokens).to.have.length(2)
  })

  it('[ST19] refuses a write that there is no room for without touching the file, and takes smaller ones', async () => {
    const world = aGate()
    world.room = 1000
    const large = gateWrite(world, 'large', 5000)
    const small = gateWrite(world, 'small', 500)
    expect(await codeOf(large)).to.equal('store_unavailable')
    expect(await small).to.equal('small')
    expect(world.transactions()).to.equal(1)
    world.room = 0
    expect(await codeOf(gateWrite(world, 'none', 1))).to.equal('store_unavailable')
    expect(world.transactions()).to.equal(1)
    world.room = 10_000
    expect(await gateWrite(world, 'large', 5000)).to.equal('large')
    expect(world.renewals()).to.equal(0)
  })

  it('[ST10] stops for good when another process has made the data file its own', async () => {
    const owner = {}
    const mine = aGate(undefined, owner)
    const { gate: other } = aGate(undefined, owner)
    await mine.gate.write(() => 'mine')
    await other.write(() => 'theirs')
    expect(await codeOf(mine.gate.write(() => 'still mine'))).to.equal('store_unavailable')
    mine.now += 60_000
    expect(await codeOf(mine.gate.write(() => 'mine again'))).to.equal('store_unavailable')
    expect(mine.renewals(), 'it did not even try').to.equal(1)
    expect(await codeOf(other.write(() => 'theirs'))).to.equal('none')
  })
})

function gateWrite<T>({ gate }: GateWorld, value: T, bytes: number): Promise<T> {
  return gate.write(
    () => value,
    () => ({ places: 1, bytes }),
  )
}
