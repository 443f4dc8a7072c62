import type { Turn } from './turn.ts'

/** The turns that are being worked on, by the drone that does: a plain drone asks for its own with every word. */
export class TurnsByDrone {
  readonly #turns = new Map<string, Set<Turn>>()
  readonly #placeOf = new WeakMap<Turn, string>()

  of(registrationId: string): Turn[] {
    return [...(this.#turns.get(registrationId) ?? [])]
  }

  /** To be called whenever a turn's state has changed. */
  place(turn: Turn): void {
    const { status, assigned } = turn.state
    const place = status === 'processing' && !turn.fenced ? assigned?.registrationId : undefined
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
