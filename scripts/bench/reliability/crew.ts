import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { quantile } from '../measure.ts'
import type { Answer, Ask, CommandName, CrewSpec, Figures, FromCrew } from './crew-spec.ts'
import type { UserKeys } from '../user-keys.ts'

const CREW = fileURLToPath(new URL('crew-process.ts', import.meta.url))

/** A load process, from its parent's side. */
export interface CrewProcess {
  readonly pid: number
  ask<Name extends CommandName>(name: Name, ask: Ask<Name>): Promise<Answer<Name>>
  /** SIGKILL: its drones die with it. */
  kill(): void
  close(): Promise<void>
}

export function startCrew(): CrewProcess {
  const child = fork(CREW, { execArgv: ['--import', import.meta.resolve('tsx')] })
  const killNow = (): void => void child.kill('SIGKILL')
  process.once('exit', killNow)
  child.once('exit', () => process.off('exit', killNow))
  const exited = once(child, 'exit')
  const waiting = new Map<number, (message: FromCrew) => void>()
  let asked = 0
  child.on('message', (message: FromCrew) => {
    waiting.get(message.id)?.(message)
    waiting.delete(message.id)
  })
  child.once('exit', () => {
    for (const [id, answer] of waiting) answer({ id, failed: 'the crew has ended' })
  })
  return {
    pid: child.pid ?? 0,
    ask: (name, ask) =>
      new Promise((resolve, reject) => {
        const id = ++asked
        waiting.set(id, (message) => {
          if ('failed' in message) reject(new Error(`a crew could not ${name}: ${message.failed}`))
          else resolve(message.answer as Answer<typeof name>)
        })
        child.send({ id, name, ask }, (error) => error && reject(error))
      }),
    kill: killNow,
    async close() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** Several load processes that are asked the same. */
export class Crews {
  readonly all: readonly CrewProcess[]
  sessions: string[] = []

  constructor(count: number) {
    this.all = Array.from({ length: count }, startCrew)
  }

  async ask<Name extends CommandName>(name: Name, ask: Ask<Name>): Promise<Answer<Name>[]> {
    return Promise.all(this.all.map((crew) => crew.ask(name, ask)))
  }

  /** Divides the drones and the users among the processes. */
  async open({ pairs, run, users, ...spec }: CrewSpec): Promise<void> {
    const count = this.all.length
    const opened = await Promise.all(
      this.all.map((crew, index) => {
        const share = Math.floor(pairs / count) + (index < pairs % count ? 1 : 0)
        const mine: readonly UserKeys[] = users.filter((_, user) => user % count === index)
        const theirs = mine.length > 0 ? mine : users
        return crew.ask('open', { ...spec, run: `${run}-${index}`, pairs: share, users: theirs })
      }),
    )
    this.sessions = opened.flatMap(({ sessions }) => sessions)
  }

  async figures(): Promise<Omit<Figures, 'acks' | 'heard'> & { acks: Spread; heard: Spread }> {
    const each = await this.ask('figures', null)
    return {
      acks: spreadOf(each.flatMap(({ acks }) => acks)),
      heard: spreadOf(each.flatMap(({ heard }) => heard)),
      said: each.reduce((sum, { said }) => sum + said, 0),
      lumped: each.reduce((sum, { lumped }) => sum + lumped, 0),
      loopP99Ms: Math.max(...each.map(({ loopP99Ms }) => loopP99Ms)),
      loopMaxMs: Math.max(...each.map(({ loopMaxMs }) => loopMaxMs)),
      cpuShare: Math.max(...each.map(({ cpuShare }) => cpuShare)),
    }
  }

  async end(): Promise<string[]> {
    return (await this.ask('end', null)).flatMap(({ wrong }) => wrong)
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((crew) => crew.close()))
  }
}

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).toSorted()
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(sorted, share)) as [number, number, number]
  return { count: sorted.length, p50, p99, max }
}
