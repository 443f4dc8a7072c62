import { RelayError } from '../protocol/errors.ts'
import type { Clock } from '../turns/clock.ts'
import type { Feed } from '../turns/feed.ts'
import type { ChatSessions } from '../turns/chat-sessions.ts'
import { RelayTerminal } from '../terminals/relay-terminal.ts'
import type { Exit, Resize, Size, Snapshot } from '../terminals/terminal-log.ts'
import type { TerminalStore } from '../terminals/terminal-store.ts'
import type { Bucket } from './bucket.ts'
import type { Logger } from './socket-session.ts'

/** Terminals of one drone at a time. */
const MOST_OF_DRONE = 2000
/** How long the bytes of one that has ended are kept, ms, and of how many: viewers come back for the last of them. */
const KEPT_MS = 60_000
const MOST_KEPT = 200

/** Which terminal somebody means. */
interface Named {
  readonly droneId?: string | undefined
  readonly terminalId: string
}

/** Whose terminals they are. */
export interface TerminalOwner {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  readonly instanceId: string | undefined
}

export interface Opened extends Size {
  readonly terminalId: string
  readonly chatSessionId: string
  readonly title?: string | undefined
  readonly readOnly?: boolean | undefined
}

/** A terminal as clients see it. */
export interface TerminalView extends Size {
  readonly droneId: string
  readonly terminalId: string
  readonly chatSessionId: string
  readonly title?: string
  readonly readOnly?: true
}

export interface TerminalsOptions {
  readonly sessions: Pick<ChatSessions, 'of'>
  readonly feed: Pick<Feed, 'publish'>
  readonly clock: Clock
  readonly ringBytes: number
  readonly store: TerminalStore
  /** Whether turns are live whose words go before; and what terminals may say then, in bytes a second. */
  readonly hasLiveTurns: () => boolean
  readonly pace: Bucket
  readonly logger: Logger
}

/** [TM3] The terminals of the drones that are here, or away for less than their grace. */
export class Terminals {
  readonly #options: TerminalsOptions
  /** By drone and id. */
  readonly #terminals = new Map<string, Map<string, RelayTerminal>>()
  /** Those of which it is not clear yet whether they are to be shown. */
  readonly #showing = new Map<RelayTerminal, Promise<void>>()
  /** Those that have ended a moment ago, in that order, with what forgets them. */
  readonly #ended = new Map<RelayTerminal, () => void>()

  constructor(options: TerminalsOptions) {
    this.#options = options
  }

  /** A drone has a terminal; said again after each connection. */
  async opened(owner: TerminalOwner, { terminalId, chatSessionId, ...opened }: Opened): Promise<void> {
    const { clock, ringBytes } = this.#options
    const ofDrone = this.#terminals.get(owner.registrationId) ?? new Map<string, RelayTerminal>()
    const known = ofDrone.get(terminalId)
    if (known) {
      if (known.name.chatSessionId === chatSessionId) return
      throw new RelayError('invalid_payload', `Terminal ${terminalId} is one of another chat session.`)
    }
    if (ofDrone.size >= MOST_OF_DRONE)
      throw new RelayError('rate_limited', `A drone may have ${MOST_OF_DRONE} terminals.`)
    const { title, readOnly = false, cols, rows } = opened
    const { registrationId, droneId, userId, instanceId } = owner
    const name = {
      registrationId,
      droneId,
      userId,
      instanceId,
      terminalId,
      chatSessionId,
      title,
      readOnly,
      openedAt: clock.now(),
    }
    const terminal = new RelayTerminal(name, { cols, rows }, ringBytes)
    // There at once, for what its drone says next; shown when it is clear that the session is its user's.
    this.#terminals.set(owner.registrationId, ofDrone.set(terminalId, terminal))
    const shown = this.#show(terminal)
    this.#showing.set(terminal, shown)
    try {
      await shown
    } catch (error) {
      ofDrone.delete(terminalId)
      throw error
    } finally {
      this.#showing.delete(terminal)
    }
  }

  /** Resolves when a terminal that its drone has opened can be watched. */
  async whenShown(registrationId: string, terminalId: string): Promise<void> {
    const terminal = this.#terminals.get(registrationId)?.get(terminalId)
    if (terminal) await this.#showing.get(terminal)
  }

