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
  const response = await request(options, kind, method, path, body)
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

/** The body of a GET, in pieces of text as they come. */
export async function* readText(options: CallOptions, path: string): AsyncGenerator<string> {
  const { body } = await request(options, 'code', 'GET', path)
  if (body) for await (const piece of body.pipeThrough(new TextDecoderStream())) yield piece
}

/** The JSON lines of a GET, one by one. */
export async function* readLines(options: CallOptions, path: string): AsyncGenerator {
  let rest = ''
  for await (const piece of readText(options, path)) {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield JSON.parse(line)
  }
}

async function request(
  options: CallOptions,
  kind: 'code' | 'ops',
  method: string,
  path: string,
  body?: object,
): Promise<Response> {
  const key = await keyFor(kind, options)
  const response = await fetch(`${options.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => {
    throw new ExitError(EXIT.failed, `No relay answers at ${options.url}: start one, or name it with --url.`)
  })
  if (response.ok) return response
  const { code, detail } = problem.parse(await response.json())
  throw new ExitError(EXIT.failed, `${detail} (${code})`)
}

export function printAnswer({ json }: CallOptions, value: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''))
}
