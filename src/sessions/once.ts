/** Answers that are remembered: far more than anybody asks for again. */
const MAX_REMEMBERED = 1000

/**
 * Has something done once for each key, however often it is asked for: the answer to the first asking is that to all. What
 * was refused was not done, and may be asked for again.
 */
export class Once<Result> {
  readonly #answers = new Map<string, Promise<Result>>()

  do(key: string, task: () => Promise<Result>): Promise<Result> {
    const known = this.#answers.get(key)
    if (known) return known
    const answer = task()
    this.#answers.set(key, answer)
    answer.catch(() => this.#answers.delete(key))
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > MAX_REMEMBERED && oldest !== undefined) this.#answers.delete(oldest)
    return answer
  }
}
