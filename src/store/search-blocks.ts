/** Turns whose numbers share a record under each of their terms: well below a page of the data file. */
export const BLOCK_TURNS = 512

/** Numbers by the block they are in, as places within it. */
export function inBlocks(numbers: readonly number[]): Map<number, number[]> {
  const blocks = new Map<number, number[]>()
  for (const number of numbers) {
    const block = Math.floor(number / BLOCK_TURNS)
    const places = blocks.get(block)
    if (places) places.push(number % BLOCK_TURNS)
    else blocks.set(block, [number % BLOCK_TURNS])
  }
  return blocks
}
