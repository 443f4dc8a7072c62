import { extname } from 'node:path'
import type { Shown } from './demo-look.ts'
import type { Match } from './demo-workspace.ts'

export interface Findings {
  readonly prompt: string
  /** Which message of the session this is, from 1. */
  readonly nth: number
  readonly files: readonly string[]
  readonly matches: readonly Match[]
  readonly gitStatus: string | undefined
  readonly shown: Shown | undefined
}

/** The demo agent's answer in Markdown, with a list, a code block and some emoji. */
export function demoAnswer({ prompt, nth, files, matches, gitStatus, shown }: Findings): string {
  const branch = gitStatus?.split('\n')[0]?.replace(/^## /, '')
  const parts = [
    `# What I found 🔎\n\nThis is message ${nth} of our session. You wrote: *${quote(prompt)}*\n\n`,
    [
      `- **${files.length}** files in the workspace 📁`,
      `- **${matches.length}** lines with your words ${matches.length > 0 ? '✅' : '🤷'}`,
      `- git: ${branch ? `on \`${branch}\`` : 'no repository here'}\n\n`,
    ].join('\n'),
  ]
  if (shown) {
    const fence = shown.text.includes('```') ? '````' : '```'
    parts.push(
      `From \`${shown.path}\`:\n\n${fence}${extname(shown.path).slice(1)}\n${shown.text}\n${fence}\n\n`,
    )
  }
  parts.push('I am the demo agent: I look, and I change nothing. Grüße, 世界 👋🏽👩‍💻\n')
  return parts.join('')
}

/** So many kilobytes, of numbered lines: a lost or doubled one is seen at once. */
export function* longAnswer(kilobytes: number): Generator<string> {
  let left = kilobytes * 1024
  for (let line = 1; left > 0; line++) {
    const text = `${line}. The quick brown fox jumps over the lazy dog, and over the relay.\n`.slice(0, left)
    left -= text.length
    yield text
  }
}

function quote(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ').replaceAll('*', '')
  return line.length > 120 ? `${line.slice(0, 120)}…` : line
}
