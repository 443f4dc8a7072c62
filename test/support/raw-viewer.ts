import type { TurnStatusChanged } from '../../src/protocol/code-down.ts'
import type { JoinAnswer } from '../../src/protocol/code-up.ts'
import type { LaneHead, Position } from '../../src/protocol/position.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import { RawSocket } from './raw-socket.ts'

interface Heard {
  attempt: number
  readonly lanes: Map<string, string[]>
}

type At = Position & { chatSessionId: string }
export type Joined = JoinAnswer & { ok: true }
export interface Sent {
  readonly ok: boolean
  readonly chatSessionId: string
  readonly turnId: string
  readonly status: string
  readonly error?: { readonly code: string }
}

/**
 * A viewer of a test, written from docs/protocol.md alone and strict: an entry that is not at the very end of its lane
 * is a fault, and so is a version left out. Every unit of a lane is kept, so that nothing is lost or twice unseen.
 */
export class RawViewer extends RawSocket {
  readonly turns = new Map<string, Heard>()
  readonly faults: string[] = []
  readonly versions = new Map<string, number>()
  #sent = 0

  constructor(url: string, auth: object, options: object = {}) {
    super(url, '/code', auth, options)
    this.socket.onAny((name: string, ...args: unknown[]) => this.#hear(name, args))
  }

  /** Sends a message as somebody does; the answer is what the relay says. */
  send(content = 'Do it.', more: object = {}): Promise<Sent> {
    const messageId = `message ${++this.#sent} of ${this.socket.id}`
    return this.ask('chat:send', { content, messageId, ...more }) as unknown as Promise<Sent>
  }

  /** Joins from what it holds, or from `cursors`; cuts its lanes as the answer says, before anything else is heard. */
  join(chatSessionId: string, cursors: readonly Position[] = this.cursors()): Promise<Joined> {
    return new Promise((resolve, reject) => {
      this.socket
        .timeout(10_000)
        .emit(
          'session:join',
          { chatSessionId, ...(cursors.length > 0 ? { cursors } : {}) },
          (error: Error | null, answer: Joined) => {
            if (error) reject(error)
            else if (!answer.ok) reject(new Error(`join: ${JSON.stringify(answer)}`))
            else {
              this.versions.set(chatSessionId, answer.version)
              for (const point of answer.resume) this.#cut(point, point.lane, point.from)
              resolve(answer)
            }
          },
        )
    })
  }

  resumed(number = 1): Promise<{ chatSessionId: string; heads: Position[] }> {
    return this.until(
      'resumed',
      () => this.all('resumed')[number - 1]?.[0] as { chatSessionId: string; heads: Position[] },
    )
  }

  cursors(): Position[] {
    return [...this.turns].flatMap(([turnId, { attempt, lanes }]) =>
      [...lanes].map(([lane, units]) => ({ turnId, attempt, lane, offset: units.length })),
    )
  }

  /** What it holds of a lane: its text, with `[callId]` for a call and `(callId)` for a result. */
  text(turnId: string, lane = ''): string {
    return (this.turns.get(turnId)?.lanes.get(lane) ?? []).join('')
  }

  untilText(turnId: string, text: string, lane = ''): Promise<true> {
    return this.until(`the text ${text.slice(0, 40)}`, () => this.text(turnId, lane) === text)
  }

  statuses(turnId: string): TurnStatusChanged[] {
    return this.all('turn:status')
      .map(([status]) => status as TurnStatusChanged)
      .filter((status) => status.turnId === turnId)
  }

  status(turnId: string, status: string): Promise<TurnStatusChanged> {
    return this.until(`turn:status ${status}`, () =>
      this.statuses(turnId).find((told) => told.status === status),
    )
  }

  ended(turnId: string): Promise<TurnStatusChanged> {
    return this.until('the end of the turn', () => this.statuses(turnId).find((told) => isEnd(told.status)))
  }

  #hear(name: string, args: readonly unknown[]): void {
    const payload = args[0]
    switch (name) {
      case 'thinking':
      case 'response':
        this.#append(args[1] as At, String(payload).split(''))
        break
      case 'toolCall':
        this.#append(args[4] as At, [`[${String(payload)}]`])
        break
      case 'toolResult':
        this.#append(args[2] as At, [`(${String(payload)})`])
        break
      case 'turn:started': {
        const { turnId, attempt } = payload as Position
        this.#turn(turnId, attempt)
        break
      }
      case 'turn:status': {
        const { turnId, attempt, heads } = payload as TurnStatusChanged
        for (const { lane, offset } of heads ?? []) this.#settle({ turnId, attempt }, lane, offset)
        break
      }
      case 'head':
        this.#compare(payload as { turnId?: string; attempt?: number; lanes: LaneHead[]; version: number })
        break
    }
    this.#count(name, payload)
  }

  #turn(turnId: string, attempt: number): Heard {
    let turn = this.turns.get(turnId)
    if (!turn || turn.attempt < attempt) {
      turn = { attempt, lanes: new Map() }
      this.turns.set(turnId, turn)
    }
    return turn
  }

  #append(at: At, units: string[]): void {
    const { turnId, attempt, lane = '', offset } = at
    const turn = this.turns.get(turnId)
    if (turn?.attempt !== attempt) this.faults.push(`an entry of attempt ${attempt} that was not announced`)
    const { lanes } = this.#turn(turnId, attempt)
    const held = lanes.get(lane) ?? []
    lanes.set(lane, held)
    if (offset !== held.length) this.faults.push(`${lane}: an entry at ${offset}, ${held.length} held`)
    held.push(...units)
  }

  #cut({ turnId, attempt }: { turnId: string; attempt: number }, lane: string, offset: number): void {
    const { lanes } = this.#turn(turnId, attempt)
    lanes.set(lane, (lanes.get(lane) ?? []).slice(0, offset))
  }

  #settle({ turnId, attempt }: { turnId: string; attempt: number }, lane: string, offset: number): void {
    const turn = this.turns.get(turnId)
    const held = turn?.lanes.get(lane)?.length ?? 0
    if (turn?.attempt === attempt && held !== offset)
      this.faults.push(`${lane}: ended at ${offset}, ${held} held`)
  }

  #compare({ turnId, attempt, lanes }: { turnId?: string; attempt?: number; lanes: LaneHead[] }): void {
    const turn = turnId === undefined ? undefined : this.turns.get(turnId)
    if (!turn || turn.attempt !== attempt) return
    for (const { lane, offset } of lanes) {
      const held = turn.lanes.get(lane)?.length ?? 0
      if (held < offset) this.faults.push(`${lane}: behind a head at ${offset}, ${held} held`)
    }
  }

  #count(name: string, payload: unknown): void {
    const { chatSessionId, version } = (payload ?? {}) as { chatSessionId?: string; version?: number }
    if (chatSessionId === undefined || version === undefined) return
    const known = this.versions.get(chatSessionId)
    const next = name === 'head' ? known : (known ?? version - 1) + 1
    if (next !== undefined && version > next) this.faults.push(`${name}: version ${version} after ${known}`)
    this.versions.set(chatSessionId, Math.max(version, known ?? 0))
  }
}
