import { expect } from 'chai'
import { TurnUsage } from '../../src/drone/turn-usage.ts'
import { RecordingWork } from './recording-work.ts'

const tokens = (inputTokens: number, outputTokens: number) => ({
  stopReason: 'end_turn',
  usage: { inputTokens, outputTokens, thoughtTokens: 5, cachedReadTokens: 20, cachedWriteTokens: undefined },
})
const update = (used: number, amount: number, currency = 'USD') => ({
  sessionUpdate: 'usage_update' as const,
  used,
  size: 1000,
  cost: { amount, currency },
})

function usageOf(spent: number | undefined): {
  work: RecordingWork
  usage: TurnUsage
  last: () => unknown
} {
  const work = new RecordingWork()
  const last = () => work.said.flatMap((said) => ('usage' in said ? [said.usage] : [])).at(-1)
  return { work, usage: new TurnUsage({ work, meter: { spent } }), last }
}

describe('the usage of a turn', () => {
  it('[AG6] adds up the prompts of a turn, and counts thinking as output', () => {
    const { usage, last } = usageOf(0)
    usage.add(tokens(100, 40))
    usage.add(tokens(10, 1))
    expect(last()).to.deep.equal({ input: 110, output: 51, cacheRead: 40 })
  })

  it('[AG6] takes from the cost of the session what was spent before the turn', () => {
    const { usage, last } = usageOf(0.5)
    usage.update(update(10, 0.75))
    expect(last()).to.deep.equal({ input: 0, output: 0, contextUsed: 10, contextWindow: 1000, cost: 0.25 })
  })

  it('[AG6] says no cost where it does not know it, or in another currency', () => {
    const { usage, last } = usageOf(undefined)
    usage.update(update(10, 0.75))
    expect(last()).not.to.have.property('cost')
    const other = usageOf(0)
    other.usage.update(update(10, 0.75, 'EUR'))
    expect(other.last()).not.to.have.property('cost')
  })
})
