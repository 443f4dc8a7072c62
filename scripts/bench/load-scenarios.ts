import { compareAll, endAll, hearOut, inTime } from './check.ts'
import type { Latecomer, Link } from './links.ts'
import { Histogram } from './histogram.ts'
import { pace } from './pace.ts'
import type { IdleSpec, JoinsSpec, LoadReport, MarkName, SteadySpec, TurnSpec } from './spec.ts'
import { Speech } from './speech.ts'

const WORD_CHARS = 7

export interface LoadRun {
  readonly open: (count: number, viewers: number) => Promise<Link[]>
  readonly mark: (name: MarkName) => Promise<void>
}

export type Outcome = Omit<LoadReport, 'load'>

/** When each token was sent and how long each took to each viewer, of those sent in the measured part. */
class Stopwatch {
  readonly #sentAt: number[][]
  readonly took = new Histogram()
  readonly #tokenChars: number
  isMeasuring = false

  constructor(speakers: number, tokenChars: number) {
    this.#sentAt = Array.from({ length: speakers }, () => [])
    this.#tokenChars = tokenChars
  }

  sent(speaker: number): void {
    this.#sentAt[speaker]?.push(this.isMeasuring ? performance.now() : Number.NaN)
  }

  /** A token counts when its last character is there. */
  heard(speaker: number, from: number, to: number): void {
    const now = performance.now()
    const last = Math.floor(to / this.#tokenChars)
    for (let token = Math.floor(from / this.#tokenChars); token < last; token++) {
      const sentAt = this.#sentAt[speaker]?.[token] ?? Number.NaN
      if (!Number.isNaN(sentAt)) this.took.record(now - sentAt)
    }
  }
}

/** Every drone says tokens at a steady rate; what is said before the mark `begin` is not measured, but counted. */
export async function runSteady(spec: SteadySpec, { open, mark }: LoadRun): Promise<Outcome> {
  const links = await open(spec.drones, spec.viewers)
  const watch = new Stopwatch(links.length, spec.tokenBytes)
  const speeches = links.map(({ speaker }) => new Speech(speaker, spec.tokenBytes))
  for (const [index, { viewers }] of links.entries()) {
    for (const viewer of viewers) viewer.onHeard = (from, to) => watch.heard(index, from, to)
  }
  let tokensBefore = 0
  let eventsBefore = 0
  let beganAt = 0
  const allTokens = (): number => speeches.reduce((sum, { tokens }) => sum + tokens, 0)
  const allEvents = (): number =>
    links.flatMap(({ viewers }) => viewers).reduce((sum, viewer) => sum + viewer.events, 0)
  const lumped = await pace({
    speakers: links.length,
    rate: spec.rate,
    forMs: spec.warmupMs + spec.measuredMs,
    say: (index) => {
      watch.sent(index)
      void speeches[index]?.token()
    },
    at: {
      ms: spec.warmupMs,
      call: () => {
        tokensBefore = allTokens()
        eventsBefore = allEvents()
        beganAt = performance.now()
        watch.isMeasuring = true
        void mark('begin')
      },
    },
  })
  const ms = performance.now() - beganAt
  const events = allEvents() - eventsBefore
  await mark('end')
  const wrong = await endAll(links, speeches)
  const tokens = allTokens() - tokensBefore
  return { wrong, tokens, ms, chars: tokens * spec.tokenBytes, events, took: watch.took.toJSON(), lumped }
}

/** One turn of a given size, as fast as the window allows, to one viewer. */
export async function runTurn(spec: TurnSpec, { open, mark }: LoadRun): Promise<Outcome> {
  const links = await open(1, 1)
  const speech = new Speech(theLink(links).speaker, spec.tokenBytes)
  await mark('begin')
  const beganAt = performance.now()
  await speech.longTurn(spec.bytes)
  const wrong = await hearOut(links, [speech])
  const ms = performance.now() - beganAt
  await mark('end')
  wrong.push(...(await compareAll(links, [speech])))
  const events = theLink(links).viewers[0]?.events ?? 0
  return { wrong, tokens: speech.tokens, ms, chars: speech.chars, events }
}

/** Viewers join a long live turn that goes on: one after the other, then several at once. */
export async function runJoins(spec: JoinsSpec, { open, mark }: LoadRun): Promise<Outcome> {
  const links = await open(1, 1)
  const link = theLink(links)
  if (!link.connect) throw new Error('this server cannot bring a viewer up')
  const speech = new Speech(link.speaker, spec.tokenBytes)
  await speech.longTurn(spec.bytes)
  await link.viewers[0]?.whenLength(speech.transcript.length)
  const latecomers: Latecomer[] = []
  for (let index = 0; index < spec.joins + spec.together; index++) {
    latecomers.push(await link.connect(`latecomer ${index}`))
  }
  const talk = setInterval(() => void speech.token(), 1000 / spec.rate)
  const join = async (latecomer: Latecomer): Promise<number> => {
    const beganAt = performance.now()
    const whole = latecomer.join().then((length) => latecomer.hearing.whenLength(length))
    if (!(await inTime(whole))) latecomer.hearing.complain('was not brought up in time')
    return performance.now() - beganAt
  }
  await mark('begin')
  const beganAt = performance.now()
  const single: number[] = []
  for (const latecomer of latecomers.slice(0, spec.joins)) single.push(await join(latecomer))
  await mark('end')
  const together = await Promise.all(latecomers.slice(spec.joins).map(join))
  const ms = performance.now() - beganAt
  clearInterval(talk)
  const late = latecomers.map(({ hearing }) => hearing)
  const all: Link[] = [{ ...link, viewers: [...link.viewers, ...late] }]
  const wrong = await endAll(all, [speech])
  const events = late.reduce((sum, { events }) => sum + events, 0)
  for (const latecomer of latecomers) latecomer.close()
  const { chars } = speech
  return { wrong, tokens: speech.tokens, ms, chars, events, joinMs: { single, together } }
}

/** One word each, and then nothing more until the mark is answered. */
export async function runIdle(spec: IdleSpec, { open, mark }: LoadRun): Promise<Outcome> {
  const links = await open(spec.pairs, 1)
  const speeches = links.map(({ speaker }) => new Speech(speaker, WORD_CHARS))
  for (const speech of speeches) void speech.token()
  const wrong = await endAll(links, speeches)
  await mark('begin')
  return { wrong, tokens: links.length, ms: 0, chars: links.length * WORD_CHARS, events: links.length }
}

function theLink(links: readonly Link[]): Link {
  const [link] = links
  if (!link) throw new Error('there is no link')
  return link
}
