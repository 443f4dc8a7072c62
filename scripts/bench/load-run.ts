import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FromLoad, LoadReport, LoadSpec, MarkName, ToLoad } from './spec.ts'

const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))

export interface LoadRunOptions {
  readonly spec: LoadSpec
  /** After this the generator is ended, and the run has failed. */
  readonly limitMs: number
  /** The generator waits for it, or, where it talks at a rate, does not. */
  readonly onMark: (name: MarkName) => Promise<void>
}

/** Runs one load in a process of its own. */
export async function runLoad({ spec, limitMs, onMark }: LoadRunOptions): Promise<LoadReport> {
  const child = fork(LOAD, { execArgv: ['--import', import.meta.resolve('tsx')] })
  const killNow = (): void => void child.kill('SIGKILL')
  process.once('exit', killNow)
  const exited = once(child, 'exit')
  const tell = (message: ToLoad): void => {
    // One that has ended in between is told by its exit.
    if (child.connected) child.send(message, () => undefined)
  }
  try {
    return await new Promise<LoadReport>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the load ${spec.run} did not end within ${limitMs} ms`))
        killNow()
      }, limitMs)
      child.on('message', (message: FromLoad) => {
        if ('mark' in message) {
          onMark(message.mark)
            .then(() => tell({ marked: message.mark }))
            .catch(reject)
        } else if ('report' in message) resolve(message.report)
        else reject(new Error(`the load ${spec.run} failed: ${message.failed}`))
      })
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        reject(new Error(`the load ${spec.run} ended (${signal ?? code}) without a report`))
      })
      tell({ spec })
    })
  } catch (error) {
    killNow()
    throw error
  } finally {
    await exited
    process.off('exit', killNow)
  }
}
