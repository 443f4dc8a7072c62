import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { OPTIONS, flagOf, optionNames } from '../../src/config.ts'
import type { LineProcess } from '../support/lines.ts'
import { RelayProcess, commandLine } from '../support/relay-process.ts'
import { RawViewer } from '../support/raw-viewer.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A port on which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('serve', function () {
  this.timeout(60_000)
  let data: Awaited<ReturnType<typeof tempDir>>
  let running: LineProcess[]

  beforeEach(async () => {
    data = await tempDir('serve')
    running = []
  })

  afterEach(async () => {
    await Promise.all(running.map((process) => process.end('SIGKILL')))
    await data.remove()
  })

  function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): LineProcess {
    const process = commandLine(args, { DATA_DIR: data.path, PORT: '0', MONGODB_URI: '', ...env })
    running.push(process)
    return process
  }

  async function serve(): Promise<RelayProcess> {
    const relay = await RelayProcess.start({ DATA_DIR: data.path, MONGODB_URI: '' })
    running.push(relay.process)
    return relay
  }

  /** One clear line on standard error, no stack, and exit code 2. */
  async function expectRefusal(process: LineProcess, words: RegExp): Promise<void> {
    expect(await process.exited).to.deep.equal({ code: 2, signal: null })
    const said = process.errors.filter((line) => !line.startsWith('{'))
    expect(said).to.have.length(1)
    expect(said[0]).to.match(words)
  }

  it('[CL2] writes a key of each kind at the first start, for its starter alone', async () => {
    const { keys } = await serve()
    expect(keys.drone).to.match(/^dr_drone_/)
    expect(keys.code).to.match(/^dr_code_/)
    expect(keys.ops).to.match(/^dr_ops_/)
    expect((await stat(join(data.path, 'keys.json'))).mode & 0o777).to.equal(0o600)
    expect((await stat(data.path)).mode & 0o777).to.equal(0o700)
  })

  it('[CL3] a second one on the same data folder is refused', async () => {
    await serve()
    await expectRefusal(run(['serve']), /another/i)
  })

  it('[CL3] a data folder that is no folder is refused', async () => {
    const file = join(data.path, 'file')
    await writeFile(file, '')
    await expectRefusal(run(['serve', '--data-dir', file]), /file/)
  })

  it('[CL3] a taken port is refused', async () => {
    const { port } = await serve()
    const other = await tempDir('serve-other')
    await expectRefusal(run(['serve', '--port', String(port), '--data-dir', other.path]), /is taken/)
    await other.remove()
  })

  it('[CL3] a MongoDB address that is none is refused', async () => {
    await expectRefusal(run(['serve', '--mongodb-uri', 'http://nonsense']), /MONGODB_URI|mongodb/i)
  })

  it('[CL3] an option that is wrong is named with what it should be', async () => {
    await expectRefusal(run(['serve'], { GRACE_MS: 'soon' }), /GRACE_MS: .*number.*soon/)
  })

  it('[CL4] an unknown flag is a usage error', async () => {
    expect((await run(['serve', '--no-such']).exited).code).to.equal(2)
  })

  it('[CL4] and so is a value that cannot be meant', async () => {
    const agent = run(['demo-agent', '--tokens-per-second', 'many'])
    expect(await agent.exited).to.deep.equal({ code: 2, signal: null })
    expect(agent.errors.join('\n')).to.include('--tokens-per-second takes a number')
  })

  it('[CL4] --help lists every option as a flag and as a variable', async () => {
    const help = run(['serve', '--help'])
    expect((await help.exited).code).to.equal(0)
    const text = help.lines.join('\n')
    for (const name of optionNames()) {
      expect(text).to.include(flagOf(name))
      expect(text).to.include(OPTIONS[name].env)
    }
  })

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    it(`[CL5] ${signal} stops it cleanly, and it says so by its exit code`, async () => {
      const relay = await serve()
      expect(await relay.process.end(signal)).to.deep.equal({ code, signal: null })
    })
  }

  it('[CL6] while MongoDB is away it is alive and not ready, and says so', async () => {
    const port = String(await closedPort())
    const waiting = run([
      'serve',
      '--port',
      port,
      '--mongodb-uri',
      `mongodb://127.0.0.1:${await closedPort()}/relay`,
    ])
    await waiting.until('a line about the store', () =>
      waiting.errors.some((line) => line.includes('cannot begin yet')),
    )
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).to.equal(200)
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`)
    expect(ready.status).to.equal(503)
    expect(await ready.json()).to.include({ code: 'store_unavailable', retryable: true })
    expect((await waiting.end('SIGTERM')).code).to.equal(143)
  })

  it('[CL7] keys are made, listed and revoked with the operator key', async () => {
    const { url } = await serve()
    const peer = ['--url', url, '--data-dir', data.path, '--json']
    const made = run(['keys', 'create', 'code', 'bob', ...peer])
    const { keyId, key } = (await made.until('the key', () => made.json()[0])) as {
      keyId: string
      key: string
    }
    expect(key).to.match(/^dr_code_/)
    const revoke = run(['keys', 'revoke', keyId, ...peer])
    expect((await revoke.exited).code).to.equal(0)
    const list = run(['keys', 'list', ...peer])
    const { keys } = (await list.until('the keys', () => list.json()[0])) as {
      keys: Record<string, unknown>[]
    }
    expect(keys.find((listed) => listed['keyId'] === keyId))
      .to.include({ user: 'bob', kind: 'code' })
      .and.have.property('revokedAt')
    expect(JSON.stringify(keys)).to.not.include(key)
  })

  it('[CL12] a turn is stopped and tried again, and the fleet shown, from the command line', async () => {
    const { url, keys } = await serve()
    const peer = ['--url', url, '--data-dir', data.path, '--json']
    const answerOf = async (args: readonly string[]): Promise<Record<string, unknown>> => {
      const process = run([...args, ...peer])
      return process.until('an answer', () => process.json()[0])
    }
    const viewer = new RawViewer(url, { token: keys.code, protocol: 1 })
    try {
      await viewer.event('welcome')
      const { turnId } = await viewer.send()
      expect(await answerOf(['stop', turnId])).to.deep.equal({ turnId, status: 'aborted' })
      expect(await answerOf(['retry', turnId])).to.deep.equal({ turnId, attempt: 2 })
      expect((await viewer.status(turnId, 'recovering')).waitingFor).to.equal('drone')
      const unknown = run(['retry', 'unknown', ...peer])
      expect((await unknown.exited).code).to.equal(1)
      expect(unknown.errors.join()).to.match(/There is no turn unknown. \(not_found\)/)
      expect(await answerOf(['drones'])).to.deep.equal({ drones: [] })
    } finally {
      viewer.close()
    }
  })
})
