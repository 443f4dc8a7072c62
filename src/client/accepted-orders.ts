import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ownId } from '../protocol/values.ts'

const accepted = z.object({
  turnId: ownId,
  attempt: z.int().min(1),
  workspaceId: z.string(),
  chatSessionId: z.string(),
  instanceId: z.string(),
})
export type AcceptedOrder = z.infer<typeof accepted>

const SUFFIX = '.order.json'
/** What `add` writes before it is whole: an order's file and a UUID. */
const DRAFT = /\.order\.json\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** A draft this old is a crash's: another process in the same folder finishes its own within moments. */
const DRAFT_LEFT_MS = 60_000

/**
 * The orders a drone has accepted and not completed, one small file each: what a restarted process asks about. An order
 * is acknowledged only once its file is on disk. What is asked of one turn is done in the order it was asked, so that
 * an order which is over before it is written down leaves nothing, and the end of one attempt spares the next.
 */
export class AcceptedOrders {
  readonly #folder: string
  /** The last thing asked for of each turn that is not done yet. */
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  add(order: AcceptedOrder): Promise<void> {
    return this.#inTurn(order.turnId, () => this.#write(order))
  }

  remove(turnId: string): Promise<void> {
    return this.#inTurn(turnId, () =>
      unlink(this.#path(turnId)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      }),
    )
  }

  /** Resolves when all that was asked for is done, or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
  }

  /** What earlier processes left behind; a file that is no order is left alone, half-written ones are cleared away. */
  async list(): Promise<AcceptedOrder[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const orders: AcceptedOrder[] = []
    for (const name of names) {
      if (DRAFT.test(name)) await this.#clear(name)
      if (!name.endsWith(SUFFIX)) continue
      const order = parse(await readFile(join(this.#folder, name), 'utf8').catch(() => ''))
      if (order) orders.push(order)
    }
    return orders
  }

  async #write(order: AcceptedOrder): Promise<void> {
    const path = this.#path(order.turnId)
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const draft = `${path}.${randomUUID()}`
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify(order))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    const folder = await open(this.#folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  async #clear(draft: string): Promise<void> {
    const path = join(this.#folder, draft)
    const written = await stat(path).catch(() => undefined)
    if (written && Date.now() - written.mtimeMs > DRAFT_LEFT_MS) await unlink(path).catch(() => undefined)
  }

  #inTurn(turnId: string, act: () => Promise<void>): Promise<void> {
    const before = this.#underWay.get(turnId) ?? Promise.resolve()
    const done = before.catch(() => undefined).then(act)
    this.#underWay.set(turnId, done)
    const forget = (): void => {
      if (this.#underWay.get(turnId) === done) this.#underWay.delete(turnId)
    }
    done.then(forget, forget)
    return done
  }

  /** The id comes from the wire, and becomes a path only if it is one of the relay's. */
  #path(turnId: string): string {
    return join(this.#folder, `${ownId.parse(turnId)}${SUFFIX}`)
  }
}

function parse(text: string): AcceptedOrder | undefined {
  try {
    return accepted.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
