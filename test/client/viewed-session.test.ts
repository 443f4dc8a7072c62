import { expect } from 'chai'
import { call, result } from '../turns/lane-model.ts'
import { Viewing, joinAnswer } from './viewing.ts'

const turnId = 'turn-1'
const at = { turnId, attempt: 1, lane: '' }

/** A viewer that has joined at the beginning of a live turn. */
function joined(): Viewing {
  const viewing = new Viewing()
  viewing.session.joined(joinAnswer({ turns: [{ turnId }], resume: [{ ...at, from: 0 }] }))
  viewing.kinds()
  return viewing
}

describe('a viewer that joins a session', () => {
  it('[CC1] has no cursors at first, and then those of the turn it watches', () => {
    const viewing = new Viewing()
    expect(viewing.session.cursors()).to.deep.equal([])
    viewing.started(turnId, 1)
    expect(viewing.session.cursors()).to.deep.equal([{ ...at, offset: 0 }])
    viewing.hear(turnId, 0, 'abc')
    viewing.hear(turnId, 0, 'x', { lane: 'agent' })
    expect(viewing.session.cursors()).to.deep.equal([
      { ...at, offset: 3 },
      { ...at, lane: 'agent', offset: 1 },
    ])
  })

  it('[CC1] goes on seamlessly where `from` is its cursor', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    viewing.kinds()
    viewing.session.joined(joinAnswer({ turns: [{ turnId }], resume: [{ ...at, from: 3 }] }))
    expect(viewing.kinds()).to.deep.equal(['status'])
    expect(viewing.hear(turnId, 3, 'd')).to.equal(undefined)
    expect(viewing.textOf(turnId)).to.equal('abcd')
  })

  it('[CC2] cuts its lanes to a lower `from`, and a lane that is not named to nothing', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    viewing.hear(turnId, 3, call('1'))
    viewing.hear(turnId, 0, 'lost', { lane: 'agent' })
    viewing.kinds()
    viewing.session.joined(joinAnswer({ turns: [{ turnId }], resume: [{ ...at, from: 2, reason: 'ahead' }] }))
    expect(viewing.kinds()).to.deep.equal(['cut', 'cut', 'status'])
    expect([viewing.textOf(turnId), viewing.textOf(turnId, 'agent')]).to.deep.equal(['ab', ''])
    expect(viewing.session.turn(turnId)?.toolCalls()).to.deep.equal([])
    viewing.hear(turnId, 2, 'X')
    expect(viewing.textOf(turnId)).to.equal('abX')
  })

  it('[CC2] begins a turn anew whose attempt it held is over, and says so', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    viewing.kinds()
    const resume = [{ ...at, attempt: 2, from: 0, reason: 'older_attempt' as const }]
    viewing.session.joined(joinAnswer({ turns: [{ turnId, attempt: 2 }], resume }))
    expect(viewing.kinds()).to.deep.equal(['started', 'status'])
    expect(viewing.textOf(turnId)).to.equal('')
    expect(viewing.hear(turnId, 0, 'old', { attempt: 1 })).to.equal(undefined)
    viewing.hear(turnId, 0, 'new', { attempt: 2 })
    expect(viewing.textOf(turnId)).to.equal('new')
  })

  it('[CC2] drops a turn that the relay does not know', () => {
    const viewing = joined()
    viewing.session.joined(joinAnswer({ resume: [{ ...at, from: 0, reason: 'unknown' }] }))
    expect([viewing.session.turns, viewing.session.cursors()]).to.deep.equal([[], []])
  })

  it('[CC3] asks for an older turn again whose words or end it missed', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    expect(viewing.started('turn-2', 4)).to.equal('version')
    viewing.hear('turn-2', 0, 'x')
    const cursors = [
      { ...at, offset: 3 },
      { ...at, turnId: 'turn-2', offset: 1 },
    ]
    expect(viewing.session.cursors()).to.deep.equal(cursors)
    const ended = { turnId, version: 5, attempt: 1, status: 'finished', chatSessionId: 'chat' } as const
    expect(viewing.session.statusChanged({ ...ended, heads: [{ lane: '', offset: 4 }] })).to.equal('gap')
    expect(viewing.session.cursors()).to.deep.equal(cursors)
    viewing.session.joined(
      joinAnswer({
        turns: [{ turnId, status: 'finished' }, { turnId: 'turn-2' }],
        resume: [
          { ...at, from: 3 },
          { ...at, turnId: 'turn-2', from: 1 },
        ],
      }),
    )
    expect(viewing.session.cursors()).to.deep.equal(cursors.slice(1))
  })

  it('[CC3] lets go of turns that are too far back to be made whole', () => {
    const viewing = joined()
    const answer = joinAnswer({
      turns: [{ turnId: 'turn-30' }],
      resume: [{ ...at, turnId: 'turn-30', from: 0 }],
    })
    viewing.session.joined({ ...answer, more: true })
    expect(viewing.session.turns.map((turn) => turn.turnId)).to.deep.equal(['turn-30'])
    expect(viewing.session.more).to.equal(true)
  })

  it('[CC4] compares what it has with the heads of `resumed`', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    viewing.kinds()
    expect(viewing.session.resumed([{ ...at, offset: 3 }])).to.equal(undefined)
    expect(viewing.session.resumed([{ ...at, offset: 4 }])).to.equal('gap')
    expect(viewing.session.resumed([{ turnId: 'turn-9', attempt: 1, offset: 4 }])).to.equal(undefined)
    expect(viewing.kinds()).to.deep.equal(['resumed', 'resumed', 'resumed'])
  })
})

