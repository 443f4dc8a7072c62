import type { BlockView, SessionView, ToolCallView, TurnView } from '../protocol/turn-view.ts'
import { itemsOf } from './pages.ts'
import type { TurnStore } from './turn-store.ts'
import { readTurn } from './turn-reader.ts'

export const EXPORT_FORMATS = ['markdown', 'jsonl'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

const TURNS_A_PAGE = 200

type Exported = Pick<TurnStore, 'turnsOfSession'> & Parameters<typeof readTurn>[0]

/** [EX1] A session to keep or to hand on, piece by piece: its oldest turn first. */
export async function* exportSession(
  store: Exported,
  session: SessionView,
  format: ExportFormat,
): AsyncGenerator<string> {
  yield format === 'jsonl' ? `${JSON.stringify({ kind: 'session', ...session })}\n` : heading(session)
  for (const turnId of await turnIds(store, session.chatSessionId)) {
    const turn = await readTurn(store, turnId)
    if (turn) yield format === 'jsonl' ? `${JSON.stringify({ kind: 'turn', ...turn })}\n` : turnText(turn)
  }
}

/** Oldest first. */
async function turnIds(store: Exported, chatSessionId: string): Promise<string[]> {
  const ids: string[] = []
  const turns = itemsOf((page) => store.turnsOfSession(chatSessionId, page), TURNS_A_PAGE)
  for await (const { turnId } of turns) ids.push(turnId)
  return ids.toReversed()
}

function heading({ title, chatSessionId, user, createdAt }: SessionView): string {
  const name = (title ?? chatSessionId).replaceAll(/\s+/g, ' ').trim()
  return `# ${name}\n\nChat session \`${chatSessionId}\` of ${user}, begun ${createdAt}.\n`
}

function turnText(turn: TurnView): string {
  const { prompt, unasked, attachments = [], steers = [], createdAt } = turn
  const asked = unasked
    ? []
    : [`## ${turn.createdAt}`, prompt, ...attachments.map(({ name }) => `(with \`${name}\`)`)]
  const later = steers.map(
    ({ text, as, at }) => `(${at}, ${as === 'now' ? 'while it worked' : 'as its next prompt'}) ${text}`,
  )
  const said = [...lane(turn.blocks), ...Object.entries(turn.lanes ?? {}).flatMap(subagent)]
  return `\n${[...asked, ...later, `### ${unasked ? createdAt : 'Answer'}${aside(turn)}`, ...said].join('\n\n')}\n`
}

/** What is worth knowing of how it went. */
function aside({ status, errorMessage, model, attempt }: TurnView): string {
  const parts = [
    ...(status === 'finished' ? [] : [`${status}${errorMessage === undefined ? '' : `: ${errorMessage}`}`]),
    ...(model === undefined ? [] : [model]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ]
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function subagent([name, { blocks }]: [string, { blocks: BlockView[] }]): string[] {
  return [`#### Subagent ${name}`, ...lane(blocks)]
}

function lane(blocks: readonly BlockView[]): string[] {
  return blocks.map((block) => {
    switch (block.mode) {
      case 'responding':
        return block.content
      case 'thinking':
        return quoted(block.content)
      case 'tool':
        return toolText(block.content)
    }
  })
}

function toolText({ name, parameters, response, isError, detail, durationMs }: ToolCallView): string {
  const took = durationMs === undefined ? '' : `, ${durationMs} ms`
  const title = `**${detail?.title ?? name}** (\`${name}\`${isError ? ', failed' : ''}${took})`
  const words = [parameters, response].filter((text) => text !== '' && text !== '{}')
  return [title, ...words.map(fenced)].join('\n\n')
}

function quoted(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n')
}

/** A fence longer than any within. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}
