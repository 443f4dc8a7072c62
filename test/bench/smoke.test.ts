import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { LineProcess } from '../support/lines.ts'
import { tempDir } from '../support/temp-dir.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DRONES = 4
const RATE = 50
const SECONDS = 2

interface Kept {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
  readonly wrong: readonly string[]
}

async function bench(...args: string[]): Promise<{ code: number | null; said: string; kept: Kept }> {
  const dir = await tempDir('bench')
  try {
    const json = join(dir.path, 'result.json')
    const run = new LineProcess({
      command: process.execPath,
      args: ['--import', 'tsx', 'scripts/bench/bench.ts', '--json', json, ...args],
      cwd: ROOT,
    })
    const { code } = await run.exited
    const said = [...run.lines, ...run.errors].join('\n')
    return { code, said, kept: JSON.parse(await readFile(json, 'utf8')) as Kept }
  } finally {
    await dir.remove()
  }
}

/** That it works and counts right; how fast anything is, is for nobody to say on a machine that tests run on. */
describe('the bench', function () {
  this.timeout(120_000)

  it('plays the same load to the relay and to each forwarder, and counts every token of it', async () => {
    const load = ['--drones', String(DRONES), '--rate', String(RATE), '--seconds', String(SECONDS)]
    const { code, said, kept } = await bench(...load, '--rounds', '1', '--warmup', '1')
    expect(code, said).to.equal(0)
    expect(kept.wrong).to.deep.equal([])
    expect(kept.columns.slice(0, 4)).to.deep.equal(['relay', 'socket.io', 'merging', 'ws'])
    const row = (what: string): number[] =>
      (kept.rows.find(([name]) => name === what) ?? []).slice(2, 6) as number[]
    for (const tokens of row('tokens measured'))
      expect(tokens).to.be.closeTo(DRONES * RATE * SECONDS, DRONES * RATE * 0.5)
    for (const figure of [...row('CPU per token'), ...row('latency p99')]) expect(figure).to.be.above(0)
    const [relay = 0, bare = 0, merging = 0] = row('events heard')
    expect(bare, 'a forwarder sends each token on').to.equal(row('tokens measured')[1])
    expect(Math.max(relay, merging), 'who merges sends fewer').to.be.below(bare)
  })

  it('starts a relay with many stored turns, and finds all of them', async () => {
    const { code, said, kept } = await bench('--scenario', 'start', '--turns', '10000', '--repeat', '1')
    expect(code, said).to.equal(0)
    expect(kept.wrong).to.deep.equal([])
  })
})
