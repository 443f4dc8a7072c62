import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import { EXIT, ExitError } from './exit.ts'
import type { StopSignal } from './exit.ts'
import { withPeerOptions } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'

/** A key that is pressed together with Ctrl, and all the ways in which terminals send it, decoded as latin1. */
interface CtrlKey {
  readonly name: string
  readonly pattern: RegExp
}

/** How one leaves before the program has ended. `unread`: nobody takes any more what is shown. */
export type Leaving = 'detached' | 'unread' | 'SIGHUP' | StopSignal

export interface AttachFlags extends PeerOptions {
  readonly watch?: boolean
}

interface Flags extends AttachFlags {
  readonly drone?: string
  readonly open?: string
  readonly command?: string
  readonly detachKey: CtrlKey
}

/** A terminal that is there, or one that is opened in a chat session. */
export type Target = { readonly droneId?: string } & (
  { readonly terminalId: string } | { readonly chatSessionId: string; readonly command?: string }
)

/** `attach`: a terminal of a drone in one's own. */
export function addAttach(program: Command): void {
  withPeerOptions(
    program.command('attach').description('show a terminal of a drone in your own').argument('[terminal]'),
  )
    .option('--drone <id>', 'of this drone, where several have a terminal of that id')
    .option('--open <session>', 'open a terminal in this chat session, and show that')
    .option('--command <text>', 'what runs in the terminal that is opened; without it a shell')
    .option('--watch', 'type nothing, and leave its size as it is')
    .addOption(
      new Option('--detach-key <key>', 'leaves it; its program goes on')
        .argParser(ctrlKey)
        .default(ctrlKey('ctrl-]'), 'ctrl-]'),
    )
    .addHelpText(
      'after',
      '\nExits as the program does, or with 0 when detached. Without a terminal to type in, it is only shown.\nEnvironment: RELAY_URL, RELAY_KEY, DATA_DIR\n',
    )
    .action(async (terminalId: string | undefined, flags: Flags) => {
      const target = targetOf(terminalId, flags)
      const { attach } = await import('./run-attach.ts')
      await attach(target, flags, new Window(flags.detachKey))
    })
}

function targetOf(terminalId: string | undefined, { drone, open, command }: Flags): Target {
  const place = drone === undefined ? {} : { droneId: drone }
  if (terminalId !== undefined && open === undefined && command === undefined) return { ...place, terminalId }
  if (terminalId === undefined && open !== undefined)
    return { ...place, chatSessionId: open, ...(command === undefined ? {} : { command }) }
  throw new ExitError(
    EXIT.usage,
    'Name a terminal, or with --open the chat session to open one in; a --command is for one that is opened.',
  )
}

/** From `ctrl-x`. `ctrl-[` is none of them: every arrow key begins with it. */
function ctrlKey(text: string): CtrlKey {
  const char = /^ctrl-([a-z@\\\]^_])$/i.exec(text)?.[1]?.toLowerCase()
  if (char === undefined) throw new InvalidArgumentError('Expected ctrl- and a letter or one of @ \\ ] ^ _')
  const code = char.charCodeAt(0)
  const control = `\\x${(code & 0x1f).toString(16).padStart(2, '0')}`
  // A program may have asked for keys in full: by kitty's protocol (5 is Ctrl, more with Caps Lock or Num Lock on; the third
  // kind of event is the release) or by xterm's modifyOtherKeys.
  const kitty = `\\x1b\\[${code}[\\d:]*;(?:5|69|133|197)(?::[12])?(?:;[\\d:]*)?u`
  const xterm = `\\x1b\\[27;5;${code}~`
  return { name: `Ctrl-${char.toUpperCase()}`, pattern: new RegExp(`${control}|${kitty}|${xterm}`) }
}

/**
 * Takes back what a program may have left behind, and moves nothing: what was half said, the alternate screen (its end moves
 * the cursor to where that was saved, so it is saved first), reports of mouse, focus and pastes, keys in full, margins,
 * character sets, the cursor's look, links and colours.
 */
