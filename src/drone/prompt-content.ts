import type { ContentBlock } from '@agentclientprotocol/sdk'
import type { WorkOrder } from '../protocol/drone-down.ts'
import type { InitializeAnswer } from './agent-answer.ts'

/** Characters of earlier conversation put before a prompt, newest first: some 15,000 tokens. */
const HISTORY_CHARS = 60_000
/** Characters of a text attachment put into the prompt of an agent that takes no resources. */
const INLINE_CHARS = 60_000
/** Tool calls of a failed attempt worth naming. */
const EARLIER_CALLS = 50

type PromptAbilities = NonNullable<InitializeAnswer['agentCapabilities']>['promptCapabilities']
type Attachment = NonNullable<WorkOrder['attachments']>[number]

/** A work order as an agent's prompt. `withHistory`: the agent's session is new and remembers nothing. */
export function promptContent(
  order: WorkOrder,
  abilities: PromptAbilities,
  withHistory: boolean,
): ContentBlock[] {
  const texts = [...(withHistory ? history(order) : []), ...earlier(order), order.prompt]
  return [
    ...texts.map(text),
    ...(order.attachments ?? []).map((attachment) => attached(attachment, abilities)),
    ...(order.steers ?? []).map((steer) => text(steer.text)),
  ]
}

function text(words: string): ContentBlock {
  return { type: 'text', text: words }
}

function history({ history, historyCut }: WorkOrder): string[] {
  const kept: string[] = []
  let room = HISTORY_CHARS
  for (const { role, content } of history.toReversed()) {
    const message = `<message role="${role}">\n${content}\n</message>`
    room -= message.length
    if (room < 0) break
    kept.unshift(message)
  }
  if (history.length === 0) return []
  const left = history.length - kept.length
  const omitted =
    historyCut === true
      ? '\n(What was said before is left out.)'
      : left > 0
        ? `\n(${left} earlier messages are left out.)`
        : ''
  const why = 'The conversation so far, for context only. Do not answer it: the new message follows it.'
  return [`<conversation_so_far>\n${why}${omitted}\n${kept.join('\n')}\n</conversation_so_far>`]
}

function earlier({ earlier = [] }: WorkOrder): string[] {
  if (earlier.length === 0) return []
  const attempts = earlier.map(({ attempt, reason, toolCalls }) => {
    const calls = toolCalls
      .slice(-EARLIER_CALLS)
      .map(({ name, title }) => `  - ${name}${title ? `: ${title}` : ''}`)
    return [`Attempt ${attempt} ended: ${reason}. Tool calls it had made:`, ...calls].join('\n')
  })
  const why =
    'The following message was tried before. What was done then may be done already: look before doing it again.'
  return [`<earlier_attempts>\n${why}\n${attempts.join('\n')}\n</earlier_attempts>`]
}

function attached({ name, mediaType, base64 }: Attachment, abilities: PromptAbilities): ContentBlock {
  const [kind] = mediaType.split('/')
  if (kind === 'image' && abilities?.image) return { type: 'image', data: base64, mimeType: mediaType }
  if (kind === 'audio' && abilities?.audio) return { type: 'audio', data: base64, mimeType: mediaType }
  const isText = kind === 'text' || /[/+](json|xml|yaml|toml|javascript|typescript)$/.test(mediaType)
  const uri = `attachment:///${encodeURIComponent(name)}`
  if (abilities?.embeddedContext) {
    const content = isText ? { text: decoded(base64) } : { blob: base64 }
    return { type: 'resource', resource: { uri, mimeType: mediaType, ...content } }
  }
  if (!isText) return text(`(The attachment "${name}", ${mediaType}, cannot be given to this agent.)`)
  return text(`<attachment name="${name}">\n${decoded(base64).slice(0, INLINE_CHARS)}\n</attachment>`)
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8')
}
