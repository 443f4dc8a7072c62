import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What it is asked: so many words of at least so many units, and so many ms between two. */
const ASKED = /say (\d+) words of (\d+) every (\d+) ms/g

/** All that it says when it is asked for so many words. */
export function wordsOf(count: number, units = 0): string {
  return Array.from({ length: count }, (_, n) => wordAt(n, units)).join('')
}

function wordAt(n: number, units: number): string {
  return `word ${n} 🎉 `.padEnd(units, '.')
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly sessionId?: string; readonly prompt?: readonly { readonly text?: string }[] }
}

/**
 * An agent in a process of its own that speaks ACP and says what it is asked to, word by word. It notes in the file
 * AGENT_LOG when it begins and when it is told to stop.
 */
class ScriptedAgent {
  #cancelled = false
  #sessions = 0

  async hear({ id, method, params = {} }: Message): Promise<void> {
    switch (method) {
      case 'initialize':
        return this.#write({ id, result: { protocolVersion: 1, agentCapabilities: {} } })
      case 'session/new':
        return this.#write({ id, result: { sessionId: `s${++this.#sessions}` } })
      case 'session/cancel':
        this.#cancelled = true
        return note('cancelled')
      case 'session/prompt':
        this.#cancelled = false
        await this.#speak(params)
        return this.#write({ id, result: { stopReason: this.#cancelled ? 'cancelled' : 'end_turn' } })
      case undefined:
        return
    }
  }

  async #speak({ sessionId, prompt = [] }: NonNullable<Message['params']>): Promise<void> {
    note('began')
    const asked = [
      ...prompt
        .map(({ text = '' }) => text)
        .join('\n')
        .matchAll(ASKED),
    ].at(-1)
    const [, count, units, everyMs] = asked ?? ['', '0', '0', '0']
    for (let n = 0; n < Number(count) && !this.#cancelled; n++) {
      const update = {
        sessionUpdate: 'agent_message_chunk',
        content: { type: 'text', text: wordAt(n, Number(units)) },
      }
      await this.#write({ method: 'session/update', params: { sessionId, update } })
      await new Promise((resolve) => setTimeout(resolve, Number(everyMs)))
    }
  }

  /** An agent that is not read stops. */
  async #write(message: object): Promise<void> {
    const isRead = process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    if (!isRead) await once(process.stdout, 'drain')
  }
}

function note(what: string): void {
  const file = process.env['AGENT_LOG']
  if (file !== undefined) appendFileSync(file, `${what}\n`)
}

// Tests import what it says; only as a process of its own it speaks.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const agent = new ScriptedAgent()
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => void agent.hear(JSON.parse(line) as Message))
  // Its drone is gone, killed perhaps: nobody else would end it.
  lines.on('close', () => process.exit())
}
