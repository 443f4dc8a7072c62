/** Ms between two looks at who is due: a drone's tokens are then at most this late. */
const LOOK_MS = 2

export interface PaceOptions {
  readonly speakers: number
  /** Tokens a second of each. */
  readonly rate: number
  readonly forMs: number
  readonly say: (speaker: number) => void
  /** Called once, when this much has passed. */
  readonly at?: { readonly ms: number; readonly call: () => void }
  /** Ends it sooner. */
  readonly signal?: AbortSignal
}

/**
 * Has every speaker say tokens at a steady rate, their phases spread. Resolves when the time is over, with the tokens
 * that were late and said together with the one before: many of them mean that the generator is the bottleneck.
 */
export function pace({ speakers, rate, forMs, say, at, signal }: PaceOptions): Promise<number> {
  const periodMs = 1000 / rate
  const said = Array.from({ length: speakers }, () => 0)
  const startedAt = performance.now()
  let lumped = 0
  let isTold = false
  return new Promise((resolve) => {
    const look = (): void => {
      const now = performance.now() - startedAt
      if (at && !isTold && now >= at.ms) {
        isTold = true
        at.call()
      }
      if (now >= forMs || signal?.aborted) return resolve(lumped)
      for (const [speaker, count] of said.entries()) {
        const due = Math.floor(now / periodMs + speaker / speakers) - count
        for (let token = 0; token < due; token++) say(speaker)
        if (due > 1) lumped += due - 1
        said[speaker] = count + Math.max(0, due)
      }
      setTimeout(look, LOOK_MS)
    }
    look()
  })
}
