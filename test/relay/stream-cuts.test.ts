import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import { onEveryStore } from '../support/bench.ts'
import { seeded } from '../support/seeded.ts'
import { until } from '../support/until.ts'

const CUTS = 30
const WITHIN_MS = 15_000
/** The longest that its program says at once, and that the client gets before it is cut the next time. */
const PIECE_BYTES = 2000
const RUN_BYTES = 4000
/** So much may be on its way: the rest waits, so that nothing falls out of what is kept. */
const AHEAD_BYTES = 100_000

/**
 * A client of the original, which knows no more than this: a number in eight bytes, big-endian, before the bytes of each
 * binary frame; `resume` with the last of these, once a connection; all else that is said to it is JSON.
 */
class OriginalClient {
  readonly #url: string
  readonly #headers: object
  readonly #random: () => number
  readonly #pieces: Buffer[] = []
  #ws: WebSocket | undefined
  #lastSeq: number | null = null
  length = 0
  cuts = 0
  readonly types = new Set<string>()

  constructor(url: string, key: string, random: () => number) {
    this.#url = url.replace(/^http/, 'ws')
    this.#headers = { headers: { authorization: `Bearer ${key}` } }
    this.#random = random
  }

  get output(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  connect(): void {
    const ws = new WebSocket(this.#url, this.#headers)
    this.#ws = ws
    const cutAt = this.length + Math.floor(this.#random() * RUN_BYTES)
    ws.on('open', () => ws.send(JSON.stringify({ type: 'resume', lastSeq: this.#lastSeq })))
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      // What comes after the cut has not come.
      if (ws.readyState !== WebSocket.OPEN) return
      if (isBinary) this.#take(data)
      else this.types.add((JSON.parse(data.toString()) as { type: string }).type)
      if (this.cuts < CUTS && this.length >= cutAt) {
        this.cuts += 1
        ws.terminate()
      }
    })
    // A close follows.
    ws.on('error', () => undefined)
    ws.on('close', () => {
      if (this.#ws) this.connect()
    })
  }

  close(): void {
    const ws = this.#ws
    this.#ws = undefined
    ws?.close()
  }

  #take(frame: Buffer): void {
    this.#lastSeq = Number(frame.readBigUInt64BE(0))
    const bytes = frame.subarray(8)
    this.#pieces.push(bytes)
    this.length += bytes.length
  }
}

onEveryStore('A client of the original', (bench) => {
  it('[TM8] has every byte of a terminal once and in order, however often it is cut off', async () => {
    const seed = randomBytes(4).readUInt32BE()
    const random = seeded(seed)
    await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { chatSessionId } = await viewer.send('Go.')
    await drone.ask('terminal:opened', { terminalId: 't', chatSessionId, cols: 80, rows: 24 })
    const { url, keys } = bench().relay
    const client = new OriginalClient(`${url}/sessions/t/stream`, keys.watch, random)
    client.connect()
    try {
      const written: Buffer[] = []
      let offset = 0
      const say = async (bytes: Buffer) => {
        const answer = await drone.ask('terminal:data', { terminalId: 't', offset }, bytes)
        expect(answer.ok).to.equal(true)
        written.push(bytes)
        offset += bytes.length
      }
      while (client.cuts < CUTS) {
        await say(randomBytes(1 + Math.floor(random() * PIECE_BYTES)))
        await until('it follows', WITHIN_MS, () => offset - client.length < AHEAD_BYTES)
      }
      await until('it has everything', WITHIN_MS, () => client.length >= offset)
      expect(client.output.equals(Buffer.concat(written))).to.equal(true)
      expect([...client.types].toSorted()).to.deep.equal(['session-meta', 'state'])
    } catch (error) {
      throw new Error(`with the seed ${seed}, after ${client.cuts} cuts`, { cause: error })
    } finally {
      client.close()
    }
  })
})
