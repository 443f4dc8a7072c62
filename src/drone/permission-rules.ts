import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk'

/** What only looks. `fetch` is not among them: a web address can carry the workspace's content out. */
const LOOKING = new Set(['read', 'search', 'think'])

export interface Decision {
  readonly answer: RequestPermissionResponse
  readonly why: string
}

/** Decides by the kind of the tool alone; an unknown kind may do anything, so it is refused. */
export function decidePermission(
  { options }: Pick<RequestPermissionRequest, 'options'>,
  kind: string | undefined,
): Decision {
  const looks = kind !== undefined && LOOKING.has(kind)
  const wanted = looks ? 'allow_once' : 'reject_once'
  const why = looks ? `allowed: a tool of kind ${kind} only looks` : `refused: ${refusal(kind)}`
  const option = options.find((offered) => offered.kind === wanted)
  if (option) return { answer: { outcome: { outcome: 'selected', optionId: option.optionId } }, why }
  return {
    answer: { outcome: { outcome: 'cancelled' } },
    why: `${why}; the agent offered no ${wanted}, so cancelled`,
  }
}

function refusal(kind: string | undefined): string {
  return kind
    ? `a tool of kind ${kind} may change something`
    : 'the agent did not say what kind of tool it is'
}
