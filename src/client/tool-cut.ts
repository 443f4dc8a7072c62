import type { Limits } from '../protocol/drone-down.ts'
import type { ToolDetail } from '../protocol/position.ts'
import type { Json } from '../protocol/values.ts'

interface ToolStrings {
  readonly params: string
  readonly response: string
  readonly detail: ToolDetail | undefined
}

interface Cut extends ToolStrings {
  readonly truncated: boolean
}

const encoder = new TextEncoder()

function bytesOf(text: string): number {
  return encoder.encode(text).length
}

/** The longest beginning of `text` that has at most `maxBytes` in UTF-8 and ends between characters. */
function cutText(text: string, maxBytes: number): string {
  const room = new Uint8Array(Math.max(0, maxBytes))
  return text.slice(0, encoder.encodeInto(text, room).read)
}

/**
 * Cuts what a tool entry carries to `toolBytes`: first the diffs and places go, whose loss is only a plainer view, then
 * the response, and the parameters last.
 */
export function cutTool(words: ToolStrings, { toolBytes }: Pick<Limits, 'toolBytes'>): Cut {
  const { params, response } = words
  let { detail } = words
  const detailBytes = (): number => (detail ? bytesOf(JSON.stringify(detail)) : 0)
  const plain = bytesOf(params) + bytesOf(response)
  if (plain + detailBytes() <= toolBytes) return { ...words, truncated: false }
  if (detail && plain + detailBytes() > toolBytes) {
    const { diffs: _diffs, locations: _locations, ...rest } = detail
    detail = rest
  }
  if (plain + detailBytes() > toolBytes && detailBytes() > toolBytes / 2) detail = undefined
  const room = toolBytes - detailBytes()
  const keptParams = cutText(params, room)
  return {
    params: keptParams,
    response: cutText(response, room - bytesOf(keptParams)),
    detail,
    truncated: true,
  }
}

/**
 * Whether a value of the agent's own may go with an entry. It cannot be cut, and one that is larger than a packet may be
 * would cost the connection again and again.
 */
export function isSmallEnough(value: Json | undefined, { toolBytes }: Pick<Limits, 'toolBytes'>): boolean {
  return value === undefined || bytesOf(JSON.stringify(value)) <= toolBytes
}
