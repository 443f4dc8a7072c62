import { expect } from 'chai'
import * as fc from 'fast-check'
import { excerptOf } from '../../src/search/excerpt.ts'
import { parseQuery } from '../../src/search/query.ts'
import { wordsOf } from '../../src/search/terms.ts'

function termsOf(text: string): string[] {
  return [...new Set([...wordsOf(text)].flatMap(({ terms }) => terms))]
}

/** Whether a text is found by a query, the index aside. */
function finds(query: string, text: string): boolean {
  return excerptOf([{ place: 'response', text }], parseQuery(query)) !== undefined
}

describe('the words that are searched', () => {
  it('[FT2] have neither case nor marks, and other ways to write a letter are the same letter', () => {
    expect(termsOf('Crème BRÛLÉE, ﬁne')).to.deep.equal(['creme', 'brulee', 'fine'])
    expect(finds('creme brulee', 'une CRÈME brûlée')).to.equal(true)
    expect(finds('Zürich', 'Zu\u0308rich')).to.equal(true)
    expect(finds('Ελλάδα', 'ΕΛΛΑΔΑ')).to.equal(true)
    expect(finds('किताब', 'यह किताब है')).to.equal(true)
  })

  it('[FT2] are names of code as a whole and by their parts', () => {
    expect(termsOf('readTurn')).to.have.members(['readturn', 'read', 'turn'])
    expect(termsOf('HTTPServer_v2')).to.have.members(['httpserver_v2', 'http', 'server', 'v', '2'])
    expect(finds('readTurn', 'calls readTurn() twice')).to.equal(true)
    expect(finds('turn read', 'calls readTurn() twice')).to.equal(true)
    // Who asks for the name wants the name.
    expect(finds('readTurn', 'I read it in turn')).to.equal(false)
    expect(finds('turn.ts', 'in src/turns/turn.ts:12')).to.equal(true)
  })

  it('[FT2] are characters and pairs of them where a script has no spaces', () => {
    expect(finds('数据库', '我们的数据库很大')).to.equal(true)
    expect(finds('据', '我们的数据库很大')).to.equal(true)
    expect(finds('库数', '我们的数据库很大')).to.equal(false)
    expect(finds('组件', '一个React组件')).to.equal(true)
    expect(finds('react', '一个React组件')).to.equal(true)
    expect(finds('ภาษาไทย', 'ฉันพูดภาษาไทย')).to.equal(true)
  })

  it('[FT3] have to be there all; a star leaves the end open', () => {
    expect(finds('disk full', 'the disk was full')).to.equal(true)
    expect(finds('disk empty', 'the disk was full')).to.equal(false)
    expect(finds('perm*', 'two permissions')).to.equal(true)
    expect(finds('perm', 'two permissions')).to.equal(false)
    for (const query of ['', ' ?! ', 'ab*', 'w1 '.repeat(3) + [...Array(17).keys()].join(' ')])
      expect(() => parseQuery(query), query)
        .to.throw()
        .with.property('code', 'invalid_payload')
  })

  it('[FT2] are found by themselves, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        const [word] = wordsOf(text)
        if (!word || (word.terms[0] ?? '') === '') return
        const written = text.slice(word.start, word.end)
        expect(finds(written, text), JSON.stringify([written, text])).to.equal(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('[FT2] take no time out of proportion', () => {
    // Only an end within the time of a test is asked for: what grows faster than the text would not come to one.
    for (const text of [
      'a'.repeat(131_072),
      'aB'.repeat(65_536),
      '数'.repeat(131_072),
      '\u0301'.repeat(131_072),
    ])
      expect(termsOf(text).every((term) => term.length <= 64)).to.equal(true)
  })
})

describe('an excerpt', () => {
  const far = 'nothing here. '.repeat(100)

  it('[FT4] is around the place where most of the query stands, with its matches', () => {
    const text = `${far}the disk alone. ${far}The full disk, and more. ${far}`
    const found = excerptOf([{ place: 'response', text }], parseQuery('disk full'))
    const { excerpt, matches } = found ?? { excerpt: '', matches: [] }
    expect(excerpt).to.include('The full disk')
    expect(excerpt.length).to.be.at.most(240)
    expect(matches.map(([start, end]) => excerpt.slice(start, end))).to.deep.equal(['full', 'disk'])
  })

  it('[FT4] is of the text that has the most of the query, which may be in several', () => {
    const texts = [
      { place: 'prompt', text: 'Why is the disk full?' },
      { place: 'response', text: 'Because of the journal.' },
    ] as const
    expect(excerptOf(texts, parseQuery('disk full journal'))).to.include({ place: 'prompt' })
    expect(excerptOf(texts, parseQuery('journal'))).to.include({ place: 'response' })
    expect(excerptOf(texts, parseQuery('journal missing'))).to.equal(undefined)
  })

  it('[FT4] never begins or ends within a character', () => {
    const text = `${'😀'.repeat(200)} word ${'😀'.repeat(200)}`
    for (const shift of ['', 'x'])
      expect(
        excerptOf([{ place: 'response', text: shift + text }], parseQuery('word'))?.excerpt.isWellFormed(),
      ).to.equal(true)
  })
})
