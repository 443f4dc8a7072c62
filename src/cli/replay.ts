import { ViewedTurn } from '../client/viewed-turn.ts'
import { turnView } from '../protocol/turn-view.ts'
import type { Entry } from '../turns/entry.ts'
import { callRelay, readLines } from './call-relay.ts'
import type { WatchFlags } from './chat.ts'
import { EXIT, ExitError, untilStopped } from './exit.ts'
import { TurnPrinter } from './turn-printer.ts'

/** A silence is not waited out for longer than this. */
const LONGEST_PAUSE_MS = 5000

interface Line {
  readonly lane: string
  readonly offset: number
  readonly entry: Entry
}

/** [EX2] Shows a turn again, entry by entry, with the pauses that were between them. */
export async function replay(turnId: string, flags: WatchFlags): Promise<void> {
  const speed = Number(flags.speed)
  if (!(speed > 0)) throw new ExitError(EXIT.usage, '--speed takes a number above 0.')
  const path = `/turns/${encodeURIComponent(turnId)}`
  const { prompt, status, attempt } = turnView.parse(await callRelay(flags, 'code', 'GET', path))
  const printer = new TurnPrinter({
    json: flags.json === true,
    write: (text) => void process.stdout.write(text),
  })
  const turn = new ViewedTurn({ turnId, attempt, status, prompt })
  const play = async (): Promise<void> => {
    let last: number | undefined
    printer.show({ kind: 'started', turn })
    for await (const line of readLines(flags, `${path}/entries`)) {
      const { lane, entry } = line as Line
      await pause(Math.min((entry.createdAt - (last ?? entry.createdAt)) / speed, LONGEST_PAUSE_MS))
      last = entry.createdAt
      printer.show({ kind: 'entry', turn, lane, entry })
    }
    printer.show({ kind: 'status', turn, waitingFor: undefined })
    printer.breakLine()
  }
  const outcome = await Promise.race([untilStopped(), play()])
  if (outcome === 'SIGINT' || outcome === 'SIGTERM')
    process.exitCode = outcome === 'SIGINT' ? EXIT.sigint : EXIT.sigterm
}

function pause(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve()
}
