import { expect } from 'chai'
import type { DiskRoom } from '../../src/store/embedded/disk-room.ts'
import type { Tables } from '../../src/store/embedded/tables.ts'
import { WriteGate } from '../../src/store/embedded/write-gate.ts'
import { SILENT } from '../../src/store/store-logger.ts'

/** A data file whose commits do as they are told; `transact` is asked once for every transaction. */
function aGate(
  transact: (count: number) => Promise<void>,
  owner: { token?: string } = {},
): { gate: WriteGate; transactions: () => number } {
  let transactions = 0
  const tables = {
    meta: { get: () => owner.token, put: (_: string, token: string) => (owner.token = token) },
    root: {
      transactionSync: (action: () => unknown) => action(),
      transaction: async (action: () => unknown) => {
        const result = action()
        await transact(++transactions)
        return result
      },
    },
  } as unknown as Tables
  const room = { isEnough: () => true } as unknown as DiskRoom
  return { gate: new WriteGate({ tables, room, logger: SILENT }), transactions: () => transactions }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
}

describe('the write gate', () => {
  it('[ST8] puts what arrives during one transaction into the next, together', async () => {
    const { gate, transactions } = aGate(() => Promise.resolve())
    const first = gate.write(() => 0)
    await Promise.resolve()
    const others = Array.from({ length: 100 }, (_, index) => gate.write(() => index))
    expect(await first).to.equal(0)
    expect(await Promise.all(others)).to.deep.equal(others.map((_, index) => index))
    expect(transactions()).to.be.at.most(2)
  })

  it('rejects one action that throws, and not the others of its transaction', async () => {
    const { gate } = aGate(() => Promise.resolve())
    const calls = [gate.write(() => 'a'), gate.write(() => JSON.parse('{')), gate.write(() => 'b')]
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(await gate.write(() => 'c')).to.equal('c')
  })

  it('[ST9] writes nothing more after the first commit that failed, also of what was waiting', async () => {
    const { gate, transactions } = aGate(async (count) => {
      if (count === 2) throw new Error('no space left on device')
    })
    await gate.write(() => 'stored')
    const failed = gate.write(() => 'fails')
    await Promise.resolve()
    const waiting = gate.write(() => 'waits')
    expect(await codeOf(failed)).to.equal('store_unavailable')
    expect(await codeOf(waiting)).to.equal('store_unavailable')
    expect(await codeOf(gate.write(() => 'comes later'))).to.equal('store_unavailable')
    expect(() => gate.check()).to.throw(/only reads until it is restarted/)
    expect(transactions()).to.equal(2)
  })

  it('[ST10] stops when another process has made the data file its own', async () => {
    const owner = {}
    const { gate } = aGate(() => Promise.resolve(), owner)
    const { gate: other } = aGate(() => Promise.resolve(), owner)
    await gate.write(() => 'mine')
    await other.write(() => 'theirs')
    expect(await codeOf(gate.write(() => 'still mine'))).to.equal('store_unavailable')
    expect(await codeOf(other.write(() => 'theirs'))).to.equal('none')
  })
})
