import type { ChatSessions } from './chat-sessions.ts'
import type { LiveTurns } from './live-turns.ts'
import type { Assignment, DroneRecord, TurnHeader, TurnStore } from './turn-store.ts'
import type { WorkOrders } from './work-orders.ts'

interface RecallOptions {
  readonly store: Pick<TurnStore, 'unfinishedTurns' | 'takeOver' | 'readDrone' | 'readSession'>
  readonly sessions: ChatSessions
  readonly turns: LiveTurns
  readonly orders: WorkOrders
  readonly nodeId: string
  /** Its turns wait for it as if its socket had just dropped. */
  readonly expect: (record: DroneRecord, instanceId: string | undefined) => void
}

/**
 * Takes over every turn that has not ended, after a start: those that were being worked on wait for their drones, the
 * rest for any. Answers how many there were.
 */
export async function recall(options: RecallOptions): Promise<number> {
  const { store, turns, orders, nodeId } = options
  const expected = new Set<string>()
  let recalled = 0
  for await (const found of store.unfinishedTurns()) {
    const header = await store.takeOver(found.turnId, found.generation, nodeId)
    if (!header) continue
    recalled += 1
    if (header.status === 'queued' && !(await isNamed(options, header))) {
      // The relay died between storing the turn and naming it: its sender never had an answer.
      turns.apply(turns.admit(header), { type: 'abort', reason: 'It was never started.' })
      continue
    }
    const turn = turns.admit(header)
    const { assigned } = header
    if (header.status !== 'processing' || !assigned) {
      orders.enqueue(turn)
      continue
    }
    if (assigned.instanceId === undefined) turns.continueAnew(turn, 'The relay was restarted.')
    if (expected.has(assigned.registrationId)) continue
    expected.add(assigned.registrationId)
    const record = await store.readDrone(assigned.registrationId)
    if (record) options.expect(record, assigned.instanceId)
    else loseOwner(orders, turn, assigned)
  }
  await turns.settle()
  return recalled
}

async function isNamed({ store }: RecallOptions, header: TurnHeader): Promise<boolean> {
  const session = await store.readSession(header.chatSessionId)
  return session?.liveTurnId === header.turnId
}

function loseOwner(orders: WorkOrders, turn: ReturnType<LiveTurns['admit']>, assigned: Assignment): void {
  orders.ownerLost(turn, turn.state.attempt, `Drone ${assigned.droneId} is not known any more.`)
}
