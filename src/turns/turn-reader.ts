import type {
  BlockView,
  PermissionView,
  SteerView,
  ToolCallView,
  TurnSummary,
  TurnView,
} from '../protocol/turn-view.ts'
import type { LaneHead } from '../protocol/position.ts'
import { BlockFold } from './fold.ts'
import { pick } from './header.ts'
import type { EndedTerminal } from '../terminals/terminal-store.ts'
import { outcomeOf } from './permissions.ts'
import type { LaneOwner, PermissionRecord, TakenSteer, TurnHeader, TurnStore } from './turn-store.ts'
import { usageOfTurn } from './usage.ts'

/** An attempt that changes under the reader is read again, this often. */
const MAX_READS = 10

function iso(time: number): string {
  return new Date(time).toISOString()
}

export function headsOf(owner: LaneOwner): LaneHead[] {
  return owner.lanes.map(({ name, length }) => ({ lane: name, offset: length }))
}

/** Where a turn stands, without its words. */
export function summaryOf(header: TurnHeader, heads: LaneHead[] = headsOf(header)): TurnSummary {
  const droneId = header.assigned?.droneId ?? header.droneId
  const waits = header.status === 'queued' || header.status === 'recovering'
  return {
    ...pick(header, 'reason', 'model', 'incomplete', 'messageId', 'attachments', 'unasked', 'mentions'),
    ...(header.steers ? { steers: header.steers.map(steerView) } : {}),
    turnId: header.turnId,
    attempt: header.attempt,
    status: header.status,
    prompt: header.prompt,
    ...(droneId === undefined ? {} : { droneId }),
    ...(waits ? { waitingFor: header.asks ? ('retry' as const) : ('drone' as const) } : {}),
    ...(header.startedAt === undefined ? {} : { startedAt: iso(header.startedAt) }),
    ...(header.endedAt === undefined ? {} : { endedAt: iso(header.endedAt) }),
    heads,
  }
}

/** A message that the turn took, as everybody sees it. */
export function steerView({ at, ...steer }: TakenSteer): SteerView {
  return { ...steer, at: iso(at) }
}

interface Words {
  readonly blocks: BlockView[]
  readonly toolCalls: ToolCallView[]
  readonly lanes: Record<string, { blocks: BlockView[] }>
  readonly isWhole: boolean
}

async function readWords(store: Pick<TurnStore, 'readLane'>, owner: LaneOwner): Promise<Words> {
  const main = new BlockFold()
  const lanes: Record<string, { blocks: BlockView[] }> = {}
  let isWhole = true
  for (const [number, lane] of owner.lanes.entries()) {
    const fold = lane.name === '' ? main : new BlockFold()
    let read = 0
    for await (const piece of store.readLane(owner, number, 0)) {
      for (const { offset, entry } of piece) {
        fold.push(entry)
        read = offset + (entry.kind === 'text' ? entry.text.length : 1)
      }
    }
    if (read < lane.length) isWhole = false
    if (lane.name !== '')
      Object.defineProperty(lanes, lane.name, { value: { blocks: fold.blocks }, enumerable: true })
  }
  return { blocks: main.blocks, toolCalls: main.toolCalls, lanes, isWhole }
}

/** A turn as its reader sees it: its present attempt, or an earlier one. Undefined where there is no such. */
export async function readTurn(
  store: TurnStore,
  turnId: string,
  attempt?: number,
): Promise<TurnView | undefined> {
  for (let reads = 1; ; reads++) {
    const header = await store.readTurn(turnId)
    if (!header) return undefined
    const earlier = header.earlier.find((past) => past.attempt === attempt)
    if (attempt !== undefined && attempt !== header.attempt && !earlier) return undefined
    const owner: LaneOwner = earlier ? { turnId, ...earlier } : header
    const words = await readWords(store, owner)
    if (!words.isWhole && reads < MAX_READS) continue
    const asked = (await store.permissionsOfTurn(turnId)).filter(({ attempt: of }) => of === owner.attempt)
    const terminals = await store.terminals.ofTurn(turnId)
    return {
      ...viewOf(header, owner, words),
      ...(asked.length > 0 ? { permissions: asked.map(permissionView) } : {}),
      ...(terminals.length > 0 ? { terminals: terminals.map(terminalView) } : {}),
    }
  }
}