  async #show(terminal: RelayTerminal): Promise<void> {
    const { sessions, feed } = this.#options
    const { userId, chatSessionId } = terminal.name
    const { liveTurnId } = await sessions.of(userId, chatSessionId)
    terminal.show(liveTurnId)
    feed.publish(chatSessionId, { kind: 'live', name: 'terminal:opened', args: [viewOf(terminal)] })
  }

  /** Resolves when the drone may send more of it. */
  async data(owner: TerminalOwner, terminalId: string, offset: number, bytes: Uint8Array): Promise<void> {
    const { hasLiveTurns, pace } = this.#options
    const waits = this.#ofDrone(owner, terminalId).take(offset, bytes)
    if (waits) await waits
    // Nobody reads as fast as a program can write, and the words of turns are on the same way.
    if (hasLiveTurns()) await this.#pause(pace.spend(bytes.length))
  }

  resized(owner: TerminalOwner, terminalId: string, resize: Resize): void {
    this.#ofDrone(owner, terminalId).resized(resize)
  }

  snapshot(owner: TerminalOwner, terminalId: string, snapshot: Snapshot): void {
    this.#ofDrone(owner, terminalId).snapshot(snapshot)
  }

  /** Its program has ended: those who watch are told after its last byte, and how it ended is stored. */
  async exited(owner: TerminalOwner, terminalId: string, exitCode: number | null): Promise<void> {
    // One that its drone may not show has no end to tell, either.
    await this.whenShown(owner.registrationId, terminalId)
    const terminal = this.#terminals.get(owner.registrationId)?.get(terminalId)
    // Said again, because the answer was lost.
    if (!terminal) return
    const exit = terminal.exited(exitCode)
    const { store, clock } = this.#options
    await store.insert(terminal.toEnded(clock.now()))
    this.#terminals.get(owner.registrationId)?.delete(terminalId)
    this.#over(terminal, exit)
  }

  /** A drone is gone for good, or (`present`) another process of it is here: terminals go with the process that had them. */
  lost(registrationId: string, present?: { readonly instanceId?: string | undefined }): void {
    const ofDrone = this.#terminals.get(registrationId)
    for (const [terminalId, terminal] of ofDrone ?? []) {
      if (present && terminal.name.instanceId === present.instanceId) continue
      ofDrone?.delete(terminalId)
      if (!terminal.isShown) continue
      this.#over(terminal, terminal.exited(null))
      const { store, clock, logger } = this.#options
      store
        .insert(terminal.toEnded(clock.now()))
        .catch((error: unknown) =>
          logger.warn('The last screen of a terminal could not be stored.', { terminalId, error }),
        )
    }
    if (ofDrone?.size === 0) this.#terminals.delete(registrationId)
  }

  /** How far each terminal of this process of a drone is known, for its welcome. */
  headsOf({ registrationId, instanceId }: TerminalOwner): { terminalId: string; offset: number }[] {
    return [...(this.#terminals.get(registrationId)?.values() ?? [])]
      .filter(({ name }) => name.instanceId === instanceId)
      .map(({ name, log }) => ({ terminalId: name.terminalId, offset: log.head }))
  }

  ofSession(userId: string, chatSessionId: string): TerminalView[] {
    return this.#all()
      .filter(({ name }) => name.userId === userId && name.chatSessionId === chatSessionId)
      .map(viewOf)
  }

  /** As `find`; where none is live, the one of those that have ended that ended last. */
  async findAny(userId: string, named: Named): Promise<RelayTerminal> {
    const isMeant = isOf(userId, named)
    if (this.#all().some(({ name }) => isMeant(name))) return this.find(userId, named)
    const ended = [...this.#ended.keys()].toReversed().find(({ name }) => isMeant(name))
    if (ended) return ended
    const stored = (await this.#options.store.named(userId, named.terminalId)).filter(isMeant)
    const [last] = stored.toSorted((one, other) => other.endedAt - one.endedAt)
    if (last) return RelayTerminal.ended(last)
    return this.find(userId, named)
  }

  /** One of the user's; without the drone's name it has to be the only one with this id. Throws `not_found`. */
  find(userId: string, { droneId, terminalId }: Named): RelayTerminal {
    const isMeant = isOf(userId, { droneId, terminalId })
    const found = this.#all().filter(({ name }) => isMeant(name))
    const [terminal] = found
    if (!terminal) throw new RelayError('not_found', `There is no terminal ${terminalId} here.`)
    if (found.length > 1)
      throw new RelayError(
        'invalid_payload',
        `Several drones have a terminal ${terminalId}: name the drone.`,
        {
          details: { allowed: found.map(({ name }) => name.droneId) },
        },
      )
    return terminal
  }

  /** It is told to who watches the session, and can still be attached to for a while. */
  #over(terminal: RelayTerminal, { offset, exitCode }: Exit): void {
    const forget = this.#options.clock.after(KEPT_MS, () => this.#ended.delete(terminal))
    this.#ended.set(terminal, forget)
    const [oldest] = this.#ended
    if (this.#ended.size > MOST_KEPT && oldest) {
      oldest[1]()
      this.#ended.delete(oldest[0])
    }
    const { name } = terminal
    const { droneId, terminalId, chatSessionId } = name
    const told = { droneId, terminalId, offset, ...(exitCode === null ? {} : { exitCode }) }
    this.#options.feed.publish(chatSessionId, { kind: 'live', name: 'terminal:exited', args: [told] })
  }

  /** The relay stops. */
  close(): void {
    for (const forget of this.#ended.values()) forget()
  }

  #ofDrone({ registrationId }: TerminalOwner, terminalId: string): RelayTerminal {
    const terminal = this.#terminals.get(registrationId)?.get(terminalId)
    if (terminal) return terminal
    throw new RelayError('not_found', `Terminal ${terminalId} has not been opened, or has ended.`)
  }

  #all(): RelayTerminal[] {
    return [...this.#terminals.values()]
      .flatMap((terminals) => [...terminals.values()])
      .filter(({ isShown }) => isShown)
  }

  #pause(waitMs: number): Promise<void> | undefined {
    if (waitMs <= 0) return undefined
    return new Promise((resolve) => this.#options.clock.after(waitMs, resolve))
  }
}

function isOf(
  userId: string,
  named: Named,
): (terminal: Pick<TerminalOwner, 'userId' | 'droneId'> & { readonly terminalId: string }) => boolean {
  return (terminal) =>
    terminal.userId === userId &&
    terminal.terminalId === named.terminalId &&
    (named.droneId === undefined || terminal.droneId === named.droneId)
}

export function viewOf({ name, log }: RelayTerminal): TerminalView {
  const { droneId, terminalId, chatSessionId, title, readOnly } = name
  return {
    droneId,
    terminalId,
    chatSessionId,
    ...(title === undefined ? {} : { title }),
    ...(readOnly ? { readOnly } : {}),
    ...log.sizeAt(log.head),
  }
}
