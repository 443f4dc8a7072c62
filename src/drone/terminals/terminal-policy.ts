/** Whom a drone runs programs in terminals for. */
export const TERMINAL_POLICIES = ['none', 'agent'] as const
export type TerminalPolicy = (typeof TERMINAL_POLICIES)[number]
