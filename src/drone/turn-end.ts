export interface TurnEnd {
  readonly success: boolean
  readonly reason?: string
}

/** What the agent's stop reason means for the turn. */
export function turnEnd(stopReason: string): TurnEnd {
  switch (stopReason) {
    case 'end_turn':
      return { success: true }
    case 'cancelled':
      return { success: false, reason: 'cancelled' }
    case 'refusal':
      return { success: false, reason: 'the agent refused to go on' }
    case 'max_tokens':
      return { success: false, reason: 'the agent reached its limit of tokens; ask it to go on' }
    case 'max_turn_requests':
      return {
        success: false,
        reason: 'the agent reached its limit of requests in one turn; ask it to go on',
      }
    default:
      return { success: false, reason: `the agent stopped for a reason unknown here: ${stopReason}` }
  }
}
