import pc from 'picocolors'
import type { SessionChange } from '../client/viewed-session.ts'
import type { OpenPermission } from '../protocol/code-up.ts'
import type { Entry } from '../turns/entry.ts'

interface PrinterOptions {
  readonly json: boolean
  readonly write: (text: string) => void
}

const TAKEN = { now: 'while it worked', next: 'as its next prompt' } as const

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
      case 'asked': {
        const { permission } = change
        this.#note(pc.yellow(`? ${permission.title}`))
        for (const [index, { name }] of permission.options.entries()) this.#note(`  ${index + 1}) ${name}`)
        this.#note(pc.dim(`  [${answerCommand(permission)}]`))
        break
      }
      case 'answered': {
        const { permission, optionId, by = 'Somebody' } = change
        const name = permission.options.find((option) => option.optionId === optionId)?.name ?? optionId
        if (optionId === null) this.#note(`[${permission.title}: nobody chose in time]`)
        else if (name !== undefined) this.#note(`[${permission.title}: ${by} chose ${name}]`)
        break
      }
      case 'queue':
        for (const [place, { content }] of change.queue.entries())
          this.#note(pc.dim(`[waits, ${place + 1}: ${firstLine(content)}]`))
        break
      case 'steered':
        this.#note(`> ${firstLine(change.steer.text)} (${TAKEN[change.steer.as]})`)
        break
      case 'info':
      case 'resumed':
        break
    }
  }

  /** A line of its own, in the way of what is shown. */
  note(text: string): void {
    if (!this.#options.json) this.#note(text)
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

function answerCommand({ droneId, requestId, options }: OpenPermission): string {
  const words = [droneId, requestId, options[0]?.optionId ?? ''].map((word) => shellWord(word))
  return `npx drone-relay answer ${words.join(' ')}`
}

function shellWord(word: string): string {
  return /^[\w.:/@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function asJson(change: SessionChange): object {
  if (change.kind === 'resumed' || change.kind === 'queue' || change.kind === 'info') return change
  if (change.kind === 'asked') return { kind: 'asked', ...change.permission }
  if (change.kind === 'answered') {
    const { droneId, requestId, turnId, attempt } = change.permission
    const { optionId, by } = change
    return { kind: 'answered', turnId, attempt, droneId, requestId, optionId, by }
  }
  const { turnId, attempt, status, reason } = change.turn
  const turn = { turnId, attempt }
  switch (change.kind) {
    case 'entry':
      return { kind: 'entry', ...turn, lane: change.lane, entry: change.entry }
    case 'cut':
      return { kind: 'cut', ...turn, lane: change.lane, length: change.turn.length(change.lane) }
    case 'started':
      return { kind: 'started', ...turn, prompt: change.turn.prompt }
    case 'steered':
      return { kind: 'steered', ...turn, ...change.steer }
    case 'status':
      return { kind: 'status', ...turn, status, reason, waitingFor: change.waitingFor }
  }
}
