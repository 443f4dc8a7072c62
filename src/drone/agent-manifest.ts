import type { Manifest } from '../protocol/handshake.ts'
import { name } from '../protocol/values.ts'
import type { AgentSession } from './agent-session.ts'
import type { AgentSlashCommand } from './agent-update.ts'

/** Entries of one list that the wire takes. */
const ENTRIES = 1000
const LEVELS = 100

/** What the agent can do, gathered from its sessions; told when it changes. */
export class AgentManifest {
  readonly #onManifest: (manifest: Manifest) => void
  #manifest: Manifest = {}
  #told = ''

  constructor(onManifest: (manifest: Manifest) => void) {
    this.#onManifest = onManifest
  }

  commands(commands: readonly AgentSlashCommand[]): void {
    const fit = commands.filter((command) => isName(command.name)).slice(0, ENTRIES)
    this.#set({
      commands: fit.map(({ name, description, input }) => ({
        name,
        // The Agent Client Protocol has no other way to it.
        prompt: true,
        ...(description ? { description } : {}),
        ...(input?.hint ? { args: { hint: input.hint } } : {}),
      })),
    })
  }

  session(session: AgentSession): void {
    const models = session
      .choices('model')
      .filter(({ value }) => isName(value))
      .slice(0, ENTRIES)
    this.#set({
      models: models.map(({ value, name }) => (name ? { id: value, name } : { id: value })),
      thinkingLevels: values(session, 'thought_level'),
      agents: values(session, 'mode'),
    })
  }

  #set(part: Manifest): void {
    // An empty list would hide what the drone's registration says; commands can really be taken away.
    const given = Object.entries(part).filter(([key, list]) => (list?.length ?? 0) > 0 || key === 'commands')
    this.#manifest = { ...this.#manifest, ...Object.fromEntries(given) }
    const text = JSON.stringify(this.#manifest)
    if (text === this.#told || given.length === 0) return
    this.#told = text
    this.#onManifest(this.#manifest)
  }
}

function values(session: AgentSession, category: string): string[] {
  return session
    .choices(category)
    .map(({ value }) => value)
    .filter(isName)
    .slice(0, LEVELS)
}

function isName(text: string): boolean {
  return name.safeParse(text).success
}
