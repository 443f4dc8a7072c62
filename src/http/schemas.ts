import { z } from 'zod'

/** JSON Schema (2020-12), as OpenAPI 3.1 and AsyncAPI 3 take it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A schema as others read it. It is that of what is taken: where a field may be missing it may be null, too. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}