function terminalView(terminal: EndedTerminal): NonNullable<TurnView['terminals']>[number] {
  const { droneId, terminalId, endedAt, cols, rows, screen } = terminal
  return {
    droneId,
    terminalId,
    ...pick(terminal, 'title', 'exitCode'),
    endedAt: iso(endedAt),
    cols,
    rows,
    screen,
  }
}

function permissionView({
  requestId,
  title,
  toolCall,
  options,
  askedAt,
  answer,
}: PermissionRecord): PermissionView {
  return {
    requestId,
    title,
    ...(toolCall?.callId === undefined ? {} : { callId: toolCall.callId }),
    options: [...options],
    askedAt: iso(askedAt),
    ...(answer ? { answer: { ...outcomeOf(answer), at: iso(answer.at) } } : {}),
  }
}

function viewOf(header: TurnHeader, owner: LaneOwner, { blocks, toolCalls, lanes }: Words): TurnView {
  const { heads, reason, turnId, ...summary } = summaryOf(header, headsOf(owner))
  const { usage } = header
  const workspaceId = header.assigned?.workspaceId ?? header.workspaceId
  const isEarlier = owner.attempt !== header.attempt
  const { droneId, status, startedAt, endedAt, incomplete, prompt, model } = summary
  const { messageId, attachments, steers, unasked, mentions } = summary
  const optional = { droneId, workspaceId, incomplete, model, startedAt, endedAt }
  return {
    id: turnId,
    chatSessionId: header.chatSessionId,
    ...pick(optional, 'droneId', 'workspaceId', 'incomplete', 'model', 'startedAt', 'endedAt'),
    ...(header.provider === undefined ? {} : { provider: header.provider }),
    attempt: owner.attempt,
    status: isEarlier ? 'failed' : status,
    prompt,
    ...pick(
      { messageId, attachments, steers, unasked, mentions },
      'messageId',
      'attachments',
      'steers',
      'unasked',
      'mentions',
    ),
    ...errorOf(header, owner, reason),
    createdAt: iso(header.createdAt),
    stats: {
      toolCallCount: toolCalls.length,
      ...(usage ? { tokens: usage.input + usage.output } : {}),
      ...(usage?.cost === undefined ? {} : { cost: usage.cost }),
    },
    ...usageOf(header, owner.attempt),
    ...earlierOf(header, owner.attempt),
    blocks,
    toolCalls,
    ...(Object.keys(lanes).length > 0 ? { lanes } : {}),
    heads,
  }
}

/** Of all attempts; of the one alone where it is an earlier one that is read. */
function usageOf(header: TurnHeader, attempt: number): Pick<TurnView, 'usage'> {
  const { earlier, usage } = header
  const past = earlier.find((one) => one.attempt === attempt)
  const read = past ? { earlier: [], ...pick(past, 'usage') } : { earlier, ...(usage ? { usage } : {}) }
  const totals = usageOfTurn(read)
  return totals ? { usage: totals } : {}
}

function earlierOf({ earlier }: TurnHeader, attempt: number): Pick<TurnView, 'earlier'> {
  const past = earlier.filter((one) => one.attempt < attempt)
  if (past.length === 0) return {}
  return {
    earlier: past.map((one) => {
      const totals = usageOfTurn({ earlier: [], ...pick(one, 'usage') })
      return {
        attempt: one.attempt,
        reason: one.reason,
        ...(one.droneId === '' ? {} : { droneId: one.droneId }),
        startedAt: iso(one.startedAt),
        endedAt: iso(one.endedAt),
        ...(totals ? { usage: totals } : {}),
      }
    }),
  }
}

function errorOf(
  header: TurnHeader,
  owner: LaneOwner,
  reason: string | undefined,
): { errorMessage?: string } {
  const earlier = header.earlier.find(({ attempt }) => attempt === owner.attempt)
  if (earlier && owner.attempt !== header.attempt) return { errorMessage: earlier.reason }
  if (reason === undefined || header.status === 'finished' || header.status === 'processing') return {}
  return { errorMessage: reason }
}
