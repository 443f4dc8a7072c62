import { readFile } from 'node:fs/promises'
import type { Logger } from './sessions/socket-session.ts'
import type { Routing } from './turns/routing.ts'

/** Has `ROUTING_RULES` apply from now on; where it cannot be read, those from before stay, and the log says so. */
export async function loadRoutingRules(routing: Routing, source: string, logger: Logger): Promise<void> {
  const rules = await readRules(source).catch((error: unknown) => {
    logger.warn('The routing rules cannot be read: those from before stay.', { error: String(error) })
    return undefined
  })
  if (rules) logger.info('Routing rules are loaded.', { rules: await routing.load(rules) })
}

/** A JSON list, or the path of a file with one. Fails where it is neither. */
async function readRules(source: string): Promise<unknown[]> {
  if (source.trim() === '') return []
  const text = source.trimStart().startsWith('[') ? source : await readFile(source, 'utf8')
  const rules: unknown = JSON.parse(text)
  if (!Array.isArray(rules)) throw new TypeError('expected a list of rules')
  return rules as unknown[]
}
