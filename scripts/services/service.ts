import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Milliseconds for a service to say it is ready. They need well under a second; a loaded machine gets more. */
const READY_MS = 30_000
/** Milliseconds between SIGTERM and SIGKILL: a service that has not ended by then is not going to. */
const STOP_MS = 5_000
/** Characters of a service's own words to quote when it fails; the reason is in the last lines. */
const QUOTED_CHARS = 2_000

export interface ServiceOptions<Ready> {
  name: string
  command: string
  args: string[]
  /** What to do when the command does not exist. */
  ifMissing: string
  /** Reads a line of stdout; anything but undefined means that the service is ready. */
  ready: (line: string) => Ready | undefined
  /** The service ends when its stdin closes, so it may have a process group that Ctrl-C does not reach. */
  endsWithStdin?: boolean
}

export interface Service<Ready> {
  ready: Ready
  pid: number
  /** Ends it in order; does nothing once it has ended. */
  stop: () => Promise<void>
  /** Ends it as a crash would. */
  kill: () => Promise<void>
}

export async function startService<Ready>(options: ServiceOptions<Ready>): Promise<Service<Ready>> {
  const child = spawn(options.command, options.args, { detached: options.endsWithStdin ?? false })
  const killNow = (): void => void child.kill('SIGKILL')
  process.once('exit', killNow)
  child.once('exit', () => process.off('exit', killNow))
  // A write to a service that is gone is told by its exit.
  child.stdin.on('error', () => {})

  const ready = await new Promise<Ready>((resolve, reject) => {
    let said = ''
    const hear = (chunk: unknown): void => void (said = (said + String(chunk)).slice(-QUOTED_CHARS))
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const timer = setTimeout(() => {
      killNow()
      reject(new Error(`${options.name} was not ready after ${READY_MS} ms. It said:\n${said}`))
    }, READY_MS)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = options.ready(line)
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    })
    child.once('error', (cause) => {
      clearTimeout(timer)
      reject(new Error(`${options.name} cannot be started. ${options.ifMissing}`, { cause }))
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`${options.name} ended (${signal ?? code}) before it was ready. It said:\n${said}`))
    })
  })

  return {
    ready,
    pid: child.pid as number,
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(timer)
}
