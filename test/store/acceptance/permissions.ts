import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { PermissionRecord } from '../../../src/turns/turn-store.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

function aPermission(fields: Partial<PermissionRecord> = {}): PermissionRecord {
  return {
    registrationId: randomUUID(),
    requestId: 'request 😀 / 1',
    droneId: 'd1',
    userId: 'ann',
    chatSessionId: 'c1',
    turnId: randomUUID(),
    attempt: 1,
    title: 'Delete everything?',
    toolCall: {
      callId: 'call',
      name: 'rm',
      detail: { kind: 'delete', locations: [{ path: '/a.b', line: 3 }], diffs: [] },
    },
    options: [
      { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
      { optionId: 'no', name: '' },
    ],
    askedAt: 5,
    expiresAt: 6,
    ...fields,
  }
}

export function acceptPermissions(under: StoreUnderTest): void {
  describe('permissions', () => {
    it('[PM1] are read as they were asked, also after the store was closed', async () => {
      const asked = aPermission()
      const { registrationId, requestId, turnId } = asked
      expect(await under.store.readPermission(registrationId, requestId)).to.equal(undefined)
      expect(await under.store.insertPermission(asked)).to.deep.equal(asked)
      await under.reopen()
      expect(await under.store.readPermission(registrationId, requestId)).to.deep.equal(asked)
      expect(await under.store.permissionsOfTurn(turnId)).to.deep.equal([asked])
    })

    it('[PM1] are one for each drone and request: asked again, the first is answered', async () => {
      const first = await under.store.insertPermission(aPermission())
      const again = { ...first, turnId: randomUUID(), title: 'Something else', askedAt: 9 }
      expect(await under.store.insertPermission(again)).to.deep.equal(first)
      expect(await under.store.permissionsOfTurn(again.turnId)).to.deep.equal([])
      const other = aPermission({ requestId: first.requestId })
      expect(await under.store.insertPermission(other)).to.deep.equal(other)
    })

    it('[PM2] take the first answer, however many come at once', async () => {
      const { registrationId, requestId } = await under.store.insertPermission(aPermission())
      const users = ['ann', 'bob', 'cid', 'dan']
      const answered = await Promise.all(
        users.map((by, at) =>
          under.store.answerPermission(registrationId, requestId, { optionId: 'yes', by, at }),
        ),
      )
      const winners = new Set(answered.map((record) => record?.answer?.by))
      expect(winners.size).to.equal(1)
      const [winner] = winners
      expect(users).to.include(winner)
      const late = await under.store.answerPermission(registrationId, requestId, { at: 99 })
      expect(late?.answer).to.deep.equal(answered[0]?.answer)
      await under.reopen()
      expect(await under.store.readPermission(registrationId, requestId)).to.deep.equal(answered[0])
    })

    it('[PM2] may be answered by nobody, and what was never asked by no one', async () => {
      const { registrationId, requestId } = await under.store.insertPermission(aPermission())
      const over = await under.store.answerPermission(registrationId, requestId, { at: 7 })
      expect(over?.answer).to.deep.equal({ at: 7 })
      expect(await under.store.answerPermission(registrationId, 'never', { at: 7 })).to.equal(undefined)
    })

    it('[PM1] of a turn come in the order in which they were asked, of all its attempts', async () => {
      const turnId = randomUUID()
      const asked = [3, 1, 2].map((askedAt) => aPermission({ turnId, askedAt, attempt: askedAt }))
      await Promise.all(asked.map((permission) => under.store.insertPermission(permission)))
      const found = await under.store.permissionsOfTurn(turnId)
      expect(found.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
    })
  })
}
