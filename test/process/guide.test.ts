import { join } from 'node:path'
import { expect } from 'chai'
import { CommandStage } from '../support/command-stage.ts'
import { guideProgram, removeGuidePrograms } from '../support/guide-program.ts'
import type { LineProcess } from '../support/lines.ts'
import { STORES } from '../support/stores.ts'

for (const { name, make } of STORES) {
  describe(`the programs of docs/guide, on the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage
    const running: LineProcess[] = []

    beforeEach(async () => {
      stage = await CommandStage.open(make)
    })
    afterEach(async () => {
      await Promise.all(running.splice(0).map((process) => process.end('SIGKILL')))
      await stage.close()
      await removeGuidePrograms()
    })

    async function program(page: string, key: string): Promise<LineProcess> {
      const state = join(stage.folder, 'state')
      const process = await guideProgram(page, {
        RELAY_URL: stage.relay.url,
        RELAY_KEY: key,
        STATE_DIR: state,
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
