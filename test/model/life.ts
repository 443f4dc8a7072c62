import { decide, phaseOf } from '../../src/turns/lifecycle.ts'
import type { Decision, LifeEvent, LifePolicy, Phase } from '../../src/turns/lifecycle.ts'
import { Turn } from '../../src/turns/turn.ts'
import type { TurnState } from '../../src/turns/turn-store.ts'
import { aTurn } from '../support/store-turns.ts'
import { MemoryStore } from './memory-store.ts'
import { SIZES } from './model-config.ts'
import { Broken } from './promises.ts'

const TURN = 'turn-1'
/** Offers that nobody acknowledges, before a turn has failed: docs/SPEC.md, [LC7]. */
const MAX_UNACKNOWLEDGED = 10

/** A turn whose life is decided event by event, and stored whenever the test says so. */
export class Life {
  readonly #store = new MemoryStore({ isGuarded: true })
  readonly #policy: LifePolicy
  readonly #decide: typeof decide
  #turn: Turn
  #now = 0
  /** A person has asked for as many attempts more than the policy allows. */
  #reopened = 0

  constructor(policy: LifePolicy, decides = decide) {
    this.#policy = policy
    this.#decide = decides
    this.#turn = new Turn(this.#store.insertTurn(aTurn({ turnId: TURN })), SIZES.turns.bounds)
  }

  get state(): TurnState {
    return this.#turn.state
  }

  /** A tool starts: whether doing it again might do harm is for the turn to say. */
  callTool(): void {
    const { loggedAttempt } = this.#turn
    const call = {
      kind: 'call',
      callId: 'c',
      name: 'bash',
      parameters: '{}',
      response: '',
      createdAt: 0,
    } as const
    this.#turn.append(loggedAttempt, '', this.#turn.received(''), call)
  }

  happen(event: LifeEvent): void {
    const before = this.state
    // An attempt is offered once it is stored: nobody can speak of it earlier.
    const isTold = this.#turn.loggedAttempt === before.attempt
    if (!isTold && (event.type === 'acknowledged' || event.type === 'completed')) return
    this.#now += 1
    const decision = this.#decide(before, event, this.#now, this.#policy)
    this.#apply(decision)
    this.#check(before, event, decision)
  }

  /** What was decided is stored. */
  store(): void {
    const batch = this.#turn.freeze()
    if (!batch) return
    if (this.#store.commit([batch])[0] !== 'committed')
      throw new Broken('LC: a turn nobody else has was fenced')
    this.#turn.committed()
  }

  #apply(decision: Decision): void {
    switch (decision.do) {
      case 'nothing':
        return
      case 'update':
        return this.#turn.update(decision.change)
      case 'succeed':
        return this.#turn.succeed(decision.change, decision.ended)
      case 'reopen': {
        this.store()
        const found = this.#store.readTurn(TURN)
        const header = found && this.#store.reopen(TURN, found.generation, 'node-b')
        if (!header) throw new Broken('LC1: a turn that is to be tried again cannot be')
        this.#turn = new Turn(header, SIZES.turns.bounds)
        this.#reopened += 1
      }
    }
  }

  #check(before: TurnState, event: LifeEvent, decision: Decision): void {
    const { state } = this
    const was = phaseOf(before)
    const is = phaseOf(state)
    const what = `${was} -${event.type}-> ${is}`
    const holds = (rule: string, isKept: boolean): void => {
      if (!isKept) throw new Broken(`${rule}: ${what} (attempt ${before.attempt} -> ${state.attempt})`)
    }
    if (was === 'ended' && event.type !== 'retry') holds('LC1', decision.do === 'nothing' && is === 'ended')
    if (before.status === 'finished') holds('LC1', state.status === 'finished')
    holds('LC2', state.attempt >= before.attempt && state.attempt <= before.attempt + 1)
    const isOfThis = !('attempt' in event) || event.attempt === before.attempt
    holds(event.type === 'acknowledged' ? 'LC3' : 'LC4', isOfThis || decision.do === 'nothing')
    if (event.type === 'abort') holds('LC8', is === 'ended')
    if ('effect' in decision) holds('LC', isDue(decision.effect, was, is))
    const acknowledged = [...state.earlier, state.assigned].filter((one) => one?.acknowledged).length
    holds('LC7', acknowledged <= this.#policy.maxAttempts + this.#reopened)
    const unheard = state.earlier.filter((one) => !one.acknowledged).length
    holds('LC7', unheard <= MAX_UNACKNOWLEDGED + this.#reopened)
    holds('LC', (state.endedAt !== undefined) === (is === 'ended'))
  }
}

/** What follows from a decision fits to where the turn is then. */
function isDue(effect: string, was: Phase, is: Phase): boolean {
  switch (effect) {
    case 'offer':
      return is === 'offered'
    case 'wait':
      return is === 'recovering'
    case 'ask':
      return is === 'asking'
    case 'stop':
      return is === 'ended' && (was === 'offered' || was === 'working')
    default:
      return is === 'working' || is === 'ended'
  }
}