const RESTORED = [
  '\u0018\u001b7\u001b[?1049l',
  ...[1000, 1002, 1003, 1006, 1015, 1004, 2004, 2026, 1].map((mode) => `\u001b[?${mode}l`),
  '\u001b[<9u\u001b[>4;0m\u001b>\u001b[!p\u001b[?7h\u001b(B\u000f',
  '\u001b[?25h\u001b[0 q\u001b]8;;\u001b\\\u001b[0m',
].join('')
/** What a snapshot is drawn on. Not RIS: that would take the lines that one can scroll back to. */
const CLEARED = `${RESTORED}\u001b[H\u001b[2J`

/** The window of the person who attaches, if there is one: it is left as it was in every way out. */
export class Window {
  /** Somebody can type in it. */
  readonly isTerminal = process.stdin.isTTY && process.stdout.isTTY
  readonly left: Promise<Leaving>
  readonly detachKey: CtrlKey
  #leave: (how: Leaving) => void = () => undefined
  #isRaw = false
  #isClosed = false
  #hasShown = false
  #isMidLine = false

  constructor(detachKey: CtrlKey) {
    this.detachKey = detachKey
    this.left = new Promise((resolve) => (this.#leave = resolve))
    process.stdout.on('error', () => this.#leave('unread'))
    process.stderr.on('error', () => undefined)
    // Whatever ends the process ends it here.
    process.once('exit', () => this.close())
  }

  /** As large as it is; as terminals were, where there is none or it does not know. */
  get size(): { readonly cols: number; readonly rows: number } {
    const { columns, rows } = process.stdout
    return { cols: columns || 80, rows: rows || 24 }
  }

  /** Ways to leave it, for the person. */
  howToLeave(takesKeys: boolean): string {
    if (!this.isTerminal) return 'it is only shown; Ctrl-C leaves'
    const { name } = this.detachKey
    return takesKeys ? `${name} detaches` : `it is only shown; Ctrl-C or ${name} leaves`
  }

  onResize(listener: () => void): void {
    process.stdout.on('resize', listener)
  }

  /** Takes the keys as they are pressed, and shows every byte as it is. Without `onTyped`, Ctrl-C leaves as well. */
  takeKeys(onTyped?: (bytes: Buffer) => void): void {
    const { stdin } = process
    this.#isRaw = true
    stdin.setRawMode(true)
    // Raw to Node still makes CR LF of a LF, by which programs move the cursor straight down.
    spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
    const interruptKey = ctrlKey('ctrl-c')
    for (const end of ['end', 'error']) stdin.on(end, () => this.#leave('SIGHUP'))
    stdin.on('data', (bytes: Buffer) => {
      const keys = bytes.toString('latin1')
      const end = keys.search(this.detachKey.pattern)
      if (end !== 0) onTyped?.(end === -1 ? bytes : bytes.subarray(0, end))
      if (end !== -1) this.#leave('detached')
      else if (!onTyped && interruptKey.pattern.test(keys)) this.#leave('SIGINT')
    })
  }

  /** A snapshot takes the place of everything that was shown before. */
  async show(said: Uint8Array | { readonly screen: string }): Promise<void> {
    if (this.#isClosed) return
    this.#hasShown = process.stdout.isTTY
    this.#isMidLine = process.stdout.isTTY
    const isTaken = process.stdout.write('screen' in said ? `${CLEARED}${said.screen}` : said)
    if (!isTaken) await once(process.stdout, 'drain')
  }

  /** Says something beside what is shown. */
  note(text: string): void {
    this.#breakLine()
    process.stderr.write(`(${text})${this.#isRaw ? '\r\n' : '\n'}`)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#hasShown) process.stdout.write(RESTORED)
    if (this.#isRaw) process.stdin.setRawMode(false).pause()
    this.#isRaw = false
    this.#breakLine()
  }

  #breakLine(): void {
    if (this.#isMidLine) process.stderr.write(this.#isRaw ? '\r\n' : '\n')
    this.#isMidLine = false
  }
}
