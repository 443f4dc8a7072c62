import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { CommandStage } from '../support/command-stage.ts'
import { LineProcess } from '../support/lines.ts'
import { STORES } from '../support/stores.ts'

const GUIDE = fileURLToPath(new URL('../../docs/guide/', import.meta.url))
/** Within the package, so that its own name leads to what is built. */
const BUILT = fileURLToPath(new URL('../../dist/guide/', import.meta.url))

/** The program of a page, as a file that runs. */
async function programOf(page: string): Promise<string> {
  const text = await readFile(join(GUIDE, page), 'utf8')
  const blocks = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)
  expect(blocks, page).to.have.lengthOf(1)
  const file = join(BUILT, page.replace('.md', '.mjs'))
  await writeFile(file, blocks.join('\n'))
  return file
}

for (const { name, make } of STORES) {
  describe(`the programs of docs/guide, on the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage
    const running: LineProcess[] = []

    beforeEach(async () => {
      stage = await CommandStage.open(make)
      await mkdir(BUILT, { recursive: true })
    })
    afterEach(async () => {
      await Promise.all(running.splice(0).map((process) => process.end('SIGKILL')))
      await stage.close()
      await rm(BUILT, { recursive: true, force: true })
    })

    async function program(page: string, key: string): Promise<LineProcess> {
      const env = { RELAY_URL: stage.relay.url, RELAY_KEY: key, STATE_DIR: join(stage.folder, 'state') }
      const process = new LineProcess({
        command: globalThis.process.execPath,
        args: [await programOf(page)],
        env,
      })
      running.push(process)
      return process
    }

    it('[GU1] talk to each other as they say they do', async () => {
      const drone = await program('drone.md', stage.relay.keys.drone)
      await drone.until('the connection', () => drone.lines.includes('connected'))
      const ide = await program('ide.md', stage.relay.keys.code)
      expect((await ide.exited).code, ide.errors.join('\n')).to.equal(0)
      const [command, answers, found] = ide.lines.slice(-3)
      expect(JSON.parse(command ?? '')).to.deep.equal({ command: 'version', args: 'short' })
      expect(JSON.parse(answers ?? '')).to.deep.equal([
        'You said "delete it"; I am small.',
        'You said "wait for me", then "here I am"; I am small.',
        'You said "read this"; I am large.',
      ])
      expect(JSON.parse(found ?? '')).to.deep.equal(['prompt'])
    })
  })
}
