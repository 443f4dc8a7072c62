import { expect } from 'chai'
import { z } from 'zod'
import { droneUp } from '../../src/protocol/drone-up.ts'
import { droneAuth } from '../../src/protocol/handshake.ts'
import { position } from '../../src/protocol/position.ts'
import { bytes, count, json, jsonObject, laneName, name, opt, ownId } from '../../src/protocol/values.ts'

const takes = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success
const at = { turnId: 'turn-1', attempt: 1, offset: 0 }

describe('what may be on the wire', () => {
  it('[WS2] takes null for absent, and a missing argument before a present one as null', () => {
    const schema = z.object({ a: opt(z.string()), b: opt(count) })
    for (const given of [{}, { a: null }, { a: null, b: null }, { a: undefined }]) {
      const parsed = schema.parse(given)
      expect([parsed.a, parsed.b]).to.deep.equal([undefined, undefined])
      expect(JSON.stringify(parsed)).to.equal('{}')
    }
    expect(schema.parse({ a: '', b: 0 })).to.deep.equal({ a: '', b: 0 })
    expect(takes(schema, { a: 1 })).to.equal(false)
    expect(position.parse({ ...at, lane: null }).lane).to.equal(undefined)
  })

  it('[WS2] takes events without their last arguments, or with null for them', () => {
    const { args } = droneUp.toolCall
    expect(args.parse(['1', 'ls'])).to.deep.equal(['1', 'ls'])
    expect(args.parse(['1', 'ls', null, null, at]).slice(2)).to.deep.equal([undefined, undefined, at])
    expect(
      args
        .parse(['1', 'ls', null, null, null])
        .slice(2)
        .every((value) => value === undefined),
    ).to.equal(true)
    for (const bad of [[], ['1'], [null, 'ls'], ['1', 'ls', '', '', at, 'more']])
      expect(takes(args, bad)).to.equal(false)
  })

  it('[WS3] ignores fields that it does not know', () => {
    expect(position.parse({ ...at, later: { any: 'thing' } })).to.deep.equal(at)
    const auth = {
      token: 't',
      protocol: 1,
      registration: { name: 'n', hostname: 'h', workspaceId: 'w', later: 1 },
    }
    expect(droneAuth.parse({ ...auth, later: 1 }).registration).to.deep.equal({
      name: 'n',
      hostname: 'h',
      workspaceId: 'w',
    })
  })

  it('[WS4] knows its own ids by their letters and length', () => {
    for (const id of ['a', 'A-z_09', 'x'.repeat(64)]) expect(takes(ownId, id)).to.equal(true)
    for (const id of ['', 'x'.repeat(65), 'a b', 'a/b', '..', 'é', 'a\n', null, 1])
      expect(takes(ownId, id)).to.equal(false)
  })

  it('[WS4] takes names of 1 to 512 characters without control characters, in well-formed Unicode', () => {
    for (const given of ['a', ' ', '../etc', '__proto__', '😀', 'x'.repeat(512)])
      expect(takes(name, given)).to.equal(true)
    const bad = [
      '',
      'x'.repeat(513),
      'a\u0000',
      'a\nb',
      'a\n',
      'a\u001f',
      'a\u007f',
      'a\u009f',
      '\ud83d',
      null,
      7,
    ]
    for (const given of bad) expect(takes(name, given)).to.equal(false)
    expect([takes(laneName, ''), takes(laneName, 'a'), takes(laneName, 'a\n')]).to.deep.equal([
      true,
      true,
      false,
    ])
  })

  it('[WS4] counts in whole numbers from 0, attempts from 1', () => {
    for (const given of [0, 1, Number.MAX_SAFE_INTEGER]) expect(takes(count, given)).to.equal(true)
    for (const given of [-1, 0.5, Number.NaN, 2 ** 53, '1', Number.POSITIVE_INFINITY]) {
      expect(takes(count, given)).to.equal(false)
    }
    for (const attempt of [0, -1, 1.5]) expect(takes(position, { ...at, attempt })).to.equal(false)
  })

  it('[WS5] refuses keys that reach for prototypes, and never sets one', () => {
    const reaching = ['{"__proto__":{"x":1}}', '{"a":[{"constructor":1}]}', '{"a":{"prototype":1}}']
    for (const given of reaching) expect(takes(json, JSON.parse(given))).to.equal(false)
    for (const given of reaching.slice(1)) expect(takes(jsonObject, JSON.parse(given))).to.equal(false)
    const parsed: unknown[] = [
      jsonObject.safeParse(JSON.parse('{"__proto__":{"x":1},"a":1}')).data,
      position.parse(JSON.parse('{"__proto__":{"x":1},"turnId":"t","attempt":1,"offset":0}')),
    ]
    for (const value of parsed.filter((one) => one !== undefined)) {
      expect(Object.getPrototypeOf(value)).to.equal(Object.prototype)
      expect((value as { x?: unknown }).x).to.equal(undefined)
    }
    expect(({} as { x?: unknown }).x).to.equal(undefined)
  })

  it('[WS5] takes plain JSON, at most 32 deep', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    for (const given of [null, 'a', 1, true, [], {}, { a: [{ b: null }] }, nested(32)])
      expect(takes(json, given)).to.equal(true)
    const bad = [
      nested(33),
      Number.NaN,
      new Date(),
      new Map(),
      Buffer.from('a'),
      () => 1,
      undefined,
      { a: undefined },
      1n,
    ]
    for (const given of bad) expect(takes(json, given)).to.equal(false)
    for (const given of [[], 'a', null, 1]) expect(takes(jsonObject, given)).to.equal(false)
  })

  it('[WS5] takes bytes only as bytes', () => {
    for (const given of [Buffer.from('a'), new Uint8Array(0)]) expect(takes(bytes, given)).to.equal(true)
    for (const given of ['a', [1], { length: 1 }, new ArrayBuffer(1), null])
      expect(takes(bytes, given)).to.equal(false)
  })
})
