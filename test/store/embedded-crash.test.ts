import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { StoreConfigError } from '../../src/store/store-config-error.ts'
import { existing, textOf, wordsOf } from '../support/store-turns.ts'

const WRITER = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url))

/** Rounds of writing and killing; each takes about half a second, most of it the start of the process. */
const ROUNDS = 4

function startWriter(dataDir: string, turnId: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', WRITER, dataDir, turnId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Lets the process acknowledge so many commits, kills it, and answers the last one that it got to say. */
async function killAfter(writer: ChildProcess, commits: number): Promise<number> {
  if (!writer.stdout) throw new Error('the writer has no output')
  let said = 0
  let length = 0
  const exited = once(writer, 'exit')
  for await (const line of createInterface({ input: writer.stdout })) {
    length = Number(line)
    if (++said === commits) writer.kill('SIGKILL')
  }
  await exited
  return length
}

describe('the embedded store, killed', () => {
  let dataDir: string

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'drone-relay-kill-'))
  })
  afterEach(() => rm(dataDir, { recursive: true, force: true }))

  it('[ST8] has everything that it acknowledged before a kill -9, and no hole', async function () {
    this.timeout(60_000)
    for (let round = 0; round < ROUNDS; round++) {
      const commits = 1 + Math.floor(Math.random() * 400)
      const acknowledged = await killAfter(startWriter(dataDir, `turn-${round}`), commits)
      const store = await openEmbeddedStore({ dataDir })
      for (let past = 0; past <= round; past++) {
        const header = await existing(store, `turn-${past}`)
        const text = textOf(await wordsOf(store, header))
        expect(text.length).to.equal(header.lanes[0]?.length)
        // Every piece says where it stands.
        for (const piece of text.matchAll(/(\d+);x/g)) expect(Number(piece[1])).to.equal(piece.index)
        if (past === round)
          expect(text.length, `killed after ${commits} commits`).to.be.at.least(acknowledged)
      }
      await store.close()
    }
  })

  it('[ST10] is refused to a second process while the first lives, and not after that was killed', async function () {
    this.timeout(30_000)
    const writer = startWriter(dataDir, 'turn')
    if (!writer.stdout) throw new Error('the writer has no output')
    await once(createInterface({ input: writer.stdout }), 'line')
    const refusal: unknown = await openEmbeddedStore({ dataDir }).catch((error: unknown) => error)
    expect(refusal).to.be.instanceOf(StoreConfigError)
    expect(String(refusal)).to.match(/in use by another process/)
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    await (await openEmbeddedStore({ dataDir })).close()
  })
})
