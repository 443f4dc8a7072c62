/** What is kept of a terminal whose program has ended: what it showed last. */
export interface EndedTerminal {
  readonly registrationId: string
  readonly droneId: string
  readonly userId: string
  readonly terminalId: string
  readonly chatSessionId: string
  /** The turn that was live when it was opened. */
  readonly turnId?: string
  readonly title?: string
  /** Epoch ms. */
  readonly openedAt: number
  readonly endedAt: number
  /** Absent where nobody knows it. */
  readonly exitCode?: number
  /** Bytes that its program had written. */
  readonly offset: number
  readonly cols: number
  readonly rows: number
  /** Draws the last screen in a terminal of that size. */
  readonly screen: string
}

/** The terminals that have ended. Whatever is given again after an unknown outcome is there once, as it was given first. */
export interface TerminalStore {
  insert(terminal: EndedTerminal): Promise<void>
  /** Those of a user with this id: each drone may have had one. */
  named(userId: string, terminalId: string): Promise<EndedTerminal[]>
  /** Those of a turn, the first that was opened first. */
  ofTurn(turnId: string): Promise<EndedTerminal[]>
}
