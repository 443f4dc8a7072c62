import type { BlockView, ToolCallView } from '../protocol/turn-view.ts'
import type { CallEntry, Entry, ResultEntry } from './entry.ts'

type TextBlock = Extract<BlockView, { mode: 'thinking' | 'responding' }>

function toolCallOf(entry: CallEntry): ToolCallView {
  return {
    callId: entry.callId,
    name: entry.name,
    parameters: entry.parameters,
    response: entry.response,
    ...(entry.detail ? { detail: entry.detail } : {}),
    ...(entry.truncated ? { truncated: true } : {}),
  }
}

/** The last result counts; what it does not say of the call stays as the call said it. */
function settle(call: ToolCallView, result: ResultEntry): void {
  call.response = result.response
  if (result.isError === undefined) delete call.isError
  else call.isError = result.isError
  if (result.detail) call.detail = { ...call.detail, ...result.detail }
  if (result.durationMs !== undefined) call.durationMs = result.durationMs
  if (result.truncated) call.truncated = true
  if (result.subagent !== undefined) call.subagent = result.subagent
  if (result.stats !== undefined) call.stats = result.stats
}

/**
 * A lane's entries as its reader sees them: consecutive text of one mode is one block, a tool call is one, a result
 * belongs to the newest call with its `callId` and neither is a block nor ends one.
 */
export class BlockFold {
  readonly blocks: BlockView[] = []
  /** The very objects that are the content of the tool blocks. */
  readonly toolCalls: ToolCallView[] = []
  readonly #newest = new Map<string, ToolCallView>()

  push(entry: Entry): void {
    if (entry.kind === 'text') this.#pushText(entry.mode, entry.text, entry.createdAt)
    else if (entry.kind === 'call') this.#pushCall(entry)
    else {
      const call = this.#newest.get(entry.callId)
      if (call) settle(call, entry)
    }
  }

  #pushText(mode: TextBlock['mode'], text: string, createdAt: number): void {
    const last = this.blocks.at(-1)
    if (last && last.mode !== 'tool' && last.mode === mode) last.content += text
    else this.blocks.push({ mode, createdAt: new Date(createdAt).toISOString(), content: text })
  }

  #pushCall(entry: CallEntry): void {
    const call = toolCallOf(entry)
    this.#newest.set(entry.callId, call)
    this.toolCalls.push(call)
    this.blocks.push({ mode: 'tool', createdAt: new Date(entry.createdAt).toISOString(), content: call })
  }
}
