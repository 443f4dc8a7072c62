import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Pty, PtyListener } from './pty.ts'
import { ControlParser } from './tmux-control.ts'
import { ASK_SCREEN, TmuxScreen } from './tmux-screen.ts'
import type { ControlEvent } from './tmux-control.ts'

export interface TmuxOptions {
  /** The name of a session that is there. */
  readonly session: string
  readonly cols: number
  readonly rows: number
  readonly env: Readonly<Record<string, string>>
  /** Of tmux itself, as `-L name`. */
  readonly flags?: readonly string[]
}

/**
 * Seconds of output that tmux keeps for us while we do not read, if somebody else lets the program go on. Then it lets
 * go of it and says so, and the screen is drawn again; after 300 it would let go of us.
 */
const BEHIND_S = 240
/** Bytes that are typed with one command. */
const MOST_TYPED_BYTES = 512
/** Letters of what tmux complains of. */
const MOST_COMPLAINT = 1000

/**
 * The active pane of a session of tmux, as a terminal; the session outlives it. Rejects, saying why in one line, where
 * there is no tmux or no such session.
 *
 * What is heard first, and whenever another pane becomes the active one or the layout changes, draws the pane as it is;
 * what follows is what its program writes. The terminal should be as large as was said here: where others make the pane
 * another size, rows of their length are wrapped in the wrong places. Programs in a pane are answered by tmux: who shows
 * this must not answer them, too.
 */
export function openTmux(options: TmuxOptions, listener: PtyListener): Promise<Pty> {
  const { session, env, flags = [] } = options
  // Without -N it would start a server, with all that its owner has configured, only to find no session there.
  const args = [...flags, '-u', '-N', '-C', 'attach-session', '-t', `=${session}`]
  const client = spawn('tmux', args, { env })
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Error(`Cannot attach to the tmux session "${session}": ${why}`))
    const pane = new TmuxPane({
      ...options,
      client,
      listener,
      onAttached: () => resolve(pane),
      onFailed: fail,
    })
    client.once('error', (error) => {
      fail('code' in error && error.code === 'ENOENT' ? 'there is no tmux here' : error.message)
    })
  })
}

interface TmuxPaneOptions extends TmuxOptions {
  readonly client: ChildProcessWithoutNullStreams
  readonly listener: PtyListener
  readonly onAttached: () => void
  readonly onFailed: (why: string) => void
}

class TmuxPane implements Pty {
  readonly isTerminal = true
  readonly #options: TmuxPaneOptions
  readonly #parser = new ControlParser()
  #cols: number
  #rows: number
  #isAttached = false
  #isKilled = false
  #complaint = ''
  /** Why tmux has let us go. */
  #exit: string | undefined
  #screen: TmuxScreen | undefined
  /** Of the screen that is being told: each command for it has one. */
  #replies: (readonly string[])[] = []
  #screensAsked = 0
  #heard: string[] = []

  constructor(options: TmuxPaneOptions) {
    this.#options = options
    this.#cols = options.cols
    this.#rows = options.rows
    const { client } = options
    client.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
    client.stderr.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-MOST_COMPLAINT)
    })
    // Written to when it has gone: its end says all.
    client.stdin.on('error', () => undefined)
    client.once('close', (exitCode, signal) => this.#closed(exitCode, signal))
  }

  write(bytes: Uint8Array): void {
    const target = this.#screen ? ` -t '${this.#screen.pane}'` : ''
    for (let from = 0; from < bytes.length; from += MOST_TYPED_BYTES) {
      const typed = Buffer.from(bytes.subarray(from, from + MOST_TYPED_BYTES)).toString('hex')
      this.#command(`send-keys${target} -H ${typed.match(/../g)?.join(' ') ?? ''}`)
    }
  }

  resize(cols: number, rows: number): void {
    this.#cols = cols
    this.#rows = rows
    this.#command(`refresh-client -C ${cols}x${rows}`)
    // The terminal has changed, even where the pane keeps its size because of somebody else.
    this.#askScreen()
  }

  /** Where nobody else reads the pane, tmux does not read its program any more, either. */
  setReading(reading: boolean): void {
    const { stdout } = this.#options.client
    if (reading || this.#isKilled) stdout.resume()
    else stdout.pause()
  }

  kill(signal: NodeJS.Signals): void {
    this.#isKilled = true
    const { client } = this.#options
    client.stdin.end()
    // It cannot say goodbye to somebody who does not read.
    client.stdout.resume()
    if (signal === 'SIGKILL') client.kill('SIGKILL')
  }

  #command(line: string): void {
    const { stdin } = this.#options.client
    if (stdin.writable) stdin.write(`${line}\n`)
  }

  #askScreen(): void {
    this.#screensAsked += 1
    this.#command(ASK_SCREEN)
  }

  #take(bytes: Buffer): void {
    for (const event of this.#parser.take(bytes)) this.#takeEvent(event)
    if (this.#heard.length === 0) return
    const heard = Buffer.from(this.#heard.join(''), 'latin1')
    this.#heard = []
    this.#options.listener.onBytes(heard)
  }

  #takeEvent(event: ControlEvent): void {
    switch (event.kind) {
      case 'output':
        if (event.pane === this.#screen?.pane) this.#heard.push(event.text)
        return
      case 'reply':
        if (this.#isAttached) {
          if (event.isOurs) this.#takeReply(event.isError, event.lines)
        } else if (event.isError) this.#complaint = event.lines.join('\n')
        else this.#attached()
        return
      case 'notice':
        this.#takeNotice(event.name, event.words)
    }
  }

  #attached(): void {
    this.#isAttached = true
    this.#command(`refresh-client -f pause-after=${BEHIND_S}`)
    this.resize(this.#cols, this.#rows)
    this.#options.onAttached()
  }

  /** The replies of a screen come one after the other: none where one of them is an error. */
  #takeReply(isError: boolean, lines: readonly string[]): void {
    if (isError) {
      this.#replies = []
      this.#screensAsked = Math.max(0, this.#screensAsked - 1)
      return
    }
    if (this.#replies.length === 0 && !TmuxScreen.begins(lines)) return
    this.#replies.push(lines)
    if (this.#replies.length < TmuxScreen.replies) return
    const before = this.#screen?.pane
    this.#screen = new TmuxScreen(this.#replies)
    this.#replies = []
    this.#screensAsked = Math.max(0, this.#screensAsked - 1)
    this.#heard.push(this.#screen.draw({ rows: this.#rows, isOther: this.#screen.pane !== before }))
  }

  #takeNotice(name: string, words: readonly string[]): void {
    if (name === 'exit') this.#exit = words.join(' ')
    else if (name === 'pause') {
      this.#command(`refresh-client -A '${words[0]}:continue'`)
      this.#askScreen()
      // What was before a screen that is still to come will be seen on it.
    } else if (this.#screensAsked === 0 && this.#screen?.isOutdated(name, words)) this.#askScreen()
  }

  #closed(exitCode: number | null, signal: NodeJS.Signals | null): void {
    const { listener, onFailed } = this.#options
    if (!this.#isAttached) {
      const [why = ''] = this.#complaint.trim().split('\n').slice(-1)
      onFailed(why === '' ? `tmux has ended (${exitCode ?? signal})` : why)
      // tmux ends with an error, too, when any command of ours has had one.
    } else if (this.#exit !== undefined && !/unexpectedly|lost/.test(this.#exit))
      listener.onExit({ exitCode: 0, signal: null })
    else listener.onExit({ exitCode, signal })
  }
}
