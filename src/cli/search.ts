import type { Command } from 'commander'
import pc from 'picocolors'
import { searchAnswer } from '../protocol/search.ts'
import type { SearchHit } from '../protocol/search.ts'
import { callRelay, printAnswer } from './call-relay.ts'
import type { CallOptions } from './call-relay.ts'
import { withPeerOptions } from './peer-options.ts'

interface SearchOptions extends CallOptions {
  readonly limit: string
  readonly after?: string
}

/** `search`: the turns that have all of some words in their prompts and answers. */
export function addSearch(program: Command): void {
  withPeerOptions(
    program
      .command('search')
      .description('the turns with all of these words in their prompts and answers, what ended last first')
      .argument('<words...>', 'words; perm* is any that begins so'),
  )
    .option('--limit <n>', 'how many, at most 50', '20')
    .option('--after <next>', 'where the page before ended')
    .option('--json', 'as JSON')
    .action(async (words: string[], options: SearchOptions) => {
      const { limit, after } = options
      const page = new URLSearchParams({
        query: words.join(' '),
        limit,
        ...(after === undefined ? {} : { after }),
      })
      const answer = searchAnswer.parse(await callRelay(options, 'code', 'GET', `/search?${page.toString()}`))
      const { hits, next, partial } = answer
      printAnswer(options, answer, [
        ...hits.flatMap(hitLines),
        ...(hits.length === 0 ? ['Nothing was found.'] : []),
        ...(partial ? ['(so many words begin so that some were left out: write more of it)'] : []),
        ...(next === undefined ? [] : [`(more: --after ${next})`]),
      ])
    })
}

function hitLines(hit: SearchHit): string[] {
  const { chatSessionId, turnId, status, createdAt, title = '' } = hit
  const [firstLine = ''] = title.split('\n', 1)
  return [pc.bold([chatSessionId, turnId, status, createdAt, firstLine].join('  ')), `    ${marked(hit)}`]
}

/** The excerpt on one line, its matches made visible. */
function marked({ excerpt, matches, place }: SearchHit): string {
  let at = 0
  let line = ''
  for (const [start, end] of matches) {
    line += excerpt.slice(at, start) + pc.inverse(excerpt.slice(start, end))
    at = end
  }
  return `${place === 'response' ? '' : `${place}: `}${(line + excerpt.slice(at)).replaceAll(/\s+/gu, ' ')}`
}
