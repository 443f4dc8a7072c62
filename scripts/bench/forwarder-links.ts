import { WebSocket } from 'ws'
import { connected } from './connected.ts'
import { Hearing } from './hearing.ts'
import type { Link, LinkOptions, Speaker } from './links.ts'
import type { ForwarderTarget } from './spec.ts'

/** The same position object as the relay's entries have: all three carry the same bytes. */
function placer(name: string) {
  let offset = 0
  return (text: string): object => {
    const at = { turnId: name, attempt: 1, lane: '', offset, chatSessionId: `chat-${name}` }
    offset += text.length
    return at
  }
}

function hearings({ name, viewers }: LinkOptions): Hearing[] {
  return Array.from({ length: Math.max(1, viewers) }, (_, index) => new Hearing(`viewer ${index} of ${name}`))
}

const SILENT: Pick<Speaker, 'call' | 'result'> = {
  call: () => undefined,
  result: () => undefined,
}

export async function openSocketioLink(options: LinkOptions<ForwarderTarget>): Promise<Link> {
  const { target, name } = options
  const viewers = hearings(options)
  const sockets = viewers.map((hearing) => {
    const socket = connected(target.url, {}, (why) => hearing.complain(why))
    socket.on('token', (text: string, { offset }: { offset: number }) =>
      hearing.text('responding', text, offset),
    )
    socket.on('over', () => hearing.over('finished', undefined))
    return socket
  })
  await Promise.all(sockets.map((socket) => socket.emitWithAck('watch', name)))
  const drone = connected(target.url, {}, (why) => console.error(`drone ${name} ${why}`))
  await new Promise<void>((resolve) => drone.once('connect', () => resolve()))
  const place = placer(name)
  return {
    viewers,
    speaker: {
      ...SILENT,
      text: (_mode, text) => void drone.emit('token', name, text, place(text)),
      async end() {
        drone.emit('over', name)
      },
    },
    async close() {
      for (const socket of [drone, ...sockets]) socket.disconnect()
    },
  }
}

function opened(url: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    socket.once('error', reject)
    socket.once('message', () => resolve(socket))
  })
}

export async function openWsLink(options: LinkOptions<ForwarderTarget>): Promise<Link> {
  const { target, name } = options
  const viewers = hearings(options)
  const sockets = await Promise.all(
    viewers.map(async (hearing) => {
      const socket = await opened(`${target.url}/watch/${name}`)
      socket.on('message', (words: Buffer) => {
        const [text, at] = JSON.parse(words.toString()) as [string, { offset: number }] | ['']
        if (at) hearing.text('responding', text, at.offset)
        else hearing.over('finished', undefined)
      })
      return socket
    }),
  )
  const drone = await opened(`${target.url}/speak/${name}`)
  const place = placer(name)
  return {
    viewers,
    speaker: {
      ...SILENT,
      text: (_mode, text) => drone.send(JSON.stringify([text, place(text)])),
      async end() {
        drone.send(JSON.stringify(['']))
      },
    },
    async close() {
      for (const socket of [drone, ...sockets]) socket.close()
    },
  }
}
