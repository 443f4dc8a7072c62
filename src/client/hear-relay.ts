import type { Socket } from 'socket.io-client'
import type { WorkOrder } from '../protocol/drone-down.ts'
import type { Position } from '../protocol/position.ts'
import type { SteerTaken } from '../protocol/turn-view.ts'
import type { Answer, Delivery } from './delivery.ts'
import type { DroneCommand, DroneRequests, SurfaceAction } from './drone-requests.ts'
import type { DroneWork } from './drone-work.ts'
import type { DroneTerminals, TerminalRequest } from './drone-terminals.ts'
import type { OrderIntake } from './order-intake.ts'
import type { Questions } from './questions.ts'
import type { Steer } from './work.ts'
import type { Works } from './works.ts'

/** An `error` of the relay: what it would not take. */
export interface RelayRefusal {
  readonly code?: string
  readonly at?: Position
}

export interface RelayHearing {
  readonly works: Works
  readonly delivery: Delivery
  readonly intake: OrderIntake
  readonly questions: Questions
  readonly requests: DroneRequests
  readonly terminals: DroneTerminals
  drop(work: DroneWork, reason: string): void
  mayLeave(mode: 'now' | 'drain', reason: string): boolean
  leave(mode: 'now' | 'drain', reason: string): void
  refused(error: RelayRefusal): void
}

/** What the relay says to a drone after its welcome, and who is told. */
export function hearRelay(socket: Socket, hearing: RelayHearing): void {
  const { works, delivery, intake, questions, requests, terminals } = hearing
  socket.on(
    'processWorkOrder',
    (order: WorkOrder, ack: (answer: Answer) => void = () => undefined) => void intake.accept(order, ack),
  )
  socket.on('checkpoint', (head: Position) => {
    works.of(head)?.outbox.checkpoint(head.lane ?? '', head.offset)
    works.giveRoom()
  })
  socket.on('rewind', (head: Position) => {
    const work = works.of(head)
    if (work) delivery.rewind(work, head)
  })
  socket.on(
    'steer',
    ({ turnId, ...steer }: Steer & { turnId: string }, ack?: (answer: SteerAnswer) => void) => {
      const answer = (as: SteerTaken | undefined): void => ack?.(as ? { ok: true, as } : notTaken(turnId))
      const work = works.get(turnId)
      if (work) work.steered(steer, answer)
      else answer(undefined)
    },
  )
  socket.on('abortWorkOrder', (order: Position, ack?: (stopped: boolean) => void) => {
    const work = works.of(order)
    if (work) hearing.drop(work, 'The turn was stopped.')
    ack?.(true)
  })
  socket.on('executeCommand', (command: DroneCommand, ack?: (answer: Answer) => void) => {
    void requests.command(command).then(ack)
  })
  socket.on('surface:invoke', (action: SurfaceAction, ack?: (answer: Answer) => void) => {
    void requests.pressed(action).then(ack)
  })
  socket.on('terminal:open', (request: TerminalRequest, ack?: (answer: Answer) => void) => {
    void terminals.opened(request).then(ack)
  })
  socket.on(
    'terminal:input',
    (named: Parameters<DroneTerminals['input']>[0], bytes: Uint8Array, ack?: (answer: Answer) => void) => {
      void terminals.input(named, bytes).then(ack)
    },
  )
  socket.on(
    'terminal:resize',
    (size: Parameters<DroneTerminals['resize']>[0], ack?: (answer: Answer) => void) => {
      void terminals.resize(size).then(ack)
    },
  )
  socket.on(
    'terminal:close',
    (named: Parameters<DroneTerminals['close']>[0], ack?: (answer: Answer) => void) => {
      void terminals.close(named).then(ack)
    },
  )
  socket.on('permission:resolved', (resolution: Parameters<Questions['resolved']>[0]) =>
    questions.resolved(resolution),
  )
  socket.on('crashRecoveryResponse', ({ turnId }: { turnId: string }) => intake.recovered(turnId))
  socket.on(
    'requestTermination',
    (request: { mode?: 'now' | 'drain'; reason?: string } | null, ack?: (yes: boolean) => void) => {
      const mode = request?.mode ?? 'now'
      const reason = request?.reason ?? 'An operator asked the drone to leave.'
      const leaves = hearing.mayLeave(mode, reason)
      ack?.(leaves)
      if (leaves) hearing.leave(mode, reason)
    },
  )
  socket.on('error', (error: RelayRefusal) => hearing.refused(error))
}

type SteerAnswer = Answer & { as?: SteerTaken }

function notTaken(turnId: string): Answer {
  const message = `The agent of turn ${turnId} did not take the message before its end.`
  return { ok: false, error: { code: 'fenced', message } }
}
