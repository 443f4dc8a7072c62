/** Lines and characters of error output worth quoting: the reason is in the last ones. */
const LINES = 20
const LINE_CHARS = 300

/** The last lines of something that may write without end, even without ending a line. */
export class TextTail {
  #lines: string[] = []
  #open = ''

  /** Takes what was written; the answer is the lines that it ended, cut to a bearable length. */
  add(text: string): string[] {
    const lines = (this.#open + text).split('\n').map((line) => line.slice(0, LINE_CHARS))
    this.#open = lines.pop() ?? ''
    const ended = lines.filter((line) => line.trim() !== '')
    this.#lines = [...this.#lines, ...ended].slice(-LINES)
    return ended
  }

  quote(): string {
    const lines = this.#open.trim() === '' ? this.#lines : [...this.#lines, this.#open]
    return lines.length === 0 ? 'it wrote no error output' : `its last error output: ${lines.join('\n')}`
  }
}
