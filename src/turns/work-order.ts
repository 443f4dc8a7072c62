import type { WorkOrder } from '../protocol/drone-down.ts'
import { pick } from './header.ts'
import type { Turn } from './turn.ts'
import type { Compaction, EarlierAttempt, TurnHeader, TurnStore } from './turn-store.ts'

/** Earlier turns in an order, newest kept: enough for the thread of a conversation, small beside a packet. */
const HISTORY_TURNS = 20
const HISTORY_UNITS = 48_000
/** What a failed attempt had done, newest kept. */
const EARLIER_CALLS = 200

type Reader = Pick<TurnStore, 'readLane' | 'turnsOfSession' | 'readSession' | 'readAttachment'>
type HistoryMessage = WorkOrder['history'][number]

/** What the agent answered in a turn: the text of its own lane, the newest `maxUnits` of it. */
async function answerOf(store: Reader, header: TurnHeader, maxUnits: number): Promise<string> {
  const number = header.lanes.findIndex((lane) => lane.name === '')
  const length = header.lanes[number]?.length ?? 0
  let answer = ''
  for await (const piece of store.readLane(header, number, Math.max(0, length - maxUnits * 2))) {
    for (const { entry } of piece) {
      if (entry.kind === 'text' && entry.mode === 'responding') answer += entry.text
    }
    answer = answer.slice(-maxUnits)
  }
  return answer
}

/** What was said before a turn, the newest kept; `isCut` where there was more. [CM1] After a compaction its summary first. */
async function historyOf(
  store: Reader,
  turn: Turn,
  compaction: Compaction | undefined,
): Promise<{ messages: HistoryMessage[]; isCut: boolean }> {
  const { items, next } = await store.turnsOfSession(turn.chatSessionId, { limit: HISTORY_TURNS + 1 })
  const messages: HistoryMessage[] = []
  let room = HISTORY_UNITS - (compaction?.summary.length ?? 0)
  let isCut = next !== undefined
  let kept = compaction?.kept ?? 0
  for (const header of items) {
    if (header.turnId === turn.turnId || header.createdAt > turn.request.createdAt) continue
    const isSummarized = compaction !== undefined && header.createdAt <= compaction.at
    if (isSummarized && kept <= 0) break
    const said = await saidIn(store, header, room)
    const shown = isSummarized ? said.slice(Math.max(0, said.length - kept)) : said
    if (isSummarized) kept -= shown.length
    room -= shown.reduce((units, { content }) => units + content.length, 0)
    isCut ||= room < 0
    if (room < 0) break
    messages.unshift(...shown)
  }
  if (!compaction) return { messages, isCut }
  const createdAt = new Date(compaction.at).toISOString()
  return {
    messages: [{ role: 'assistant', content: compaction.summary, createdAt }, ...messages],
    isCut: false,
  }
}

/** The messages of a turn: what people wrote, and what the agent answered. */
async function saidIn(store: Reader, header: TurnHeader, maxUnits: number): Promise<HistoryMessage[]> {
  const createdAt = new Date(header.createdAt).toISOString()
  const written = [
    ...(header.unasked ? [] : [header.prompt]),
    ...(header.steers ?? []).map(({ text }) => text),
  ]
  const said = written.map((content): HistoryMessage => ({ role: 'user', content, createdAt }))
  const answer = await answerOf(store, header, maxUnits)
  return answer === '' ? said : [...said, { role: 'assistant', content: answer, createdAt }]
}

async function callsOf(store: Reader, turnId: string, attempt: EarlierAttempt): Promise<CallNames> {
  const calls: CallNames = []
  for (const number of attempt.lanes.keys()) {
    for await (const piece of store.readLane({ turnId, ...attempt }, number, 0)) {
      for (const { entry } of piece) {
        if (entry.kind !== 'call') continue
        calls.push({ name: entry.name, ...(entry.detail?.title ? { title: entry.detail.title } : {}) })
      }
      calls.splice(0, calls.length - EARLIER_CALLS)
    }
  }
  return calls
}
type CallNames = { name: string; title?: string }[]

async function filesOf(store: Reader, { attachments = [] }: Turn['request']): Promise<OrderFile[]> {
  const files: OrderFile[] = []
  for (const { attachmentId, name, mediaType } of attachments) {
    const bytes = await store.readAttachment(attachmentId)
    if (bytes) files.push({ name, mediaType, base64: Buffer.from(bytes).toString('base64') })
  }
  return files
}
type OrderFile = NonNullable<WorkOrder['attachments']>[number]

/** The order of a turn's present attempt, with what the conversation and earlier attempts have left behind. */
export async function orderOf(store: Reader, turn: Turn, attempt: number): Promise<WorkOrder> {
  const { request, state } = turn
  const session = await store.readSession(turn.chatSessionId)
  const earlier = []
  for (const past of state.earlier) {
    const toolCalls = await callsOf(store, turn.turnId, past)
    earlier.push({ attempt: past.attempt, reason: past.reason, toolCalls })
  }
  const own = session?.agentSession
  const { messages, isCut } = await historyOf(store, turn, session?.compaction)
  const attachments = await filesOf(store, request)
  return {
    turnId: turn.turnId,
    attempt,
    chatSessionId: turn.chatSessionId,
    workspaceId: state.assigned?.workspaceId ?? '',
    prompt: request.prompt,
    ...(attachments.length > 0 ? { attachments } : {}),
    history: messages,
    ...(isCut ? { historyCut: true } : {}),
    ...(state.steers ? { steers: state.steers.map(({ messageId, text }) => ({ messageId, text })) } : {}),
    ...(earlier.length > 0 ? { earlier } : {}),
    ...pick(request, 'agent', 'model', 'provider', 'thinkingLevel', 'cwd'),
    ...(own && own.registrationId === state.assigned?.registrationId
      ? { agentSessionId: own.agentSessionId }
      : {}),
  }
}
