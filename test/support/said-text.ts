import type { BlockView } from '../../src/protocol/turn-view.ts'

/** All that was said in these blocks; tool calls are left out. */
export function saidText(blocks: readonly BlockView[]): string {
  return blocks.map((block) => (block.mode === 'tool' ? '' : block.content)).join('')
}
