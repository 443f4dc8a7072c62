import { join } from 'node:path'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { DataFile } from '../../src/store/embedded/data-file.ts'
import { readWords } from '../../src/store/embedded/lane-reader.ts'
import { FORMAT } from '../../src/store/embedded/tables.ts'
import { TurnTable } from '../../src/store/embedded/turn-table.ts'
import type { LaneOwner, TurnHeader } from '../../src/turns/turn-store.ts'
import { acted } from '../support/acted.ts'
import { aTurn, batchOf, nextAttempt, say, textOf } from '../support/store-turns.ts'
import { tempDir } from '../support/temp-dir.ts'

const HISTORIES = 60
/** So little that a short history goes past all of it. */
const BOUNDS = { turnBytes: 400, records: 4, bytes: 1000 }
/** Turns of a history, each with two lanes. */
const TURNS = 3

describe('the journal of the data file', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let file: DataFile
  let turns: TurnTable

  beforeEach(async () => {
    dir = await tempDir('journal')
    await open()
  })
  afterEach(async () => {
    await file.close()
    await dir.remove()
  })

  async function open(): Promise<void> {
    file = await DataFile.open({ folder: dir.path, file: join(dir.path, 'data.mdb'), journal: BOUNDS })
    turns = new TurnTable(file)
    await file.tables.meta.put('format', FORMAT)
  }

  async function openAgain(): Promise<void> {
    await file.close()
    await open()
  }

  function header(turnId = 'turn-1'): TurnHeader {
    const found = turns.read(turnId)
    if (!found) throw new Error(`turn ${turnId} is not there`)
    return found
  }

  function text(owner: LaneOwner, number = 0, from = 0): string {
    return textOf([...readWords(file, owner, number, from)].flat(), from)
  }

  async function insert(turnId = 'turn-1'): Promise<TurnHeader> {
    return acted(file, () => turns.insert(aTurn({ turnId, status: 'processing' })))
  }

  async function speak(words: string, { turnId = 'turn-1', number = 0 } = {}): Promise<void> {
    const batch = batchOf(header(turnId), [{ number, entries: [say(words)] }])
    expect(await acted(file, () => turns.commit([batch]))).to.deep.equal(['committed'])
  }

  it('[ST24] has the words of a commit, in one record, and reads them from any place, also when opened again', async () => {
    const ids = ['turn-1', 'turn-2', 'turn-3']
    for (const turnId of ids) await insert(turnId)
    const batches = ids.map((turnId) => batchOf(header(turnId), [{ entries: [say(`I am ${turnId}.`)] }]))
    await acted(file, () => turns.commit(batches))
    expect([file.tables.journal.getCount(), file.tables.words.getCount()]).to.deep.equal([1, 0])
    for (let opened = 0; opened < 2; opened++) {
      for (const turnId of ids) {
        const all = `I am ${turnId}.`
        for (let from = 0; from <= all.length; from++)
          expect(text(header(turnId), 0, from)).to.equal(all.slice(from))
      }
      await openAgain()
    }
  })

  it('[ST24] leaves much that is said at once to records, in their order, with what was in it before', async () => {
    await insert()
    const much = 'y'.repeat(4096)
    await speak('before ')
    await speak(much)
    expect([file.tables.words.getCount(), file.journal.find('turn-1')]).to.deep.equal([2, undefined])
    expect(
      file.tables.journal.getCount(),
      'the record of what was said before is all there ever was',
    ).to.be.at.most(1)
    await speak(' after')
    const said = `before ${much} after`
    for (let opened = 0; opened < 2; opened++) {
      for (const from of [0, 6, 7, 8, 4102, 4103, 4104, said.length - 1])
        expect(text(header(), 0, from)).to.equal(said.slice(from))
      await openAgain()
    }
  })

  it('[ST24] is not asked for a turn that is further on disk, though nobody has told it yet', async () => {
    await insert()
    await speak('words ')
    const end = { status: 'finished', endedAt: 9 } as const
    const batch = batchOf(header(), [{ entries: [say('and the end')] }], end)
    await file.tables.root.transaction(() => {
      file.journal.begin()
      turns.commit([batch])
      file.journal.keep()
    })
    const onDisk = ['finished', 9, 'words and the end']
    const read = (): unknown[] => [header().status, header().endedAt, text(header())]
    expect(read()).to.deep.equal(onDisk)
    file.journal.publish()
    expect(read()).to.deep.equal(onDisk)
  })

  it('[ST24] gives a turn its records when its words are many, and reads across them', async () => {
    await insert()
    let said = 'x'.repeat(BOUNDS.turnBytes)
    await speak(said)
    expect([file.tables.words.getCount(), file.journal.find('turn-1')]).to.deep.equal([1, undefined])
    for (let n = 0; n < 40; n++) {
      await speak(`${n} `)
      said += `${n} `
    }
    expect(file.journal.find('turn-1'), 'the last words are in the journal').to.not.equal(undefined)
    for (let from = 0; from <= said.length; from++) expect(text(header(), 0, from)).to.equal(said.slice(from))
  })

  it('[ST24] stays short, though one of the turns in it says nothing more', async () => {
    await insert('quiet')
    await insert('loud')
    await speak('What was said once.', { turnId: 'quiet' })
    for (let n = 0; n < 100; n++) {
      await speak('word ', { turnId: 'loud' })
      expect(file.tables.journal.getCount()).to.be.at.most(BOUNDS.records + 3)
    }
    await openAgain()
    expect(text(header('quiet'))).to.equal('What was said once.')
    expect(text(header('loud'))).to.equal('word '.repeat(100))
  })

  it('[ST24] is seen by nobody before it is on disk, and by the next write in the same transaction', async () => {
    await insert()
    const seen: (number | undefined)[] = []
    const first = batchOf(header(), [{ entries: [say('one ')] }])
    await file.tables.root.transaction(() => {
      file.journal.begin()
      turns.commit([first])
      file.journal.keep()
      seen.push(turns.read('turn-1')?.version)
      file.journal.begin()
      seen.push(turns.read('turn-1')?.version)
      expect(turns.commit([first])).to.deep.equal(['committed'])
      file.journal.keep()
    })
    expect(turns.read('turn-1')?.version, 'for readers').to.equal(0)
    file.journal.publish()
    expect(seen).to.deep.equal([0, 1])
    expect(text(header())).to.equal('one ')
  })

  it('[ST24] is told by a takeover in the same transaction, and fences what comes after it', async () => {
    await insert()
    const batch = batchOf(header(), [{ entries: [say('one ')] }])
    await acted(file, () => {
      turns.commit([batch])
      expect(turns.takeOver('turn-1', 1, 'node-b')).to.deep.include({ version: 1, generation: 2 })
    })
    expect(await acted(file, () => turns.commit([{ ...batch, version: 1 }]))).to.deep.equal(['fenced'])
    await openAgain()
    expect(header()).to.deep.include({ version: 1, generation: 2, node: 'node-b' })
    expect(text(header())).to.equal('one ')
  })

  it('[ST24] keeps what a transaction needs of it, in whatever order its actions settle turns and speak', async () => {
    for (const turnId of ['turn-1', 'turn-2', 'turn-3']) await insert(turnId)
    await speak('one ', { turnId: 'turn-2' })
    const second = header('turn-2')
    const settled = batchOf(second, [], { reason: 'why' })
    const again = { ...batchOf(second, [{ entries: [say('two')] }]), version: second.version + 1 }
    const other = batchOf(header('turn-1'), [{ entries: [say('other')] }])
    await acted(
      file,
      () => turns.commit([settled]),
      () => turns.commit([other]),
      () => turns.commit([again]),
    )
    await acted(file, () => turns.commit([batchOf(header('turn-3'), [], { reason: 'why' })]))
    await openAgain()
    expect([text(header('turn-1')), text(header('turn-2'))]).to.deep.equal(['other', 'one two'])
  })

  it('[ST24] forgets what an action did that failed', async () => {
    await insert()
    await speak('kept ')
    const batch = batchOf(header(), [{ entries: [say('undone')] }])
    await file.tables.root.transaction(() => {
      file.journal.begin()
      expect(() =>
        file.tables.root.transactionSync(() => {
          turns.commit([batch])
          throw new Error('it fails')
        }),
      ).to.throw()
      file.journal.undo()
    })
    file.journal.publish()
    expect(header().version).to.equal(1)
    await openAgain()
    expect(text(header())).to.equal('kept ')
  })

  it('[ST24] refuses to open where it does not go on from where a turn is', async () => {
    await insert()
    await speak('one ')
    const [, , attempt, status, node, lanes] = file.tables.turns.get('turn-1') ?? []
    await file.tables.turns.put('turn-1', [1, -5, attempt, status, node, lanes] as never)
    const refusal: unknown = await openAgain().catch((error: unknown) => error)
    expect(String(refusal)).to.match(/does not go on/)
  })

  type Deed =
    | { readonly do: 'say'; readonly turn: number; readonly number: number; readonly words: string }
    | { readonly do: 'attempt'; readonly turn: number; readonly borrows: boolean }
    | { readonly do: 'state' | 'take over' | 'give again'; readonly turn: number }
    | { readonly do: 'open again' }
  const turn = fc.nat({ max: TURNS - 1 })
  const deeds = fc.array(
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          do: fc.constant('say' as const),
          turn,
          number: fc.nat({ max: 1 }),
          words: fc.string({ minLength: 1, maxLength: 40 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('attempt' as const), turn, borrows: fc.boolean() }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constantFrom('state', 'take over', 'give again'), turn }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('open again' as const) }) },
    ) as fc.Arbitrary<Deed>,
    { minLength: 10, maxLength: 60, size: 'max' },
  )

  it('[ST24] says the same as turns without it, in every history', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (history) => {
        await file.close()
        await dir.remove()
        dir = await tempDir('journal')
        await open()
        const said = Array.from({ length: TURNS }, () => ['', ''])
        for (let n = 0; n < TURNS; n++) await insert(`turn-${n}`)
        for (const deed of history) {
          if (deed.do === 'open again') await openAgain()
          else await live(deed, said[deed.turn] ?? [])
          for (const [n, lanes] of said.entries()) {
            const found = header(`turn-${n}`)
            expect(found.lanes.map((_, number) => text(found, number))).to.deep.equal(
              lanes.slice(0, found.lanes.length),
            )
            expect(lanes.slice(found.lanes.length).join('')).to.equal('')
          }
        }
      }),
      { numRuns: HISTORIES },
    )
  }).timeout(120_000)

  async function live(deed: Exclude<Deed, { do: 'open again' }>, lanes: string[]): Promise<void> {
    const found = header(`turn-${deed.turn}`)
    if (deed.do === 'take over') {
      await acted(file, () => turns.takeOver(found.turnId, found.generation, 'node-b'))
    } else if (deed.do === 'attempt') {
      await acted(file, () => turns.commit([nextAttempt(found, deed.borrows)]))
      if (!deed.borrows) lanes.fill('')
    } else if (deed.do === 'state') {
      await acted(file, () => turns.commit([batchOf(found, [], { reason: 'why' })]))
    } else if (deed.do === 'say') {
      const number = Math.min(deed.number, found.lanes.length)
      const batch = batchOf(found, [{ number, entries: [say(deed.words)] }])
      await acted(file, () => turns.commit([batch]))
      lanes[number] += deed.words
    } else {
      const batch = batchOf(found, [{ entries: [say('once')] }])
      await acted(file, () => turns.commit([batch]))
      expect(await acted(file, () => turns.commit([batch]))).to.deep.equal(['committed'])
      lanes[0] += 'once'
    }
  }
})
