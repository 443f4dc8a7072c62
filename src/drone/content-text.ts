import type { AgentContent, AgentToolContent } from './agent-update.ts'

/** What a terminal shows, as far as it is known here. */
export type TerminalText = (terminalId: string) => string | undefined

/** Content as text: a turn holds only text, so what is none is at least named. */
export function contentText(block: AgentContent): string {
  switch (block.type) {
    case 'text':
      return block.text ?? ''
    case 'resource':
      return block.resource?.text ?? `[resource ${block.resource?.uri ?? ''}]`
    case 'resource_link':
      return `[${block.name ?? 'resource'}](${block.uri ?? ''})`
    default:
      return `[${block.type}${block.mimeType ? ` ${block.mimeType}` : ''}]`
  }
}

/** The words of a tool's result. Diffs are not among them: they are shown by `detail`. */
export function resultText(
  content: readonly AgentToolContent[],
  rawOutput: unknown,
  textOf: TerminalText = () => undefined,
): string {
  const texts = content.flatMap((item) => {
    if (item.type === 'content' && item.content) return [contentText(item.content)]
    if (item.type !== 'terminal') return []
    return [textOf(item.terminalId ?? '') ?? `[terminal ${item.terminalId ?? ''}]`]
  })
  if (texts.length > 0) return texts.join('\n')
  if ((rawOutput ?? undefined) === undefined) return ''
  return typeof rawOutput === 'string' ? rawOutput : JSON.stringify(rawOutput)
}
