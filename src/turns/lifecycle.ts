import type { EndStatus } from '../protocol/turn-view.ts'
import type { Succession, TurnChange } from './turn.ts'
import type { Assignment, TurnState } from './turn-store.ts'

/**
 * Where a turn is between its prompt and its end. `offered`: the order is sent, nobody has said it arrived. `asking`: it
 * goes on when somebody says so.
 */
export type Phase = 'queued' | 'offered' | 'working' | 'recovering' | 'asking' | 'ended'

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
  /** Somebody wants the next attempt. */
  | { readonly type: 'retry' }
  /** It waited too long: for a drone, or for somebody's yes. */
  | { readonly type: 'expired'; readonly reason: string }
  /** It took more than a turn may: time, silence, words. */
  | { readonly type: 'exceeded'; readonly reason: string }

/**
 * What follows once the decision is stored. `offer`: the order is sent. `wait`: for a drone, after a backoff. `ask`: for
 * a yes. `stop`: the drone is told that the turn is not its any more.
 */
export type Effect = 'offer' | 'wait' | 'ask' | 'stop' | 'none'

export type Decision =
  | { readonly do: 'nothing' }
  | { readonly do: 'update'; readonly change: TurnChange; readonly effect: Effect }
  | {
      readonly do: 'succeed'
      readonly change: TurnChange
      readonly ended: Succession
      readonly effect: 'offer'
    }
  /** An ended turn is taken up again: its store says so first (`TurnStore.reopen`). */
  | { readonly do: 'reopen' }

/** What becomes of a lost attempt in which a tool with side effects had started. */
export const RETRY_POLICIES = ['ask', 'always', 'never'] as const
export type RetryPolicy = (typeof RETRY_POLICIES)[number]

export interface LifePolicy {
  /** Attempts that a drone acknowledged, before the turn is failed. */
  readonly maxAttempts: number
  readonly retryPolicy: RetryPolicy
}

const NOTHING: Decision = { do: 'nothing' }

export function phaseOf(state: TurnState): Phase {
  switch (state.status) {
    case 'queued':
      return 'queued'
    case 'recovering':
      return state.asks ? 'asking' : 'recovering'
    case 'processing':
      return state.assigned?.acknowledged ? 'working' : 'offered'
    case 'finished':
    case 'failed':
    case 'aborted':
      return 'ended'
  }
}

function end(state: TurnState, status: EndStatus, now: number, effect: Effect, reason?: string): Decision {
  const asked = state.asks ? { asks: false } : {}
  const change = { status, endedAt: now, ...asked, ...(reason === undefined ? {} : { reason }) }
  return { do: 'update', change, effect }
}

function assign(state: TurnState, to: Assignment, now: number): Decision {
  const change: TurnChange = { status: 'processing', assigned: to, startedAt: now }
  if (state.status === 'queued') return { do: 'update', change, effect: 'offer' }
  return { do: 'succeed', change, ended: { ended: recordOf(state, now), borrows: false }, effect: 'offer' }
}

/** Orders of one turn that no drone acknowledged: past this nobody is there who would. */
const MAX_UNACKNOWLEDGED = 10

type Loss = Extract<LifeEvent, { type: 'ownerLost' }>

function lose(state: TurnState, { reason, final }: Loss, now: number, policy: LifePolicy): Decision {
  const counted = state.earlier.filter((attempt) => attempt.acknowledged).length
  const tried = counted + (state.assigned?.acknowledged ? 1 : 0)
  const unheard = state.earlier.length + 1 - tried
  if (unheard >= MAX_UNACKNOWLEDGED)
    return end(state, 'failed', now, 'none', `${reason} (after ${unheard} offers)`)
  if (final || tried >= policy.maxAttempts) {
    const tries = tried > 1 ? ` (after ${tried} attempts)` : ''
    return end(state, 'failed', now, 'none', `${reason}${tries}`)
  }
  const recovering = { status: 'recovering', reason } as const
  if (!state.sideEffects || policy.retryPolicy === 'always') {
    return { do: 'update', change: recovering, effect: 'wait' }
  }
  const why = `${reason} A tool that changes things had started`
  if (policy.retryPolicy === 'never')
    return end(state, 'failed', now, 'none', `${why}: it is not tried again.`)
  const asking = { ...recovering, reason: `${why}: it is tried again when somebody says so.`, asks: true }
  return { do: 'update', change: asking, effect: 'ask' }
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
    ...(state.usage ? { usage: state.usage } : {}),
  }
}

function retry(state: TurnState): Decision {
  switch (phaseOf(state)) {
    case 'asking':
      return { do: 'update', change: { asks: false }, effect: 'wait' }
    case 'ended':
      return state.status === 'finished' ? NOTHING : { do: 'reopen' }
    case 'queued':
    case 'offered':
    case 'working':
    case 'recovering':
      return NOTHING
  }
}

/**
 * The life of a turn as a table, phase by event (docs/SPEC.md, [LC1] to [LC13]). Pure: what it decides is applied to the
 * turn and stored before anybody hears of it. A pair that is not named changes nothing.
 */
export function decide(state: TurnState, event: LifeEvent, now: number, policy: LifePolicy): Decision {
  const phase = phaseOf(state)
  if (event.type === 'retry') return retry(state)
  if (phase === 'ended') return NOTHING
  const owned = phase === 'offered' || phase === 'working'
  switch (event.type) {
    case 'assign':
      return phase === 'queued' || phase === 'recovering' ? assign(state, event.to, now) : NOTHING
    case 'acknowledged': {
      if (phase !== 'offered' || event.attempt !== state.attempt || !state.assigned) return NOTHING
      return {
        do: 'update',
        change: { assigned: { ...state.assigned, acknowledged: true } },
        effect: 'none',
      }
    }
    case 'ownerLost': {
      const lost = owned || (phase === 'recovering' && event.final === true)
      return lost && event.attempt === state.attempt ? lose(state, event, now, policy) : NOTHING
    }
    case 'completed': {
      if (!owned) return NOTHING
      return end(
        state,
        event.success ? 'finished' : 'failed',
        now,
        'none',
        event.success ? undefined : event.message,
      )
    }
    case 'abort':
      return end(state, 'aborted', now, owned ? 'stop' : 'none', event.reason)
    case 'expired':
      return owned ? NOTHING : end(state, 'failed', now, 'none', event.reason)
    case 'exceeded':
      return owned ? end(state, 'failed', now, 'stop', event.reason) : NOTHING
  }
}
