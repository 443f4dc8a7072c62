import type { Turn } from './turn.ts'

/** The drone that a turn belongs to, as somebody sees it. */
type DroneOf = (turn: Turn) => string | undefined

/** As decided: what it has to do. */
export const workingDrone: DroneOf = ({ state, fenced }) =>
  state.status === 'processing' && !fenced ? state.assigned?.registrationId : undefined

/** As stored: an end, or a loss, that is decided may still be lost with this node, and the turn would go on. */
export const toldDrone: DroneOf = ({ told, state, fenced }) =>
  told.status === 'processing' && !fenced ? state.assigned?.registrationId : undefined

/** Turns by their drone: a plain drone asks for its own with every word. */
export class TurnsByDrone {
  readonly #droneOf: DroneOf
  readonly #turns = new Map<string, Set<Turn>>()
  readonly #placeOf = new WeakMap<Turn, string>()

  constructor(droneOf: DroneOf) {
    this.#droneOf = droneOf
  }

  of(registrationId: string): Turn[] {
    return [...(this.#turns.get(registrationId) ?? [])]
  }

  /** To be called whenever a turn's state has changed. */
  place(turn: Turn): void {
    const place = this.#droneOf(turn)
    const before = this.#placeOf.get(turn)
    if (before === place) return
    if (before !== undefined) this.#take(turn, before)
    if (place === undefined) return
    this.#turns.set(place, (this.#turns.get(place) ?? new Set()).add(turn))
    this.#placeOf.set(turn, place)
  }

  #take(turn: Turn, place: string): void {
    this.#placeOf.delete(turn)
    const turns = this.#turns.get(place)
    turns?.delete(turn)
    if (turns?.size === 0) this.#turns.delete(place)
  }
}
