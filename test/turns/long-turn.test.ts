import { expect } from 'chai'
import { bytesOf } from '../../src/turns/parts.ts'
import type { Placed } from '../../src/turns/entry.ts'
import type { FlushBatch } from '../../src/turns/turn-store.ts'
import { FlushBench, aTurn, settled } from './flush-bench.ts'
import { call, text } from './lane-model.ts'

const PART_BYTES = 16_384
const WINDOW_BYTES = 1_000_000
const PIECE = 'The quick brown fox 😀 jumps. '.repeat(100)

const sizeOf = (entries: readonly Placed[]): number =>
  entries.reduce((sum, placed) => sum + bytesOf(placed), 0)

/** Keeps of a flush only how much it was. */
class Sizes {
  units = 0
  bytes = 0
  largestOpen = 0
  largestBatch = 0
  batches = 0

  note({ lanes }: FlushBatch): void {
    this.batches += 1
    for (const { fresh, closed, after } of lanes) {
      const open = sizeOf(after.open)
      const bytes = sizeOf(fresh) + closed.reduce((sum, { entries }) => sum + sizeOf(entries), 0) + open
      this.units = after.length
      this.bytes += bytes
      this.largestOpen = Math.max(this.largestOpen, open)
      this.largestBatch = Math.max(this.largestBatch, bytes)
    }
  }
}

/** Streams `units` through a turn; every flush gathers what came during the one before. */
async function stream(units: number): Promise<{ sizes: Sizes; mostHeld: number; refused: number }> {
  const bench = new FlushBench()
  const turn = aTurn({}, { partBytes: PART_BYTES, maxUnstoredBytes: WINDOW_BYTES })
  const sizes = new Sizes()
  let mostHeld = 0
  let refused = 0
  while (turn.received('') < units || turn.hasUnstored) {
    // The drone sends until it is refused: far more than a store this slow takes.
    while (turn.received('') < units) {
      const entry = turn.received('') % 7 === 0 ? call('1') : text(PIECE)
      if (bench.say(turn, entry) !== 'full') continue
      refused += 1
      break
    }
    const held = turn.tail().flatMap(({ entries }) => entries)
    mostHeld = Math.max(mostHeld, sizeOf(held), turn.unstoredBytes)
    bench.clock.pass(500)
    await bench.answer()
    for (const batch of bench.stored.splice(0)) sizes.note(batch)
    bench.commits.length = 0
  }
  await settled()
  expect(sizes.units).to.equal(turn.received(''))
  return { sizes, mostHeld, refused }
}

describe('a turn of 50 MB', () => {
  it('[TN12] holds no more than its window, and costs what its length costs', async () => {
    const { sizes, mostHeld, refused } = await stream(50_000_000)
    expect(refused).to.be.greaterThan(0)
    expect(mostHeld).to.be.lessThan(WINDOW_BYTES + PIECE.length * 4)
    expect(sizes.largestOpen).to.be.lessThan(PART_BYTES)
    expect(sizes.largestBatch).to.be.lessThan(3 * WINDOW_BYTES)
    // Every word is frozen as fresh and in its part; what was open at a flush is said once more.
    expect(sizes.bytes).to.be.lessThan(50_000_000 * 2.5 + sizes.batches * 2 * PART_BYTES)
  })

  it('[TN12] costs as much per word when it is small as when it is long', async () => {
    const perUnit = async (units: number): Promise<number> => (await stream(units)).sizes.bytes / units
    const [small, large] = [await perUnit(2_000_000), await perUnit(16_000_000)]
    expect(large / small).to.be.within(0.8, 1.2)
  })
})
