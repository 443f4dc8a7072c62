import type { Command } from 'commander'
import { z } from 'zod'
import { KEY_KINDS } from '../turns/turn-store.ts'
import { EXIT, ExitError } from './exit.ts'
import { keyFor, withPeerOptions } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'

const keyList = z.object({
  keys: z.array(
    z.object({
      keyId: z.string(),
      kind: z.string(),
      user: z.string(),
      label: z.string().optional(),
      createdAt: z.number(),
      revokedAt: z.number().optional(),
    }),
  ),
})
const created = z.object({ keyId: z.string(), key: z.string() })
const problem = z.object({ code: z.string(), detail: z.string() })

interface Flags extends PeerOptions {
  readonly json?: boolean
  readonly label?: string
}

/** `keys`: lists, makes and revokes keys at a running relay, with an operator's key. */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('list, make and revoke keys')
  withPeerOptions(keys.command('list', { isDefault: true }).description('every key, without its secret'))
    .option('--json', 'as JSON')
    .action(async (flags: Flags) => list(flags))
  withPeerOptions(keys.command('create').description('a new key; it is shown this once'))
    .argument('<kind>', KEY_KINDS.join(', '))
    .argument('<user>', 'whose it is')
    .option('--label <text>', 'what it is for')
    .option('--json', 'as JSON')
    .action(async (kind: string, user: string, flags: Flags) => create(kind, user, flags))
  withPeerOptions(
    keys.command('revoke').description('a key that is to open nothing any more').argument('<keyId>'),
  )
    .option('--json', 'as JSON')
    .action(async (keyId: string, flags: Flags) => revoke(keyId, flags))
}

async function call(flags: Flags, method: string, path: string, body?: object): Promise<unknown> {
  const key = await keyFor('ops', flags)
  const response = await fetch(`${flags.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => {
    throw new ExitError(EXIT.failed, `No relay answers at ${flags.url}: start one, or name it with --url.`)
  })
  const text = await response.text()
  const answer: unknown = text === '' ? undefined : JSON.parse(text)
  if (response.ok) return answer
  const { code, detail } = problem.parse(answer)
  throw new ExitError(EXIT.failed, `${detail} (${code})`)
}

function print(flags: Flags, value: object, lines: readonly string[]): void {
  process.stdout.write(flags.json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''))
}

async function list(flags: Flags): Promise<void> {
  const { keys } = keyList.parse(await call(flags, 'GET', '/keys?limit=200'))
  const lines = keys.map(({ keyId, kind, user, label = '', revokedAt }) =>
    [keyId, kind.padEnd(6), user.padEnd(12), label, revokedAt === undefined ? '' : '(revoked)']
      .join('  ')
      .trimEnd(),
  )
  print(flags, { keys }, lines)
}

async function create(kind: string, user: string, flags: Flags): Promise<void> {
  const body = { kind, user, ...(flags.label === undefined ? {} : { label: flags.label }) }
  const key = created.parse(await call(flags, 'POST', '/keys', body))
  print(flags, key, [key.key])
}

async function revoke(keyId: string, flags: Flags): Promise<void> {
  await call(flags, 'DELETE', `/keys/${encodeURIComponent(keyId)}`)
  print(flags, { revoked: keyId }, [`Revoked ${keyId}.`])
}
