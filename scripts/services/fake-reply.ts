/** What the fake model says to one request, in this order. */
export interface FakeReply {
  reasoning?: string
  text?: string
  tools?: { name: string; args: Record<string, unknown> }[]
  /** Goes silent after the last delta and stays connected, as a model that hangs: for tests of a stop. */
  hangs?: boolean
  /** Refused with this HTTP status instead of the above. */
  error?: { status: number; message: string }
}

/** Numbers that differ, so that a test can tell them apart. */
export const FINAL_USAGE = {
  prompt_tokens: 120,
  completion_tokens: 45,
  total_tokens: 165,
  prompt_tokens_details: { cached_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 5 },
}

/** The deltas of a reply, each with the finish reason of its chunk. Calls are told apart by `callPrefix`. */
export function* deltasOf(
  reply: FakeReply,
  size: number,
  callPrefix: string,
): Generator<[delta: object, finish: string | null]> {
  yield [{ role: 'assistant', content: '' }, null]
  for (const piece of piecesOf(reply.reasoning ?? '', size)) yield [{ reasoning_content: piece }, null]
  for (const piece of piecesOf(reply.text ?? '', size)) yield [{ content: piece }, null]
  for (const [index, { name, args }] of (reply.tools ?? []).entries()) {
    const id = `${callPrefix}_${index}`
    yield [{ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }, null]
    for (const piece of piecesOf(JSON.stringify(args), size)) {
      yield [{ tool_calls: [{ index, function: { arguments: piece } }] }, null]
    }
  }
  if (!reply.hangs) yield [{}, reply.tools?.length ? 'tool_calls' : 'stop']
}

/** Cuts between characters, never inside a surrogate pair: half of one cannot be sent as UTF-8. */
function piecesOf(text: string, size: number): string[] {
  const characters = Array.from(text)
  const count = Math.ceil(characters.length / size)
  return Array.from({ length: count }, (_, n) => characters.slice(n * size, (n + 1) * size).join(''))
}
