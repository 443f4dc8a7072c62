import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { FaultProxy } from '../../scripts/chaos/fault-proxy.ts'
import { CodeClient } from '../../src/client/code-client.ts'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { DroneTerminal, ShownTerminal } from '../../src/client/drone-terminal.ts'
import { MAIN, RelayProcess, commandLine } from '../support/relay-process.ts'
import { STORES } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const WITHIN_MS = 30_000
const CTRL_C = '\u0003'
const DETACH = '\u001d'
/** A program that draws: the alternate screen, no cursor, pastes and the mouse reported, in red. */
const DRAWS = '\u001b[?1049h\u001b[?25l\u001b[?2004h\u001b[?1003h\u001b[?1006h\u001b[31m'

/** A program of a drone that says back what is typed, and takes every size. */
class Echo {
  readonly terminal: DroneTerminal
  typed = ''
  readonly sizes: string[] = []
  isStuck = false

  constructor(drone: DroneClient, shown: Partial<ShownTerminal> & { readonly chatSessionId: string }) {
    this.terminal = drone.openTerminal({
      cols: 80,
      rows: 24,
      onInput: (bytes) => {
        this.typed += Buffer.from(bytes).toString()
        if (this.isStuck) throw new Error('It is stuck.')
        return this.say(bytes)
      },
      onResize: ({ cols, rows }) => {
        this.sizes.push(`${cols}x${rows}`)
        this.terminal.resized({ cols, rows })
      },
      ...shown,
    })
  }

  say(words: Uint8Array | string): Promise<void> {
    return this.terminal.write(Buffer.from(words))
  }
}

/** `attach` in a process of its own, and all that it shows. */
class Attached {
  readonly child: ChildProcessWithoutNullStreams
  readonly exited: Promise<number>
  bytes = Buffer.alloc(0)
  said = ''

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env: { ...process.env, ...env } })
    this.child.stdout.on('data', (bytes: Buffer) => (this.bytes = Buffer.concat([this.bytes, bytes])))
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.said += text))
    this.exited = once(this.child, 'close').then(([code]) => code as number)
  }

  get shown(): string {
    return this.bytes.toString()
  }

  async shows(text: string): Promise<void> {
    await until(`it shows ${JSON.stringify(text)}`, WITHIN_MS, () => this.shown.includes(text))
  }

  type(text: string): void {
    this.child.stdin.write(text)
  }
}

/** What differs after all of it from a terminal that nobody wrote to: the private modes by number, and the colours. */
function leftOver(shown: string): string[] {
  const isOn = new Map([
    ['7', true],
    ['25', true],
  ])
  for (const [, mode = '', how] of shown.split('\u001b[?').map((text) => /^(\d+)([hl])/.exec(text) ?? []))
    isOn.set(mode, how === 'h')
  const modes = [...isOn].filter(([mode, on]) => on !== (mode === '7' || mode === '25')).map(([mode]) => mode)
  return [...modes, ...(shown.lastIndexOf('\u001b[31m') > shown.lastIndexOf('\u001b[0m') ? ['red'] : [])]
}

