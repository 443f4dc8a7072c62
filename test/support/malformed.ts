import type { z } from 'zod'
import type { EventSpec } from '../../src/protocol/event.ts'

interface Def {
  readonly type: string
  readonly shape?: Record<string, z.core.$ZodType>
  readonly items?: readonly z.core.$ZodType[]
  readonly innerType?: z.core.$ZodType
  readonly in?: z.core.$ZodType
  readonly element?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly entries?: Record<string, string>
  readonly checks?: readonly unknown[]
}

const defOf = (schema: z.core.$ZodType): Def => schema._zod.def

/** The smallest value that a schema of the protocol takes. */
export function sampleOf(schema: z.core.$ZodType): unknown {
  const {
    type,
    shape = {},
    innerType,
    element,
    options = [],
    entries = {},
    checks = [],
    in: source,
  } = defOf(schema)
  switch (type) {
    case 'string':
      return 'a'
    case 'number':
      return 1
    case 'boolean':
      return true
    case 'enum':
      return Object.values(entries)[0]
    case 'union':
      return options[0] && 'a'
    case 'array':
      return checks.length > 0 && element ? [sampleOf(element)] : []
    case 'object':
      return Object.fromEntries(
        Object.entries(shape)
          .map(([field, inner]) => [field, sampleOf(inner)] as const)
          .filter(([, value]) => value !== undefined),
      )
    case 'optional':
      return undefined
    case 'pipe':
      return source && sampleOf(source)
    case 'nullable':
      return innerType && sampleOf(innerType)
    case 'custom':
      return Buffer.from('bytes')
    default:
      return {}
  }
}

function deep(levels: number): unknown {
  let nested: unknown = 'bottom'
  for (let level = 0; level < levels; level++) nested = { nested }
  return nested
}

const WRONG: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  1e308,
  true,
  '',
  'a\u0000b',
  '\ud800',
  'x'.repeat(100_000),
  [],
  [null],
  {},
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as unknown,
  deep(200),
  Buffer.from('bytes'),
]

/** Argument lists that an event does not take: every slot and every field wrong in every way, and whole lists that are. */
export function malformed(spec: EventSpec): unknown[][] {
  const items = defOf(spec.args).items ?? []
  const good: unknown[] = items.map((slot) => sampleOf(slot) ?? null)
  const lists: unknown[][] = [[], WRONG.slice(0, 8), [...WRONG]]
  for (const [index, slot] of items.entries()) {
    for (const wrong of WRONG) lists.push(good.toSpliced(index, 1, wrong))
    for (const field of Object.keys(defOf(slot).shape ?? {})) {
      for (const wrong of [undefined, ...WRONG])
        lists.push(good.with(index, { ...(good[index] as object), [field]: wrong }))
    }
  }
  return lists.filter((args) => !spec.args.safeParse(args.slice(0, items.length)).success)
}

/** A list that the event takes, however little sense it makes. */
export function wellFormed(spec: EventSpec): unknown[] {
  return (defOf(spec.args).items ?? []).map((slot) => sampleOf(slot) ?? null)
}
