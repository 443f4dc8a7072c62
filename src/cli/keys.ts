import type { Command } from 'commander'
import { z } from 'zod'
import { KEY_KINDS } from '../turns/turn-store.ts'
import { callRelay, printAnswer } from './call-relay.ts'
import type { CallOptions } from './call-relay.ts'
import { withPeerOptions } from './peer-options.ts'

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

interface Flags extends CallOptions {
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

async function list(flags: Flags): Promise<void> {
  const { keys } = keyList.parse(await callRelay(flags, 'ops', 'GET', '/keys?limit=200'))
  const lines = keys.map(({ keyId, kind, user, label = '', revokedAt }) =>
    [keyId, kind.padEnd(6), user.padEnd(12), label, revokedAt === undefined ? '' : '(revoked)']
      .join('  ')
      .trimEnd(),
  )
  printAnswer(flags, { keys }, lines)
}

async function create(kind: string, user: string, flags: Flags): Promise<void> {
  const body = { kind, user, ...(flags.label === undefined ? {} : { label: flags.label }) }
  const key = created.parse(await callRelay(flags, 'ops', 'POST', '/keys', body))
  printAnswer(flags, key, [key.key])
}

async function revoke(keyId: string, flags: Flags): Promise<void> {
  await callRelay(flags, 'ops', 'DELETE', `/keys/${encodeURIComponent(keyId)}`)
  printAnswer(flags, { revoked: keyId }, [`Revoked ${keyId}.`])
}
