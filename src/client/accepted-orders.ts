import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readdir, rename, unlink } from 'node:fs/promises'
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

/**
 * The orders a drone has accepted and not completed, one small file each: what a restarted process asks about. An order
 * is acknowledged only once its file is on disk.
 */
export class AcceptedOrders {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async add(order: AcceptedOrder): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const path = this.#path(order.turnId)
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

  async remove(turnId: string): Promise<void> {
    await unlink(this.#path(turnId)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }

  /** What earlier processes left behind; a file that is no order is left alone. */
  async list(): Promise<AcceptedOrder[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const orders: AcceptedOrder[] = []
    for (const name of names) {
      if (!name.endsWith(SUFFIX)) continue
      const order = parse(await readFile(join(this.#folder, name), 'utf8').catch(() => ''))
      if (order) orders.push(order)
    }
    return orders
  }

  #path(turnId: string): string {
    return join(this.#folder, `${turnId}${SUFFIX}`)
  }
}

function parse(text: string): AcceptedOrder | undefined {
  try {
    return accepted.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
