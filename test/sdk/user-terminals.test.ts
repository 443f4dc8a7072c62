import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import type { Terminal } from '../../src/client/terminal.ts'
import { Screen } from '../../src/drone/terminals/screen.ts'
import { TmuxTerminals } from '../../src/drone/terminals/tmux-terminals.ts'
import { UserTerminals } from '../../src/drone/terminals/user-terminals.ts'
import type { DroneClient } from '../../src/client/drone-client.ts'
import { RecordingLogger } from '../drone/demo-host.ts'
import { hasProgram } from '../support/real-parts.ts'
import { SdkStage } from '../support/sdk-stage.ts'
import { STORES } from '../support/stores.ts'
import { until } from '../support/until.ts'

const SIZE = { cols: 80, rows: 24 }
/** A tmux of its own. */
const SERVER = `drone-relay-test-${process.pid}`

/** An emulator that shows a terminal, and what it was told. */
class Shown {
  readonly terminal: Terminal
  screen = new Screen(SIZE)
  text = ''
  snapshots = 0
  exitCode: number | null | undefined
  readonly over: Promise<void>

  constructor(terminal: Terminal) {
    this.terminal = terminal
    this.over = this.#follow()
  }

  /** What a person sees. */
  async looks(): Promise<string> {
    return (await this.screen.draw()).screen
  }

  async #follow(): Promise<void> {
    for await (const piece of this.terminal) {
      if (piece.kind === 'bytes') {
        this.text += Buffer.from(piece.bytes).toString('latin1')
        await this.screen.write(piece.bytes)
      } else if (piece.kind === 'resized') this.screen.resize(piece.cols, piece.rows)
      else if (piece.kind === 'exited') this.exitCode = piece.exitCode
      else {
        this.snapshots += 1
        this.screen = new Screen({ cols: piece.cols, rows: piece.rows })
        await this.screen.write(Buffer.from(piece.screen))
      }
    }
  }
}

describe('the terminals that people open at a drone', function () {
  this.timeout(30_000)
  let stage: SdkStage
  let terminals: UserTerminals | undefined

  beforeEach(async () => {
    const [first] = STORES
    if (!first) throw new Error('no store')
    // So small that snapshots are drawn all the time.
    stage = await SdkStage.open(first.make, { terminalRingBytes: '8192' })
  })
  after(() => spawnSync('tmux', ['-L', SERVER, 'kill-server'], { stdio: 'ignore' }))
  afterEach(async () => {
    terminals?.close()
    await stage.close()
  })

  async function atWork() {
    const env = { ...process.env, SHELL: '/bin/sh', ENV: '', PS1: '$ ', TERM: 'xterm-256color' }
    const show: DroneClient['openTerminal'] = (shown) => drone.openTerminal(shown)
    const opens = new UserTerminals({ workspace: '/', env, show })
    terminals = opens
    const drone = await stage.drone({ onTerminal: (request) => opens.open(request) })
    const viewer = await stage.viewer()
    const { view } = await viewer.client.send({ messageId: 'm', content: 'Go.' }, viewer.see)
    await stage.works.next()
    const open = async (command?: string): Promise<Shown> => {
      const { chatSessionId } = view
      const asked = { chatSessionId, ...SIZE, ...(command === undefined ? {} : { command }) }
      return attach((await viewer.client.openTerminal(asked)).terminalId)
    }
    const attach = async (terminalId: string, { client } = viewer): Promise<Shown> =>
      new Shown(await client.attachTerminal({ terminalId }))
    return { open, attach }
  }

  it('[AG67] are shells that are typed into, sized and closed', async () => {
    const { open } = await atWork()
    const shell = await open()
    await until('a prompt', 10_000, () => shell.text.includes('$ '))
    await shell.terminal.write('echo $((6 * 7)); pwd\r')
    await until('the answer', 10_000, () => /42\r\n\/\r\n/.test(shell.text))
    await shell.terminal.resize(100, 30)
    await until('the size', 10_000, () => shell.terminal.size?.cols === 100)
    await shell.terminal.write('stty size\r')
    await until('the size there', 10_000, () => shell.text.includes('\n30 100'))
    await shell.terminal.write('exit 7\r')
    await shell.over
    expect(shell.exitCode).to.equal(7)
    const other = await open('sleep 60')
    await other.terminal.kill()
    await other.over
    expect(other.exitCode).to.equal(null)
  })

  it('[AG67] are told to the last byte, as fast as a program writes', async () => {
    const { open } = await atWork()
    const shown = await open('seq 1 60000')
    await shown.over
    const whole = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\r\n`).join('')
    // A late start may begin with a snapshot.
    expect(whole.endsWith(shown.text)).to.equal(true)
    expect(shown.exitCode).to.equal(0)
  })

  for (const [program, typed] of [
    ['less -R /etc/services', [' ', ' ', 'k', '/tcp\r', 'n', 'G']],
    ['vim -n -u NONE -N /etc/services', ['20jzt', 'dd', 'yyp', ':set nu\r', '\u0004', '\u0004']],
    [`tmux -L ${SERVER} -f /dev/null new-session "less /etc/services"`, [' ', 'jjj', '/udp\r']],
  ] as const) {
    const [name] = program.split(' ', 1)
    if (name === undefined || !hasProgram(name)) continue
    it(`[AG67] show who comes late the screen of \`${name}\` as it is`, async () => {
      const { open, attach } = await atWork()
      const first = await open(program)
      await until('it draws', 10_000, () => first.text.includes('tcp'))
      for (const keys of typed) {
        const before = first.text.length
        await first.terminal.write(keys)
        await until(`something after ${JSON.stringify(keys)}`, 10_000, () => first.text.length > before)
      }
      const late = await attach(first.terminal.terminalId, await stage.viewer())
      await first.terminal.resize(90, 20)
      await first.terminal.write('k')
      await until('both show the same', 15_000, async () => {
        const [one, other] = [await first.looks(), await late.looks()]
        return late.snapshots === 1 && late.text.length > 0 && one === other
      })
      await first.terminal.kill()
      await Promise.all([first.over, late.over])
    })
  }

  if (hasProgram('tmux'))
    it('[AG68] are a tmux session that was there, too, which outlives the drone', async () => {
      const tmux = (...args: string[]) => spawnSync('tmux', ['-L', SERVER, '-f', '/dev/null', ...args])
      tmux('new-session', '-d', '-s', 'mine', '-x', '120', '-y', '30', 'exec env -u ENV PS1="here $ " sh')
      const drone = await stage.drone()
      const opened: string[] = []
      const viewer = await stage.viewer({ onTerminal: ({ terminalId }) => opened.push(terminalId) })
      const { view } = await viewer.client.send({ messageId: 'm', content: 'Go.' }, viewer.see)
      await stage.works.next()
      const shown = new TmuxTerminals({
        session: 'mine',
        flags: ['-L', SERVER],
        env: process.env,
        show: (terminal) => drone.openTerminal(terminal),
        isTheirs: true,
        logger: new RecordingLogger(),
      })
      await shown.worksFor(view.chatSessionId)
      await shown.worksFor(view.chatSessionId)
      await until('it is there', 10_000, () => opened.length === 1)
      const seen = new Shown(await viewer.client.attachTerminal({ terminalId: opened[0] ?? '' }))
      await until('what it showed before', 10_000, () => seen.text.includes('here $'))
      await seen.terminal.write('echo $((6 * 7))\r')
      await until('what it is told', 10_000, () => seen.text.includes('42'))
      shown.close()
      await seen.over
      expect(seen.exitCode).to.equal(0)
      expect(tmux('has-session', '-t', '=mine').status).to.equal(0)
    })
})
