import * as fc from 'fast-check'
import { drain } from './drain.ts'
import { ACCIDENTS } from './link.ts'
import type { Accident, Noticed, Way } from './link.ts'
import { speak, WORDS } from './speech.ts'
import type { Words } from './speech.ts'
import { FATES } from './store-calls.ts'
import type { Fate, Holding } from './store-calls.ts'
import type { World } from './world.ts'

/** Viewers at most: more than that come to nothing new. */
const MAX_VIEWERS = 3

type Deed =
  | {
      readonly do: 'say'
      readonly who: number
      readonly words: Words
      readonly lane: string
      readonly times: number
    }
  | { readonly do: 'complete'; readonly who: number; readonly success: boolean }
  | { readonly do: 'send' | 'abort' | 'leave' | 'reconnect'; readonly who: number }
  | { readonly do: 'queue'; readonly who: number; readonly steer: boolean }
  | { readonly do: 'join' }
  | { readonly do: 'slow'; readonly who: number; readonly isSlow: boolean }
  | { readonly do: 'hold'; readonly who: number; readonly way: Way; readonly isHeld: boolean }
  | { readonly do: 'deliver'; readonly who: number; readonly way: Way; readonly count: number }
  | { readonly do: 'accidents'; readonly who: number; readonly way: Way; readonly next: readonly Accident[] }
  | { readonly do: 'break'; readonly who: number; readonly noticed: Noticed }
  | { readonly do: 'store'; readonly holding: Holding }
  | { readonly do: 'answer'; readonly index: number; readonly fate: Fate }
  | { readonly do: 'tick'; readonly ms: number }
  | { readonly do: 'crash relay' | 'cut relay off'; readonly hasArrived: boolean }
  | { readonly do: 'crash drone'; readonly who: number; readonly noticed: Noticed }
  | { readonly do: 'stray drone'; readonly who: number }

/**
 * One thing that happens. The world is model and reality at once: its promises are what is expected, and everything
 * else in it is the code itself.
 */
class Command implements fc.AsyncCommand<World, World> {
  readonly deed: Deed

  constructor(deed: Deed) {
    this.deed = deed
  }

  check(world: Readonly<World>): boolean {
    const { do: what } = this.deed
    if (what === 'say' || what === 'complete') return world.works.length > 0
    if (what === 'join') return world.viewers.length < MAX_VIEWERS
    return what !== 'answer' || world.calls.pending > 0
  }

  async run(_: World, world: World): Promise<void> {
    if (this.deed.do === 'tick') await world.pass(this.deed.ms)
    else this.#apply(world)
    await world.settle()
  }

  toString(): string {
    return JSON.stringify(this.deed)
  }

  #apply(world: World): void {
    const { deed } = this
    switch (deed.do) {
      case 'say':
        for (let said = 0; said < deed.times; said++) speak(world, deed.who, deed.words, deed.lane)
        return
      case 'complete':
        return void pick(world.works, deed.who)?.work.complete(deed.success)
      case 'send':
        return world.send(deed.who)
      case 'queue':
        return world.queueMessage(deed.who, deed.steer)
      case 'abort':
        return pick(world.viewers, deed.who)?.viewer.abort()
      case 'leave':
        return pick(world.viewers, deed.who)?.viewer.leave()
      case 'join':
        return world.addViewer()
      case 'reconnect':
        return pick(world.stations, deed.who)?.connect()
      case 'slow':
        return pick(world.viewers, deed.who)?.station.link?.slow(deed.isSlow)
      case 'hold':
      case 'deliver':
      case 'accidents':
      case 'break':
        return this.#onLink(world)
      case 'store':
        world.calls.holding = deed.holding
        return
      case 'answer':
        return world.calls.settle(deed.index, deed.fate)
      case 'crash relay':
      case 'cut relay off':
        return world.replaceRelay(deed.do === 'crash relay', deed.hasArrived)
      case 'crash drone':
        return world.crashDrone(deed.who, deed.noticed)
      case 'stray drone':
        return world.strayDrone(deed.who)
      case 'tick':
    }
  }

  #onLink(world: World): void {
    const { deed } = this
    const link = 'who' in deed ? pick(world.stations, deed.who)?.link : undefined
    if (!link) return
    if (deed.do === 'hold') link.held[deed.way] = deed.isHeld
    else if (deed.do === 'deliver') for (let count = 0; count < deed.count; count++) link.deliver(deed.way)
    else if (deed.do === 'break') link.break(deed.noticed)
    else if (deed.do === 'accidents') link.meet(deed.way, deed.next)
  }
}

