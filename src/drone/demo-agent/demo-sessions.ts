import { randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** Session files kept; the oldest go first. */
const KEPT_SESSIONS = 200
/** Messages kept of a session, and characters of one. */
const KEPT_MESSAGES = 50
const KEPT_CHARS = 20_000

const demoSession = z.object({
  id: z.uuid(),
  cwd: z.string(),
  model: z.string(),
  mode: z.string(),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), text: z.string() })),
})
export type DemoSession = z.infer<typeof demoSession>

/** The demo agent's sessions, each a small JSON file. */
export class DemoSessions {
  readonly #dir: string
  readonly #open = new Map<string, DemoSession>()

  constructor(dir: string) {
    this.#dir = dir
  }

  async create(cwd: string): Promise<DemoSession> {
    const session: DemoSession = { id: randomUUID(), cwd, model: 'demo', mode: 'look', messages: [] }
    this.#open.set(session.id, session)
    await this.save(session)
    await this.#prune()
    return session
  }

  find(id: string): DemoSession | undefined {
    return this.#open.get(id)
  }

  async load(id: string, cwd: string): Promise<DemoSession | undefined> {
    if (!z.uuid().safeParse(id).success) return undefined
    const text = await readFile(this.#path(id), 'utf8').catch(() => undefined)
    if (text === undefined) return undefined
    const session = { ...demoSession.parse(JSON.parse(text)), cwd }
    this.#open.set(id, session)
    return session
  }

  async save(session: DemoSession): Promise<void> {
    session.messages = session.messages
      .slice(-KEPT_MESSAGES)
      .map(({ role, text }) => ({ role, text: text.slice(0, KEPT_CHARS) }))
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    const fresh = `${this.#path(session.id)}.${process.pid}`
    await writeFile(fresh, JSON.stringify(session), { mode: 0o600 })
    await rename(fresh, this.#path(session.id))
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.json`)
  }

  async #prune(): Promise<void> {
    const names = (await readdir(this.#dir)).filter((name) => name.endsWith('.json'))
    if (names.length <= KEPT_SESSIONS) return
    const aged = await Promise.all(
      names.map(async (name) => ({
        name,
        at: (await stat(join(this.#dir, name)).catch(() => undefined))?.mtimeMs ?? 0,
      })),
    )
    const old = aged.toSorted((a, b) => b.at - a.at).slice(KEPT_SESSIONS)
    await Promise.all(old.map(({ name }) => rm(join(this.#dir, name), { force: true })))
  }
}
