/** Does `task` for 0 to `count - 1`, `atOnce` at a time; the answers are in order. */
export async function inBatches<Value>(
  atOnce: number,
  count: number,
  task: (index: number) => Promise<Value>,
): Promise<Value[]> {
  const answers: Value[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      answers[index] = await task(index)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return answers
}
