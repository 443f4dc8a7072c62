import type { Socket } from 'socket.io'

/** The first byte of a WebSocket text message in one frame: the last and only one (RFC 6455, 5.2). */
const TEXT = 0x81
/** Payload lengths up to here are said in the second byte; longer ones in the two bytes or the eight that follow it. */
const LENGTH_IN_PLACE = 125
const LENGTH_IN_TWO = 0xffff

/** What Engine.IO calls a message, and Socket.IO an event, at the beginning of a packet. */
const MESSAGE = '4'
const EVENT = '2'

/** An event as Engine.IO takes it; the frame in the options is what goes out on a WebSocket. */
interface EventFrame {
  readonly packet: string
  readonly options: { readonly wsPreEncodedFrame: readonly [Buffer] }
}

/**
 * An event without bytes in its arguments, encoded once for as many as hear it: the same bytes that Socket.IO would
 * send, in one piece. Its own way is made for all kinds of packets, and costs more than everything else an entry does.
 */
export function eventFrame(namespace: string, name: string, args: readonly unknown[]): EventFrame {
  const packet = `${EVENT}${namespace},${JSON.stringify([name, ...args])}`
  return { packet, options: { wsPreEncodedFrame: [textFrame(MESSAGE + packet)] } }
}

export function writeFrame(socket: Pick<Socket, 'conn'>, { packet, options }: EventFrame): void {
  // Engine.IO hands the options on to its transport; its types only know those of its own documentation.
  socket.conn.write(packet, options as unknown as Parameters<Socket['conn']['write']>[1])
}

function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text)
  const at = bytes <= LENGTH_IN_PLACE ? 2 : bytes <= LENGTH_IN_TWO ? 4 : 10
  const frame = Buffer.allocUnsafe(at + bytes)
  frame[0] = TEXT
  if (at === 2) frame[1] = bytes
  else if (at === 4) {
    frame[1] = 126
    frame.writeUInt16BE(bytes, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(bytes), 2)
  }
  frame.write(text, at)
  return frame
}
