import * as headless from '@xterm/headless'
import type { Terminal } from '@xterm/headless'
import { coreOf } from './xterm-core.ts'
import type { Command, Core } from './xterm-core.ts'

/** CommonJS that says it is a module: loaders differ in where they put what it exports. */
const { Terminal: NewTerminal } = 'default' in headless ? (headless.default as typeof headless) : headless

export interface Xterm {
  readonly terminal: Terminal
  readonly core: Core
}

/** An xterm.js without a display. */
export function openXterm(size: { cols: number; rows: number; scrollback: number }): Xterm {
  const terminal = new NewTerminal({
    ...size,
    // The buffer and the parser count as such.
    allowProposedApi: true,
    // What a program writes is no error of ours.
    logLevel: 'off',
  })
  const core = coreOf(terminal)
  guard(terminal, core)
  return { terminal, core }
}

/** Against what a program may ask for, and xterm.js would be doing for hours, or would not survive. */
function guard(terminal: Terminal, { _inputHandler: input }: Core): void {
  const limit = (final: string, command: Command, most: () => number): void => {
    terminal.parser.registerCsiHandler({ final }, ([times]) => {
      if (typeof times !== 'number' || times <= most()) return false
      return command.call(input, { params: [most()], length: 1 })
    })
  }
  // More does nothing more, in what is left of the screen.
  limit('L', input.insertLines, () => terminal.rows)
  limit('M', input.deleteLines, () => terminal.rows)
  limit('S', input.scrollUp, () => terminal.rows)
  limit('T', input.scrollDown, () => terminal.rows)
  limit('I', input.cursorForwardTab, () => terminal.cols)
  limit('Z', input.cursorBackwardTab, () => terminal.cols)
  limit('b', input.repeatPrecedingCharacter, () => terminal.cols * terminal.rows)
  for (const prefix of ['', '?'])
    terminal.parser.registerCsiHandler({ ...(prefix && { prefix }), final: 'J' }, ([what]) => {
      const { active } = terminal.buffer
      // From the last cell back is everything; but xterm.js looks for a row below, which may not be there.
      const isAtEnd = active.cursorY + 1 === active.length && active.cursorX + 1 >= terminal.cols
      if (what !== 1 || !isAtEnd) return false
      return input.eraseInDisplay({ params: [2], length: 1 }, prefix === '?')
    })
}
