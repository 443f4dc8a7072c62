import { closeSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Saying } from './words.ts'

interface Beginning {
  readonly turnId: string
  readonly attempt: number
  /** New for every order that a process begins, also where turn and attempt are the same again. */
  readonly speaker: string
  readonly droneId: string
  readonly beganAt: number
}

type Line =
  | ({ readonly is: 'begin' } & Beginning)
  | { readonly is: 'said'; readonly lane: string; readonly saying: Saying }
  | { readonly is: 'stored'; readonly lane: string; readonly offset: number }
  | { readonly is: 'steered'; readonly messageId: string }
  | { readonly is: 'end'; readonly success: boolean }
  | { readonly is: 'over'; readonly at: number; readonly why: string }

/** All that one process said of one attempt, and what it was told is stored of it. */
export interface Speech extends Beginning {
  readonly lanes: Map<string, Saying[]>
  readonly stored: Map<string, number>
  /** Messages that its agent took while it worked. */
  readonly steered: Set<string>
  /** How it meant to end; undefined where it never came to that. */
  ended: boolean | undefined
  overAt: number | undefined
  why: string | undefined
}

/**
 * What a drone says, written before the SDK has it: the write is in the system's hands when the call returns, so a
 * SIGKILL at any later moment leaves nothing said that is not here.
 */
export class JournalWriter {
  readonly #file: number
  #open = true

  constructor(folder: string, beginning: Beginning) {
    const { turnId, attempt, speaker } = beginning
    this.#file = openSync(join(folder, `${turnId}.${attempt}.${speaker}.jsonl`), 'a')
    this.#write({ is: 'begin', ...beginning })
  }

  said(lane: string, saying: Saying): void {
    this.#write({ is: 'said', lane, saying })
  }

  stored(lane: string, offset: number): void {
    this.#write({ is: 'stored', lane, offset })
  }

  steered(messageId: string): void {
    this.#write({ is: 'steered', messageId })
  }

  end(success: boolean): void {
    this.#write({ is: 'end', success })
  }

  over(why: string): void {
    if (!this.#open) return
    this.#write({ is: 'over', at: Date.now(), why })
    this.#open = false
    closeSync(this.#file)
  }

  #write(line: Line): void {
    if (this.#open) writeSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}

export function readJournals(folder: string): Speech[] {
  return readdirSync(folder).flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    return speechOf(lines.flatMap(parsed)) ?? []
  })
}

/** A line that a kill cut short was not handed to anybody. */
function parsed(line: string): Line[] {
  try {
    return [JSON.parse(line) as Line]
  } catch {
    return []
  }
}

function speechOf(lines: readonly Line[]): Speech | undefined {
  let speech: Speech | undefined
  for (const line of lines) {
    if (line.is === 'begin') {
      const { turnId, attempt, speaker, droneId, beganAt } = line
      const nothing = { ended: undefined, overAt: undefined, why: undefined }
      const lanes = new Map<string, Saying[]>()
      speech = {
        turnId,
        attempt,
        speaker,
        droneId,
        beganAt,
        lanes,
        stored: new Map(),
        steered: new Set(),
        ...nothing,
      }
    } else if (speech) add(speech, line)
  }
  return speech
}

function add(speech: Speech, line: Exclude<Line, { is: 'begin' }>): void {
  switch (line.is) {
    case 'said': {
      const lane = speech.lanes.get(line.lane)
      if (lane) lane.push(line.saying)
      else speech.lanes.set(line.lane, [line.saying])
      break
    }
    case 'stored':
      speech.stored.set(line.lane, Math.max(line.offset, speech.stored.get(line.lane) ?? 0))
      break
    case 'steered':
      speech.steered.add(line.messageId)
      break
    case 'end':
      speech.ended = line.success
      break
    case 'over':
      speech.overAt = line.at
      speech.why = line.why
      break
  }
}