describe('a viewer of a live session', () => {
  it('[CC5] tells of words once, of a repeated entry only what is new', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    viewing.hear(turnId, 0, 'abc')
    viewing.hear(turnId, 1, 'bcde')
    viewing.hear(turnId, 5, result('1'))
    const told = viewing.changes.map((change) => change.kind === 'entry' && change.entry)
    expect(told.map((entry) => entry && (entry.kind === 'text' ? entry.text : entry.kind))).to.deep.equal([
      'abc',
      'de',
      'result',
    ])
    expect(viewing.textOf(turnId)).to.equal('abcde')
  })

  it('[CC5] misses words behind a gap, of a turn it does not know, and of a later attempt', () => {
    const viewing = joined()
    expect(viewing.hear(turnId, 1, 'b')).to.equal('gap')
    expect(viewing.hear(turnId, 1, 'b', { lane: 'agent' })).to.equal('gap')
    expect(viewing.hear('turn-9', 0, 'a')).to.equal('gap')
    expect(viewing.hear(turnId, 0, 'a', { attempt: 2 })).to.equal('gap')
    expect(viewing.kinds()).to.deep.equal([])
    expect(viewing.textOf(turnId)).to.equal('')
  })

  it('[CC6] sees a version that was left out, and goes on from the highest', () => {
    const { session } = joined()
    expect([2, 3, 3, 1, 5, 6].map((version) => session.counted(version))).to.deep.equal([
      undefined,
      undefined,
      undefined,
      undefined,
      'version',
      undefined,
    ])
  })

  it('[CC6] sees by a head that it missed a change, a word, or an attempt', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    const head = (version: number, attempt: number, ...lanes: { lane: string; offset: number }[]) =>
      viewing.session.head({ version, turnId, attempt, lanes })
    expect(head(1, 1, { lane: '', offset: 3 })).to.equal(undefined)
    expect(head(1, 1)).to.equal(undefined)
    expect(head(2, 1, { lane: '', offset: 3 })).to.equal('head')
    expect(head(1, 1, { lane: '', offset: 4 })).to.equal('head')
    expect(head(1, 1, { lane: 'agent', offset: 1 })).to.equal('head')
    expect(head(1, 2)).to.equal('head')
    expect(viewing.session.head({ version: 1, lanes: [] })).to.equal(undefined)
  })

  it('[CC7] begins a later attempt anew, also of a turn that had ended, and ignores an older one', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'abc')
    viewing.session.statusChanged({ chatSessionId: 'chat', turnId, attempt: 1, status: 'failed', version: 2 })
    expect(viewing.started(turnId, 3, 1)).to.equal(undefined)
    expect(viewing.session.turn(turnId)?.status).to.equal('failed')
    viewing.started(turnId, 4, 2)
    expect(viewing.session.turn(turnId)).to.deep.include({
      status: 'processing',
      attempt: 2,
      reason: undefined,
    })
    expect(viewing.textOf(turnId)).to.equal('')
    viewing.kinds()
    const older = { chatSessionId: 'chat', turnId, attempt: 1, status: 'aborted' } as const
    expect(viewing.session.statusChanged({ ...older, version: 5 })).to.equal(undefined)
    expect(viewing.started(turnId, 6, 1)).to.equal(undefined)
    expect(viewing.session.turn(turnId)).to.deep.include({ status: 'processing', attempt: 2 })
    expect(viewing.kinds()).to.deep.equal([])
  })

  it('[CC8] cuts to the final heads, and misses what they name and it has not', () => {
    const end = { chatSessionId: 'chat', turnId, attempt: 1, status: 'finished', version: 2 } as const
    const viewing = joined()
    viewing.hear(turnId, 0, 'abcd')
    viewing.hear(turnId, 0, 'x', { lane: 'agent' })
    viewing.kinds()
    expect(viewing.session.statusChanged({ ...end, heads: [{ lane: '', offset: 3 }] })).to.equal(undefined)
    expect(viewing.kinds()).to.deep.equal(['cut', 'cut', 'status'])
    expect([viewing.textOf(turnId), viewing.textOf(turnId, 'agent')]).to.deep.equal(['abc', ''])
    const behind = joined()
    expect(behind.session.statusChanged({ ...end, heads: [{ lane: '', offset: 3 }] })).to.equal('gap')
    expect(behind.session.turn(turnId)?.status).to.equal('processing')
    expect(behind.session.counted(3)).to.equal(undefined)
  })

  it('[CC11] tells an end that a join names when the last word before it has come', () => {
    const viewing = joined()
    viewing.hear(turnId, 0, 'ab')
    viewing.kinds()
    const heads = [{ lane: '', offset: 4 }]
    const turns = [{ turnId, status: 'failed' as const, reason: 'lost', heads }]
    viewing.session.joined(joinAnswer({ turns, resume: [{ ...at, from: 2 }] }))
    viewing.hear(turnId, 2, 'c')
    expect(viewing.kinds()).to.deep.equal(['entry'])
    expect(viewing.session.turn(turnId)?.status).to.equal('processing')
    viewing.hear(turnId, 3, 'd')
    expect(viewing.kinds()).to.deep.equal(['entry', 'status'])
    expect(viewing.session.turn(turnId)).to.include({ status: 'failed', reason: 'lost' })
  })

  it('[CC11] asks for the rest of an ended turn again when the connection breaks in the middle of it', () => {
    const viewing = joined()
    const turns = [
      { turnId, status: 'finished' as const, heads: [{ lane: '', offset: 4 }] },
      { turnId: 'turn-2' },
    ]
    viewing.session.joined(joinAnswer({ turns, resume: [{ ...at, from: 0 }] }))
    viewing.hear(turnId, 0, 'ab')
    expect(viewing.session.cursors()[0]).to.deep.equal({ ...at, offset: 2 })
  })

  it('[CC11] asks again for an ended turn whose last words are missing when a head comes, of whatever turn', () => {
    const viewing = joined()
    const turns = [{ turnId, status: 'failed' as const, heads: [{ lane: '', offset: 4 }] }]
    viewing.session.joined(joinAnswer({ turns, resume: [{ ...at, from: 0 }] }))
    viewing.hear(turnId, 0, 'ab')
    viewing.started('turn-2', 2)
    const head = { version: 2, turnId: 'turn-2', attempt: 1, lanes: [] }
    expect(viewing.session.head(head)).to.equal('head')
    viewing.hear(turnId, 2, 'cd')
    expect(viewing.session.turn(turnId)?.status).to.equal('failed')
    expect(viewing.session.head(head)).to.equal(undefined)
  })

  it('[CC11] never tells the end of an earlier attempt of a later one', () => {
    const viewing = joined()
    const turns = [{ turnId, status: 'failed' as const, heads: [{ lane: '', offset: 2 }] }]
    viewing.session.joined(joinAnswer({ turns, resume: [{ ...at, from: 0 }] }))
    viewing.started(turnId, 2, 2)
    viewing.hear(turnId, 0, 'ab', { attempt: 2 })
    expect(viewing.session.turn(turnId)).to.deep.include({ status: 'processing', attempt: 2 })
  })

  it('[CC8] misses the turn or the attempt whose status is all it hears', () => {
    const viewing = joined()
    const news = { chatSessionId: 'chat', attempt: 1, status: 'recovering' } as const
    expect(viewing.session.statusChanged({ ...news, turnId: 'turn-9', version: 2 })).to.equal('gap')
    expect(viewing.session.statusChanged({ ...news, turnId, attempt: 2, version: 3 })).to.equal('gap')
    expect(viewing.session.statusChanged({ ...news, turnId: 'turn-9', version: 9 })).to.equal('version')
    expect(viewing.kinds()).to.deep.equal([])
  })

  it('[CC10] begins to count at the first version it hears: a message just sent is no reason to join', () => {
    const viewing = new Viewing()
    viewing.session.expect('turn-1', 'hello')
    const queued = {
      chatSessionId: 'chat',
      turnId: 'turn-1',
      attempt: 1,
      status: 'queued',
      version: 7,
    } as const
    expect(viewing.session.statusChanged(queued)).to.equal(undefined)
    expect(viewing.session.started({ turnId: 'turn-1', attempt: 1, prompt: 'hello', version: 8 })).to.equal(
      undefined,
    )
    expect(viewing.session.counted(10)).to.equal('version')
  })

  it('[CC9] waits for a turn that is queued to start: what it is comes then', () => {
    const viewing = joined()
    const news = {
      chatSessionId: 'chat',
      turnId: 'turn-9',
      attempt: 1,
      status: 'queued',
      version: 2,
    } as const
    expect(viewing.session.statusChanged(news)).to.equal(undefined)
    expect(viewing.session.turn('turn-9')).to.equal(undefined)
    expect(viewing.session.counted(3)).to.equal(undefined)
  })
})

