import { expect } from 'chai'
import * as fc from 'fast-check'
import { cutTool } from '../../src/client/tool-cut.ts'
import type { ToolDetail } from '../../src/protocol/position.ts'

const bytesOf = (params: string, response: string, detail?: ToolDetail): number =>
  Buffer.byteLength(params) +
  Buffer.byteLength(response) +
  (detail ? Buffer.byteLength(JSON.stringify(detail)) : 0)

const diffs = [{ path: 'a.ts', oldText: 'x'.repeat(100), newText: 'y'.repeat(100) }]

describe('what a tool entry may carry', () => {
  it('[DC7] is left as it is where it fits', () => {
    const words = { params: '汉', response: 'ok', detail: { title: 'List' } }
    const toolBytes = bytesOf(words.params, words.response, words.detail)
    expect(cutTool(words, { toolBytes })).to.deep.equal({ ...words, truncated: false })
    expect(cutTool(words, { toolBytes: toolBytes - 1 }).truncated).to.equal(true)
  })

  it('[DC7] loses diffs and places first, then the end of the response, and the parameters last', () => {
    const words = { params: 'p'.repeat(50), response: 'r'.repeat(50), detail: { title: 'T', diffs } }
    const plain = { params: words.params, response: words.response, detail: { title: 'T' }, truncated: true }
    expect(cutTool(words, { toolBytes: 150 })).to.deep.equal(plain)
    expect(cutTool(words, { toolBytes: 100 })).to.deep.equal({ ...plain, response: 'r'.repeat(37) })
    expect(cutTool(words, { toolBytes: 40 })).to.deep.equal({
      ...plain,
      params: 'p'.repeat(27),
      response: '',
    })
    const titled = { ...words, detail: { title: 't'.repeat(80) } }
    expect(cutTool(titled, { toolBytes: 100 })).to.deep.equal({
      ...plain,
      detail: undefined,
    })
  })

  it('[DC7] is cut between characters, whatever these are', () => {
    const cut = (response: string, toolBytes: number) =>
      cutTool({ params: '', response, detail: undefined }, { toolBytes }).response
    expect([3, 4, 7, 8].map((room) => cut('😀😀😀', room))).to.deep.equal(['', '😀', '😀', '😀😀'])
    expect(cut('\ufeffa bc', 5)).to.equal('\ufeffa ')
    expect(cut('é'.repeat(9), 5)).to.equal('éé')
    expect(cut('abc', 0)).to.equal('')
  })

  it('[DC7] is at most `toolBytes`, and says so exactly where something is missing', () => {
    const string = fc.string({ unit: 'grapheme', maxLength: 60 })
    const detail = fc.option(
      fc.record({ title: string, locations: fc.array(fc.record({ path: string }), { maxLength: 3 }) }),
      { nil: undefined },
    )
    fc.assert(
      fc.property(string, string, detail, fc.nat(200), (params, response, detail, toolBytes) => {
        const words = { params, response, detail }
        const { truncated, ...cut } = cutTool(words, { toolBytes })
        expect(bytesOf(cut.params, cut.response, cut.detail)).to.be.at.most(toolBytes)
        expect([params.startsWith(cut.params), response.startsWith(cut.response)]).to.deep.equal([true, true])
        expect(truncated).to.equal(JSON.stringify(cut) !== JSON.stringify(words))
      }),
      { numRuns: 500 },
    )
  })
})
