import type { PermissionOption } from '@agentclientprotocol/sdk'

/** What an agent may do without anybody being asked. */
export const PERMISSION_POLICIES = ['ask', 'allow-reads', 'allow-all'] as const
export type PermissionPolicy = (typeof PERMISSION_POLICIES)[number]

/** What only looks. `fetch` is not among them: a web address can carry the workspace's content out. */
const LOOKING = new Set(['read', 'search', 'think'])

/**
 * The option that is chosen without asking, by the kind of the tool alone; undefined where people decide. It allows this
 * once: what holds for longer, people say.
 */
export function chosenAlone(
  policy: PermissionPolicy,
  options: readonly PermissionOption[],
  kind: string | undefined,
): PermissionOption | undefined {
  const looks = kind !== undefined && LOOKING.has(kind)
  if (policy === 'ask' || (policy === 'allow-reads' && !looks)) return undefined
  return options.find((option) => option.kind === 'allow_once')
}

/** The no for when nobody has chosen. */
export function refusalOf(options: readonly PermissionOption[]): PermissionOption | undefined {
  return (
    options.find(({ kind }) => kind === 'reject_once') ?? options.find(({ kind }) => kind === 'reject_always')
  )
}
