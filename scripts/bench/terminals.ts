import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { CodeClient } from '../../src/client/code-client.ts'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { DroneTerminal } from '../../src/client/drone-terminal.ts'
import type { Terminal } from '../../src/client/terminal.ts'
import { definedOf } from '../../src/drone/terminals/environment.ts'
import { openSeenPty } from '../../src/drone/terminals/seen-pty.ts'
import { Histogram } from './histogram.ts'
import { anonymousBytes, mb, median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { TARGET_COLUMNS, against } from './reliability/ground.ts'
import type { Measured } from './reliability/ground.ts'
import { startServer } from './server-process.ts'
import { openStage } from './stage.ts'
import type { Stage } from './stage.ts'
import { steady } from './steady.ts'

const SIZE = { cols: 120, rows: 30 }
const ROUNDS = 3
/** Bytes of one write, and under way at a time: the same for both ways. */
const CHUNK = Buffer.alloc(32_768, 'All work and no play. ')
const UNDER_WAY = 4 * CHUNK.length
const ATTACHES = 300
const OPEN_TERMINALS = 1000
const RING_BYTES = 262_144
const SCREEN = 'x'.repeat(20_000)
const DRONES = 50
const RATE = 60

/** What a terminal costs: how much it carries beside a bare forwarder, what many hold in memory, and what `yes` does to turns. */
export async function terminals(options: BenchOptions): Promise<Measured> {
  const stage = await openStage(options)
  const peers = await openPeers(stage)
  try {
    const carried = await carry(options, peers)
    const attached = await attaches(peers)
    const held = await memory(stage, peers)
    const quiet = await tokens(options, stage)
    const beside = await tokensBesideYes(options, stage, peers)
    return {
      title: `terminals on ${options.store}`,
      columns: TARGET_COLUMNS,
      rows: [
        against('one terminal to one viewer', 'MB/s', mb(carried.relay)),
        against('the same through a bare ws forwarder', 'MB/s', mb(carried.forwarder)),
        against('the forwarder carries', 'x of that', carried.forwarder / carried.relay, 1 / 0.8),
        against('attaching, median', 'ms', attached.quantile(0.5), 10),
        against('attaching, p99', 'ms', attached.quantile(0.99)),
        against(`one of ${OPEN_TERMINALS}, beyond ring and snapshot`, 'KB', held / 1024, 50),
        against('tokens of 50 x 60, p99', 'ms', quiet),
        against('the same while yes runs, p99', 'ms', beside.p99),
        against('of what it was', 'x', beside.p99 / quiet, 1.5),
        against('what yes said meanwhile', 'MB/s', mb(beside.yes)),
        against('memory grown while yes ran', 'MB', mb(beside.grown)),
      ],
      wrong: [],
      raw: { carried, attached: attached.toJSON(), held, quiet, beside },
      ranAs: stage.relay.ranAs,
    }
  } finally {
    await peers.close()
    await stage.close()
  }
}

interface Peers {
  readonly drone: DroneClient
  readonly client: CodeClient
  readonly chatSessionId: string
  close(): Promise<void>
}

async function openPeers({ relay: { url, keys } }: Stage): Promise<Peers> {
  const stateDir = mkdtempSync(join(tmpdir(), 'drone-relay-bench-'))
  const drone = new DroneClient({
    url,
    token: keys.drone,
    registration: { name: 'terminals', hostname: 'bench', workspaceId: 'w', droneId: 'terminals' },
    stateDir,
    onWorkOrder: (work) => work.complete(true),
  })
  await drone.start()
  const client = new CodeClient({ url, token: keys.code })
  await client.start()
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const message = { messageId: randomUUID(), content: 'Go.', droneId: 'terminals' }
  const { view } = await client.send(message, (change) => {
    if (change.kind === 'status' && change.turn.status === 'finished') end()
  })
  await ended
  return {
    drone,
    client,
    chatSessionId: view.chatSessionId,
    close: async () => {
      client.close()
      await drone.stop('the bench is over', 1000)
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}

async function openTerminal({ drone, client, chatSessionId }: Peers) {
  const shown = drone.openTerminal({ ...SIZE, chatSessionId })
  for (;;) {
    const { terminalId } = shown
    // Who waits for nobody is told less where the program is faster.
    const terminal = await client.attachTerminal({ terminalId }, { waits: true }).catch(() => undefined)
    if (terminal) return { shown, terminal }
  }
}

/** Bytes a second, by turns. */
async function carry(options: BenchOptions, peers: Peers): Promise<{ relay: number; forwarder: number }> {
  const ms = (options.seconds * 1000) / ROUNDS
  const script = fileURLToPath(new URL('baseline-ws.ts', import.meta.url))
  const server = await startServer({
    name: 'a bare ws forwarder',
    script,
    nodeArgs: ['--import', import.meta.resolve('tsx')],
  })
  const { shown, terminal } = await openTerminal(peers)
  const rates = { relay: [] as number[], forwarder: [] as number[] }
  const watch = new Watch(terminal)
  for (let round = 0; round < ROUNDS; round++) {
    rates.forwarder.push(await forwarded(server.said['url'] ?? '', ms))
    rates.relay.push(await relayed(shown, watch, ms))
  }
  terminal.detach()
  shown.exited(0)
  await server.stop()
  return { relay: median(rates.relay), forwarder: median(rates.forwarder) }
}

/** Counts what comes of a terminal. */
class Watch {
  bytes = 0

  constructor(terminal: Terminal) {
    void this.#count(terminal)
  }

  async #count(terminal: Terminal): Promise<void> {
    for await (const piece of terminal) if (piece.kind === 'bytes') this.bytes += piece.bytes.length
  }
}

async function relayed(shown: DroneTerminal, watch: Watch, ms: number): Promise<number> {
  const [from, beganAt] = [watch.bytes, performance.now()]
  while (performance.now() - beganAt < ms) await shown.write(CHUNK)
  return ((watch.bytes - from) * 1000) / (performance.now() - beganAt)
}

async function forwarded(url: string, ms: number): Promise<number> {
  const room = randomUUID()
  const open = async (part: string): Promise<WebSocket> => {
    const socket = new WebSocket(`${url}/${part}/${room}`, { perMessageDeflate: false })
    await once(socket, 'message')
    return socket
  }
  const [watcher, sender] = [await open('watch'), await open('send')]
  let [sent, heard] = [0, 0]
  let end: () => void = () => undefined
  const over = new Promise<void>((resolve) => (end = resolve))
  const beganAt = performance.now()
  const more = (): void => {
    if (performance.now() - beganAt > ms) return end()
    for (; sent - heard < UNDER_WAY; sent += CHUNK.length) sender.send(CHUNK)
  }
  watcher.on('message', (bytes: Buffer) => {
    heard += bytes.length
    more()
  })
  more()
  await over
  const rate = (heard * 1000) / (performance.now() - beganAt)
  sender.close()
  watcher.close()
  return rate
}

async function attaches(peers: Peers): Promise<Histogram> {
  const { shown, terminal } = await openTerminal(peers)
  terminal.detach()
  for (let written = 0; written < RING_BYTES; written += CHUNK.length) await shown.write(CHUNK)
  const took = new Histogram()
  for (let index = 0; index < ATTACHES; index++) {
    const beganAt = performance.now()
    const attached = await peers.client.attachTerminal({ terminalId: shown.terminalId })
    for await (const piece of attached) if (piece.offset >= 0) break
    took.record(performance.now() - beganAt)
  }
  shown.exited(0)
  return took
}

/** Bytes of one terminal whose ring is full, beyond its ring and its snapshot. */
async function memory({ relay: { server } }: Stage, { drone, chatSessionId }: Peers): Promise<number> {
  const bytes = async (): Promise<number> => {
    await server.usage({ gc: true })
    return anonymousBytes(server.pid) ?? Number.NaN
  }
  const before = await bytes()
  const opened: DroneTerminal[] = []
  for (let index = 0; index < OPEN_TERMINALS; index++) {
    let offset = 0
    const draw = () => Promise.resolve({ ...SIZE, offset, screen: SCREEN })
    const shown = drone.openTerminal({ ...SIZE, chatSessionId, draw })
    opened.push(shown)
    for (; offset < 1.5 * RING_BYTES; offset += CHUNK.length) await shown.write(CHUNK)
  }
  const after = await bytes()
  for (const shown of opened) shown.exited(0)
  return (after - before) / OPEN_TERMINALS - RING_BYTES - SCREEN.length
}

async function tokens(options: BenchOptions, stage: Stage): Promise<number> {
  const load = { ...options, drones: DRONES, rate: RATE, viewers: 1, rounds: 1, baselines: false }
  const [relay] = await steady(load, stage)
  const [round] = relay?.rounds ?? []
  if (!round) throw new Error('nothing was measured')
  if (round.report.wrong.length > 0) throw new Error(round.report.wrong.join('\n'))
  return new Histogram(round.report.took).quantile(0.99)
}

/** A real `yes` in a terminal of a drone, watched by somebody who takes all of it. */
async function tokensBesideYes(options: BenchOptions, stage: Stage, peers: Peers) {
  const { drone, client, chatSessionId } = peers
  const env = definedOf(process.env)
  const seen = await openSeenPty(
    { command: 'yes', args: [], cwd: '/', env, ...SIZE },
    { chatSessionId, title: 'yes', isTheirs: true, show: (shown) => drone.openTerminal(shown) },
    { onBytes: () => undefined, onExit: () => undefined },
  )
  let terminal: Terminal | undefined
  while (!terminal) {
    const { terminalId } = seen.terminal
    terminal = await client.attachTerminal({ terminalId }).catch(() => undefined)
  }
  const watch = new Watch(terminal)
  const { server } = stage.relay
  const heldBefore = anonymousBytes(server.pid) ?? Number.NaN
  const beganAt = performance.now()
  const p99 = await tokens(options, stage)
  const yes = (watch.bytes * 1000) / (performance.now() - beganAt)
  const grown = (anonymousBytes(server.pid) ?? Number.NaN) - heldBefore
  seen.pty.kill('SIGKILL')
  return { p99, yes, grown }
}
