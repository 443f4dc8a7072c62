import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { AnyMessage } from '@agentclientprotocol/sdk'
import { expect } from 'chai'
import { AgentStream } from '../../src/drone/agent-stream.ts'
import { RecordingLogger } from './demo-host.ts'

function update(text: string): string {
  return `${JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: text })}\n`
}

async function readAll(chunks: Buffer[]): Promise<{ order: unknown[]; logger: RecordingLogger }> {
  const stdout = new PassThrough()
  const order: unknown[] = []
  const logger = new RecordingLogger()
  const hear = async ({ params }: { params?: unknown }) => {
    await Promise.resolve()
    order.push(params)
    return true
  }
  const { stream } = new AgentStream({ stdin: new PassThrough(), stdout, logger, hear })
  for (const chunk of chunks) stdout.write(chunk)
  stdout.end()
  for await (const message of stream.readable as unknown as AsyncIterable<AnyMessage>) order.push(message)
  return { order, logger }
}

describe("the agent's output", () => {
  const answer = { jsonrpc: '2.0' as const, id: 1, result: null }

  it('[AG43] shows an answer only after the updates that were written before it', async () => {
    const text = `${update('a')}${update('b')}${JSON.stringify(answer)}\n${update('late')}`
    const { order } = await readAll([Buffer.from(text)])
    expect(order).to.deep.equal(['a', 'b', answer, 'late'])
  })

  it('[AG44] is read alike however it is cut, also inside a letter', async () => {
    const bytes = Buffer.from(update('Grüße 👩‍💻') + update('世界'))
    for (let size = 1; size < 40; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      )
      expect((await readAll(chunks)).order).to.deep.equal(['Grüße 👩‍💻', '世界'])
    }
  })

  it('[AG45] may hold lines that are no messages: they are logged and left out', async () => {
    const { order, logger } = await readAll([Buffer.from(`Welcome!\n\n[1]\nnull\n{"a":1}\n${update('a')}`)])
    expect(order).to.deep.equal(['a'])
    expect(logger.having('debug', 'no message: Welcome!')).to.have.length(1)
  })

  it('[AG47] is given up when a message has no end', async () => {
    const stdout = new PassThrough()
    const options = {
      stdin: new PassThrough(),
      stdout,
      logger: new RecordingLogger(),
      hear: async () => true,
    }
    const agent = new AgentStream(options)
    const answered = agent.stream.readable
      .getReader()
      .read()
      .then(
        () => 'read',
        (error: Error) => error.message,
      )
    for (let written = 0; written < 33 && agent.fault === undefined; written++) {
      if (!stdout.write(Buffer.alloc(1024 * 1024, 'x'))) await Promise.race([once(stdout, 'drain'), answered])
    }
    expect(await answered).to.match(/^The agent sent a message of more than \d+ bytes\.$/)
    expect(agent.fault).to.equal(await answered)
  })

  it('[AG44] may end without the end of a line', async () => {
    const { order } = await readAll([Buffer.from(update('a').trimEnd())])
    expect(order).to.deep.equal(['a'])
  })
})
