import { inBatches } from './in-batches.ts'
import type { RelayProcess } from './relay-process.ts'

/** The keys of one user: real fleets belong to many, and what concerns a user is told to all of its clients. */
export interface UserKeys {
  readonly drone: string
  readonly code: string
}

/** Keys of `count` users beside the first. */
export function userKeys(
  { url, keys }: Pick<RelayProcess, 'url' | 'keys'>,
  count: number,
): Promise<UserKeys[]> {
  const create = async (kind: 'drone' | 'code', user: string): Promise<string> => {
    const response = await fetch(`${url}/api/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.ops}`, 'content-type': 'application/json' },
      body: JSON.stringify({ kind, user }),
    })
    if (!response.ok) throw new Error(`POST /api/v1/keys answered ${response.status}`)
    return ((await response.json()) as { key: string }).key
  }
  return inBatches(4, count, async (index) => {
    const user = `user-${index}`
    return { drone: await create('drone', user), code: await create('code', user) }
  })
}
