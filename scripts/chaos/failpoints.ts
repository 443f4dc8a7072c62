import { openSync, writeSync } from 'node:fs'
import { Outlet } from '../../src/sessions/outlet.ts'
import { LocalFeed } from '../../src/turns/feed.ts'
import { LiveTurns } from '../../src/turns/live-turns.ts'
import type { FlushBatch, TurnStore } from '../../src/turns/turn-store.ts'
import { around, wrap } from './patch.ts'
import type { Random } from './random.ts'

export const POINTS = [
  'append:before',
  'append:after',
  'commit:before',
  'commit:during',
  'commit:after',
  'fanout:before',
  'fanout:after',
  'checkpoint:before',
  'checkpoint:after',
] as const
export type Point = (typeof POINTS)[number]

/** What the harness asks of a relay: at the how-manieth coming to a point it kills itself, or stands still. */
export interface Arming {
  readonly arm: Point
  readonly hits: number
  readonly does: 'SIGKILL' | 'SIGSTOP'
}

/** What is lost and repeated between a socket and its turn, as shares of the entries. */
export interface Mangling {
  readonly random: Random
  readonly dropped: number
  readonly repeated: number
}

/** The places at which a relay can be killed, and the gauge of what it holds that is not stored. */
export class Failpoints {
  readonly #gauge: number
  #armed: { readonly point: Point; readonly does: NodeJS.Signals; left: number } | undefined
  #live: LiveTurns | undefined
  #durable = new Map<string, Map<string, number>>()

  /** `gaugePath`: a file that says at any moment, so also after a SIGKILL, how many units are held and not stored. */
  constructor(gaugePath: string) {
    this.#gauge = openSync(gaugePath, 'w')
    this.#measure()
  }

  arm({ arm, hits, does }: Arming): void {
    this.#armed = { point: arm, left: hits, does }
  }

  wrapClasses({ random, dropped, repeated }: Mangling): void {
    wrap(LiveTurns.prototype, 'append', (live, args, original) => {
      this.#live = live
      this.#hit('append:before')
      // As if it had been lost on the way: what follows it is a gap.
      if (random.chance(dropped)) return 'duplicate'
      const outcome = original(...args)
      if (random.chance(repeated)) original(...args)
      this.#measure()
      this.#hit('append:after')
      return outcome
    })
    wrap(LocalFeed.prototype, 'publish', (_feed, args, original) => {
      this.#hit('fanout:before')
      original(...args)
      this.#hit('fanout:after')
    })
    wrap(Outlet.prototype, 'emit', (_outlet, args, original) => {
      const isCheckpoint = args[0] === 'checkpoint'
      if (isCheckpoint) this.#hit('checkpoint:before')
      original(...args)
      if (isCheckpoint) this.#hit('checkpoint:after')
    })
  }

  aroundStore(store: TurnStore): TurnStore {
    return around(store, {
      commit: async (batches) => {
        this.#hit('commit:before')
        const committing = store.commit(batches)
        this.#hit('commit:during')
        const outcomes = await committing
        this.#committed(batches)
        this.#hit('commit:after')
        return outcomes
      },
    })
  }

  #hit(point: Point): void {
    const armed = this.#armed
    if (armed?.point !== point) return
    armed.left -= 1
    if (armed.left > 0) return
    this.#armed = undefined
    process.kill(process.pid, armed.does)
  }

  #committed(batches: readonly FlushBatch[]): void {
    this.#durable = new Map(
      batches.map(({ turnId, lanes }) => [
        turnId,
        new Map(lanes.map(({ after }) => [after.name, after.length])),
      ]),
    )
    this.#measure()
  }

  #measure(): void {
    let units = 0
    for (const turn of this.#live?.all() ?? []) {
      const stored = new Map(turn.storedHeads().map(({ lane, offset }) => [lane, offset]))
      const durable = this.#durable.get(turn.turnId)
      for (const { lane, offset } of turn.heads()) {
        units += Math.max(0, offset - Math.max(stored.get(lane) ?? 0, durable?.get(lane) ?? 0))
      }
    }
    writeSync(this.#gauge, `${String(units).padStart(12)}\n`, 0)
  }
}
