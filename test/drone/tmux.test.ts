import { spawnSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Pty, PtyExit } from '../../src/drone/terminals/pty.ts'
import { definedOf } from '../../src/drone/terminals/environment.ts'
import { Screen } from '../../src/drone/terminals/screen.ts'
import { openTmux } from '../../src/drone/terminals/tmux.ts'
import type { TmuxOptions } from '../../src/drone/terminals/tmux.ts'
import { openXterm } from '../../src/drone/terminals/xterm.ts'
import { hasProgram } from '../support/real-parts.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/** A tmux of its own. */
const SERVER = `drone-relay-tmux-test-${process.pid}`
const SHELL = 'exec env -u ENV PS1="$ " sh'
const ENV = definedOf(process.env)
const WITHIN_MS = 8000

/** tmux tells programs of a new size only after a while. */
const sizeWhen = (size: string): string => `clear; until stty size | grep '${size}'; do :; done\r`

function tmux(...args: readonly string[]) {
  const done = spawnSync('tmux', ['-L', SERVER, '-f', '/dev/null', ...args], { encoding: 'utf8' })
  return { status: done.status, text: done.stdout }
}

/** Somebody at a session: what was heard, and a terminal that was told it. */
class Attached {
  readonly #session: string
  readonly screen: Screen
  said = ''
  exit: PtyExit | undefined
  #pty: Pty | undefined

  private constructor({ session, cols, rows }: TmuxOptions) {
    this.#session = session
    this.screen = new Screen({ cols, rows })
  }

  static async open(session: string, more: Partial<TmuxOptions> = {}): Promise<Attached> {
    const options = { session, cols: 80, rows: 24, env: ENV, flags: ['-L', SERVER], ...more }
    const attached = new Attached(options)
    attached.#pty = await openTmux(options, {
      onBytes: (bytes) => {
        attached.said += bytes.toString('latin1')
        void attached.screen.write(bytes)
      },
      onExit: (exit) => (attached.exit = exit),
    })
    return attached
  }

  get pty(): Pty {
    if (!this.#pty) throw new Error('not open')
    return this.#pty
  }

  type(text: string): void {
    this.pty.write(Buffer.from(text))
  }

  async hears(text: string): Promise<void> {
    await until(`it says ${text}`, WITHIN_MS, () => this.said.includes(text))
  }

  /** Its text and its cursor are those of the pane. */
  async looksRight(): Promise<void> {
    const isRight = async (): Promise<boolean> => (await this.looks()) === this.#pane()
    await until('it looks like the pane', WITHIN_MS, isRight).catch(async () => {
      expect(await this.looks()).to.equal(this.#pane())
    })
  }

  async looks(): Promise<string> {
    const { cols, rows, screen } = await this.screen.draw()
    const { terminal, core } = openXterm({ cols, rows, scrollback: 1000 })
    core._inputHandler.parse(screen)
    const { active } = terminal.buffer
    const lines = Array.from({ length: rows }, (_, y) =>
      active
        .getLine(active.baseY + y)
        ?.translateToString(true)
        .trimEnd(),
    )
    const text = `${lines.join('\n').trimEnd()}\n${active.cursorX},${active.cursorY} ${active.type}`
    terminal.dispose()
    return text
  }

  #pane(): string {
    const target = ['-t', `=${this.#session}:`]
    const { text } = tmux('capture-pane', '-p', ...target)
    const place = '#{cursor_x},#{cursor_y} #{?alternate_on,alternate,normal}'
    const lines = text.split('\n').map((line) => line.trimEnd())
    return `${lines.join('\n').trimEnd()}\n${tmux('display-message', ...target, '-p', place).text.trimEnd()}`
  }
}

