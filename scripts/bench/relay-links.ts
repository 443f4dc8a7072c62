import { randomUUID } from 'node:crypto'
import { PROTOCOL_VERSION } from '../../src/protocol/handshake.ts'
import type { TurnView } from '../../src/protocol/turn-view.ts'
import { Hearing } from './hearing.ts'
import type { Latecomer, Link, LinkOptions } from './links.ts'
import { connected } from './connected.ts'
import { connectPlainDrone } from './plain-drone.ts'
import { connectSdkDrone } from './sdk-drone.ts'
import type { RelayTarget } from './spec.ts'
import { transcriptOf } from './transcript.ts'

type Answer<Fields> =
  ({ readonly ok: true } & Fields) | { readonly ok: false; readonly error: { readonly code: string } }
interface Head {
  readonly lane: string
  readonly offset: number
}
interface At {
  readonly offset: number
}
interface JoinAnswer {
  readonly turns: readonly { readonly turnId: string; readonly heads: readonly Head[] }[]
}

/** Ms for an answer of the relay. */
const ANSWER_MS = 20_000

function lengthIn(heads: readonly Head[] | undefined): number | undefined {
  return heads && (heads.find(({ lane }) => lane === '')?.offset ?? 0)
}

/** A bare viewer: it hears and asks, and never joins again by itself, so a gap is seen as one. */
async function connectViewer({ url, keys }: RelayTarget, name: string) {
  const hearing = new Hearing(name)
  const socket = connected(`${url}/code`, { token: keys.code, protocol: PROTOCOL_VERSION }, (why) => {
    if (!hearing.isOver) hearing.complain(why)
  })
  socket.on('thinking', (text: string, { offset }: At) => hearing.text('thinking', text, offset))
  socket.on('response', (text: string, { offset }: At) => hearing.text('responding', text, offset))
  socket.on('toolCall', (callId: string, tool: string, params: string, _response: string, { offset }: At) =>
    hearing.call(callId, tool, params, offset),
  )
  socket.on('toolResult', (callId: string, response: string, { offset }: At) =>
    hearing.result(callId, response, offset),
  )
  socket.on('turn:status', ({ status, heads }: { status: string; heads?: readonly Head[] }) => {
    if (status === 'finished' || status === 'failed' || status === 'aborted')
      hearing.over(status, lengthIn(heads))
  })
  await new Promise<void>((resolve) => socket.once('welcome', () => resolve()))
  const ask = async <Fields>(event: string, payload: object): Promise<Fields> => {
    const answer = (await socket.timeout(ANSWER_MS).emitWithAck(event, payload)) as Answer<Fields>
    if (!answer.ok) throw new Error(`${event} was refused: ${answer.error.code}`)
    return answer
  }
  return { hearing, socket, ask }
}

export async function openRelayLink({ target, name, viewers }: LinkOptions<RelayTarget>): Promise<Link> {
  const chatSessionId = `chat-${name}`
  const connectDrone = target.plain ? connectPlainDrone : connectSdkDrone
  const drone = await connectDrone(target, name)
  const [sender, ...others] = await Promise.all(
    Array.from({ length: Math.max(1, viewers) }, (_, index) =>
      connectViewer(target, `viewer ${index} of ${name}`),
    ),
  )
  if (!sender) throw new Error('a turn needs its sender')
  const { turnId } = await sender.ask<{ turnId: string }>('chat:send', {
    chatSessionId,
    droneId: drone.droneId,
    content: 'Speak.',
    messageId: randomUUID(),
  })
  await Promise.all(others.map(({ ask }) => ask('session:join', { chatSessionId })))
  const speaker = await drone.ordered
  const sockets = [sender, ...others].map(({ socket }) => socket)

  return {
    speaker,
    viewers: [sender, ...others].map(({ hearing }) => hearing),
    async connect(viewerName): Promise<Latecomer> {
      const { hearing, socket, ask } = await connectViewer(target, viewerName)
      return {
        hearing,
        async join() {
          const { turns } = await ask<JoinAnswer>('session:join', { chatSessionId })
          return lengthIn(turns.find((turn) => turn.turnId === turnId)?.heads) ?? 0
        },
        close: () => void socket.disconnect(),
      }
    },
    async stored() {
      const headers = { authorization: `Bearer ${target.keys.code}` }
      const response = await fetch(`${target.url}/api/v1/turns/${turnId}`, { headers })
      if (!response.ok) throw new Error(`GET /api/v1/turns/${turnId} answered ${response.status}`)
      return transcriptOf((await response.json()) as TurnView)
    },
    async close() {
      for (const socket of sockets) socket.disconnect()
      await drone.close()
    },
  }
}
