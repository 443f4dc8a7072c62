import { expect } from 'chai'
import mongoose from 'mongoose'
import type { Model } from 'mongoose'
import { apiKeyModel } from '../../models/api-key.ts'
import { auditEntryModel } from '../../models/audit-entry.ts'
import { chatSessionModel } from '../../models/chat-session.ts'
import { chatTurnPartModel } from '../../models/chat-turn-part.ts'
import { chatTurnModel } from '../../models/chat-turn.ts'
import { droneRegistrationModel } from '../../models/drone-registration.ts'
import { userModel } from '../../models/user.ts'
import { droneDocument } from '../../src/store/mongo/drone-document.ts'
import { sessionDocument } from '../../src/store/mongo/mongo-sessions.ts'
import { partWrites } from '../../src/store/mongo/plan.ts'
import { headerFrom, turnDocument } from '../../src/store/mongo/turn-document.ts'
import type { Usage } from '../../src/protocol/drone-up.ts'
import type { Entry } from '../../src/turns/entry.ts'
import type {
  Assignment,
  Compaction,
  QueuedMessage,
  SessionUsage,
  TurnHeader,
} from '../../src/turns/turn-store.ts'
import { aTurn, batchOf, emptyLane, placedFrom, say } from '../support/store-turns.ts'

const connection = mongoose.createConnection()

const ATTACHMENT = { attachmentId: 'a', name: 'n', mediaType: 'text/plain', size: 1 }
const ENTRIES: Entry[] = [
  say('text', 'thinking'),
  {
    kind: 'call',
    callId: 'c',
    name: 'edit',
    parameters: '{}',
    response: '',
    detail: {
      title: 't',
      kind: 'k',
      locations: [{ path: 'p', line: 1 }],
      diffs: [{ path: 'p', oldText: '', newText: 'n' }],
    },
    truncated: true,
    createdAt: 1,
  },
  {
    kind: 'result',
    callId: 'c',
    response: 'r',
    isError: true,
    subagent: { $x: { 'a.b': 1 } },
    stats: [[1]],
    createdAt: 2,
  },
]

/** The store writes past the schemas: this is what holds the two together. */
async function fits<D>(model: Model<D>, document: D): Promise<void> {
  const hydrated = new model(document)
  await hydrated.validate()
  const { lanes, ...plain } = hydrated.toObject({ flattenMaps: true }) as Record<string, unknown>
  expect({ ...plain, ...(lanes === undefined ? {} : { lanes }) }).to.deep.equal(document)
}

describe('the models', () => {
  it('hold every field of a turn that the store writes', async () => {
    const lane = {
      ...emptyLane('helper'),
      length: 9,
      parts: 1,
      open: placedFrom(0, ENTRIES),
      borrowed: [{ attempt: 1, parts: 1, length: 3 }],
    }
    const given = {
      attempt: 1,
      reason: 'crashed',
      acknowledged: true,
      droneId: 'd',
      startedAt: 1,
      endedAt: 2,
    }
    // `Required`: whoever adds a field is told here that the model needs it too.
    const assigned: Required<Assignment> = {
      registrationId: 'r',
      droneId: 'd',
      workspaceId: 'w',
      instanceId: 'i',
      acknowledged: true,
    }
    const usage: Required<Usage> = {
      turnId: 't',
      attempt: 1,
      input: 1,
      output: 2,
      cacheRead: 3,
      cacheWrite: 4,
      cost: 0.5,
      contextUsed: 5,
      contextWindow: 6,
      provider: 'p',
      model: 'm',
    }
    const header: Required<TurnHeader> = {
      turnId: 't',
      chatSessionId: 'c',
      userId: 'u',
      messageId: 'm',
      prompt: '',
      droneId: 'd',
      workspaceId: 'w',
      agent: 'a',
      model: 'm',
      provider: 'p',
      thinkingLevel: 'low',
      cwd: '/',
      attachments: [ATTACHMENT],
      labels: { 'a.$b': 'c' },
      unasked: true,
      mentions: ['bob'],
      createdAt: 1,
      attempt: 2,
      status: 'processing',
      reason: '',
      assigned,
      startedAt: 2,
      endedAt: 3,
      incomplete: true,
      usage,
      steers: [{ messageId: 's', text: '', by: 'u', as: 'now', offset: 1, at: 2 }],
      toolCallCount: 4,
      sideEffects: true,
      asks: true,
      earlier: [{ ...given, usage, lanes: [lane] }],
      generation: 5,
      version: 6,
      node: 'n',
      lanes: [emptyLane(''), lane],
    }
    expect(headerFrom(turnDocument(header))).to.deep.equal(header)
    await fits(chatTurnModel(connection), turnDocument(header))
  })

  it('hold every field of a part that the store writes', async () => {
    const [write] = partWrites(batchOf(aTurn(), [{ entries: ENTRIES, close: true }]))
    if (!write) throw new Error('no part')
    await fits(chatTurnPartModel(connection), write.document)
  })

  it('hold every field of a session, a drone, a key, an audit entry and a user', async () => {
    const queued: Required<QueuedMessage> = {
      messageId: 'm',
      content: '',
      by: 'u',
      steers: 't',
      droneId: 'd',
      workspaceId: 'w',
      agent: 'a',
      model: 'm',
      provider: 'p',
      thinkingLevel: 'low',
      cwd: '/',
      attachments: [ATTACHMENT],
    }
    const totals = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, cost: 0.5 }
    const usage: Required<SessionUsage> = {
      turns: 1,
      messages: 2,
      modelSwitches: 3,
      totals,
      days: [{ day: '2026-01-01', turns: 1, totals }],
      last: { turnId: 't', totals, messages: 1, model: 'm' },
      contextUsed: 5,
      contextWindow: 6,
    }
    const compaction: Required<Compaction> = { summary: 's', at: 1, summarized: 2, kept: 3 }
    const routing = { rule: 'r', reason: 'why' }
    const more = { usage, compaction, routing }
    const session = { chatSessionId: 'c', userId: 'u', queue: [queued], version: 1, ...more }
    const agentSession = { registrationId: 'r', agentSessionId: 'a' }
    await fits(
      chatSessionModel(connection),
      sessionDocument({ ...session, agentSession, createdAt: 1, updatedAt: 2 }),
    )
    const registration = {
      name: 'n',
      hostname: 'h',
      workspaceId: 'w',
      labels: { $a: 1 },
      models: [{ id: 'm' }],
    }
    const drone = {
      registrationId: 'r',
      userId: 'u',
      droneId: 'd',
      registration,
      firstSeenAt: 1,
      lastSeenAt: 2,
    }
    await fits(droneRegistrationModel(connection), droneDocument({ ...drone, replacedInstances: ['i'] }))
    const key = { kind: 'ops', userId: 'u', label: '', hash: 'h', createdAt: 1, revokedAt: 2 } as const
    await fits(apiKeyModel(connection), { _id: 'k', ...key })
    await fits(auditEntryModel(connection), {
      _id: 'a',
      at: 1,
      by: 'b',
      action: 'c',
      subject: 's',
      reason: '',
    })
    await fits(userModel(connection), { _id: 'u', userId: 'u', name: '', createdAt: 1 })
  })

  it('refuse a field that they do not know', () => {
    const model = userModel(connection)
    const unknown = { _id: 'u', userId: 'u', createdAt: 1, isAdmin: true }
    expect(() => new model(unknown)).to.throw(/isAdmin/)
  })
})
