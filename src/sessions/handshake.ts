import type { Socket } from 'socket.io'
import type { z } from 'zod'
import { RelayError, toRelayError } from '../protocol/errors.ts'
import { PROTOCOL_VERSION, codeAuth, droneAuth } from '../protocol/handshake.ts'
import type { Registration } from '../protocol/handshake.ts'
import type { Clock } from '../turns/clock.ts'
import type { DroneRecord, KeyKind, TurnStore } from '../turns/turn-store.ts'
import type { Access } from './access.ts'
import { registrationIdOf } from './registration-id.ts'
import type { Quarantines } from './quarantine.ts'
import type { Identity, Logger } from './socket-session.ts'

/** Replaced instances that are remembered: more restarts than any process tries to come back through. */
const REPLACED_REMEMBERED = 20
/** A drone that reconnects unchanged is written down again only after this long. */
const SEEN_EVERY_MS = 3_600_000

export interface Gate {
  readonly access: Access
  readonly store: Pick<TurnStore, 'readDrone' | 'saveDrone'>
  readonly clock: Clock
  readonly quarantines: Pick<Quarantines, 'standingOf'>
  readonly logger: Logger
  /** Why nobody comes in just now: the relay is starting or stopping. */
  closedFor(): RelayError | undefined
}

function tokenOf(socket: Socket, token: string | undefined): string | undefined {
  const { query, headers } = socket.handshake
  if ('token' in query)
    throw new RelayError('unauthorized', 'A key in the address ends up in logs: give it in `auth`.')
  if (token !== undefined) return token
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
}

function parse<Schema extends z.ZodType>(schema: Schema, auth: unknown): z.output<Schema> {
  const parsed = schema.safeParse(auth)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new RelayError(
    'invalid_payload',
    `The handshake is not right: ${issue?.message} at ${issue?.path.join('.')}.`,
  )
}

function checkProtocol(protocol: number | undefined): void {
  if (protocol === undefined || protocol === PROTOCOL_VERSION) return
  throw new RelayError(
    'unsupported_protocol',
    `This relay speaks protocol ${PROTOCOL_VERSION}, not ${protocol}.`,
  )
}

/** Lets a socket in, or refuses it with a code in `connect_error.data`. */
export function admit(gate: Gate, enter: (socket: Socket) => Promise<void>) {
  return (socket: Socket, next: (error?: Error & { data?: unknown }) => void): void => {
    const closed = gate.closedFor()
    const entering = closed ? Promise.reject(closed) : enter(socket)
    entering.then(
      () => next(),
      (error: unknown) => {
        const refusal = toRelayError(error)
        gate.logger.log(refusal.level, 'A connection was refused.', {
          namespace: socket.nsp.name,
          code: refusal.code,
          reason: refusal.message,
          ...(refusal.code === 'internal' ? { error: refusal.cause } : {}),
        })
        next(Object.assign(new Error(refusal.message), { data: refusal.toWire() }))
      },
    )
  }
}

export async function enterDrone(
  gate: Gate,
  socket: Socket,
): Promise<{ identity: Identity; record: DroneRecord }> {
  // Another version may have another registration: what is wrong with it is the version.
  checkProtocol(parse(codeAuth, socket.handshake.auth).protocol)
  const auth = parse(droneAuth, socket.handshake.auth)
  const identity = await gate.access.identify(tokenOf(socket, auth.token), ['drone'])
  return { identity, record: await register(gate, identity.userId, auth.registration) }
}

export async function enterCode(
  gate: Gate,
  socket: Socket,
  kinds: readonly KeyKind[],
): Promise<{ identity: Identity; original: boolean }> {
  const auth = parse(codeAuth, socket.handshake.auth)
  checkProtocol(auth.protocol)
  const identity = await gate.access.identify(tokenOf(socket, auth.token), kinds)
  return { identity, original: auth.original ?? false }
}

async function register(gate: Gate, userId: string, registration: Registration): Promise<DroneRecord> {
  const registrationId = registrationIdOf(userId, registration)
  const known = await gate.store.readDrone(registrationId)
  const { instanceId } = registration
  if (instanceId !== undefined && known?.replacedInstances.includes(instanceId)) {
    throw new RelayError('superseded', `Another process has taken the place of drone ${known.droneId}.`)
  }
  const now = gate.clock.now()
  const last = known?.registration.instanceId
  const replaced = known?.replacedInstances ?? []
  const record: DroneRecord = {
    registrationId,
    userId,
    droneId: registration.droneId ?? registrationId,
    registration,
    firstSeenAt: known?.firstSeenAt ?? now,
    lastSeenAt: now,
    replacedInstances:
      last !== undefined && last !== instanceId ? [...replaced, last].slice(-REPLACED_REMEMBERED) : replaced,
    ...gate.quarantines.standingOf(registrationId),
  }
  const isSame = known && JSON.stringify(known.registration) === JSON.stringify(registration)
  if (!isSame || now - known.lastSeenAt > SEEN_EVERY_MS) await gate.store.saveDrone(record)
  return record
}