describe('a terminal of a drone, on the command line', function () {
  this.timeout(60_000)
  let relay: RelayProcess
  let way: FaultProxy
  let isWayOpen = true
  let drone: DroneClient
  let client: CodeClient
  let chatSessionId: string
  let folder: Awaited<ReturnType<typeof tempDir>>
  let running: Attached[]
  const closing: (() => unknown)[] = []

  before(async () => {
    const [store] = STORES
    if (!store) throw new Error('no store')
    const made = await store.make()
    closing.push(() => made.remove())
    folder = await tempDir('attach')
    closing.push(folder.remove)
    relay = await RelayProcess.start(made.env)
    closing.push(() => relay.stop())
    // Nobody listens on port 1.
    way = await FaultProxy.open(() => (isWayOpen ? relay.port : 1))
    closing.push(() => way.close())
    drone = await connected('d')
    client = new CodeClient({ url: relay.url, token: relay.keys.code })
    closing.push(() => client.close())
    await client.start()
    const sent = await client.send({ messageId: 'm', content: 'Go.', droneId: 'd' }, () => undefined)
    chatSessionId = sent.view.chatSessionId
  })
  after(async () => {
    for (const close of closing.toReversed()) await close()
  })
  beforeEach(() => (running = []))
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL')
    await Promise.all(running.map(({ exited }) => exited))
  })

  async function connected(droneId: string): Promise<DroneClient> {
    const state = await tempDir('drone-state')
    const joined = new DroneClient({
      url: `http://127.0.0.1:${way.port}`,
      token: relay.keys.drone,
      registration: { name: droneId, hostname: 'box', workspaceId: droneId, droneId },
      stateDir: state.path,
      onWorkOrder: ({ signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      onTerminal: ({ command, cols, rows, chatSessionId }) => {
        const { terminal } = new Echo(joined, { chatSessionId, cols, rows })
        void terminal.write(Buffer.from(`${command} in ${cols}x${rows}`)).then(() => terminal.exited(4))
        return terminal
      },
    })
    closing.push(state.remove, () => joined.stop('the test is over', 100))
    await joined.start()
    return joined
  }

  /** A program that has said "ready", when the relay knows of it. */
  async function program(shown: Partial<ShownTerminal> = {}, by = drone): Promise<Echo> {
    const echo = new Echo(by, { chatSessionId, ...shown })
    await echo.say('ready')
    const { terminalId } = echo.terminal
    await until('the relay knows it', WITHIN_MS, async () => {
      const seen = await client
        .attachTerminal({ terminalId, droneId: by === drone ? 'd' : 'other' })
        .catch(() => 0)
      if (typeof seen === 'object') seen.detach()
      return seen !== 0
    })
    return echo
  }

  async function keys(...args: string[]): Promise<Record<string, string>> {
    const made = commandLine(['keys', ...args, '--json', '--url', relay.url], { RELAY_KEY: relay.keys.ops })
    await made.exited
    return made.json()[0] as Record<string, string>
  }

  function run(command: string, args: readonly string[], key: string): Attached {
    const attached = new Attached(command, args, { RELAY_KEY: key, SHELL: '/bin/sh' })
    running.push(attached)
    return attached
  }

  function onPipes(args: readonly string[], key = relay.keys.code): Attached {
    return run(process.execPath, [MAIN, 'attach', ...args, '--url', relay.url], key)
  }

  /** In a terminal of its own; `file` is what it leaves in the test's folder. */
  function atTerminal(args: readonly string[], key = relay.keys.code) {
    const name = join(folder.path, randomBytes(4).toString('hex'))
    const words = [process.execPath, MAIN, 'attach', ...args, '--url', relay.url]
    const quoted = words.map((word) => `'${word}'`).join(' ')
    const shell = [
      `stty cols 97 rows 31; tty >${name}.tty; stty -g >${name}.before`,
      `sh -c 'echo $$ >${name}.pid; exec "$@"' sh ${quoted} 2>${name}.said`,
      `code=$?; stty -g >${name}.after; exit $code`,
    ]
    const attached = run('script', ['-qefc', shell.join('\n'), '/dev/null'], key)
    const file = async (kind: string): Promise<string> => (await readFile(`${name}.${kind}`, 'utf8')).trim()
    return { attached, file }
  }

  /** Its terminal is as it was, and nothing has been shown after that. */
  async function expectRestored({ attached, file }: ReturnType<typeof atTerminal>): Promise<void> {
    expect(await file('after')).to.equal(await file('before'))
    expect(leftOver(attached.shown)).to.deep.equal([])
    expect(attached.shown.endsWith('\u001b[0m')).to.equal(true)
  }

  it('[CL16] is every byte on a pipe, until its program ends: with the exit code of that', async () => {
    const echo = await program()
    const attached = onPipes([echo.terminal.terminalId])
    await attached.shows('ready')
    const bytes = randomBytes(200_000)
    attached.type('nothing of this is typed')
    await echo.say(bytes)
    echo.terminal.exited(7)
    expect(await attached.exited).to.equal(7)
    expect(attached.bytes.equals(Buffer.concat([Buffer.from('ready'), bytes]))).to.equal(true)
    expect([echo.typed, echo.sizes]).to.deep.equal(['', []])
    expect(attached.said).to.match(/^\(terminal .* of drone d; .*Ctrl-C leaves\)\n\(.* exit code 7\)\n$/)
  })

  for (const exitCode of [null, 300])
    it(`[CL16] ends with 1 where the exit code is ${exitCode}, and a snapshot clears the screen`, async () => {
      const screen = 'drawn'
      const draw = () => Promise.resolve({ offset: 5, cols: 80, rows: 24, screen })
      const echo = await program({ draw })
      const seen = await client.attachTerminal({ terminalId: echo.terminal.terminalId })
      echo.terminal.exited(exitCode)
      for await (const { kind } of seen) if (kind === 'exited') break
      const attached = onPipes([echo.terminal.terminalId])
      expect(await attached.exited).to.equal(1)
      expect(attached.shown).to.match(/\[H.\[2Jdrawn$/)
    })

  it('[CL16] is left when nobody takes what it shows', async () => {
    const echo = await program()
    const attached = onPipes([echo.terminal.terminalId])
    await attached.shows('ready')
    attached.child.stdout.destroy()
    await echo.say('more')
    expect(await attached.exited).to.equal(1)
    expect(attached.said).to.match(/nobody takes what it shows; its program goes on\)\n$/)
  })

  describe('at a terminal', () => {
    before(function () {
      if (process.platform !== 'linux') this.skip()
    })

    it('[CL16] types once and in order, has the size of the window, and is left by a key', async () => {
      const echo = await program()
      const at = atTerminal([echo.terminal.terminalId])
      await at.attached.shows('ready')
      await until('the size arrives', WITHIN_MS, () => echo.sizes.includes('97x31'))
      const typed = Array.from({ length: 400 }, (_, index) => `${index}${'-'.repeat(index % 7)}`)
      for (const word of typed) at.attached.type(word)
      await at.attached.shows(typed.join(''))
      const device = await at.file('tty')
      await once(spawn('stty', ['-F', device, 'cols', '120']), 'close')
      await until('the new size arrives', WITHIN_MS, () => echo.sizes.length > 1)
      await echo.say(`${DRAWS}\none\ntwo`)
      await at.attached.shows('\none\ntwo')
      at.attached.type(`${CTRL_C}bye${DETACH}not this`)
      expect(await at.attached.exited).to.equal(0)
      await until('what was typed last', WITHIN_MS, () => echo.typed.endsWith('bye'))
      expect(echo.typed).to.equal(`${typed.join('')}${CTRL_C}bye`)
      expect(echo.sizes).to.deep.equal(['97x31', '120x31'])
      expect(await at.file('said')).to.match(/; Ctrl-\] detaches\)[^]*\(detached; its program goes on\)$/)
      await expectRestored(at)
      await echo.say('it goes on')
    })

    for (const [what, keys] of [
      ['as kitty has it', '\u001b[93;5u'],
      ['as xterm has it in full', '\u001b[27;5;93~'],
      ['as somebody wants it', '\u0018'],
    ] as const)
      it(`[CL16] is left by the key ${what}`, async () => {
        const echo = await program()
        const more = keys === '\u0018' ? ['--detach-key', 'ctrl-x'] : []
        const at = atTerminal([echo.terminal.terminalId, ...more])
        await at.attached.shows('ready')
        at.attached.type('\u001b[93;5:3u\u001b[A')
        await until('other keys are typed', WITHIN_MS, () => echo.typed === '\u001b[93;5:3u\u001b[A')
        at.attached.type(keys)
        expect(await at.attached.exited).to.equal(0)
      })

    it('[CL16] ends as its program does', async () => {
      const echo = await program()
      const at = atTerminal([echo.terminal.terminalId])
      await at.attached.shows('ready')
      await echo.say(DRAWS)
      echo.terminal.exited(3)
      expect(await at.attached.exited).to.equal(3)
      await expectRestored(at)
    })

    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGHUP', 129],
    ] as const)
      it(`[CL16] leaves the terminal as it was on ${signal}`, async () => {
        const echo = await program()
        const at = atTerminal([echo.terminal.terminalId])
        await echo.say(DRAWS)
        await at.attached.shows('\u001b[31m')
        process.kill(Number(await at.file('pid')), signal)
        expect(await at.attached.exited).to.equal(code)
        await expectRestored(at)
      })

    it('[CL16] leaves the terminal as it was, and says why, when its key is revoked', async () => {
      const echo = await program()
      const made = await keys('create', 'code', 'local')
      const at = atTerminal([echo.terminal.terminalId], made['key'])
      await echo.say(DRAWS)
      await at.attached.shows('\u001b[31m')
      await keys('revoke', made['keyId'] ?? '')
      expect(await at.attached.exited).to.equal(1)
      await expectRestored(at)
      expect(await at.file('said')).to.match(/\ndrone-relay: [^\n]+ \(unauthorized\)$/)
    })

    for (const who of ['with --watch', 'by a key for watching', 'where it takes nothing'])
      it(`[CL16] is only shown ${who}`, async () => {
        const echo = await program(who === 'where it takes nothing' ? { readOnly: true } : {})
        const { key } = who === 'by a key for watching' ? await keys('create', 'watch', 'local') : {}
        const more = who === 'with --watch' ? ['--watch'] : []
        const at = atTerminal([echo.terminal.terminalId, ...more], key)
        await at.attached.shows('ready')
        at.attached.type('nothing of this')
        await echo.say(' and more')
        await at.attached.shows('ready and more')
        at.attached.type(CTRL_C)
        expect(await at.attached.exited).to.equal(130)
        expect([echo.typed, echo.sizes]).to.deep.equal(['', []])
        expect(at.attached.shown).to.not.include('nothing of this')
        expect(await at.file('said')).to.include('it is only shown; Ctrl-C or Ctrl-] leaves')
        await expectRestored(at)
      })

    it('[CL16] says once that what is typed is lost, and goes on', async () => {
      const echo = await program()
      const at = atTerminal([echo.terminal.terminalId])
      await at.attached.shows('ready')
      await until('the size arrives', WITHIN_MS, () => echo.sizes.length > 0)
      echo.isStuck = true
      for (const typed of ['a', 'ab']) {
        at.attached.type(typed.at(-1) ?? '')
        await until(`${typed} is typed`, WITHIN_MS, () => echo.typed === typed)
      }
      echo.isStuck = false
      at.attached.type('c')
      await at.attached.shows('readyc')
      isWayOpen = false
      way.cut()
      at.attached.type('d')
      const losses = async (): Promise<number> => (await at.file('said')).split('is lost').length - 1
      await until('it is said', WITHIN_MS, async () => (await losses()) > 1)
      isWayOpen = true
      await echo.say(' again')
      await at.attached.shows('readyc again')
      at.attached.type(`e${DETACH}`)
      expect(await at.attached.exited).to.equal(0)
      expect(echo.typed).to.equal('abce')
      expect(await losses()).to.equal(2)
    })

    it('[CL16] is opened first where that is wanted, in the size of the window', async () => {
      const at = atTerminal(['--open', chatSessionId, '--command', 'make all'])
      expect(await at.attached.exited).to.equal(4)
      expect(at.attached.shown).to.include('make all in 97x31')
    })
  })

  it('[CL16] is opened as terminals were where there is no window', async () => {
    const attached = onPipes(['--open', chatSessionId, '--command', 'make all', '--drone', 'd'])
    expect(await attached.exited).to.equal(4)
    expect(attached.shown).to.equal('make all in 80x24')
  })

  it('[CL16] is named with its drone where several have one of that id', async () => {
    const other = await connected('other')
    const echoes = [await program({ terminalId: 'same' }), await program({ terminalId: 'same' }, other)]
    const wrong = onPipes(['same'])
    expect(await wrong.exited).to.equal(1)
    expect(wrong.said).to.match(/^drone-relay: Several drones [^\n]*: name the drone. \(invalid_payload\)\n$/)
    const right = onPipes(['same', '--drone', 'other'])
    await right.shows('ready')
    for (const [index, { terminal }] of echoes.entries()) terminal.exited(10 + index)
    expect(await right.exited).to.equal(11)
  })

  it('[CL16] is one that there is, and is asked for as the command line has it', async () => {
    for (const [code, said, args] of [
      [1, /^drone-relay: There is no terminal nothing here. \(not_found\)\n$/, ['nothing']],
      [1, /^drone-relay: There is no chat session nothing. \(not_found\)\n$/, ['--open', 'nothing']],
      [2, /Name a terminal, or with --open/, []],
      [2, /Name a terminal, or with --open/, ['t', '--open', 's']],
      [2, /Name a terminal, or with --open/, ['t', '--command', 'c']],
      [2, /Expected ctrl- and a letter/, ['t', '--detach-key', 'ctrl-[']],
    ] as const) {
      const attached = onPipes(args)
      expect(await attached.exited, args.join(' ')).to.equal(code)
      expect(attached.said, args.join(' ')).to.match(said)
      expect(attached.shown).to.equal('')
    }
  })
})
