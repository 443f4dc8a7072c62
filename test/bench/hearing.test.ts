import { expect } from 'chai'
import { Hearing } from '../../scripts/bench/hearing.ts'

/** What the bench finds wrong is what makes it exit with 1: a relay that is fast because it drops words is not. */
describe('a viewer of the bench', () => {
  let hearing: Hearing

  beforeEach(() => {
    hearing = new Hearing('viewer')
    hearing.text('responding', 'one ', 0)
  })

  it('has nothing to complain of where each word comes once and in order', () => {
    hearing.text('responding', 'two', 4)
    hearing.over('finished', 7)
    expect(hearing.wrong).to.deep.equal([])
    expect(hearing.transcript.length).to.equal(7)
  })

  it('complains of a word that is missing, comes again, or never came', () => {
    hearing.text('responding', 'three', 7)
    expect(hearing.wrong).to.have.length(1)
    const again = new Hearing('viewer')
    again.text('responding', 'one ', 0)
    again.text('responding', 'one ', 0)
    expect(again.wrong).to.have.length(1)
    const short = new Hearing('viewer')
    short.over('finished', 4)
    expect(short.wrong).to.have.length(1)
  })

  it('complains of a turn that did not finish', () => {
    hearing.over('failed', 4)
    expect(hearing.wrong).to.have.length(1)
  })
})
