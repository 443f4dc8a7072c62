import { expect } from 'chai'
import type { LineProcess } from '../support/lines.ts'
import { RelayProcess, commandLine } from '../support/relay-process.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'

for (const { name, make } of STORES) {
  describe(`the reference drone, on the ${name} store`, function () {
    this.timeout(60_000)
    let store: TestStore
    let relay: RelayProcess
    let folder: Awaited<ReturnType<typeof tempDir>>
    let running: LineProcess[]

    beforeEach(async () => {
      store = await make()
      folder = await tempDir('workspace')
      running = []
      relay = await RelayProcess.start({ ...store.env, RETRY_FIRST_MS: '100' })
    })

    afterEach(async () => {
      await Promise.all(running.map((process) => process.end('SIGKILL')))
      await relay.stop()
      await store.remove()
      await folder.remove()
    })

    function run(args: readonly string[], key: string): LineProcess {
      const env = { RELAY_KEY: key, XDG_STATE_HOME: folder.path }
      const process = commandLine([...args, '--url', relay.url], env)
      running.push(process)
      return process
    }

    function drone(...args: string[]): LineProcess {
      return run(['drone', '--cwd', folder.path, '--json', ...args], relay.keys.drone)
    }

    function chat(...args: string[]): LineProcess {
      return run(['chat', '--json', ...args], relay.keys.code)
    }

    it('[RC2] is killed in the middle of a turn, started again, and the turn finishes as its next attempt', async () => {
      const first = drone('--permissions', 'allow-all')
      await first.until('the connection', () => first.errors.some((line) => line.includes('is connected')))
      const talking = chat('long 1')
      await talking.until('an answer to have begun', () =>
        talking.json().some(({ kind }) => kind === 'entry'),
      )
      await first.end('SIGKILL')
      drone('--permissions', 'allow-all')
      const started = await talking.event({ kind: 'started', attempt: 2 })
      expect((await talking.exited).code).to.equal(0)
      const turn = await relay.turn(String(started['turnId']))
      expect(turn.status).to.equal('finished')
      expect(turn.attempt).to.equal(2)
    })

    it('[CL8] tells in one line what is wrong with its agent or its key', async () => {
      const noAgent = drone('--agent', 'no-such-agent --acp')
      expect((await noAgent.exited).code).to.equal(2)
      expect(noAgent.errors.join('\n')).to.include('no-such-agent')
      const wrongKey = run(['drone', '--cwd', folder.path], relay.keys.code)
      expect((await wrongKey.exited).code).to.equal(1)
      expect(wrongKey.errors.join('\n')).to.include('forbidden')
    })

    it('[CL9] finishes what it says before it leaves, and its turn has an end', async () => {
      const worker = drone()
      await worker.until('the connection', () => worker.errors.some((line) => line.includes('is connected')))
      const talking = chat('slow long 50')
      await talking.until('an answer to have begun', () =>
        talking.json().some(({ kind }) => kind === 'entry'),
      )
      expect((await worker.end('SIGTERM')).code).to.equal(143)
      expect((await talking.exited).code).to.equal(1)
      const end = talking.json().findLast(({ kind }) => kind === 'status')
      expect(end).to.include({ status: 'failed', reason: 'The drone was stopped.' })
    })
  })
}
