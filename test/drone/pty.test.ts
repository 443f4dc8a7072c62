import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { EndMark } from '../../src/drone/terminals/end-mark.ts'
import { openPipes, openPty } from '../../src/drone/terminals/pty.ts'
import { LineProcess } from '../support/lines.ts'
import { until } from '../support/until.ts'
import { isAlive } from '../support/is-alive.ts'
import type { Pty, PtyExit, PtyListener, PtyOptions } from '../../src/drone/terminals/pty.ts'

const OPTIONS = { cwd: '/', env: { PATH: process.env['PATH'] ?? '' }, cols: 80, rows: 24 }
const SEQ = { command: 'seq', args: ['1', '20000'], ...OPTIONS }

const PROCESS = fileURLToPath(new URL('../support/pty-process.ts', import.meta.url))

type Open = (options: PtyOptions, listener: PtyListener) => Promise<Pty>

/** What a program says, and how it ends; `during` is done while it runs. */
async function run(open: Open, options: PtyOptions, during?: (pty: Pty, said: string) => void) {
  let said = ''
  let running: Pty | undefined
  const exit = await new Promise<PtyExit>((resolve, reject) => {
    const onBytes = (bytes: Buffer): void => {
      said += bytes.toString('latin1')
      if (running) during?.(running, said)
    }
    open(options, { onBytes, onExit: resolve }).then((pty) => (running = pty), reject)
  })
  return { said, exit, isTerminal: running?.isTerminal }
}

describe('a program in a terminal', function () {
  this.timeout(30_000)

  it('[AG66] is heard to its last byte, however fast it ends', async () => {
    const whole = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\r\n`).join('')
    for (let round = 0; round < 10; round++) {
      const { said, exit, isTerminal } = await run(openPty, SEQ)
      expect(isTerminal).to.equal(true)
      expect(exit).to.deep.equal({ exitCode: 0, signal: null })
      expect(said.length).to.equal(whole.length)
      expect(said).to.equal(whole)
    }
  })

  it('[AG66] ends as it would alone: with its status, by a signal, or with all that was in its group', async () => {
    const shell = (script: string): PtyOptions => ({ command: 'sh', args: ['-c', script], ...OPTIONS })
    expect((await run(openPty, shell('exit 42'))).exit).to.deep.equal({ exitCode: 42, signal: null })
    expect((await run(openPty, shell('kill -KILL $$'))).exit).to.deep.equal({
      exitCode: null,
      signal: 'SIGKILL',
    })
    const kill = (signal: NodeJS.Signals) => (pty: Pty, said: string) => {
      if (said.includes('here')) pty.kill(signal)
    }
    const asked = await run(
      openPty,
      shell('trap "echo bye; exit 7" TERM; echo here; while :; do sleep 0.05; done'),
      kill('SIGTERM'),
    )
    expect(asked.exit).to.deep.equal({ exitCode: 7, signal: null })
    expect(asked.said).to.match(/bye\r\n$/)
    const forced = await run(openPty, shell('trap "" TERM; echo here; sleep 1000'), kill('SIGKILL'))
    expect(forced.exit).to.deep.equal({ exitCode: null, signal: 'SIGKILL' })
  })

  it('[AG66] goes with the drone, and so does what was beside it', async () => {
    const drone = new LineProcess({ command: process.execPath, args: ['--import', 'tsx', PROCESS] })
    const pids = await drone.until('the program to run', () => {
      const pids = /^(\d+) (\d+)/.exec(drone.lines[0] ?? '')
      return pids ? pids.slice(1).map(Number) : undefined
    })
    await drone.end('SIGKILL')
    for (const pid of pids) await until(`process ${pid} has gone`, 10_000, () => !isAlive(pid))
  })

  it('[AG66] runs on pipes where there is no terminal, and is heard there, too', async () => {
    const { said, exit, isTerminal } = await run(openPipes, {
      ...SEQ,
      command: 'sh',
      args: ['-c', 'seq 1 20000; echo no >&2; exit 3'],
    })
    expect(isTerminal).to.equal(false)
    expect(exit).to.deep.equal({ exitCode: 3, signal: null })
    expect(said).to.have.lengthOf(
      'no\n'.length + Array.from({ length: 20_000 }, (_, n) => `${n + 1}\n`).join('').length,
    )
    const missing = await run(openPipes, { ...SEQ, command: 'no-such-program' }).catch(
      (error: unknown) => error,
    )
    expect(missing).to.be.instanceOf(Error)
  })
})

describe('the mark at the end of what a program says', () => {
  it('[AG66] is found wherever it is cut, and everything before it comes through', () => {
    const before = fc.array(
      fc.oneof(fc.constantFrom('\u001b]7777;', '\u001b]', '\u001b'), fc.string({ maxLength: 9 })),
      { maxLength: 9 },
    )
    fc.assert(
      fc.property(
        before,
        fc.nat({ max: 255 }),
        fc.array(fc.nat({ max: 60 })),
        fc.boolean(),
        (pieces, status, cuts, ends) => {
          const mark = new EndMark()
          const token = /7777;([0-9a-f-]+);/.exec(mark.wrap('a', []).args[1] ?? '')?.[1] ?? ''
          const said = Buffer.from(pieces.join(''))
          const stream = ends
            ? Buffer.concat([said, Buffer.from(`\u001b]7777;${token};${status}\u0007after`)])
            : said
          const heard: Buffer[] = []
          let ended: number | undefined
          for (let at = 0, turn = 0; at < stream.length && ended === undefined; turn++) {
            const length = (cuts[turn % Math.max(1, cuts.length)] ?? 7) + 1
            const { bytes, status: found } = mark.take(stream.subarray(at, at + length))
            heard.push(Buffer.from(bytes))
            ended = found
            at += length
          }
          if (!ends) heard.push(mark.rest())
          expect(ended).to.equal(ends ? status : undefined)
          expect(Buffer.concat(heard).equals(said)).to.equal(true)
        },
      ),
      { numRuns: 500 },
    )
  })
})
