/** Where a page of a user's sessions ends: sessions move to the front as they change, so the id alone would not do. */
export interface SessionCursor {
  readonly updatedAt: number
  /** The session's hashed id. */
  readonly key: string
}

export function printCursor({ updatedAt, key }: SessionCursor): string {
  return `${updatedAt}.${key}`
}

/** Undefined for what no page has given out. */
export function parseCursor(after: string): SessionCursor | undefined {
  const match = /^(\d{1,16})\.([A-Za-z0-9_-]{43})$/.exec(after)
  return match?.[1] && match[2] ? { updatedAt: Number(match[1]), key: match[2] } : undefined
}
