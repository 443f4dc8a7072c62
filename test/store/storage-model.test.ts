import { expect } from 'chai'
import type { SwitchedOff } from '../support/store-documents.ts'
import { StoreHistory } from '../support/store-history.ts'

/** Histories of the scheme as it is. More of them: STORE_HISTORIES=300000. */
const HISTORIES = Number(process.env.STORE_HISTORIES ?? 3_000)
/** Histories in which a control run has to find something. */
const CONTROL_HISTORIES = 1_000

async function firstViolation(off: SwitchedOff, histories: number): Promise<string | undefined> {
  for (let seed = 1; seed <= histories; seed++) {
    try {
      await new StoreHistory(seed, off).run()
    } catch (error) {
      return `seed ${seed}: ${String(error)}`
    }
  }
  return undefined
}

describe('the storage scheme, with operations delayed, repeated, lost and not answered', () => {
  it(`[ST1] [ST2] [ST3] [ST4] [ST5] breaks no promise in ${HISTORIES} random histories`, async function () {
    this.timeout(60_000 + HISTORIES * 20)
    expect(await firstViolation('nothing', HISTORIES)).to.equal(undefined)
  })

  const controls: [string, SwitchedOff][] = [
    ['[ST2] a late part is not refused', 'part guard'],
    ['[ST3] a late header is not refused', 'header guard'],
    ['[ST4] a batch of unknown outcome is built anew', 'frozen batches'],
    ['[ST1] headers are written before their parts', 'parts before headers'],
  ]
  for (const [what, off] of controls) {
    it(`${what}: then the model finds a broken promise`, async function () {
      this.timeout(60_000)
      expect(await firstViolation(off, CONTROL_HISTORIES)).to.match(/hole|changed|lost|replaced|fenced/)
    })
  }
})
