import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { Work } from '../../src/client/work.ts'
import { ItemQueue } from '../support/item-queue.ts'
import { ScriptedRelay } from '../support/scripted-relay.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const SOON_MS = 8000
/** Short enough for a test to sleep past it, and long enough for a busy machine to answer. */
const PING_MS = 1000

/** As a process that is stopped: nothing of it runs. */
function sleepOver(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

describe('a drone and a relay that is played by hand', () => {
  let relay: ScriptedRelay
  let client: DroneClient
  let works: ItemQueue<Work>
  let folder: Awaited<ReturnType<typeof tempDir>>
  let stateDir: string

  beforeEach(async () => {
    relay = await ScriptedRelay.start({ pingInterval: PING_MS, pingTimeout: PING_MS })
    folder = await tempDir('drone')
    stateDir = join(folder.path, 'state')
    works = new ItemQueue()
    client = new DroneClient({
      url: relay.url,
      token: 'key',
      registration: { name: 'digger', hostname: 'box', workspaceId: 'w' },
      stateDir,
      onWorkOrder: (work) => {
        works.push(work)
        return new Promise((resolve) => work.signal.addEventListener('abort', () => resolve()))
      },
    })
    await client.start()
    await relay.nth('heartbeat')
  })

  afterEach(async () => {
    await client.stop('the test is over', 100)
    await relay.stop()
    await folder.remove()
  })

  async function begin(): Promise<Work> {
    expect(await relay.give()).to.deep.equal({ ok: true })
    return works.next()
  }

  function listed(offset: number): void {
    relay.turns = [{ turnId: 't', attempt: 1, acknowledged: true, lanes: [{ lane: '', offset }] }]
  }

  it('[DC9] goes on speaking when the checkpoint that gave it room was lost with its connection', async () => {
    const work = await begin()
    const text = 'x'.repeat(relay.windowBytes + 1)
    let hasRoom = false
    const spoken = work.response(text).then(() => (hasRoom = true))
    await until('all is sent', SOON_MS, () => relay.all('response').length === 11)
    expect(hasRoom).to.equal(false)
    listed(text.length)
    await relay.reconnect()
    await spoken
  })

  it('[DC13] does not begin an attempt again that a relay had it give up', async () => {
    const work = await begin()
    await work.response('seen by somebody')
    await relay.nth('response')
    // A relay that does not know of the turn: frozen for a while, say, and replaced meanwhile.
    await relay.reconnect()
    await until('it is given up', SOON_MS, () => work.signal.aborted)
    const refused = await relay.give()
    expect(refused).to.deep.include({ ok: false })
    expect(refused.error).to.deep.include({ code: 'fenced', details: { sideEffects: false } })
    expect(client.turns).to.deep.equal([])
    expect(await relay.give({ attempt: 2 })).to.deep.equal({ ok: true })
    const next = await works.next()
    expect(next.order.attempt).to.equal(2)

    await next.toolCall({ callId: '1', name: 'edit', params: '', detail: { kind: 'edit' } })
    await relay.nth('toolCall')
    await relay.reconnect()
    await until('it is given up', SOON_MS, () => next.signal.aborted)
    const again = await relay.give({ attempt: 2 })
    expect(again.error).to.deep.include({ code: 'fenced', details: { sideEffects: true } })
  })

  it('[DC5] is patient with a relay that asks for the same again and again, and does not flood it', async () => {
    const work = await begin()
    await work.response('said once')
    await relay.nth('response')
    void work.complete(true)
    for (let n = 1; n <= 8; n++) {
      const { ack } = await relay.nth('workOrderComplete', n)
      relay.head('rewind', 0)
      ack({ ok: false, error: { code: 'gap', message: 'not all is here', retryable: true } })
    }
    const { args, ack } = await relay.nth('workOrderComplete', 9)
    expect(args[1], 'it is still a success').to.equal(true)
    expect(relay.all('response').map(({ args: [text] }) => text)).to.deep.equal(
      Array.from({ length: 9 }, () => 'said once'),
    )
    ack({ ok: true, status: 'finished' })
  })

  it('[DC5] is paced where everything that it sends is asked for again', async () => {
    const work = await begin()
    await work.response('said once')
    const from = performance.now()
    for (let n = 1; n <= 8; n++) {
      await relay.nth('response', n)
      relay.head('rewind', 0)
    }
    await relay.nth('response', 9)
    // The first is no repeat, three are sent at once, then it waits: half of 100, 200, 400 and 800 ms at least.
    expect(performance.now() - from).to.be.greaterThan(700)
  })

  it('[DC10] says an end again that is not taken, and lets go of one that never will be', async () => {
    const work = await begin()
    void work.complete(false, 'why '.repeat(1000))
    const first = await relay.nth('workOrderComplete')
    expect(String(first.args[2]).length, 'its reason fits into a packet').to.equal(1000)
    const from = performance.now()
    first.ack({
      ok: false,
      error: { code: 'store_unavailable', message: '', retryable: true, retryAfterMs: 500 },
    })
    const second = await relay.nth('workOrderComplete', 2)
    expect(performance.now() - from).to.be.greaterThan(450)
    second.ack({ ok: false, error: { code: 'invalid_payload', message: 'no', retryable: false } })
    await until('it is over', SOON_MS, () => client.turns.length === 0)
    expect(relay.all('workOrderComplete').length).to.equal(2)
  })

  it('[DC7] leaves out what belongs to a result and is too large for a packet', async () => {
    const work = await begin()
    await work.toolResult({
      callId: 'c',
      response: 'done',
      stats: 'x'.repeat(20_000),
      subagent: { name: 'a' },
    })
    const { args } = await relay.nth('toolResult')
    expect(args[2]).to.include({ truncated: true })
    expect(args[2]).to.deep.include({ subagent: { name: 'a' } })
    expect(args[2]).to.not.have.property('stats')
  })

  it('[DC8] says yes to an order that comes twice only when it is written down', async () => {
    await writeFile(stateDir, 'a file where the folder should be')
    const answers = await Promise.all([relay.give(), relay.give()])
    expect(answers.map(({ ok }) => ok)).to.deep.equal([false, false])
    expect(client.turns).to.deep.equal([])
  })

  it('[DC8] lives on where a file cannot be taken away', async () => {
    const work = await begin()
    const [file = ''] = await readdir(stateDir)
    await rm(join(stateDir, file))
    await mkdir(join(stateDir, file))
    const completing = work.complete(true)
    const { ack } = await relay.nth('workOrderComplete')
    ack({ ok: true, status: 'finished' })
    await completing
    await relay.give({ turnId: 't2' })
    expect((await works.next()).order.turnId).to.equal('t2')
  })

  it('[DC11] says again on a new connection what it said while there was none', async () => {
    const work = await begin()
    listed(0)
    work.usage({ input: 1, output: 2 })
    await relay.nth('usage')
    relay.socket.conn.close()
    await until('the drone has noticed', SOON_MS, () => !relay.socket.connected)
    client.agentSession('c', 'agent session')
    const said = await relay.nth('agentSession')
    expect(said.args[0]).to.deep.equal({ chatSessionId: 'c', agentSessionId: 'agent session' })
    said.ack({ ok: true })
    expect((await relay.nth('usage', 2)).args[0]).to.include({ turnId: 't', input: 1, output: 2 })
    await relay.reconnect()
    await relay.nth('usage', 3)
    expect(relay.all('agentSession').length, 'what is answered is not said again').to.equal(1)
  })

  it('[DC11] says nothing on a new connection before its welcome, also when its process was asleep', async () => {
    const work = await begin()
    listed(0)
    sleepOver(2 * PING_MS + 100)
    // The connection is dead by now, and nobody has noticed.
    client.status('said to nobody')
    await until('the drone is back', SOON_MS, () => relay.sockets.length === 2)
    await work.response('said to somebody')
    await relay.nth('response')
    expect(relay.all('status')).to.deep.equal([])
  })

  it('[DC12] has said everything before it is gone, and takes no order while it stops', async () => {
    const work = await begin()
    let isStopped = false
    await work.response('the last words')
    const stopping = client.stop('closed for today').then(() => (isStopped = true))
    const { ack } = await relay.nth('workOrderComplete')
    expect(await relay.give({ turnId: 't2' })).to.deep.include({ ok: false })
    expect(isStopped).to.equal(false)
    client.status('and good night')
    ack({ ok: true, status: 'failed' })
    await stopping
    expect(relay.all('status').length).to.equal(1)
    expect(await readdir(stateDir), 'nothing is left to ask about').to.deep.equal([])
  })

  it('[DC12] has said its last word, too, where it has no turn', async () => {
    client.status('good night')
    await client.stop()
    expect(relay.all('status').length).to.equal(1)
  })

  it('[DC12] answers that it leaves before it does', async () => {
    const leaves = relay.socket
      .timeout(SOON_MS)
      .emitWithAck('requestTermination', { mode: 'now', reason: 'x' })
    expect(await leaves).to.equal(true)
    await until('it is gone', SOON_MS, () => !relay.socket.connected)
  })
})
