import type { ToolDetail } from '../protocol/position.ts'
import type { AgentTool } from './agent-update.ts'
import { resultText } from './content-text.ts'
import type { TerminalText } from './content-text.ts'
import { wireName } from './wire-name.ts'

type Diff = NonNullable<ToolDetail['diffs']>[number]

/** A title that is a tool's name rather than a sentence about this call. */
const TOOL_NAME = /^[\w.:/-]{1,64}$/

/** What an agent has said of one tool call so far: each update changes only the fields that it has. */
export class ToolCall {
  readonly callId: string
  readonly name: string
  readonly #tool: AgentTool
  readonly #textOf: TerminalText | undefined
  /** The newest that were seen: a refusal replaces the content, and what was refused is worth seeing. */
  #diffs: Diff[]
  /** As last told, to tell a detail again only when it has changed. */
  #toldDetail = ''

  constructor(tool: AgentTool, textOf?: TerminalText) {
    this.#textOf = textOf
    this.callId = wireName(tool.toolCallId)
    this.name = nameOf(tool)
    this.#tool = { ...tool }
    this.#diffs = diffsOf(tool)
  }

  merge(update: AgentTool): void {
    const given = Object.entries(update).filter(
      ([key, value]) => value !== undefined && !(key === 'locations' && update.locations?.length === 0),
    )
    Object.assign(this.#tool, Object.fromEntries(given))
    const diffs = diffsOf(update)
    if (diffs.length > 0) this.#diffs = diffs
  }

  /**
   * Announced, but with what it will do still to come: opencode does so while its model writes the arguments, and
   * knows of a shell command only the folder then.
   */
  get isBare(): boolean {
    const { status, rawInput, content, rawOutput } = this.#tool
    const hasInput = Object.keys(rawInput ?? {}).some((key) => key !== 'cwd')
    return (status ?? 'pending') === 'pending' && !hasInput && !content?.length && rawOutput === undefined
  }

  get hasEnded(): boolean {
    return this.#tool.status === 'completed' || this.#tool.status === 'failed'
  }

  get hasFailed(): boolean {
    return this.#tool.status === 'failed'
  }

  /** It shows what that terminal shows. */
  shows(terminalId: string): boolean {
    return (this.#tool.content ?? []).some(
      (item) => item.type === 'terminal' && item.terminalId === terminalId,
    )
  }

  get kind(): string | undefined {
    return this.#tool.kind ?? undefined
  }

  get title(): string {
    return this.#tool.title || this.name
  }

  get params(): string {
    return JSON.stringify(this.#tool.rawInput ?? {})
  }

  get response(): string {
    return resultText(this.#tool.content ?? [], this.#tool.rawOutput, this.#textOf)
  }

  /** The detail, if it is not what was told last. */
  takeDetail(): ToolDetail | undefined {
    const { detail } = this
    const text = JSON.stringify(detail)
    if (text === this.#toldDetail) return undefined
    this.#toldDetail = text
    return detail
  }

  get detail(): ToolDetail {
    const { title, kind, locations } = this.#tool
    const places = (locations ?? []).map(({ path, line }) => (line === undefined ? { path } : { path, line }))
    return {
      ...(title ? { title } : {}),
      ...(kind ? { kind: wireName(kind) } : {}),
      // The wire takes a thousand of each; more are no help to a reader.
      ...(places.length > 0 ? { locations: places.slice(0, 1000) } : {}),
      ...(this.#diffs.length > 0 ? { diffs: this.#diffs.slice(0, 1000) } : {}),
    }
  }
}

/** Agents that give no name announce a call with the tool's name as its title; later titles tell what it does. */
function nameOf({ name, title, kind }: AgentTool): string {
  const fromTitle = title && TOOL_NAME.test(title) ? title : undefined
  return wireName(name || fromTitle || kind || 'tool')
}

function diffsOf({ content }: AgentTool): Diff[] {
  return (content ?? []).flatMap(({ type, path, oldText, newText }) => {
    if (type !== 'diff' || path === undefined || newText === undefined) return []
    return [oldText === undefined ? { path, newText } : { path, oldText, newText }]
  })
}
