import { expect } from 'chai'
import { derivedId } from '../../src/turns/derived-id.ts'

describe('an id made of names', () => {
  it('[CL15] is one that a shell command does not take for an option, and another for each list of names', () => {
    const ids = Array.from({ length: 1_000 }, (_, number) => derivedId('user', String(number)))
    for (const id of ids) expect(id).to.match(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
    expect(new Set(ids)).to.have.length(ids.length)
    expect(derivedId('user', '7')).to.equal(ids[7])
    expect(derivedId('us', 'er7')).not.to.equal(derivedId('user', '7'))
  })
})