if (hasProgram('tmux'))
  describe('a session of tmux that was there before', function () {
    this.timeout(30_000)
    let session = ''
    let sessions = 0
    const open: Attached[] = []
    const dirs: { readonly path: string; readonly remove: () => Promise<void> }[] = []

    /** It shows what `shown` prints, before anybody attaches. */
    async function begin(command = SHELL, shown = '$'): Promise<void> {
      sessions += 1
      session = `s${sessions}`
      const { status } = tmux('new-session', '-d', '-s', session, '-x', '80', '-y', '24', command)
      expect(status).to.equal(0)
      await until(`it shows ${shown}`, WITHIN_MS, () =>
        tmux('capture-pane', '-p', '-t', `=${session}:`).text.includes(shown),
      )
    }

    async function attach(more: Partial<TmuxOptions> = {}): Promise<Attached> {
      const attached = await Attached.open(session, more)
      open.push(attached)
      return attached
    }

    async function place(): Promise<string> {
      const dir = await tempDir('tmux')
      dirs.push(dir)
      return dir.path
    }

    afterEach(async () => {
      for (const { pty } of open) pty.kill('SIGHUP')
      await until('all have left', WITHIN_MS, () => open.every(({ exit }) => exit !== undefined))
      open.length = 0
      for (const { remove } of dirs.splice(0)) await remove()
    })
    after(() => tmux('kill-server'))

    it('[AG68] is drawn as it is, and typed into', async () => {
      const drawing = String.raw`\033[1;31mred\033[m \033(0lqk\033(B\n\033[44m\303\251\344\270\255 blue\n still\033[m\n\n\ttab\n`
      await begin(`printf '${drawing}'; ${SHELL}`)
      const attached = await attach()
      await attached.hears('$ ')
      expect(await attached.looks()).to.include('red ┌─┐\né中 blue\n still\n\n        tab\n$')
      expect((await attached.screen.draw()).screen).to.match(/31;1mred/)
      attached.type('clear; echo $((6 * 7))\r')
      await attached.hears('42\r\n')
      await attached.looksRight()
    })

    it('[AG68] keeps a cursor that waits behind a full row, a scroll region, and what was begun', async () => {
      await begin(
        String.raw`stty raw -echo; printf '\033[3;9r\033[?6h\033[2;1H\033[7m%080dEND\b\b\b\033[m\n\033[3;1H\033[32m%080d' 1 2; printf '\033[4'; cat`,
        '02',
      )
      const attached = await attach()
      await attached.hears('\u001b[4')
      attached.type('4mnext\n\n\n\n\n\n\n\nlast')
      await attached.hears('last')
      await attached.looksRight()
      expect(await attached.looks()).to.include('last')
    })

    it('[AG68] is heard whole and in order', async () => {
      await begin()
      const attached = await attach()
      attached.type('seq 1 20000; echo do""ne\r')
      await attached.hears('done\r\n')
      const whole = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\r\n`).join('')
      expect(attached.said.includes(`\r\n${whole}done`)).to.equal(true)
      await attached.looksRight()
    })

    it('[AG68] is heard from what is drawn on, nothing twice, whenever somebody comes', async () => {
      await begin('stty -echo; read x; seq 1 30000; cat', '')
      const first = await attach()
      first.type('\n')
      const others: Attached[] = []
      while (others.length < 8) {
        const other = await attach()
        others.push(other)
        await until('it is drawn', WITHIN_MS, () => other.said !== '')
      }
      for (const other of [first, ...others]) {
        await other.hears('30000')
        await other.looksRight()
      }
    })

    it('[AG68] is heard byte by byte, whatever is written', async () => {
      const dir = await place()
      const every = Buffer.from(Array.from({ length: 60_000 }, (_, n) => (n * 7 + (n >> 8) * 31) & 0xff))
      const content = Buffer.concat([every, Buffer.from('\\101 é中😀 \\\\\r\n%end 1 2 1\n'.repeat(2000))])
      await writeFile(join(dir, 'content'), content)
      await begin(
        `cd '${dir}'; stty raw -echo; printf ready; head -c1 >/dev/null; printf BE''GIN; cat content; printf E''ND; exec cat >/dev/null`,
        'ready',
      )
      const attached = await attach()
      attached.type('x')
      await attached.hears('END')
      const heard = Buffer.from(/BEGIN(.*)END/s.exec(attached.said)?.[1] ?? '', 'latin1')
      expect(heard.equals(content)).to.equal(true)
    })

    it('[AG68] gets every byte that is typed', async () => {
      const dir = await place()
      await begin(
        `cd '${dir}'; stty raw -echo; printf ready; head -c 5120 >typed; printf typed; exec cat`,
        'ready',
      )
      const attached = await attach()
      const typed = Buffer.from(Array.from({ length: 5120 }, (_, n) => (n + (n >> 8)) & 0xff))
      attached.pty.write(typed)
      await attached.hears('typed')
      expect(spawnSync('cat', [join(dir, 'typed')]).stdout.equals(typed)).to.equal(true)
    })

    it('[AG68] is as large as whoever attaches says', async () => {
      await begin()
      const attached = await attach({ cols: 70, rows: 20 })
      attached.type(sizeWhen('20 70'))
      await attached.hears('20 70\r\n')
      attached.pty.resize(100, 30)
      attached.screen.resize(100, 30)
      attached.type(sizeWhen('30 100'))
      await attached.hears('30 100\r\n')
      await attached.looksRight()
    })

    if (hasProgram('less'))
      it('[AG68] shows a program that has the whole screen, and what was there before it', async () => {
        await begin(`echo before; less /etc/services; ${SHELL}`, 'tcp')
        tmux('send-keys', '-t', `=${session}:`, 'j', 'j')
        const attached = await attach({ cols: 90, rows: 20 })
        await attached.hears('tcp')
        await attached.looksRight()
        expect(await attached.looks()).to.match(/alternate$/)
        attached.type(' /udp\r')
        await attached.hears('ssh')
        await attached.looksRight()
        attached.type('q')
        // The picture it was drawn from at first has left the other screen as well.
        const isBack = async () => /^before\n\$\n.*normal$/s.test(await attached.looks())
        await until('it shows what was there before', WITHIN_MS, isBack)
        await attached.looksRight()
      })

    it('[AG68] shows another window or pane as soon as it is the active one', async () => {
      await begin(`echo first; ${SHELL}`)
      const attached = await attach()
      await attached.hears('first')
      tmux('new-window', '-t', `=${session}:`, `echo second; ${SHELL}`)
      await attached.hears('second')
      await attached.looksRight()
      tmux('send-keys', '-t', `=${session}:0`, 'echo no""ise', 'Enter')
      await until('the first goes on', WITHIN_MS, () =>
        tmux('capture-pane', '-p', '-t', `=${session}:0`).text.includes('noise'),
      )
      attached.type('echo typed\r')
      await attached.hears('\ntyped')
      expect(attached.said).not.to.include('noise')
      await attached.looksRight()
      expect(await attached.looks()).not.to.include('first')
      tmux('select-window', '-t', `=${session}:0`)
      await until('the first again', WITHIN_MS, async () => (await attached.looks()).includes('first'))
      await attached.looksRight()
      tmux('split-window', '-v', '-t', `=${session}:`, `echo third; ${SHELL}`)
      await attached.hears('third')
      attached.type('seq 1 100; exit\r')
      await until('the first alone', WITHIN_MS, async () => (await attached.looks()).includes('first'))
      await attached.looksRight()
    })

    it('[AG68] is drawn again where tmux has let go of what nobody read', async () => {
      const dir = await place()
      const { stdout } = spawnSync('sh', ['-c', 'command -v tmux'], { encoding: 'utf8' })
      const impatient = join(dir, 'tmux')
      await writeFile(
        impatient,
        `#!/bin/sh\nsed -u 's/pause-after=.*/pause-after=0/' | '${stdout.trim()}' "$@"\n`,
      )
      await chmod(impatient, 0o755)
      await begin()
      const attached = await attach({ env: { ...ENV, PATH: `${dir}:${ENV['PATH'] ?? ''}` } })
      await attached.hears('$ ')
      attached.pty.setReading(false)
      attached.type('seq 1 300000; echo do""ne\r')
      const reader = await attach()
      await reader.hears('done\r\n')
      attached.pty.setReading(true)
      await attached.looksRight()
      expect(attached.said).not.to.include('\n299000\r\n')
      attached.type('echo wr""itten\r')
      await attached.hears('written')
      await attached.looksRight()
    })

    it('[AG68] lives on when who attached goes, and ends for all', async () => {
      await begin()
      const [leaving, staying] = [await attach(), await attach()]
      leaving.pty.write(Buffer.from('true\r'))
      leaving.pty.setReading(false)
      leaving.pty.kill('SIGTERM')
      await until('it has left', WITHIN_MS, () => leaving.exit !== undefined)
      expect(leaving.exit).to.deep.equal({ exitCode: 0, signal: null })
      leaving.type('nobody hears it')
      leaving.pty.resize(10, 10)
      expect(tmux('has-session', '-t', `=${session}`).status).to.equal(0)
      await staying.hears('$ ')
      staying.type('exit 7\r')
      await until('it has ended', WITHIN_MS, () => staying.exit !== undefined)
      expect(staying.exit).to.deep.equal({ exitCode: 0, signal: null })
    })

    it('[AG68] has to be there, and so has tmux', async () => {
      await begin()
      const why = (more: Partial<TmuxOptions>, name = 'none'): Promise<unknown> =>
        Attached.open(name, more).catch((error: unknown) => String(error))
      const cannot = 'Error: Cannot attach to the tmux session "none": '
      expect(await why({})).to.equal(`${cannot}can't find session: none`)
      expect(await why({}, session.slice(0, 1))).to.match(/can't find session: s$/)
      expect(await why({ flags: ['-L', `${SERVER}-none`] })).to.match(/^Error: Cannot .*error connecting.*$/)
      expect(await why({ env: { PATH: '' } })).to.equal(`${cannot}there is no tmux here`)
      expect(await why({ flags: ['-Z'] })).to.match(/^Error: Cannot attach to the tmux session "none": .+$/)
    })
  })
