import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { deltasOf, FINAL_USAGE, type FakeReply } from './fake-reply.ts'

/** Characters in a delta: a few, as a model's tokens have. */
const DELTA_CHARS = 3

export interface FakeOpenaiOptions {
  /** One per request, from the first again after the last. Default: a tool call, then an answer in Markdown. */
  replies?: FakeReply[]
  deltaChars?: number
  /** Milliseconds between deltas: 0, as fast as they are read, unless a person is to watch. */
  deltaMs?: number
  /** Answer to a request for a session's title, which uses up no reply. */
  title?: string
}

export interface FakeOpenai {
  /** Base address of the API, ending in /v1. */
  url: string
  /** Bodies of the chat requests that used up a reply. */
  requests: unknown[]
  titleRequests: unknown[]
  stop: () => Promise<void>
}

export const DEFAULT_REPLIES: FakeReply[] = [
  {
    reasoning: 'The user asks about the notes. I read them first.',
    tools: [{ name: 'read', args: { filePath: 'notes.md' } }],
  },
  {
    reasoning: 'Now I can answer.',
    text: '# Notes\n\nGrüße, 世界 👋🏽! The *notes* say:\n\n- one 🚀\n- two\n\n```ts\nconst n = 1;\n```\n',
  },
]

export async function startFakeOpenai(options: FakeOpenaiOptions = {}): Promise<FakeOpenai> {
  const { replies = DEFAULT_REPLIES, deltaChars = DELTA_CHARS, deltaMs = 0, title = 'A fake title' } = options
  const requests: unknown[] = []
  const titleRequests: unknown[] = []

  const chat = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request)
    if (asksForTitle(body)) {
      titleRequests.push(body)
      return stream(response, { text: title })
    }
    const reply = replies[requests.length % replies.length]
    requests.push(body)
    await stream(response, reply ?? {})
  }

  const stream = async (response: ServerResponse, reply: FakeReply): Promise<void> => {
    if (reply.error)
      return sendJson(response, reply.error.status, { error: { message: reply.error.message } })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [delta, finish_reason] of deltasOf(reply, deltaChars, `call_${requests.length}`)) {
      if (response.destroyed) return
      send(response, { choices: [{ index: 0, delta, finish_reason }] })
      if (deltaMs > 0) await pause(deltaMs)
    }
    if (reply.hangs) return
    send(response, { choices: [], usage: FINAL_USAGE })
    response.end('data: [DONE]\n\n')
  }

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://fake').pathname
    if (request.method === 'GET' && path === '/v1/models') {
      return sendJson(response, 200, { object: 'list', data: [{ id: 'fake', object: 'model' }] })
    }
    if (request.method !== 'POST' || path !== '/v1/chat/completions') {
      return sendJson(response, 404, { error: { message: `The fake has no ${request.method} ${path}.` } })
    }
    chat(request, response).catch((error: unknown) =>
      response.headersSent
        ? response.destroy()
        : sendJson(response, 400, { error: { message: String(error) } }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    titleRequests,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface ChatRequest {
  messages: { role: string; content: unknown }[]
  tools?: unknown[]
}

async function bodyOf(request: IncomingMessage): Promise<ChatRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChatRequest
}

/** opencode names a session by a request of its own, beside the first prompt's, at no certain time. */
function asksForTitle({ messages, tools = [] }: ChatRequest): boolean {
  return (
    tools.length === 0 &&
    messages.some(
      ({ role, content }) => role === 'system' && /title generator/i.test(JSON.stringify(content)),
    )
  )
}

function send(response: ServerResponse, chunk: object): void {
  const event = { id: 'chatcmpl-fake', object: 'chat.completion.chunk', created: 0, model: 'fake', ...chunk }
  response.write(`data: ${JSON.stringify(event)}\n\n`)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
