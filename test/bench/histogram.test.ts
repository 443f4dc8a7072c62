import { expect } from 'chai'
import { Histogram } from '../../scripts/bench/histogram.ts'

function of(...ms: number[]): Histogram {
  const histogram = new Histogram()
  for (const each of ms) histogram.record(each)
  return histogram
}

describe('the histogram of the bench', () => {
  it('tells quantiles to a twentieth of a ms', () => {
    const hundred = of(...Array.from({ length: 100 }, (_, index) => index + 1))
    expect([0.01, 0.5, 0.99, 1].map((share) => hundred.quantile(share))).to.deep.equal([1, 50, 99, 100])
    expect(of(0.12).quantile(0.5)).to.equal(0.1)
    expect(of().quantile(0.5)).to.satisfy(Number.isNaN)
  })

  it('puts together what several processes measured, also through JSON', () => {
    const parts = [of(1, 2, 3), of(100), of()]
    const told = parts.map((part) => JSON.parse(JSON.stringify(part)) as [number, number][])
    const whole = Histogram.of(told.map((counts) => new Histogram(counts)))
    expect([whole.count, whole.quantile(0.5), whole.quantile(1)]).to.deep.equal([4, 2, 100])
  })
})
