/** What the command line exits with: 0 done, 1 it failed, 2 it was asked wrongly, 128 + n ended by signal n. */
export const EXIT = { ok: 0, failed: 1, usage: 2, sigint: 130, sigterm: 143 } as const

/** One clear line for the person, and the code to leave with. */
export class ExitError extends Error {
  readonly exitCode: number
  constructor(exitCode: number, message: string) {
    super(message)
    this.name = 'ExitError'
    this.exitCode = exitCode
  }
}

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** Resolves with the first of the signals that ask for a stop; a second one ends the process at once. */
export function untilStopped(): Promise<StopSignal> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(EXIT.failed)
        asked = true
        resolve(signal)
      })
    }
  })
}
