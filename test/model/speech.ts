import type { DroneWork } from '../../src/client/drone-work.ts'
import type { Unit } from '../turns/lane-model.ts'
import type { World } from './world.ts'

/** What a drone may say in one go. Halves of a pair come apart on purpose. */
export const WORDS = ['text', 'thought', 'long', 'emoji', 'high half', 'low half', 'call', 'result'] as const
export type Words = (typeof WORDS)[number]

const LONG_UNITS = 40
const EMOJI = '😀'

/** Text that is different each time, so that what is repeated or out of place shows. */
export class Voice {
  #spoken = 0

  text(units: number): string {
    const start = (this.#spoken += 1)
    return Array.from({ length: units }, (_, index) => String.fromCharCode(97 + ((start + index) % 26))).join(
      '',
    )
  }
}

/** The work chosen says something next, if it is not made to wait: what is said is in the promises first. */
export function speak(world: World, who: number, words: Words, lane: string): void {
  const { drone, work } = world.works[who % world.works.length] ?? {}
  if (!drone || !work || work.completion || work.signal.aborted || drone.waiting.has(work)) return
  const said = say(world.voice, work, words, lane)
  world.promises.say({ ...work.order, lane }, said.units)
  if (drone.works.hasRoom) return
  drone.waiting.add(work)
  void said.room.then(() => drone.waiting.delete(work))
}

function say(
  voice: Voice,
  work: DroneWork,
  words: Words,
  lane: string,
): { units: Unit[]; room: Promise<void> } {
  switch (words) {
    case 'call': {
      const callId = voice.text(2)
      const room = work.toolCall({ callId, name: 'bash', params: '{}', lane })
      return { units: [`c${callId}`], room }
    }
    case 'result': {
      const callId = voice.text(2)
      return { units: [`s${callId}`], room: work.toolResult({ callId, response: voice.text(5), lane }) }
    }
    case 'thought': {
      const thought = voice.text(3)
      return { units: unitsOf('t', thought), room: work.thinking(thought, { lane }) }
    }
    case 'text':
    case 'long':
    case 'emoji':
    case 'high half':
    case 'low half': {
      const response = textOf(voice, words)
      return { units: unitsOf('r', response), room: work.response(response, { lane }) }
    }
  }
}

function textOf(voice: Voice, words: 'text' | 'long' | 'emoji' | 'high half' | 'low half'): string {
  switch (words) {
    case 'text':
      return voice.text(3)
    case 'long':
      return voice.text(LONG_UNITS)
    case 'emoji':
      return EMOJI
    case 'high half':
      return EMOJI.charAt(0)
    case 'low half':
      return EMOJI.charAt(1)
  }
}

function unitsOf(mode: 't' | 'r', said: string): Unit[] {
  return said.split('').map((unit) => mode + unit)
}
