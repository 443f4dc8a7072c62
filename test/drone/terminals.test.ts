import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { AgentHost } from '../../src/drone/agent-host.ts'
import { OutputTail } from '../../src/drone/terminals/output-tail.ts'
import type { TerminalPolicy } from '../../src/drone/terminals/terminal-policy.ts'
import { RecordingLogger, SPAWN_MS } from './demo-host.ts'
import { RecordingWork } from './recording-work.ts'
import type { Said } from './recording-work.ts'
import { isAlive } from '../support/is-alive.ts'
import { until } from '../support/until.ts'
import type { TerminalWish } from '../support/terminal-agent.ts'

const AGENT = fileURLToPath(new URL('../support/terminal-agent.ts', import.meta.url))

interface Got {
  readonly exit?: { readonly exitCode?: number | null; readonly signal?: string | null }
  readonly output?: { readonly output: string; readonly truncated: boolean; readonly exitStatus?: object }
  readonly error?: string
}

describe('the terminals of an agent', function () {
  this.timeout(SPAWN_MS)
  let workspace: string
  let host: AgentHost
  const logger = new RecordingLogger()

  async function open(terminals?: TerminalPolicy): Promise<void> {
    host = new AgentHost({
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), AGENT],
      cwd: workspace,
      logger,
      ...(terminals ? { terminals } : {}),
    })
    await host.start()
  }

  async function run(wish: TerminalWish): Promise<{ got: Got; work: RecordingWork }> {
    const work = new RecordingWork({ prompt: JSON.stringify(wish) })
    await host.work(work)
    expect(work.end, work.end?.message).to.deep.include({ success: true })
    return { got: JSON.parse(work.answer) as Got, work }
  }

  before(async () => {
    workspace = await realpath(await mkdtemp(join(tmpdir(), 'terminals-')))
    await open()
  })
  after(async () => {
    await host.stop()
    await rm(workspace, { recursive: true, force: true })
  })

  it('[AG66] run a program in the workspace, and tell what it said and how it ended', async () => {
    const { got, work } = await run({ command: 'sh', args: ['-c', 'test -t 1 && tput cols; pwd; exit 3'] })
    expect(got.exit).to.deep.equal({ exitCode: 3, signal: null })
    expect(got.output).to.deep.equal({
      // A program sees a terminal of its own.
      output: `120\n${workspace}\n`,
      truncated: false,
      exitStatus: { exitCode: 3, signal: null },
    })
    const [result] = work.resultsOf(work.call('execute').callId).slice(-1)
    expect(result?.response).to.equal(`120\n${workspace}\n\n[exit code 3]`)
  })

  it('[AG66] take a whole line for the shell, and show what is said while it is said', async () => {
    const { got, work } = await run({
      command: 'echo one; sleep 0.5; echo two; sleep 1000',
      killAfter: 'two',
    })
    expect(got.exit).to.deep.equal({ exitCode: null, signal: 'SIGTERM' })
    const results = work.resultsOf(work.call('execute').callId).map(({ response }) => response)
    expect(results.find((text) => text !== '')).to.match(/^one\n?$/)
    // The shell that was asked for says how its own child has ended.
    expect(results.at(-1)).to.match(/^one\ntwo\n(Terminated\n)?\n\[SIGTERM\]$/)
  })

  it('[AG66] lose nothing of what comes at once, and keep no more than is asked for', async () => {
    const whole = await run({ command: 'seq', args: ['1', '20000'] })
    const lines = Array.from({ length: 20_000 }, (_, index) => String(index + 1))
    expect(whole.got.output?.output).to.equal(`${lines.join('\n')}\n`)
    const { got } = await run({ command: 'seq', args: ['1', '20000'], outputByteLimit: 1000 })
    expect(got.output).to.include({ truncated: true })
    expect(Buffer.byteLength(got.output?.output ?? '')).to.be.within(800, 1000)
    expect(got.output?.output.endsWith('19999\n20000\n')).to.equal(true)
  })

  it('[AG66] are refused outside the workspace, where there is no such program, and where they are not known', async () => {
    expect((await run({ command: 'pwd', cwd: '/' })).got.error).to.match(/no file or folder of the workspace/)
    for (const command of ['no-such-program-anywhere', './no-such-script'])
      expect((await run({ command })).got.error, command).to.match(/no-such-/)
    expect((await run({ command: 'pwd', unknown: true })).got.error).to.match(/not found/i)
  })

  it('[AG66] end with the agent, and are not there where the drone has none', async () => {
    const work = new RecordingWork({ prompt: JSON.stringify({ command: 'echo $$; sleep 1000' }) })
    const working = host.work(work)
    const pidOf = (said: Said): number => Number('result' in said ? said.result.response : 0)
    await work.until(() => work.said.some((said) => pidOf(said) > 0))
    const pid = Math.max(...work.said.map(pidOf))
    expect(isAlive(pid)).to.equal(true)
    await host.stop()
    await working
    await until('its program has ended', SPAWN_MS, () => !isAlive(pid))
    await open('none')
    expect((await run({ command: 'pwd' })).got.error).to.match(/method not found/i)
  })
})

describe('what a terminal has said', () => {
  const textOf = (text: string, most = 1000): string => {
    const tail = new OutputTail(most)
    for (const byte of Buffer.from(text)) tail.add(Buffer.from([byte]))
    return tail.text()
  }

  it('[AG66] is text: without colours, and with what is left of a line that is written over', () => {
    expect(textOf('\u001b[31mred\u001b[0m\r\n10 %\r20 %\rdone\r\nlast')).to.equal('red\ndone\nlast')
  })

  it('[AG66] begins with a whole character where it is cut', () => {
    for (const most of [1, 2, 3, 4, 5, 9, 10, 11])
      expect(
        textOf('😀é😀é😀é', most).isWellFormed() && !textOf('😀é😀é😀é', most).includes('\ufffd'),
        String(most),
      ).to.equal(true)
  })
})
