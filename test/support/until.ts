/** Between two looks at a fact that nobody tells of. */
const LOOK_MS = 20

/** Resolves with the ms it took until `fact` is true, asked now and then; rejects after `withinMs`. */
export async function until(
  what: string,
  withinMs: number,
  fact: () => Promise<boolean> | boolean,
): Promise<number> {
  const from = performance.now()
  for (;;) {
    const isTrue = await fact()
    const took = performance.now() - from
    if (isTrue) return took
    if (took > withinMs) throw new Error(`waited ${withinMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
