import type { z } from 'zod'
import type { completion } from '../protocol/drone-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { Position, LaneHead } from '../protocol/position.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import type { LiveTurns } from '../turns/live-turns.ts'
import type { Steering } from '../turns/steering.ts'
import type { Turn } from '../turns/turn.ts'
import type { TurnStore } from '../turns/turn-store.ts'

interface Ending {
  readonly turnId: string
  readonly success: boolean
  readonly message: string | undefined
  readonly detail: z.infer<typeof completion> | undefined
  /** The live turn; undefined where it is not live any more. */
  readonly turn: Turn | undefined
  readonly rewind: (at: Position) => void
  readonly userId: string
}

interface World {
  readonly turns: LiveTurns
  readonly store: Pick<TurnStore, 'readTurn'>
  readonly steering: Pick<Steering, 'named'>
}

/** [LC6] A turn is complete once everything said is held, the end is stored, and only then is it acknowledged. */
export async function complete(world: World, ending: Ending): Promise<{ status: TurnStatus }> {
  const { turn } = ending
  if (!turn) return { status: await statusOfEnded(world, ending) }
  if (!turn.ended) {
    // Given up, or waiting for its next attempt: what this drone makes of it does not count any more.
    if (turn.state.status !== 'processing') {
      // Told once it is stored: should the relay die first, the attempt goes on, and its drone still has it.
      await turn.whenStored()
      throw new RelayError(
        'fenced',
        `Turn ${turn.turnId} was taken from this drone: drop what you hold of it.`,
      )
    }
    if (ending.success) askForWhatIsMissing(turn, ending)
    // Before the end, and in the same commit: what was taken is not sent again as a message of its own.
    world.steering.named(turn, ending.detail?.steers ?? [])
    const message = ending.message ?? (ending.success ? undefined : 'The drone gave no reason.')
    world.turns.apply(turn, { type: 'completed', success: ending.success, ...(message ? { message } : {}) })
  }
  await turn.whenStored()
  return { status: turn.state.status }
}

function askForWhatIsMissing(turn: Turn, { detail, rewind }: Ending): void {
  const missing: LaneHead[] = []
  for (const { lane = '', offset } of detail?.heads ?? []) {
    if (turn.received(lane) < offset) missing.push({ lane, offset: turn.received(lane) })
  }
  if (missing.length === 0) return
  for (const head of missing) rewind({ turnId: turn.turnId, attempt: turn.state.attempt, ...head })
  throw new RelayError(
    'gap',
    'Not everything said has arrived: send again from the rewinds, and complete again.',
    {
      level: 'debug',
    },
  )
}

async function statusOfEnded(world: World, { turnId, userId }: Ending): Promise<TurnStatus> {
  const header = await world.store.readTurn(turnId)
  if (!header || header.userId !== userId) throw new RelayError('not_found', `There is no turn ${turnId}.`)
  return header.status
}
