import { expect } from 'chai'
import { Permissions } from '../../src/turns/permissions.ts'
import type { Turn } from '../../src/turns/turn.ts'
import type { PermissionAnswer, PermissionRecord } from '../../src/turns/turn-store.ts'
import { FakeClock } from '../support/fake-clock.ts'

const REQUEST = { requestId: 'r1', turnId: 't', title: 'May I?', options: [{ optionId: 'yes', name: 'Yes' }] }

/** A store that answers when it is let. */
class SlowStore {
  readonly records = new Map<string, PermissionRecord>()
  gate: Promise<void> = Promise.resolve()

  insertPermission(record: PermissionRecord): Promise<PermissionRecord> {
    const key = `${record.registrationId} ${record.requestId}`
    const known = this.records.get(key) ?? record
    this.records.set(key, known)
    return Promise.resolve(known)
  }

  readPermission(registrationId: string, requestId: string): Promise<PermissionRecord | undefined> {
    return Promise.resolve(this.records.get(`${registrationId} ${requestId}`))
  }

  async answerPermission(registrationId: string, requestId: string, answer: PermissionAnswer) {
    await this.gate
    const key = `${registrationId} ${requestId}`
    const asked = this.records.get(key)
    if (!asked || asked.answer) return asked
    this.records.set(key, { ...asked, answer })
    return this.records.get(key)
  }

  permissionsOfTurn(): Promise<PermissionRecord[]> {
    return Promise.resolve([...this.records.values()])
  }
}

describe('permissions of live turns', () => {
  let clock: FakeClock
  let store: SlowStore
  let told: string[]
  let permissions: Permissions
  let turn: Turn

  function working(attempt: number): Turn {
    const state = { attempt, status: 'processing', assigned: { acknowledged: true } }
    return { turnId: 't', chatSessionId: 'c', request: { userId: 'ann' }, state } as unknown as Turn
  }

  beforeEach(() => {
    clock = new FakeClock()
    store = new SlowStore()
    told = []
    turn = working(1)
    permissions = new Permissions({
      store,
      turns: { get: () => turn },
      sessions: { announce: () => Promise.resolve() },
      clock,
      logger: { error: () => undefined },
      permissionMs: 1000,
      tellDrone: ({ registrationId, answer }) => void told.push(`${registrationId} ${answer?.optionId}`),
    })
  })

  const ask = (registrationId: string, attempt: number) =>
    permissions.ask(turn, { registrationId, droneId: registrationId }, { ...REQUEST, attempt })

  it('[PM4] of another drone by the same id are others, though those of the last attempt are not closed yet', async () => {
    await ask('one', 1)
    let open: () => void = () => undefined
    store.gate = new Promise((resolve) => (open = resolve))
    turn = working(2)
    permissions.onTold(turn, turn.state)
    await ask('two', 2)
    expect(permissions.openOf('t').map(({ droneId, attempt }) => `${droneId} ${attempt}`)).to.include('two 2')
    open()
    expect(await permissions.choose('ann', 'two', 'r1', 'yes')).to.include({ optionId: 'yes', by: 'ann' })
    expect(told).to.have.members(['one undefined', 'two yes'])
    expect(permissions.isOpen('t')).to.equal(false)
  })

  it('[PM4] expire by the clock that does not jump', async () => {
    await ask('one', 1)
    clock.jump(5000)
    expect(await permissions.choose('ann', 'one', 'r1', 'yes')).to.include({ optionId: 'yes' })
  })
})
