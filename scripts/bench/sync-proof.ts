// Shows by the system calls of a store that every acknowledged commit was on disk first (needs strace):
//   node --import tsx scripts/bench/sync-proof.ts [commits]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts'
import { SyncOrder } from './sync-order.ts'

const COMMITS = 10_000
const STRACE = 'strace'
const CALLS = 'trace=openat,pwrite64,writev,fdatasync,fsync,msync,write'

if (process.argv[2] === '--write') await write(process.argv[3] ?? '', Number(process.argv[4]))
else await prove(Number(process.argv[2] ?? COMMITS))

/** One word more in each commit, and a line on standard output for each that was acknowledged. */
async function write(dataDir: string, commits: number): Promise<void> {
  const store = await openEmbeddedStore({ dataDir })
  for (let n = 0; n < commits; n++) {
    await store.appendAudit({
      auditId: String(n).padStart(9, '0'),
      at: n,
      by: 'ops',
      action: 'a',
      subject: 's',
    })
    writeSync(1, `acknowledged ${n}\n`)
  }
  await store.close()
}

async function prove(commits: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'drone-relay-sync-'))
  const log = join(dir, 'calls')
  const self = [
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    '--write',
    join(dir, 'data'),
    String(commits),
  ]
  const traced = ['-f', '-e', CALLS, '-s', '16', '-o', log, process.execPath, ...self]
  const child = spawn(STRACE, traced, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  const order = new SyncOrder()
  for await (const line of createInterface({ input: createReadStream(log) })) order.read(line)
  await rm(dir, { recursive: true })
  const { acknowledged, wrong, syncs } = order
  console.log(JSON.stringify({ exitCode: code, acknowledged, syncs, wrong: wrong.length }))
  for (const line of wrong.slice(0, 10)) console.log(line)
  if (code !== 0 || wrong.length > 0 || acknowledged !== commits) process.exitCode = 1
}
