export interface AgentCommand {
  readonly command: string
  readonly args: string[]
}

/** A word is a run of bare, 'single quoted' and "double quoted" pieces; only \" and \\ are special in the last. */
const PIECE = /([^\s'"]+)|'([^']*)'|"((?:[^"\\]|\\.)*)"/y

/**
 * Splits the text of `--agent` into a command and its arguments. No shell sees it: `$`, `*` and `;` are ordinary
 * characters, and so is a bare backslash, which Windows paths are full of.
 */
export function parseAgentCommand(text: string): AgentCommand {
  const words: string[] = []
  let at = 0
  while (at < text.length) {
    const space = /\s*/y
    space.lastIndex = at
    at += space.exec(text)?.[0].length ?? 0
    if (at === text.length) break
    const { word, end } = readWord(text, at)
    words.push(word)
    at = end
  }
  const [command, ...args] = words
  if (!command)
    throw new Error('The agent command is empty. Give one that speaks ACP, such as --agent "opencode acp".')
  return { command, args }
}

function readWord(text: string, start: number): { word: string; end: number } {
  let word = ''
  let end = start
  while (end < text.length && !/\s/.test(text.charAt(end))) {
    PIECE.lastIndex = end
    const piece = PIECE.exec(text)
    if (!piece) {
      throw new Error(
        `The agent command has a quote without its partner at character ${end + 1}: ${text}. Close it, or put the ` +
          'other kind of quote around it.',
      )
    }
    const [whole, bare, single, double] = piece
    word += bare ?? single ?? (double ?? '').replace(/\\(["\\])/g, '$1')
    end += whole.length
  }
  return { word, end }
}