describe('what a viewer hears of questions', () => {
  const question = (requestId: string, droneId = 'd1') => ({
    droneId,
    requestId,
    turnId,
    attempt: 1,
    title: 'May I?',
    options: [{ optionId: 'yes', name: 'Yes' }],
  })
  const heard = (viewing: Viewing) =>
    viewing.changes.splice(0).flatMap((change) => {
      if (change.kind === 'asked') return [`asked ${change.permission.requestId}`]
      if (change.kind !== 'answered') return []
      return [`answered ${change.permission.requestId} ${change.optionId}`]
    })

  it('[CC12] comes once, whether by an event or by a join, and goes with its answer', () => {
    const viewing = joined()
    expect(viewing.session.asked({ ...question('r1'), version: 2 })).to.equal(undefined)
    viewing.session.joined(joinAnswer({ version: 2, permissions: [question('r1'), question('r1', 'd2')] }))
    expect(heard(viewing)).to.deep.equal(['asked r1', 'asked r1'])
    const answer = { droneId: 'd2', requestId: 'r1', optionId: 'yes' }
    expect(viewing.session.answered({ ...answer, version: 3 })).to.equal(undefined)
    expect(viewing.session.answered({ ...answer, version: 4 })).to.equal(undefined)
    expect(heard(viewing)).to.deep.equal(['answered r1 yes'])
    expect(viewing.session.permissions).to.deep.equal([question('r1')])
  })

  it('[CC12] that was answered while it was away is gone after a join; a version left out is missed', () => {
    const viewing = joined()
    viewing.session.asked({ ...question('r1'), version: 2 })
    viewing.session.joined(joinAnswer({ version: 5 }))
    expect(heard(viewing)).to.deep.equal(['asked r1', 'answered r1 undefined'])
    expect(viewing.session.asked({ ...question('r2'), version: 7 })).to.equal('version')
  })
})
