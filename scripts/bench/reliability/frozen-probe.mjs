// Loaded into the relay by `--import` for the scenario of frozen viewers: counts what each connection has been given and
// has not taken, as the relay itself does, and when that went past the bound. Plain JavaScript, as the usage probe is.
import { createRequire } from 'node:module'

const { Socket } = createRequire(new URL('../../../package.json', import.meta.url))('engine.io')
const capBytes = Number(process.env.BENCH_CAP_BYTES)
const moment = () => performance.timeOrigin + performance.now()
const conns = []

const { onOpen } = Socket.prototype
Socket.prototype.onOpen = function () {
  const conn = { openedAt: moment(), maxBytes: 0 }
  conns.push(conn)
  let queued = 0
  let sending = 0
  this.on('packetCreate', ({ data, options }) => {
    queued += options?.wsPreEncodedFrame?.[1].length ?? data?.length ?? 0
    conn.maxBytes = Math.max(conn.maxBytes, queued + sending)
    if (queued + sending > capBytes) conn.cappedAt ??= moment()
  })
  this.on('flush', () => {
    sending += queued
    queued = 0
  })
  this.transport.on('drain', () => {
    sending = 0
    // Not frozen after all: it has taken what it had.
    if (queued === 0) conn.cappedAt = undefined
  })
  this.on('close', () => (conn.closedAt = moment()))
  return onOpen.call(this)
}

globalThis.benchExtra = () => ({ conns })
