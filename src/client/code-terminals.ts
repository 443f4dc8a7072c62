import type { Socket } from 'socket.io-client'
import type { CodeDown } from '../protocol/code-down.ts'
import { Terminal } from './terminal.ts'
import type { AttachOptions, TerminalLink, TerminalPiece, TerminalPlace } from './terminal.ts'

type Said<Name extends keyof CodeDown> = Parameters<CodeDown[Name]>[0]
type Named = { readonly droneId: string; readonly terminalId: string }

/** The terminals that a client watches. */
export class CodeTerminals {
  readonly #link: Omit<TerminalLink, 'onClosed'>
  readonly #terminals = new Set<Terminal>()

  constructor(link: Omit<TerminalLink, 'onClosed'>) {
    this.#link = link
  }

  get size(): number {
    return this.#terminals.size
  }

  listen(socket: Socket): void {
    // Browsers are given a buffer, and Node a view of one.
    socket.on('terminal:data', (said: Said<'terminal:data'>, given: Uint8Array | ArrayBuffer) => {
      const bytes = given instanceof Uint8Array ? given : new Uint8Array(given)
      this.#heard(said, { kind: 'bytes', offset: said.offset, bytes })
    })
    socket.on('terminal:snapshot', ({ offset, cols, rows, screen, ...named }: Said<'terminal:snapshot'>) =>
      this.#heard(named, { kind: 'snapshot', offset, cols, rows, screen }),
    )
    socket.on('terminal:resized', ({ offset, cols, rows, ...named }: Said<'terminal:resized'>) =>
      this.#heard(named, { kind: 'resized', offset, cols, rows }),
    )
    socket.on('terminal:exited', ({ offset, exitCode, ...named }: Said<'terminal:exited'>) =>
      this.#heard(named, { kind: 'exited', offset, exitCode: exitCode ?? null }),
    )
  }

  async attach(place: TerminalPlace, options: AttachOptions): Promise<Terminal> {
    const link: TerminalLink = {
      ...this.#link,
      onClosed: (closed: Terminal) => this.#terminals.delete(closed),
    }
    const terminal = new Terminal(link, place, options)
    this.#terminals.add(terminal)
    try {
      return await terminal.attach()
    } catch (error) {
      this.#terminals.delete(terminal)
      throw error
    }
  }

  welcomed(): void {
    for (const terminal of this.#terminals) terminal.reconnected()
  }

  /** As `Terminal.end`. */
  end(error?: Error): void {
    for (const terminal of this.#terminals) terminal.end(error)
  }

  #heard({ droneId, terminalId }: Named, piece: TerminalPiece): void {
    for (const terminal of this.#terminals)
      if (terminal.terminalId === terminalId && (terminal.droneId ?? droneId) === droneId)
        terminal.heard(piece)
  }
}
