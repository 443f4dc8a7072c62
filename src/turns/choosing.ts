import { RelayError } from '../protocol/errors.ts'
import type { Manifest } from '../protocol/handshake.ts'
import type { ChatSessions, SessionChange } from './chat-sessions.ts'
import { seatsOf } from './seat.ts'
import type { Seats } from './seat.ts'
import type { Message } from './sending.ts'
import { infoOf } from './session-info.ts'
import type { ChatSessionRecord } from './turn-store.ts'

interface Choosing {
  readonly sessions: ChatSessions
  readonly directory: Pick<Seats, 'ofUser'>
}

/** [CS4] The model of a session from its next turn on, of those that its drone offers; undefined leaves it to the drone. */
export function chooseModel(
  relay: Choosing,
  userId: string,
  chatSessionId: string,
  model: string | undefined,
): Promise<void> {
  return choose(relay, userId, chatSessionId, (offered) => {
    if (model === undefined) return { model: undefined, provider: undefined }
    const models = offered().flatMap((manifest) => manifest.models ?? [])
    const found = models.find(({ id }) => id === model)
    if (!found)
      throw notOffered(
        'model',
        model,
        models.map(({ id }) => id),
      )
    return { model, provider: found.provider }
  })
}

/** [CS4] How much the agent thinks in a session from its next turn on, likewise. */
export function chooseThinking(
  relay: Choosing,
  userId: string,
  chatSessionId: string,
  level: string | undefined,
): Promise<void> {
  return choose(relay, userId, chatSessionId, (offered) => {
    if (level === undefined) return { thinkingLevel: undefined }
    const levels = offered().flatMap(({ thinkingLevels = [] }) => thinkingLevels)
    if (!levels.includes(level)) throw notOffered('thinking level', level, levels)
    return { thinkingLevel: level }
  })
}

async function choose(
  { sessions, directory }: Choosing,
  userId: string,
  chatSessionId: string,
  change: (offered: () => Manifest[]) => SessionChange,
): Promise<void> {
  await sessions.of(userId, chatSessionId)
  await sessions.change(
    chatSessionId,
    (session) => change(() => offersTo(directory, userId, session)),
    (session) => infoOf(directory, session),
  )
}

/**
 * [CS6] What a message asks for by name is offered by one of the drones that could take it. While none of them is here,
 * or one has not said, nobody knows, and the message waits.
 */
export function checkOffered(
  directory: Pick<Seats, 'ofUser'>,
  session: ChatSessionRecord,
  { droneId, workspaceId = session.workspaceId, model, thinkingLevel, agent }: Message,
): void {
  const could = seatsOf(directory, session.userId, { droneId, workspaceId }).map(({ manifest }) => manifest)
  const check = (
    what: string,
    wanted: string | undefined,
    offered: (readonly string[] | undefined)[],
  ): void => {
    // A drone that has not said yet what it offers may offer anything.
    const isKnown = could.length > 0 && offered.every((list) => list !== undefined)
    if (wanted === undefined || !isKnown) return
    const all = offered.flatMap((list) => list ?? [])
    if (!all.includes(wanted)) throw notOffered(what, wanted, all)
  }
  check(
    'model',
    model,
    could.map(({ models }) => models?.map(({ id }) => id)),
  )
  check(
    'thinking level',
    thinkingLevel,
    could.map(({ thinkingLevels }) => thinkingLevels),
  )
  check(
    'agent',
    agent,
    could.map(({ agents }) => agents),
  )
}

/** What the session's drone offers; before it has one, or while that is gone, all those that could take its next turn. */
function offersTo(
  directory: Pick<Seats, 'ofUser'>,
  userId: string,
  { droneId, workspaceId }: ChatSessionRecord,
): Manifest[] {
  const own = droneId === undefined ? [] : seatsOf(directory, userId, { droneId })
  const some = own.length > 0 ? own : seatsOf(directory, userId, { workspaceId })
  if (some.length === 0)
    throw new RelayError('drone_offline', 'No drone of this session is here that could say what it offers.')
  return some.map(({ manifest }) => manifest)
}

function notOffered(what: string, wanted: string, allowed: readonly string[]): RelayError {
  return new RelayError('invalid_payload', `No drone of this session offers the ${what} ${wanted}.`, {
    details: { allowed: [...new Set(allowed)] },
  })
}
