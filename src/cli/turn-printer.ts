import pc from 'picocolors'
import type { SessionChange } from '../client/viewed-session.ts'
import type { Entry } from '../turns/entry.ts'

interface PrinterOptions {
  readonly json: boolean
  readonly write: (text: string) => void
}

/** Shows a turn as it comes: thinking dim, tools as lines, the answer as it is. */
export class TurnPrinter {
  readonly #options: PrinterOptions
  #last: string | undefined

  constructor(options: PrinterOptions) {
    this.#options = options
  }

  show(change: SessionChange): void {
    if (this.#options.json) this.#line(asJson(change))
    else this.#print(change)
  }

  /** Whatever comes next begins on a line of its own. */
  breakLine(): void {
    if (this.#last !== undefined && this.#last !== 'line') this.#options.write('\n')
    this.#last = 'line'
  }

  #line(value: object): void {
    this.#options.write(`${JSON.stringify(value)}\n`)
  }

  #print(change: SessionChange): void {
    switch (change.kind) {
      case 'entry':
        this.#entry(change.lane, change.entry)
        break
      case 'started':
        this.#note(
          `> ${firstLine(change.turn.prompt)}${change.turn.attempt > 1 ? ` (attempt ${change.turn.attempt})` : ''}`,
        )
        break
      case 'cut':
        this.#note('(some words were taken back: they had not been stored)')
        break
      case 'status': {
        const { status, reason } = change.turn
        const waits = change.waitingFor === undefined ? '' : `, waiting for ${change.waitingFor}`
        if (status !== 'processing')
          this.#note(`[${status}${waits}${reason === undefined ? '' : `: ${reason}`}]`)
        if (change.waitingFor === 'retry') {
          this.#note(`[yes: npx drone-relay retry ${change.turn.turnId}]`)
          this.#note(`[no:  npx drone-relay stop ${change.turn.turnId}]`)
        }
        break
      }
      case 'resumed':
        break
    }
  }

  #entry(lane: string, entry: Entry): void {
    const who = lane === '' ? '' : `${lane}: `
    switch (entry.kind) {
      case 'text': {
        const place = `${lane}/${entry.mode}`
        if (this.#last !== place) {
          this.breakLine()
          if (who !== '') this.#options.write(pc.cyan(who))
        }
        this.#last = place
        this.#options.write(entry.mode === 'thinking' ? pc.dim(entry.text) : entry.text)
        break
      }
      case 'call':
        this.#note(pc.yellow(`${who}* ${entry.detail?.title ?? entry.name}`))
        break
      case 'result':
        this.#note(pc.dim(`${who}  ${entry.isError ? 'failed: ' : ''}${firstLine(entry.response)}`))
        break
    }
  }

  #note(text: string): void {
    this.breakLine()
    this.#options.write(`${text}\n`)
  }
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n', 1)
  return line.length > 100 ? `${line.slice(0, 100)}…` : line
}

function asJson(change: SessionChange): object {
  if (change.kind === 'resumed') return { kind: 'resumed' }
  const { turnId, attempt, status, reason } = change.turn
  const turn = { turnId, attempt }
  switch (change.kind) {
    case 'entry':
      return { kind: 'entry', ...turn, lane: change.lane, entry: change.entry }
    case 'cut':
      return { kind: 'cut', ...turn, lane: change.lane, length: change.turn.length(change.lane) }
    case 'started':
      return { kind: 'started', ...turn, prompt: change.turn.prompt }
    case 'status':
      return { kind: 'status', ...turn, status, reason, waitingFor: change.waitingFor }
  }
}
