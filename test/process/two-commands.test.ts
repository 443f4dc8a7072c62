import { expect } from 'chai'
import { fileURLToPath } from 'node:url'
import { LineProcess } from '../support/lines.ts'
import { commandLine } from '../support/relay-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Entry {
  readonly kind: 'text' | 'call' | 'result'
  readonly mode?: string
  readonly text?: string
}

/** The words of a JSON `chat` or `watch`, joined mode by mode. */
function wordsOf(lines: readonly Record<string, unknown>[]): {
  thinking: string
  responding: string
  calls: number
} {
  const words = { thinking: '', responding: '', calls: 0 }
  for (const line of lines) {
    if (line['kind'] !== 'entry') continue
    const entry = line['entry'] as Entry
    if (entry.kind === 'call') words.calls += 1
    else if (entry.kind === 'text' && entry.mode === 'thinking') words.thinking += entry.text ?? ''
    else if (entry.kind === 'text') words.responding += entry.text ?? ''
  }
  return words
}

describe('npm start, and the commands that it prints', function () {
  this.timeout(60_000)
  let data: Awaited<ReturnType<typeof tempDir>>
  let processes: LineProcess[]

  beforeEach(async () => {
    data = await tempDir('start')
    processes = []
  })

  afterEach(async () => {
    await Promise.all(processes.map((process) => process.end('SIGTERM')))
    await data.remove()
  })

  function keep(process: LineProcess): LineProcess {
    processes.push(process)
    return process
  }

  it('[CL1] a person talks to the demo agent, and another sees the turn from its beginning', async () => {
    const env = { DATA_DIR: data.path, MONGODB_URI: '', PORT: '0', XDG_STATE_HOME: data.path }
    const start = keep(new LineProcess({ command: 'npm', args: ['start'], cwd: ROOT, env, isGroup: true }))
    const line = await start.until('the address', () =>
      start.lines.find((said) => said.includes('takes work at')),
    )
    const url = line.slice(line.indexOf('http')).trim()
    const peer = ['--url', url, '--data-dir', data.path, '--json']

    const chat = keep(commandLine(['chat', 'what is in this folder? long 1', ...peer]))
    await chat.until('an answer to have begun', () => wordsOf(chat.json()).responding.length > 100)
    const watch = keep(commandLine(['watch', '--until-end', ...peer]))
    // It proposes a change: the person says no, and it goes on.
    const asked = await watch.event({ kind: 'asked' })
    const [droneId, requestId] = [String(asked['droneId']), String(asked['requestId'])]
    keep(commandLine(['answer', droneId, requestId, 'no', ...peer]))

    expect(await chat.exited).to.deep.equal({ code: 0, signal: null })
    expect(await watch.exited).to.deep.equal({ code: 0, signal: null })
    const said = wordsOf(chat.json())
    expect(said.thinking).to.not.equal('')
    expect(said.calls).to.be.greaterThan(2)
    expect(said.responding).to.include('files in the workspace')
    expect(wordsOf(watch.json())).to.deep.equal(said)
  })

  it('[CL1] one SIGTERM to the relay alone ends it, and the drone that it started', async () => {
    const main = fileURLToPath(new URL('dist/bin/drone-relay.js', `file://${ROOT}/`))
    const env = { DATA_DIR: data.path, MONGODB_URI: '', PORT: '0', XDG_STATE_HOME: data.path }
    const serve = keep(
      new LineProcess({ command: process.execPath, args: [main, 'serve', '--demo-drone'], env }),
    )
    await serve.until('the drone', () => serve.errors.find((said) => said.includes('The drone is connected')))
    expect(await serve.end('SIGTERM')).to.deep.equal({ code: 143, signal: null })
    // The drone writes to the same standard error: `end` has waited for it to be closed by both.
    expect(serve.errors.join('\n')).to.include('The relay stops')
  })
})
