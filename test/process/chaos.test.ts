import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LineProcess } from '../support/lines.ts'
import { tempDir } from '../support/temp-dir.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Enough for a few kills of everything; `npm run chaos` runs as long as anybody likes. */
const MINUTES = '0.3'

interface Report {
  readonly kills: { readonly relay: number; readonly medianUnflushed: number }
  readonly turns: Readonly<Record<string, number>>
  readonly wrong: Readonly<Record<string, number>>
  readonly violations: readonly object[]
}

async function chaos(
  args: readonly string[],
): Promise<{ code: number | null; said: string; report: Report }> {
  const dir = await tempDir('chaos')
  try {
    const json = join(dir.path, 'report.json')
    const process = new LineProcess({
      command: globalThis.process.execPath,
      args: ['--import', 'tsx', 'scripts/chaos/chaos.ts', '--minutes', MINUTES, '--json', json, ...args],
      cwd: ROOT,
    })
    const { code } = await process.exited
    const said = [...process.lines, ...process.errors].join('\n')
    return { code, said, report: JSON.parse(await readFile(json, 'utf8')) as Report }
  } finally {
    await dir.remove()
  }
}

describe('a relay whose drones, links and store fail all the time', function () {
  this.timeout(180_000)

  const stores = ['lmdb', ...(process.env['MONGODB_URI'] ? ['mongo'] : [])]
  for (const store of stores) {
    it(`[CH1] loses nothing, doubles nothing and ends every turn, on ${store}`, async () => {
      const { said, report } = await chaos(['--store', store, '--seed', '7'])
      expect(report.violations, said).to.deep.equal([])
      expect(report.kills.relay, said).to.be.greaterThan(0)
      expect(report.turns['finished'], said).to.be.greaterThan(0)
    })
  }

  it('[CH2] is caught when it acknowledges before it has stored (control)', async () => {
    const { code, said, report } = await chaos(['--seed', '3', '--control', 'ack-before-commit'])
    expect(report.violations, said).to.not.deep.equal([])
    expect(code, said).to.equal(0)
  })
})
