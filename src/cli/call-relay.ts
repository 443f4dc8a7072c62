import { z } from 'zod'
import { EXIT, ExitError } from './exit.ts'
import { keyFor } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'

const problem = z.object({ code: z.string(), detail: z.string() })

export interface CallOptions extends PeerOptions {
  readonly json?: boolean
}

/** One HTTP call with the key of that kind; a refusal is told in one line. */
export async function callRelay(
  options: CallOptions,
  kind: 'code' | 'ops',
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const key = await keyFor(kind, options)
  const response = await fetch(`${options.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => {
    throw new ExitError(EXIT.failed, `No relay answers at ${options.url}: start one, or name it with --url.`)
  })
  const text = await response.text()
  const answer: unknown = text === '' ? undefined : JSON.parse(text)
  if (response.ok) return answer
  const { code, detail } = problem.parse(answer)
  throw new ExitError(EXIT.failed, `${detail} (${code})`)
}

export function printAnswer({ json }: CallOptions, value: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''))
}
