import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { CodeClient } from '../client/code-client.ts'
import type { Terminal, TerminalPlace } from '../client/terminal.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { AttachFlags, Leaving, Target, Window } from './attach.ts'
import { EXIT, ExitError, untilStopped } from './exit.ts'
import { keyFor } from './peer-options.ts'

/** How long an answer is waited for whether anything may be typed, ms: a program that takes nothing is shown all the same. */
const ASKED_MS = 1000
/** How long what was typed last may be under way when one leaves, ms. */
const LAST_TYPED_MS = 1000
/** Bytes that the relay takes at a time, and that may wait meanwhile: what is more than that is not typed. */
const MOST_AT_ONCE = 65_536
const MOST_WAITING = 1_048_576
/** The largest exit code that a system hands on. */
const MOST_EXIT = 255

/** What the command exits with, and why it ended. */
interface End {
  readonly code: number
  readonly why: string
}

const LEFT: Readonly<Record<Leaving, End>> = {
  detached: { code: EXIT.ok, why: 'detached; its program goes on' },
  unread: { code: EXIT.failed, why: 'nobody takes what it shows; its program goes on' },
  SIGINT: { code: EXIT.sigint, why: 'interrupted; its program goes on' },
  SIGTERM: { code: EXIT.sigterm, why: 'told to stop; its program goes on' },
  SIGHUP: { code: 129, why: 'hung up; its program goes on' },
}

/** Connects and shows the terminal, until its program ends or the person leaves. */
export async function attach(target: Target, flags: AttachFlags, window: Window): Promise<void> {
  const client = new CodeClient({
    url: flags.url,
    token: await keyFor('code', flags),
    client: { name: 'drone-relay' },
    onDisconnected: () => window.note('the relay is away; waiting for it'),
  })
  const hungUp = once(process, 'SIGHUP').then(() => LEFT.SIGHUP)
  const stopped = untilStopped().then((signal) => LEFT[signal])
  try {
    const { code, why } = await Promise.race([stopped, hungUp, show(client, target, flags, window)])
    window.close()
    window.note(why)
    process.exitCode = code
  } catch (error) {
    throw new ExitError(EXIT.failed, reasonOf(error))
  } finally {
    window.close()
    client.close()
  }
}

async function show(client: CodeClient, target: Target, flags: AttachFlags, window: Window): Promise<End> {
  await client.start()
  const place = 'terminalId' in target ? target : await client.openTerminal({ ...target, ...window.size })
  const { terminal, takes } = await attachTo(client, place, window.isTerminal && flags.watch !== true)
  const typing = new Typing(terminal, (text) => window.note(text))
  window.note(`terminal ${terminal.terminalId} of drone ${terminal.droneId}; ${window.howToLeave(takes)}`)
  if (window.isTerminal) window.takeKeys(takes ? (bytes) => typing.type(bytes) : undefined)
  if (takes) {
    typing.resize(window.size)
    window.onResize(() => typing.resize(window.size))
  }
  const end = await Promise.race([window.left, untilExit(terminal, window)])
  if (typeof end === 'object') return end
  window.close()
  await Promise.race([typing.whenGiven(), setTimeout(LAST_TYPED_MS, undefined, { ref: false })])
  return LEFT[end]
}

async function untilExit(terminal: Terminal, window: Window): Promise<End> {
  for await (const piece of terminal) {
    if (piece.kind === 'bytes') await window.show(piece.bytes)
    else if (piece.kind === 'snapshot') await window.show(piece)
    else if (piece.kind === 'exited' && piece.exitCode !== null) {
      const { exitCode } = piece
      const code = exitCode >= 0 && exitCode <= MOST_EXIT ? exitCode : EXIT.failed
      return { code, why: `its program has ended with exit code ${exitCode}` }
    }
  }
  return { code: EXIT.failed, why: 'its program has ended; nobody knows how' }
}

/** Attached, and whether what one types is taken: not by some terminals, and from a watcher's key by none. */
async function attachTo(
  client: CodeClient,
  place: TerminalPlace,
  wants: boolean,
): Promise<{ terminal: Terminal; takes: boolean }> {
  const terminal = await client.attachTerminal(place, { waits: wants })
  if (!wants || !(await isRefused(terminal))) return { terminal, takes: wants }
  terminal.detach()
  // Attached anew, for its program need not wait for who only watches: after everything that the first was told, which is
  // all there is where it has ended meanwhile.
  await client.list({ limit: 1 })
  return { terminal: await client.attachTerminal(place).catch(() => terminal), takes: false }
}

/** It takes nothing, or has ended: asked by typing nothing. */
function isRefused(terminal: Terminal): Promise<boolean> {
  const asked = terminal.write(new Uint8Array()).then(
    () => false,
    (error: unknown) => isRefusal(error, 'forbidden', 'not_found'),
  )
  return Promise.race([asked, setTimeout(ASKED_MS, false, { ref: false })])
}

/** What is typed, and the window's size: one is under way at a time, and what comes meanwhile goes together. */
class Typing {
  readonly #terminal: Terminal
  readonly #note: (text: string) => void
  #typed = Buffer.alloc(0)
  #size: Window['size'] | undefined
  #giving: Promise<void> | undefined
  #isLossTold = false

  constructor(terminal: Terminal, note: (text: string) => void) {
    this.#terminal = terminal
    this.#note = note
  }

  type(bytes: Buffer): void {
    if (this.#typed.length + bytes.length > MOST_WAITING) return this.#lost('too much of it waits')
    this.#typed = Buffer.concat([this.#typed, bytes])
    this.#giving ??= this.#give()
  }

  resize(size: Window['size']): void {
    this.#size = size
    this.#giving ??= this.#give()
  }

  whenGiven(): Promise<void> {
    return this.#giving ?? Promise.resolve()
  }

  async #give(): Promise<void> {
    let tried: Window['size'] | undefined
    while (this.#typed.length > 0 || this.#size !== tried) {
      const typed = this.#typed.subarray(0, MOST_AT_ONCE)
      this.#typed = this.#typed.subarray(typed.length)
      tried = this.#size
      if (tried) await this.#resize(tried)
      if (typed.length > 0) await this.#write(typed)
    }
    this.#giving = undefined
  }

  /** Where it fails, once more with what is typed next. One that keeps its size is shown as it is. */
  async #resize(size: Window['size']): Promise<void> {
    const error: unknown = await this.#terminal
      .resize(size.cols, size.rows)
      .catch((thrown: unknown) => thrown)
    if (this.#size === size && (!error || isRefusal(error, 'forbidden'))) this.#size = undefined
  }

  async #write(typed: Buffer): Promise<void> {
    try {
      await this.#terminal.write(typed)
      this.#isLossTold = false
    } catch (error) {
      this.#lost(reasonOf(error))
    }
  }

  /** Told once, until something is typed again. */
  #lost(why: string): void {
    if (!this.#isLossTold) this.#note(`what you type is lost: ${why}`)
    this.#isLossTold = true
  }
}

function isRefusal(error: unknown, ...codes: ErrorCode[]): boolean {
  return error instanceof RelayError && codes.includes(error.code)
}

function reasonOf(error: unknown): string {
  if (error instanceof RelayError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
