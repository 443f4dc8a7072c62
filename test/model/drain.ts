import { isEnd } from '../../src/protocol/turn-view.ts'
import { Broken } from './promises.ts'
import type { World } from './world.ts'

/** How long everything may take to come to its end, once nothing is in its way. */
const DRAIN_MS = 180_000
/** Idle viewers are told the heads this often: after it they have heard what they missed. */
const HEADS_MS = 45_000

/** Everything is healed, and everybody brings what was begun to its end: then nothing may be left over. */
export async function drain(world: World): Promise<void> {
  const { calls, clock } = world
  calls.holding = 'nothing'
  for (; calls.pending > 0; await world.settle()) calls.settle(0, 'done')
  for (const { station } of world.drones) if (station.link?.isLossy) station.link.break('both')
  for (const { link } of world.stations) link?.heal()
  const until = clock.ticks() + DRAIN_MS
  while (clock.ticks() < until && !isOver(world)) {
    for (const { drone, work } of world.works)
      if (!work.completion && !drone.waiting.has(work)) void work.complete(true)
    await world.settle()
    await world.pass(1000)
  }
  await world.pass(HEADS_MS)
  checkNothingIsLeft(world)
}

function isOver({ works, viewers, store, queue }: World): boolean {
  const isSending = viewers.some(({ viewer }) => viewer.isSending)
  return works.length === 0 && !isSending && queue.isEmpty && store.all().every(({ status }) => isEnd(status))
}

function checkNothingIsLeft({ store, works, relay, viewers, viewing, queue }: World): void {
  const open = store.unfinished().map(({ status, attempt }) => `${status} (${attempt})`)
  if (open.length > 0) throw new Broken(`I5: in the end there are turns that have not ended: ${open.join()}`)
  if (works.length > 0) throw new Broken('I5: in the end a drone has works that are not over')
  if ([...relay.turns.all()].length > 0) throw new Broken('I5: in the end the relay has live turns')
  queue.checkEnd()
  for (const { viewer } of viewers) {
    if (!viewer.isLevel) throw new Broken(`I4: in the end ${viewer.name} has not joined`)
    viewing.checkLevel(viewer)
  }
}
