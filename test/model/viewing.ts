import type { SessionChange } from '../../src/client/viewed-session.ts'
import type { ViewedTurn } from '../../src/client/viewed-turn.ts'
import type { BlockView } from '../../src/protocol/turn-view.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import { BlockFold } from '../../src/turns/fold.ts'
import { unitsOf } from '../turns/lane-model.ts'
import type { Unit } from '../turns/lane-model.ts'
import type { MemoryStore } from './memory-store.ts'
import type { ModelViewer } from './model-viewer.ts'
import { Broken, isSame } from './promises.ts'
import type { Promises } from './promises.ts'

/** What viewers may rely on: reliability.md, I4. */
export class Viewing {
  readonly #store: MemoryStore
  readonly #promises: Promises
  readonly #endsTold = new Map<string, string>()

  constructor(store: MemoryStore, promises: Promises) {
    this.#store = store
    this.#promises = promises
  }

  /** An end is told once, only when it is stored, and with all its words. */
  changed(viewer: ModelViewer, change: SessionChange): void {
    if (change.kind !== 'status' || !isEnd(change.turn.status)) return
    const { turn } = change
    this.#checkWhole(viewer.name, turn)
    const told = `${viewer.name} ${turn.turnId}`
    const before = this.#endsTold.get(told) ?? turn.status
    if (before !== turn.status) throw new Broken(`I4: ${viewer.name} hears ${turn.status} after ${before}`)
    this.#endsTold.set(told, turn.status)
  }

  /** What is shown is what was said first, of one attempt. */
  check(viewer: ModelViewer): void {
    for (const turn of viewer.view.turns) {
      for (const lane of turn.lanes()) {
        const units = shown(turn, lane)
        if (this.#promises.isPrefix({ turnId: turn.turnId, attempt: turn.attempt, lane }, units)) continue
        const said = this.#promises.said({ turnId: turn.turnId, attempt: turn.attempt, lane })
        throw new Broken(`I4: ${viewer.name} is shown ${units.join(' ')}, said was ${said.join(' ')}`)
      }
    }
  }

  /** At the end a viewer has the newest turn, and of each turn that it has, all that is stored. */
  checkLevel(viewer: ModelViewer): void {
    const newest = this.#store.all().at(-1)
    if (newest && !viewer.view.turn(newest.turnId)) throw new Broken(`I4: ${viewer.name} lacks the last turn`)
    for (const turn of viewer.view.turns) this.#checkWhole(viewer.name, turn)
  }

  #checkWhole(name: string, turn: ViewedTurn): void {
    const header = this.#store.readTurn(turn.turnId)
    if (!header) throw new Broken(`I4: ${name} is shown a turn that is not stored`)
    const { attempt, status } = header
    if (turn.attempt !== attempt || turn.status !== status)
      throw new Broken(`I4: ${name} sees ${turn.status} (${turn.attempt}), stored is ${status} (${attempt})`)
    const names = new Set([...turn.lanes(), ...header.lanes.map((lane) => lane.name)])
    for (const lane of names) {
      const number = header.lanes.findIndex((one) => one.name === lane)
      const stored = number === -1 ? [] : this.#promises.stored(header, number)
      const units = shown(turn, lane)
      if (!isSame(units, stored))
        throw new Broken(
          `I4: ${name} sees ${units.join(' ')}, stored is ${stored.join(' ')} (lane '${lane}')`,
        )
      const fold = new BlockFold()
      if (number !== -1) for (const { entry } of this.#store.words(header, number, 0)) fold.push(entry)
      if (plain(fold.blocks) !== plain(turn.blocks(lane)))
        throw new Broken(`I4: ${name} sees ${plain(turn.blocks(lane))}, stored is ${plain(fold.blocks)}`)
    }
  }
}

function shown(turn: ViewedTurn, lane: string): Unit[] {
  return unitsOf(turn.after(lane, 0), 0)
}

/** Blocks without the times, which are each reader's own. */
function plain(blocks: readonly BlockView[]): string {
  return JSON.stringify(blocks.map(({ mode, content }) => [mode, content]))
}
