/** Whom a drone runs programs in terminals for: `all` are its agent, and people, who may type into the agent's as well. */
export const TERMINAL_POLICIES = ['none', 'agent', 'all'] as const
export type TerminalPolicy = (typeof TERMINAL_POLICIES)[number]
