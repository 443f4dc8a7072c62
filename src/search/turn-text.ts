import type { LaneOwner, TakenSteer, TurnHeader, TurnStore } from '../turns/turn-store.ts'

/** UTF-16 units of a turn that are searched: its prompt, what was said while it worked, and the answer that far. */
const MOST_UNITS = 131_072

/** Where words can be found. */
export type TextPlace = 'prompt' | 'steer' | 'response'

export interface TurnText {
  readonly place: TextPlace
  readonly text: string
}

/** [FT1] What is searched of a turn: not what its agent thought, and not what its tools and subagents said. */
export async function textsOf(store: Pick<TurnStore, 'readLane'>, header: TurnHeader): Promise<TurnText[]> {
  const { prompt, steers = [] } = header
  const asked: TurnText[] = [
    { place: 'prompt', text: prompt },
    ...steers.map(({ text }: TakenSteer): TurnText => ({ place: 'steer', text })),
  ]
  let left = MOST_UNITS
  const texts = asked.map(({ place, text }) => {
    const taken = text.slice(0, left)
    left -= taken.length
    return { place, text: taken }
  })
  return [...texts, { place: 'response', text: await responseOf(store, header, left) }]
}

async function responseOf(
  store: Pick<TurnStore, 'readLane'>,
  owner: LaneOwner,
  most: number,
): Promise<string> {
  const number = owner.lanes.findIndex(({ name }) => name === '')
  if (number < 0 || most === 0) return ''
  let said = ''
  // What was thought or done in between parts the words before from those after.
  let parted = false
  for await (const piece of store.readLane(owner, number, 0)) {
    for (const { entry } of piece) {
      if (entry.kind !== 'text' || entry.mode !== 'responding') parted = said !== ''
      else {
        said += `${parted ? '\n' : ''}${entry.text}`
        parted = false
      }
    }
    if (said.length >= most) break
  }
  return said.slice(0, most)
}
