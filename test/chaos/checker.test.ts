import { expect } from 'chai'
import { judgeAttempt, judgeGlimpse, judgeView } from '../../scripts/chaos/checker.ts'
import type { ToldAttempt } from '../../scripts/chaos/checker.ts'
import { foldLane } from '../../scripts/chaos/fold.ts'
import type { Speech } from '../../scripts/chaos/journal.ts'
import { tagText, totalUnits } from '../../scripts/chaos/words.ts'
import type { Saying } from '../../scripts/chaos/words.ts'

const turnId = 't'

/** What one speaker says of an attempt: `count` pieces of text. */
function sayings(count: number, { attempt = 1, speaker = 'a' } = {}): Saying[] {
  return Array.from({ length: count }, (_, number) => ({
    kind: 'text',
    mode: 'responding',
    text: `${tagText({ attempt, speaker, count: number })} word ${number} `,
  }))
}

function speech(said: Saying[], more: Partial<Speech> = {}): Speech {
  return {
    turnId,
    attempt: 1,
    speaker: 'a',
    droneId: 'd',
    beganAt: 0,
    lanes: new Map([['', said]]),
    stored: new Map(),
    steered: new Set(),
    ended: true,
    overAt: undefined,
    why: undefined,
    ...more,
  }
}

function told(said: readonly Saying[], more: Partial<ToldAttempt> = {}): ToldAttempt {
  const { units, blocks } = foldLane(said)
  return { turnId, attempt: 1, status: 'finished', lanes: [{ lane: '', units, blocks }], ...more }
}

const said = sayings(4)
const wrongs = (stored: readonly Saying[], of = [speech(said)], more: Partial<ToldAttempt> = {}): string[] =>
  judgeAttempt(told(stored, more), of).map(({ wrong }) => wrong)

describe('the checker of the chaos harness', () => {
  it('[CH3] finds nothing wrong with what was said', () => {
    expect(wrongs(said)).to.deep.equal([])
    expect(wrongs(said.slice(0, 2), [speech(said)], { status: 'failed' })).to.deep.equal([])
  })

  it('[CH3] finds words that are missing, doubled, out of order, changed, or of another attempt', () => {
    const [first, second, third, fourth] = said as [Saying, Saying, Saying, Saying]
    expect(wrongs([first, third, fourth])).to.deep.equal(['lost'])
    expect(wrongs([first, second, second, third, fourth])).to.deep.equal(['duplicated'])
    expect(wrongs([first, third, second, fourth])).to.deep.equal(['swapped'])
    const [other] = sayings(1, { attempt: 2 }) as [Saying]
    expect(wrongs([first, second, third, other])).to.deep.equal(['mixed'])
    const changed: Saying = {
      kind: 'text',
      mode: 'responding',
      text: `${tagText({ attempt: 1, speaker: 'a', count: 0 })} wird`,
    }
    expect(wrongs([changed, second, third, fourth])).to.deep.equal(['changed'])
  })

  it('[CH3] finds a finished turn that is not whole, and an acknowledged word that is not there', () => {
    expect(wrongs(said.slice(0, 3))).to.deep.equal(['lost'])
    const acknowledged = speech(said, { stored: new Map([['', totalUnits(said)]]) })
    expect(wrongs(said.slice(0, 3), [acknowledged], { status: 'failed' })).to.deep.equal(['lost'])
    expect(wrongs(said, [speech(said, { ended: undefined })])).to.deep.equal(['changed'])
  })

  it('[CH3] finds a viewer that holds other than what is stored, or than anybody said', () => {
    expect(judgeView(told(said), told(said), 'v')).to.deep.equal([])
    expect(judgeView(told(said.slice(1)), told(said), 'v')).to.have.length(1)
    expect(judgeView(told(said, { status: 'failed' }), told(said), 'v')).to.have.length(1)
    const live = { status: 'processing' }
    expect(judgeGlimpse(told(said.slice(0, 2), live), undefined, [speech(said)], 'v')).to.deep.equal([])
    expect(judgeGlimpse(told(said.slice(1, 2), live), undefined, [speech(said)], 'v')).to.have.length(1)
  })
})
