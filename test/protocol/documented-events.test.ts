import { expect } from 'chai'
import { codeDown } from '../../src/protocol/code-down.ts'
import { codeUp } from '../../src/protocol/code-up.ts'
import { droneDown } from '../../src/protocol/drone-down.ts'
import { droneUp } from '../../src/protocol/drone-up.ts'
import { ERROR_CODES } from '../../src/protocol/errors.ts'
import { opsDown, opsUp } from '../../src/protocol/ops.ts'
import { ofProse, ofTable, page, section } from './documented-events.ts'

const text = page()
const drone = section(text, '## /drone', '\n## ')
const code = section(text, '## /code', '\n## ')
const ops = section(text, '## /ops and HTTP', 'The same over HTTP')
const originals = section(text, '## Clients of the original', '\n## ')

/** Told of in "Handshake", for all namespaces. */
const EVERYWHERE = ['draining', 'error']

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].toSorted()
}

const startsWithAgent = (name: string): boolean => name.startsWith('agent:')

describe('every event of docs/protocol.md', () => {
  it('[WS6] that the relay sends to a drone is in its table, and the other way round', () => {
    const documented = ofTable(section(drone, 'From the relay:', 'To the relay:'))
    expect(documented.length).to.be.greaterThan(10)
    expect(sorted([...documented, ...EVERYWHERE])).to.deep.equal(sorted(Object.keys(droneDown)))
  })

  it('[WS6] that a drone sends is in its table, and the other way round', () => {
    const documented = ofTable(section(drone, 'To the relay:', 'Limits:'))
    const asOriginal = [...ofProse(originals)].filter(startsWithAgent)
    expect(documented.length).to.be.greaterThan(15)
    expect(sorted([...documented, ...asOriginal])).to.deep.equal(sorted(Object.keys(droneUp)))
  })

  it('[WS6] that an IDE client sends is in its table, and the other way round', () => {
    const documented = ofTable(section(code, 'To the relay', '**Joining.**'))
    expect(documented.length).to.be.greaterThan(15)
    expect(sorted(documented)).to.deep.equal(sorted(Object.keys(codeUp)))
  })

  it('[WS6] that the relay sends to an IDE client is in its table, and the other way round', () => {
    const told = ofProse(section(code, 'From the relay:', 'A raw WebSocket'))
    for (const field of ['at', 'by', 'chatSessionId', 'droneId', 'version']) told.delete(field)
    const terminals = ofTable(drone).filter((name) => name.startsWith('terminal:') && name in droneUp)
    const asOriginal = ['workOrderComplete', ...Object.keys(droneUp).filter(startsWithAgent)]
    const documented = [...told, ...terminals, ...asOriginal, ...EVERYWHERE, 'resumed']
    expect(section(code, '**Joining.**', 'From the relay:')).to.contain('`resumed`')
    expect(code).to.contain('`terminal:*` as the drone sent them')
    expect(sorted(documented)).to.deep.equal(sorted(Object.keys(codeDown)))
  })

  it('[WS6] for operators is in the tables, and the other way round', () => {
    const told = ofProse(ops)
    const tables = { ...opsUp, ...opsDown }
    expect([...told].filter((name) => !(name in tables))).to.deep.equal([])
    expect(sorted([...told, ...EVERYWHERE])).to.deep.equal(sorted(Object.keys(tables)))
  })

  it('[WS6] that is refused is refused with a documented code, and every code can be said', () => {
    const handshake = section(text, 'Codes: ', '. Socket.IO does not')
    const later = section(text, 'Further codes: ', '. Content entries')
    const codes = [...`${handshake} ${later}`.matchAll(/`([a-z_]+)`/g)].map(([, word = '']) => word)
    expect(sorted(codes)).to.deep.equal(ERROR_CODES.toSorted())
  })
})
