import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { z } from 'zod'
import { codeDown } from '../../src/protocol/code-down.ts'
import { codeUp } from '../../src/protocol/code-up.ts'
import { droneDown } from '../../src/protocol/drone-down.ts'
import { droneUp } from '../../src/protocol/drone-up.ts'
import { ERROR_CODES } from '../../src/protocol/errors.ts'
import type { EventSpec } from '../../src/protocol/event.ts'
import { PROTOCOL_VERSION, codeAuth, droneAuth } from '../../src/protocol/handshake.ts'
import { opsDown, opsUp } from '../../src/protocol/ops.ts'
import { turnView } from '../../src/protocol/turn-view.ts'

/**
 * What was agreed on. A change of the schemas is a change of the contract: write it into docs/protocol.md, decide
 * whether peers of the present version can live with it or PROTOCOL_VERSION has to go up, and only then put the new hash here.
 */
const AGREED = { version: 1, hash: '359dc31db9df35d1' }

function schemaOf(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
}

function tableOf(table: Record<string, EventSpec>): unknown {
  return Object.entries(table)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { args, answer }]) => [
      name,
      schemaOf(args),
      typeof answer === 'string' ? answer : schemaOf(answer),
    ])
}

function hashOf(contract: unknown): string {
  return createHash('sha256').update(JSON.stringify(contract)).digest('hex').slice(0, 16)
}

describe('the schemas of the wire', () => {
  it('[WS1] change only together with this hash, and the version with what peers cannot live with', () => {
    const contract = {
      tables: [droneUp, droneDown, codeUp, codeDown, opsUp, opsDown].map(tableOf),
      handshakes: [codeAuth, droneAuth].map(schemaOf),
      turn: schemaOf(turnView),
      errors: ERROR_CODES.toSorted(),
    }
    expect({ version: PROTOCOL_VERSION, hash: hashOf(contract) }).to.deep.equal(AGREED)
  })

  it('[WS1] have another hash when a field, a limit or an answer changes (control)', () => {
    const event = (args: z.ZodType<unknown[], unknown[]>, answer: EventSpec['answer'] = 'none') =>
      hashOf(tableOf({ said: { args, answer } }))
    const same = event(z.tuple([z.object({ a: z.string().max(5) })]))
    expect(event(z.tuple([z.object({ a: z.string().max(5) })]))).to.equal(same)
    const others = [
      event(z.tuple([z.object({ a: z.string().max(6) })])),
      event(z.tuple([z.object({ b: z.string().max(5) })])),
      event(z.tuple([z.object({ a: z.string().max(5).optional() })])),
      event(z.tuple([z.object({ a: z.string().max(5) })]), 'boolean'),
      event(z.tuple([z.object({ a: z.string().max(5) })]), z.object({})),
    ]
    expect(new Set([same, ...others]).size).to.equal(6)
  })
})
