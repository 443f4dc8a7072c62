import type { EndStatus } from '../protocol/turn-view.ts'
import type { Succession, TurnChange } from './turn.ts'
import type { Assignment, TurnState } from './turn-store.ts'

/** Where a turn is between its prompt and its end; `offered`: the order is sent, nobody has said it arrived. */
export type Phase = 'queued' | 'offered' | 'working' | 'recovering' | 'ended'

export type LifeEvent =
  /** A drone was chosen for the turn. */
  | { readonly type: 'assign'; readonly to: Assignment }
  /** The drone has the order. */
  | { readonly type: 'acknowledged'; readonly attempt: number }
  /** Whoever worked on `attempt` is gone for good: process, session, or patience with it. */
  | {
      readonly type: 'ownerLost'
      readonly attempt: number
      readonly reason: string
      readonly final?: boolean
    }
  | { readonly type: 'completed'; readonly success: boolean; readonly message?: string }
  | { readonly type: 'abort'; readonly reason?: string }
  /** It waited too long. */
  | { readonly type: 'expired'; readonly reason: string }

export type Decision =
  | { readonly do: 'nothing' }
  | { readonly do: 'update'; readonly change: TurnChange }
  | { readonly do: 'succeed'; readonly change: TurnChange; readonly ended: Succession }

export interface LifePolicy {
  /** Attempts that a drone acknowledged, before the turn is failed. */
  readonly maxAttempts: number
}

const NOTHING: Decision = { do: 'nothing' }

export function phaseOf(state: TurnState): Phase {
  switch (state.status) {
    case 'queued':
    case 'recovering':
      return state.status
    case 'processing':
      return state.assigned?.acknowledged ? 'working' : 'offered'
    case 'finished':
    case 'failed':
    case 'aborted':
      return 'ended'
  }
}

function end(status: EndStatus, now: number, reason?: string): Decision {
  return { do: 'update', change: { status, endedAt: now, ...(reason === undefined ? {} : { reason }) } }
}

function assign(state: TurnState, to: Assignment, now: number): Decision {
  const change: TurnChange = { status: 'processing', assigned: to, startedAt: now }
  if (state.status === 'queued') return { do: 'update', change }
  return { do: 'succeed', change, ended: { ended: recordOf(state, now), borrows: false } }
}

/** Orders of one turn that no drone acknowledged: past this nobody is there who would. */
const MAX_UNACKNOWLEDGED = 10

function lose(state: TurnState, reason: string, final: boolean, now: number, policy: LifePolicy): Decision {
  const counted = state.earlier.filter((attempt) => attempt.acknowledged).length
  const tried = counted + (state.assigned?.acknowledged ? 1 : 0)
  const unheard = state.earlier.length + 1 - tried
  if (unheard >= MAX_UNACKNOWLEDGED) return end('failed', now, `${reason} (after ${unheard} offers)`)
  if (final || tried >= policy.maxAttempts) {
    const tries = tried > 1 ? ` (after ${tried} attempts)` : ''
    return end('failed', now, `${reason}${tries}`)
  }
  return { do: 'update', change: { status: 'recovering', reason } }
}

/** What remains of the present attempt when the next one begins. */
export function recordOf(state: TurnState, now: number): Succession['ended'] {
  return {
    attempt: state.attempt,
    reason: state.reason ?? 'given up',
    acknowledged: state.assigned?.acknowledged ?? false,
    droneId: state.assigned?.droneId ?? '',
    startedAt: state.startedAt ?? now,
    endedAt: now,
  }
}

/**
 * The life of a turn as a table, phase by event (docs/SPEC.md, [LC1] to [LC9]). Pure: what it decides is applied to the
 * turn and stored before anybody hears of it. A pair that is not named changes nothing.
 */
export function decide(state: TurnState, event: LifeEvent, now: number, policy: LifePolicy): Decision {
  const phase = phaseOf(state)
  if (phase === 'ended') return NOTHING
  switch (event.type) {
    case 'assign':
      return phase === 'queued' || phase === 'recovering' ? assign(state, event.to, now) : NOTHING
    case 'acknowledged': {
      if (phase !== 'offered' || event.attempt !== state.attempt || !state.assigned) return NOTHING
      return { do: 'update', change: { assigned: { ...state.assigned, acknowledged: true } } }
    }
    case 'ownerLost': {
      const owned = phase === 'offered' || phase === 'working'
      const lost = event.final ? phase !== 'queued' : owned
      if (!lost || event.attempt !== state.attempt) return NOTHING
      return lose(state, event.reason, event.final ?? false, now, policy)
    }
    case 'completed': {
      if (phase !== 'working' && phase !== 'offered') return NOTHING
      return end(event.success ? 'finished' : 'failed', now, event.success ? undefined : event.message)
    }
    case 'abort':
      return end('aborted', now, event.reason)
    case 'expired':
      return end('failed', now, event.reason)
  }
}
