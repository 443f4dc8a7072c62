import type { JoinAnswer } from '../../src/protocol/code-up.ts'
import type { Entry } from '../../src/turns/entry.ts'
import type { TurnSummary } from '../../src/protocol/turn-view.ts'
import { ViewedSession } from '../../src/client/viewed-session.ts'
import type { Missed, SessionChange } from '../../src/client/viewed-session.ts'
import { text } from '../turns/lane-model.ts'

type SomeSummary = Partial<TurnSummary> & Pick<TurnSummary, 'turnId'>

/** A join's answer with the fields that matter to a test. */
export function joinAnswer(
  fields: Partial<Omit<JoinAnswer, 'turns'>> & { turns?: readonly SomeSummary[] } = {},
): JoinAnswer {
  const time = '2026-01-01T00:00:00Z'
  const { turns = [], ...rest } = fields
  return {
    session: { chatSessionId: 'chat', user: 'ann', status: 'idle', createdAt: time, updatedAt: time },
    queue: [],
    permissions: [],
    terminals: [],
    surfaces: [],
    version: 1,
    resume: [],
    turns: turns.map((turn) => ({ attempt: 1, status: 'processing', prompt: 'Do it.', heads: [], ...turn })),
    ...rest,
  }
}

/** A viewer of one session, and what it heard. */
export class Viewing {
  readonly changes: SessionChange[] = []
  readonly session = new ViewedSession('chat', (change) => this.changes.push(change))

  hear(
    turnId: string,
    offset: number,
    entry: Entry | string,
    more: { attempt?: number; lane?: string } = {},
  ): Missed | undefined {
    const at = { turnId, attempt: 1, offset, chatSessionId: 'chat', ...more }
    return this.session.heard({ at, entry: typeof entry === 'string' ? text(entry) : entry })
  }

  started(turnId: string, version: number, attempt = 1): Missed | undefined {
    return this.session.started({ turnId, version, attempt, prompt: 'Do it.' })
  }

  /** The kinds of the changes since this was asked last. */
  kinds(): string[] {
    return this.changes.splice(0).map(({ kind }) => kind)
  }

  textOf(turnId: string, lane = ''): string | undefined {
    const blocks = this.session.turn(turnId)?.blocks(lane)
    return blocks
      ?.map(({ content }) => (typeof content === 'string' ? content : `<${content.callId}>`))
      .join('')
  }
}