function pick<Item>(items: readonly Item[], index: number): Item | undefined {
  return items[index % items.length]
}

const who = fc.nat({ max: 5 })
const index = fc.nat({ max: 7 })
const count = fc.integer({ min: 1, max: 4 })
const way = fc.constantFrom<Way>('up', 'down')
const noticed = fc.constantFrom<Noticed>('both', 'peer', 'relay')
const accidents = fc.array(fc.constantFrom<Accident>(...ACCIDENTS), { minLength: 1, maxLength: 4 })
const lane = fc.constantFrom('', '', 'agent')
const holding = fc.constantFrom<Holding>('nothing', 'commits', 'writes', 'everything')
const ms = fc.constantFrom(10, 100, 300, 1000, 5000, 12_000)
const yes = fc.boolean()

function deeds<Do extends Deed['do']>(
  weight: number,
  what: Do,
  fields: { [Field in keyof Omit<Extract<Deed, { do: Do }>, 'do'>]: fc.Arbitrary<unknown> },
): fc.WeightedArbitrary<Command> {
  const deed = fc.record({ do: fc.constant(what), ...fields })
  return { weight, arbitrary: deed.map((made) => new Command(made as unknown as Deed)) }
}

const anything = fc.oneof(
  deeds(24, 'say', { who, lane, words: fc.constantFrom<Words>(...WORDS), times: count }),
  deeds(3, 'complete', { who, success: yes }),
  deeds(7, 'send', { who }),
  deeds(7, 'queue', { who, steer: fc.constantFrom(true, true, false) }),
  deeds(1, 'abort', { who }),
  deeds(1, 'leave', { who }),
  deeds(3, 'reconnect', { who }),
  deeds(2, 'join', {}),
  deeds(3, 'slow', { who, isSlow: yes }),
  deeds(6, 'hold', { who, way, isHeld: yes }),
  deeds(8, 'deliver', { who, way, count }),
  deeds(10, 'accidents', { who, way, next: accidents }),
  deeds(4, 'break', { who, noticed }),
  deeds(4, 'store', { holding }),
  deeds(12, 'answer', { index, fate: fc.constantFrom<Fate>(...FATES, 'done', 'done') }),
  deeds(14, 'tick', { ms }),
  deeds(2, 'crash relay', { hasArrived: yes }),
  deeds(1, 'cut relay off', { hasArrived: yes }),
  deeds(2, 'crash drone', { who, noticed }),
  deeds(2, 'stray drone', { who }),
)

const deedsInOrder = fc.commands<World, World, false>([anything], { maxCommands: 60, size: 'max' })

/** A history of a chat session, from its beginning or with a first turn under way. */
export const histories = fc.record({ isBegun: fc.boolean(), deeds: deedsInOrder })
export type History = typeof histories extends fc.Arbitrary<infer Made> ? Made : never

/** Lives through a history, and then brings everything to its end; fails with the first promise that is broken. */
export async function live({ isBegun, deeds }: History, world: World): Promise<void> {
  try {
    await world.begin(isBegun)
    await fc.asyncModelRun(() => ({ model: world, real: world }), deeds)
    await drain(world)
  } finally {
    for (const station of world.stations) station.close()
  }
}
