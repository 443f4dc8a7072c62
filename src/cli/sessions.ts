import type { Command } from 'commander'
import { Option } from 'commander'
import { z } from 'zod'
import { dayUsage, sessionView } from '../protocol/turn-view.ts'
import { callRelay, printAnswer, readText } from './call-relay.ts'
import type { CallOptions } from './call-relay.ts'
import { withPeerOptions } from './peer-options.ts'

const listed = z.object({ sessions: z.array(sessionView), next: z.string().optional() })
const used = z.object({ days: z.array(dayUsage) })

/** `sessions`, `export` and `usage`: what there is, and what came of it. */
export function addSessions(program: Command): void {
  withPeerOptions(program.command('sessions').description('the chat sessions, the newest change first'))
    .option('--json', 'as JSON')
    .action(async (options: CallOptions) => {
      const { sessions, next } = listed.parse(await callRelay(options, 'code', 'GET', '/chat-sessions'))
      printAnswer(options, { sessions, next }, [
        ...sessions.map((session) =>
          [session.chatSessionId, session.status, session.updatedAt, firstLine(session.title ?? '')].join(
            '  ',
          ),
        ),
        ...(next === undefined ? [] : ['(and older ones)']),
      ])
    })
  withPeerOptions(
    program.command('export').description('a chat session as a file, on stdout').argument('<session>'),
  )
    .addOption(new Option('--format <format>', 'what for').choices(['markdown', 'jsonl']).default('markdown'))
    .action(async (chatSessionId: string, options: CallOptions & { format: string }) => {
      const path = `/chat-sessions/${encodeURIComponent(chatSessionId)}/export?format=${options.format}`
      for await (const piece of readText(options, path)) process.stdout.write(piece)
    })
  withPeerOptions(program.command('usage').description('tokens and cost by day (UTC)'))
    .option('--days <n>', 'how many of the last', '30')
    .option('--json', 'as JSON')
    .action(async (options: CallOptions & { days: string }) => {
      const path = `/usage?days=${encodeURIComponent(options.days)}`
      const answer = used.parse(await callRelay(options, 'code', 'GET', path))
      const lines = answer.days.map(
        ({ day, turns, input, output, cacheRead, cost }) =>
          `${day}  ${turns} turns  ${input} in (${cacheRead} cached)  ${output} out  $${cost.toFixed(4)}`,
      )
      printAnswer(options, answer, lines.length > 0 ? lines : ['Nothing was used.'])
    })
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
