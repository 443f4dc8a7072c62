import type { PlacedEntryDocument } from '../../../models/placed-entry.ts'
import type { Json } from '../../protocol/values.ts'
import type { Placed } from '../../turns/entry.ts'

/** Keys that strangers chose become text: `$` and `.` in a key are refused or misread by some servers. */
export function entryDocument({ offset, entry }: Placed): PlacedEntryDocument {
  if (entry.kind !== 'result') return { offset, ...entry } as PlacedEntryDocument
  const { subagent, stats, ...rest } = entry
  const texts = { ...asText('subagent', subagent), ...asText('stats', stats) }
  return { offset, ...rest, ...texts } as PlacedEntryDocument
}

export function placedFrom({ offset, ...document }: PlacedEntryDocument): Placed {
  const { subagent, stats, ...rest } = document
  const parsed = { ...rest, ...asJson('subagent', subagent), ...asJson('stats', stats) }
  return { offset, entry: parsed as unknown as Placed['entry'] }
}

function asText(field: string, value: Json | undefined): Record<string, string> {
  return value === undefined ? {} : { [field]: JSON.stringify(value) }
}

function asJson(field: string, text: string | undefined): Record<string, Json> {
  return text === undefined ? {} : { [field]: JSON.parse(text) as Json }
}
