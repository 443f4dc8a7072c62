/** How long it takes after a relay's start until drones are acknowledged again and viewers caught up. */
export class Recovery {
  readonly drones: number[] = []
  readonly viewers: number[] = []
  #listeningAt: number | undefined
  readonly #drones = new Set<string>()
  readonly #views = new Set<string>()

  listening(at: number, drones: readonly string[], views: readonly string[]): void {
    this.#listeningAt = at
    this.#drones.clear()
    this.#views.clear()
    for (const drone of drones) this.#drones.add(drone)
    for (const view of views) this.#views.add(view)
  }

  acknowledged(droneId: string, at: number): void {
    if (this.#listeningAt !== undefined && this.#drones.delete(droneId)) {
      this.drones.push(at - this.#listeningAt)
    }
  }

  caughtUp(view: string, at: number): void {
    if (this.#listeningAt !== undefined && this.#views.delete(view)) this.viewers.push(at - this.#listeningAt)
  }

  /** Something else happened to the relay or its store: what is measured from now on would be of that. */
  excuseAll(): void {
    this.#drones.clear()
    this.#views.clear()
  }

  /** Something else happened to it: how long it takes now says nothing about the relay. */
  excuseDrone(droneId: string): void {
    this.#drones.delete(droneId)
  }

  excuseViews(prefix: string): void {
    for (const view of this.#views) if (view.startsWith(prefix)) this.#views.delete(view)
  }
}
