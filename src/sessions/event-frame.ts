import type { Socket } from 'socket.io'

/** The first byte of a WebSocket text message in one frame: the last and only one (RFC 6455, 5.2). */
const TEXT = 0x81
/** Payload lengths up to here are said in the second byte; longer ones in the two bytes or the eight that follow it. */
const LENGTH_IN_PLACE = 125
const LENGTH_IN_TWO = 0xffff
/** Headers of payloads below this are made once: a buffer of a few bytes each would weigh more than what it stands for. */
const KEPT_HEADERS = 2048

/** What Engine.IO calls a message, and Socket.IO an event, at the beginning of a packet. */
const MESSAGE = '4'
const EVENT = '2'

/** What goes out on a WebSocket: the header, and the text as it is until the system takes it. */
type Frame = readonly [header: Buffer, text: string]

/** Engine.IO hands the options of a packet on to its transport; its types only know those of its own documentation. */
interface FrameOptions {
  readonly wsPreEncodedFrame: Frame
}

const headers: Buffer[] = []

/**
 * An event without bytes in its arguments, encoded once for as many as hear it: the same bytes that Socket.IO would
 * send. Its own way is made for all kinds of packets, and costs more than everything else an entry does.
 */
export function eventFrame(namespace: string, name: string, args: readonly unknown[]): Frame {
  const text = `${MESSAGE}${EVENT}${namespace},${JSON.stringify([name, ...args])}`
  return [headerOf(Buffer.byteLength(text)), text]
}

export function writeFrame({ conn }: Pick<Socket, 'conn'>, frame: Frame): void {
  type Options = Parameters<Socket['conn']['write']>[1]
  if (conn.transport.name !== 'websocket') conn.write(frame[1].slice(MESSAGE.length))
  else conn.write('', { wsPreEncodedFrame: frame } satisfies FrameOptions as unknown as Options)
}

/** What a packet of Engine.IO holds in memory until it is taken: characters or bytes. */
export function lengthOfPacket({
  data,
  options,
}: {
  data?: string | Buffer
  options?: Partial<FrameOptions>
}): number {
  const [, text] = options?.wsPreEncodedFrame ?? []
  return text?.length ?? data?.length ?? 0
}

function headerOf(bytes: number): Buffer {
  const kept = headers[bytes]
  if (kept) return kept
  const header = newHeader(bytes)
  if (bytes < KEPT_HEADERS) headers[bytes] = header
  return header
}

/** Not from Node's pool: what waits for a slow peer would keep a whole slab of it. */
function newHeader(bytes: number): Buffer {
  const size = bytes <= LENGTH_IN_PLACE ? 2 : bytes <= LENGTH_IN_TWO ? 4 : 10
  const header = Buffer.allocUnsafeSlow(size)
  header[0] = TEXT
  header[1] = size === 2 ? bytes : size === 4 ? 126 : 127
  if (size === 4) header.writeUInt16BE(bytes, 2)
  if (size === 10) header.writeBigUInt64BE(BigInt(bytes), 2)
  return header
}
