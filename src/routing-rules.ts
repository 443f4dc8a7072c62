import { readFile } from 'node:fs/promises'

/** The rules of `ROUTING_RULES`: a JSON list, or the path of a file with one. Fails where it is neither. */
export async function readRoutingRules(source: string): Promise<unknown[]> {
  if (source.trim() === '') return []
  const text = source.trimStart().startsWith('[') ? source : await readFile(source, 'utf8')
  const rules: unknown = JSON.parse(text)
  if (!Array.isArray(rules)) throw new TypeError('expected a list of rules')
  return rules as unknown[]
}
