import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { aTurn, all, batchOf, committed, say } from '../../support/store-turns.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

/** Names that others chose: anything but control characters, up to 512 of them. */
const ODD_NAMES = [
  '😀👩‍👩‍👧',
  'a.b.$c',
  '$where',
  '__proto__',
  'ﬁ‮evil',
  'x'.repeat(512),
  '漢'.repeat(512),
  '\'"\\/:;%2e',
]

export function acceptTurns(under: StoreUnderTest): void {
  describe('turns', () => {
    it('[ST8] reads a turn as it was inserted, every field of it', async () => {
      const header = aTurn({
        turnId: randomUUID(),
        droneId: 'd',
        workspaceId: 'w',
        agent: 'a',
        model: 'm',
        provider: 'p',
        thinkingLevel: 'high',
        cwd: '/home/ann/my project',
        prompt: '',
        status: 'processing',
        reason: '',
        assigned: {
          registrationId: 'r',
          droneId: 'd',
          workspaceId: 'w',
          instanceId: 'i',
          acknowledged: true,
        },
        startedAt: 1_700_000_000_123,
        incomplete: true,
        usage: { turnId: 't', attempt: 1, input: 1, output: 2, cost: 0.125, contextUsed: 5 },
        attachments: [{ attachmentId: 'a', name: 'a 😀.png', mediaType: 'image/png', size: 7 }],
        labels: { 'a.$b': 'c', '': '' },
        unasked: true,
        mentions: ['bob 😀'],
        steers: [{ messageId: 'm 😀', text: '', by: 'ann', as: 'next', offset: 3, at: 9 }],
        toolCallCount: 3,
      })
      expect(await under.store.insertTurn(header)).to.deep.equal(header)
      expect(await under.store.readTurn(header.turnId)).to.deep.equal(header)
    })

    it('reads nothing where there is nothing', async () => {
      expect(await under.store.readTurn('nobody')).to.equal(undefined)
      expect(await under.store.findMessage('nobody', 'nothing')).to.equal(undefined)
      expect(await under.store.takeOver('nobody', 1, 'node')).to.equal(undefined)
      expect((await under.store.turnsOfSession('nowhere', { limit: 5 })).items).to.deep.equal([])
    })

    it('[ST11] answers the turn that already has the message of this user', async () => {
      const first = aTurn({ turnId: randomUUID(), messageId: 'once' })
      await under.store.insertTurn(first)
      const again = await under.store.insertTurn({ ...first, turnId: randomUUID(), prompt: 'other' })
      expect(again).to.deep.equal(first)
      const stranger = { ...first, turnId: randomUUID(), userId: 'bob' }
      expect(await under.store.insertTurn(stranger)).to.deep.equal(stranger)
      expect(await under.store.findMessage('ann', 'once')).to.deep.equal(first)
      expect(await under.store.findMessage('bob', 'once')).to.deep.equal(stranger)
    })

    it('[ST11] answers the turn that a message has gone into, the first that was said', async () => {
      const [into, other] = [randomUUID(), randomUUID()].map((turnId) => aTurn({ turnId }))
      if (!into || !other) throw new Error('no turns')
      await under.store.insertTurn(into)
      await under.store.insertTurn(other)
      const messageId = `steer 😀 ${randomUUID()}`
      await under.store.noteMessage('ann', messageId, into.turnId)
      await under.store.noteMessage('ann', messageId, into.turnId)
      await under.store.noteMessage('ann', messageId, other.turnId)
      await under.store.noteMessage('ann', into.messageId, other.turnId)
      await under.reopen()
      expect((await under.store.findMessage('ann', messageId))?.turnId).to.equal(into.turnId)
      expect((await under.store.findMessage('ann', into.messageId))?.turnId).to.equal(into.turnId)
      expect(await under.store.findMessage('bob', messageId)).to.equal(undefined)
    })

    it('[ST11] makes one turn of twenty insertions of one message at once', async () => {
      const turn = aTurn({ messageId: `race ${randomUUID()}` })
      const racers = Array.from({ length: 20 }, () => ({ ...turn, turnId: randomUUID() }))
      const answers = await Promise.all(racers.map((header) => under.store.insertTurn(header)))
      expect(new Set(answers.map((header) => header.turnId)).size).to.equal(1)
    })

    it('[ST6] puts a turn under the next generation, and its words are as they were', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      const before = await committed(under.store, batchOf(header, [{ entries: [say('words')] }]))
      const taken = await under.store.takeOver(header.turnId, 1, 'node-b')
      expect(taken).to.deep.equal({ ...before, generation: 2, node: 'node-b' })
      expect(await under.store.readTurn(header.turnId)).to.deep.equal(taken)
    })

    it('[ST6] refuses a takeover from another generation than the present one', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      await under.store.takeOver(header.turnId, 1, 'node-b')
      expect(await under.store.takeOver(header.turnId, 1, 'node-c')).to.equal(undefined)
      expect(await under.store.takeOver(header.turnId, 3, 'node-c')).to.equal(undefined)
    })

    it('[ST6] answers the same takeover, made again, with the same turn', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      const taken = await under.store.takeOver(header.turnId, 1, 'node-b')
      expect(await under.store.takeOver(header.turnId, 1, 'node-b')).to.deep.equal(taken)
    })

    it('[ST6] lets one of twenty contenders take a turn over', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      const contenders = Array.from({ length: 20 }, (_, index) =>
        under.store.takeOver(header.turnId, 1, `n${index}`),
      )
      const winners = (await Promise.all(contenders)).filter((taken) => taken !== undefined)
      expect(winners).to.have.length(1)
    })

    it('[ST6] refuses the takeover of a turn that has ended', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      await committed(under.store, batchOf(header, [], { status: 'aborted', endedAt: 9 }))
      expect(await under.store.takeOver(header.turnId, 1, 'node-b')).to.equal(undefined)
    })

    it('[ST6] reopens a turn that failed or was aborted, once, and an older owner stays fenced', async () => {
      for (const status of ['failed', 'aborted'] as const) {
        const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
        const last = batchOf(header, [{ entries: [say('words')] }], { status, endedAt: 9, reason: 'why' })
        const ended = await committed(under.store, last)
        const reopened = await under.store.reopen(header.turnId, 1, 'node-b')
        const { endedAt: _endedAt, ...rest } = ended
        expect(reopened).to.deep.equal({ ...rest, status: 'recovering', generation: 2, node: 'node-b' })
        expect(await under.store.readTurn(header.turnId)).to.deep.equal(reopened)
        expect(await under.store.reopen(header.turnId, 1, 'node-b')).to.deep.equal(reopened)
        expect(await under.store.reopen(header.turnId, 1, 'node-c')).to.equal(undefined)
        expect(await under.store.reopen(header.turnId, 2, 'node-c')).to.equal(undefined)
        expect(await under.store.commit([batchOf(ended, [{ entries: [say('late')] }])])).to.deep.equal([
          'fenced',
        ])
        const unfinished: string[] = []
        for await (const { turnId } of under.store.unfinishedTurns()) unfinished.push(turnId)
        expect(unfinished).to.include(header.turnId)
      }
    })

    it('[ST6] lets one of twenty contenders reopen a turn', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      await committed(under.store, batchOf(header, [], { status: 'failed', endedAt: 9 }))
      const contenders = Array.from({ length: 20 }, (_, index) =>
        under.store.reopen(header.turnId, 1, `n${index}`),
      )
      expect((await Promise.all(contenders)).filter((taken) => taken !== undefined)).to.have.length(1)
    })

    it('[ST6] reopens no turn that has finished or goes on, and none that is not there', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      expect(await under.store.reopen(header.turnId, 1, 'node-b')).to.equal(undefined)
      await committed(under.store, batchOf(header, [], { status: 'finished', endedAt: 9 }))
      expect(await under.store.reopen(header.turnId, 1, 'node-b')).to.equal(undefined)
      expect(await under.store.reopen('nobody', 1, 'node')).to.equal(undefined)
    })

    it('[ST15] takes whatever others call their things', async () => {
      for (const odd of ODD_NAMES) {
        const turnId = randomUUID()
        const names = { userId: odd, messageId: odd, chatSessionId: odd, node: odd, droneId: odd }
        const header = await under.store.insertTurn(aTurn({ turnId, ...names }))
        await committed(under.store, batchOf(header, [{ name: odd, entries: [say('x')] }]))
        expect((await under.store.findMessage(odd, odd))?.turnId).to.equal(turnId)
        const { items } = await under.store.turnsOfSession(odd, { limit: 9 })
        expect(items.map((item) => [item.turnId, item.lanes[0]?.name])).to.deep.equal([[turnId, odd]])
      }
    })

    it('[ST8] keeps everything over a restart', async () => {
      const header = await under.store.insertTurn(aTurn({ turnId: randomUUID(), messageId: randomUUID() }))
      const before = await committed(under.store, batchOf(header, [{ entries: [say('kept')] }]))
      await under.reopen()
      expect(await under.store.readTurn(header.turnId)).to.deep.equal(before)
      const unfinished = await all(under.store.unfinishedTurns())
      expect(unfinished.some(({ turnId }) => turnId === header.turnId)).to.equal(true)
    })
  })
}
