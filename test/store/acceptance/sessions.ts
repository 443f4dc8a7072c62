import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { ChatSessionRecord } from '../../../src/turns/turn-store.ts'
import { all } from '../../support/store-turns.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

const TOTALS = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, cost: 0.125 }

function aSession(fields: Partial<ChatSessionRecord> = {}): ChatSessionRecord {
  const chatSessionId = `chat 😀 ${randomUUID()}`
  return { chatSessionId, userId: 'ann', queue: [], version: 1, createdAt: 1, updatedAt: 1, ...fields }
}

export function acceptSessions(under: StoreUnderTest): void {
  describe('sessions', () => {
    it('[ST13] reads a session as it was inserted, every field of it', async () => {
      const session = aSession({
        title: '',
        workspaceId: 'w',
        droneId: 'd',
        model: 'm',
        provider: 'p',
        thinkingLevel: 'low',
        agent: 'a',
        agentSession: { registrationId: 'r', agentSessionId: 's' },
        liveTurnId: 't',
        routing: { rule: 'r', reason: 'why' },
        usage: {
          turns: 1,
          messages: 2,
          modelSwitches: 0,
          totals: TOTALS,
          days: [{ day: '2026-01-01', turns: 1, totals: TOTALS }],
          last: { turnId: 't', totals: TOTALS, messages: 1 },
        },
        compaction: { summary: 's 😀', at: 5, summarized: 3, kept: 2 },
        queue: [
          {
            messageId: 'm',
            content: 'later',
            by: 'ann',
            steers: 't',
            droneId: 'd',
            workspaceId: 'w',
            agent: 'a',
            model: 'm',
            provider: 'p',
            thinkingLevel: 'low',
            cwd: '/w',
          },
          { messageId: 'n', content: 'still later', by: 'ann' },
        ],
      })
      expect(await under.store.insertSession(session)).to.equal(true)
      expect(await under.store.readSession(session.chatSessionId)).to.deep.equal(session)
      expect(await under.store.readSession('nowhere')).to.equal(undefined)
    })

    it('[ST13] inserts an id once, whoever wants it, and answers the same insertion made again alike', async () => {
      const session = aSession()
      expect(await under.store.insertSession(session)).to.equal(true)
      expect(await under.store.insertSession(session)).to.equal(true)
      expect(await under.store.insertSession({ ...session, userId: 'bob' })).to.equal(false)
      expect((await under.store.readSession(session.chatSessionId))?.userId).to.equal('ann')
    })

    it('[ST13] replaces a session that is one version behind, and no other', async () => {
      const session = aSession({ title: 'old', liveTurnId: 't' })
      await under.store.insertSession(session)
      const { liveTurnId: _, ...rest } = session
      const second = { ...rest, title: 'new', version: 2 }
      expect(await under.store.updateSession(second)).to.equal(true)
      expect(await under.store.readSession(session.chatSessionId)).to.deep.equal(second)
      expect(await under.store.updateSession({ ...second, title: 'other' })).to.equal(false)
      expect(await under.store.updateSession({ ...second, version: 4 })).to.equal(false)
      expect(await under.store.updateSession({ ...aSession(), version: 2 })).to.equal(false)
      expect(await under.store.readSession(session.chatSessionId)).to.deep.equal(second)
    })

    it('[ST13] answers the same replacement, made again, with true', async () => {
      const session = aSession()
      await under.store.insertSession(session)
      const second = { ...session, version: 2, queue: [{ messageId: 'm', content: 'c', by: 'ann' }] }
      expect(await under.store.updateSession(second)).to.equal(true)
      expect(await under.store.updateSession(second)).to.equal(true)
    })

    it('[ST13] lets one of twenty replacements at once win', async () => {
      const session = aSession()
      await under.store.insertSession(session)
      const racers = Array.from({ length: 20 }, (_, index) => ({
        ...session,
        version: 2,
        title: `racer ${index}`,
      }))
      const won = await Promise.all(racers.map((racer) => under.store.updateSession(racer)))
      expect(won.filter(Boolean)).to.have.length(1)
      const stored = await under.store.readSession(session.chatSessionId)
      expect(stored?.title).to.equal(`racer ${won.indexOf(true)}`)
    })

    it('[ST13] names every session in whose queue a message waits, and no other', async () => {
      const queue = [{ messageId: 'm', content: 'later', by: 'ann' }]
      const waiting = Array.from({ length: 70 }, () => aSession({ queue }))
      const idle = aSession()
      await Promise.all([...waiting, idle].map((session) => under.store.insertSession(session)))
      const ids = async () =>
        new Set((await all(under.store.sessionsWithQueue())).map((session) => session.chatSessionId))
      const before = await ids()
      expect(waiting.every(({ chatSessionId }) => before.has(chatSessionId))).to.equal(true)
      expect(before.has(idle.chatSessionId)).to.equal(false)
      const [first, ...others] = waiting
      if (!first) throw new Error('no session')
      await under.store.updateSession({ ...first, version: 2, queue: [] })
      await under.store.updateSession({ ...idle, version: 2, queue })
      await under.reopen()
      const after = await ids()
      expect(after.has(first.chatSessionId)).to.equal(false)
      expect([...others, idle].every(({ chatSessionId }) => after.has(chatSessionId))).to.equal(true)
    })

    it("[ST13] lists a user's sessions by their newest change, page by page", async () => {
      const userId = `user 😀 ${randomUUID()}`
      const sessions = [30, 10, 20, 20, 40].map((updatedAt) => aSession({ userId, updatedAt }))
      for (const session of sessions) await under.store.insertSession(session)
      const [first] = sessions
      if (!first) throw new Error('no session')
      await under.store.updateSession({ ...first, version: 2, updatedAt: 50 })
      const whole = await under.store.sessionsOfUser(userId, { limit: 9 })
      expect(whole.items.map(({ updatedAt }) => updatedAt)).to.deep.equal([50, 40, 20, 20, 10])
      expect(whole.next).to.equal(undefined)
      const paged: ChatSessionRecord[] = []
      for (let after: string | undefined, more = true; more; more = after !== undefined) {
        const page = await under.store.sessionsOfUser(userId, { limit: 1, ...(after ? { after } : {}) })
        paged.push(...page.items)
        after = page.next
      }
      expect(paged).to.deep.equal(whole.items)
      expect(await under.store.sessionsOfUser(userId, { limit: 1, after: 'nonsense' })).to.deep.equal({
        items: [],
      })
    })
  })
}
