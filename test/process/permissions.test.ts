import { expect } from 'chai'
import { spawn } from 'node:child_process'
import type { LineProcess } from '../support/lines.ts'
import { MAIN, RelayProcess, commandLine } from '../support/relay-process.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'

const PROMPT = 'ask before you look for penguins'

for (const { name, make } of STORES) {
  describe(`what an agent asks, on the command line and the ${name} store`, function () {
    this.timeout(60_000)
    let store: TestStore
    let relay: RelayProcess
    let folder: Awaited<ReturnType<typeof tempDir>>
    let running: LineProcess[]

    beforeEach(async () => {
      store = await make()
      folder = await tempDir('workspace')
      running = []
      relay = await RelayProcess.start(store.env)
      const drone = run(['drone', '--cwd', folder.path, '--json'], relay.keys.drone)
      await drone.until('the connection', () => drone.errors.some((line) => line.includes('is connected')))
    })

    afterEach(async () => {
      await Promise.all(running.map((process) => process.end('SIGKILL')))
      await relay.stop()
      await store.remove()
      await folder.remove()
    })

    function run(args: readonly string[], key: string): LineProcess {
      const process = commandLine([...args, '--url', relay.url], {
        RELAY_KEY: key,
        XDG_STATE_HOME: folder.path,
      })
      running.push(process)
      return process
    }

    it('[CL13] is shown, waits, and is answered by another command, once', async () => {
      const chat = run(['chat', PROMPT, '--json'], relay.keys.code)
      const answered = new Set<string>()
      const isNew = (line: Record<string, unknown>): boolean =>
        line['kind'] === 'asked' && !answered.has(String(line['requestId']))
      for (let ended = false; !ended;) {
        const next = await chat.until('a question, or the end', () => {
          const lines = chat.json()
          return (
            lines.find(isNew) ?? lines.find(({ kind, status }) => kind === 'status' && status === 'finished')
          )
        })
        ended = next['kind'] !== 'asked'
        if (ended) break
        const [droneId, requestId] = [String(next['droneId']), String(next['requestId'])]
        answered.add(requestId)
        const answer = run(['answer', droneId, requestId, 'once', '--json'], relay.keys.code)
        expect(await answer.exited).to.deep.equal({ code: 0, signal: null })
        expect(answer.json()).to.deep.equal([{ optionId: 'once', by: 'local' }])
        const late = run(['answer', droneId, requestId, 'no'], relay.keys.code)
        expect((await late.exited).code).to.equal(0)
        expect(late.lines).to.deep.equal(['local chose once.'])
      }
      expect((await chat.exited).code).to.equal(0)
      expect(answered.size).to.be.greaterThan(0)
      const turn = await relay.turn(String(chat.json().find((line) => 'turnId' in line)?.['turnId']))
      expect(turn.permissions?.map(({ answer }) => answer?.optionId)).to.deep.equal(
        [...answered].map(() => 'once'),
      )
    })

    it('[CL13] is nothing that can be answered otherwise than it may be', async () => {
      const chat = run(['chat', PROMPT, '--json'], relay.keys.code)
      const asked = await chat.until('a question', () => chat.json().find(({ kind }) => kind === 'asked'))
      const wrong = run(
        ['answer', String(asked['droneId']), String(asked['requestId']), 'maybe'],
        relay.keys.code,
      )
      expect((await wrong.exited).code).to.equal(1)
      expect(wrong.errors.join('\n')).to.match(/has no option maybe\. \(invalid_payload\)/)
      const unknown = run(['answer', 'nobody', 'nothing', 'once'], relay.keys.code)
      expect((await unknown.exited).code).to.equal(1)
      expect(unknown.errors.join('\n')).to.match(/not_found/)
    })

    it('[CL13] is asked of the person at a terminal, who types a number', async function () {
      if (process.platform !== 'linux') this.skip()
      const words = [process.execPath, MAIN, 'chat', PROMPT, '--url', relay.url]
      const command = words.map((word) => `'${word}'`).join(' ')
      const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
        env: { ...process.env, RELAY_KEY: relay.keys.code },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      let shown = ''
      let asked = 0
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text
        const prompts = shown.split('your choice').length - 1
        // The first is no number of an option, and is asked for again.
        for (; asked < prompts; asked++) terminal.stdin.write(asked === 0 ? '9\n' : '1\n')
      })
      const code = await new Promise((resolve) => terminal.once('close', resolve))
      expect(code).to.equal(0)
      expect(asked).to.be.greaterThan(1)
      expect(shown).to.match(/\? Read .*\r?\n\s+1\) Allow once/)
      expect(shown).to.include('local chose Allow once')
    })
  })
}
