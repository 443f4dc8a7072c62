import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { EndedTerminal } from '../../../src/terminals/terminal-store.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

function aTerminal(fields: Partial<EndedTerminal> = {}): EndedTerminal {
  return {
    registrationId: randomUUID(),
    droneId: 'd1',
    userId: randomUUID(),
    terminalId: 'terminal 😀 / 1',
    chatSessionId: 'c1',
    turnId: randomUUID(),
    title: 'npm test',
    openedAt: 5,
    endedAt: 9,
    exitCode: 0,
    offset: 12_345_678_901,
    cols: 80,
    rows: 24,
    screen: '\u001b[1m$ \u001b[m\u0000 größe',
    ...fields,
  }
}

export function acceptTerminals(under: StoreUnderTest): void {
  describe('the terminals that have ended', () => {
    it('[TM7] are read as they ended, by name and by turn, also after the store was closed', async () => {
      const first = aTerminal()
      const { userId, terminalId } = first
      const { turnId, title: _title, exitCode: _code, ...bare } = aTerminal({ userId })
      const second = aTerminal({ turnId: first.turnId ?? '', openedAt: 3 })
      for (const terminal of [first, bare, second]) await under.store.terminals.insert(terminal)
      await under.reopen()
      const { terminals } = under.store
      expect(await terminals.named(userId, terminalId)).to.have.deep.members([first, bare])
      expect(await terminals.ofTurn(first.turnId ?? '')).to.deep.equal([second, first])
      expect(await terminals.ofTurn(turnId ?? '')).to.deep.equal([])
      expect(await terminals.named('nobody', terminalId)).to.deep.equal([])
    })

    it('[TM7] are there once, as they were given first', async () => {
      const first = aTerminal()
      await under.store.terminals.insert(first)
      await under.store.terminals.insert({ ...first, screen: 'other', endedAt: 99 })
      expect(await under.store.terminals.named(first.userId, first.terminalId)).to.deep.equal([first])
    })
  })
}
