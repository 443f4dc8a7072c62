import { expect } from 'chai'
import * as fc from 'fast-check'
import type { Entry } from '../../src/turns/entry.ts'
import { BlockFold } from '../../src/turns/fold.ts'
import { call, placedOf, result, someUnits, text } from './lane-model.ts'

function folded(...entries: Entry[]): BlockFold {
  const fold = new BlockFold()
  for (const entry of entries) fold.push(entry)
  return fold
}

const shape = ({ blocks }: BlockFold) =>
  blocks.map(({ mode, content }) => [mode, typeof content === 'string' ? content : content.callId])

describe('the blocks of a lane', () => {
  it('[TL13] are runs of one mode and calls; a result is none and ends none', () => {
    const fold = folded(
      text('h', 'thinking'),
      text('m', 'thinking'),
      result('unknown'),
      text('.', 'thinking'),
      text('so'),
      call('1'),
      text(' it'),
      result('1'),
      text(' is'),
    )
    expect(shape(fold)).to.deep.equal([
      ['thinking', 'hm.'],
      ['responding', 'so'],
      ['tool', '1'],
      ['responding', ' it is'],
    ])
  })

  it('[TL14] give a result to the newest call of its name, and the last one counts', () => {
    const fold = folded(call('1'), result('1', 'first'), call('1'), result('1', 'early'), result('1', 'late'))
    expect(fold.toolCalls.map(({ response }) => response)).to.deep.equal(['first', 'late'])
    expect(fold.blocks.map(({ content }) => content)).to.deep.equal(fold.toolCalls)
    expect(fold.blocks[1]?.content).to.equal(fold.toolCalls[1])
  })

  it('[TL14] keep of an error only the last word', () => {
    const failed: Entry = { kind: 'result', callId: '1', response: 'no', isError: true, createdAt: 0 }
    expect(folded(call('1'), failed).toolCalls[0]?.isError).to.equal(true)
    expect(folded(call('1'), failed, result('1')).toolCalls[0]).not.to.have.property('isError')
  })

  it('[TL14] keep what a call said where its result says nothing of it', () => {
    const begun: Entry = {
      ...call('1'),
      kind: 'call',
      detail: { title: 'List', kind: 'read' },
      truncated: true,
    } as Entry
    const ended: Entry = {
      kind: 'result',
      callId: '1',
      response: 'x',
      detail: { title: 'Listed' },
      subagent: { name: 'a' },
      stats: 3,
      createdAt: 0,
    }
    expect(folded(begun, ended).toolCalls[0]).to.deep.equal({
      callId: '1',
      name: 'bash',
      parameters: '{}',
      response: 'x',
      detail: { title: 'Listed', kind: 'read' },
      truncated: true,
      subagent: { name: 'a' },
      stats: 3,
    })
  })

  it('[TL14] know a call that came with its response, and calls of any name', () => {
    const answered: Entry = {
      kind: 'call',
      callId: '__proto__',
      name: 'ls',
      parameters: '',
      response: 'a b',
      createdAt: 0,
    }
    expect(folded(answered).toolCalls[0]?.response).to.equal('a b')
    expect(folded(answered, result('__proto__', 'c')).toolCalls[0]?.response).to.equal('c')
  })

  it('[TL13] are the same however the text was cut', () => {
    fc.assert(
      fc.property(someUnits, fc.array(fc.integer({ min: 1, max: 5 })), (units, cuts) => {
        const whole = folded(...placedOf(units, 0, units.length).map(({ entry }) => entry))
        const pieces = new BlockFold()
        let from = 0
        for (const size of [...cuts, units.length]) {
          const to = Math.min(units.length, from + size)
          for (const { entry } of placedOf(units, from, to)) pieces.push(entry)
          from = to
        }
        expect(pieces.blocks).to.deep.equal(whole.blocks)
        expect(pieces.toolCalls).to.deep.equal(whole.toolCalls)
      }),
    )
  })
})
