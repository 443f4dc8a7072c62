import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { DEFAULT_REPLIES, startFakeOpenai } from '../../scripts/services/fake-openai.ts'
import type { FakeOpenai } from '../../scripts/services/fake-openai.ts'
import { opencodeConfig, opencodeEnv } from '../../scripts/services/opencode.ts'
import { LineProcess } from '../support/lines.ts'
import { realPart } from '../support/real-parts.ts'
import { RelayProcess, commandLine } from '../support/relay-process.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'
import { tempDir } from '../support/temp-dir.ts'

const OPENCODE = realPart('a third-party agent (opencode)', 'OPENCODE_BIN')
const MAIN = fileURLToPath(new URL('../../dist/bin/drone-relay.js', import.meta.url))

for (const { name, make } of OPENCODE === undefined ? [] : STORES) {
  describe(`a third-party agent, hosted by the reference drone, on the ${name} store`, function () {
    this.timeout(120_000)
    let store: TestStore
    let relay: RelayProcess
    let folder: Awaited<ReturnType<typeof tempDir>>
    let model: FakeOpenai
    let running: LineProcess[]

    beforeEach(async () => {
      store = await make()
      folder = await tempDir('opencode')
      running = []
      model = await startFakeOpenai()
      relay = await RelayProcess.start(store.env)
    })

    afterEach(async () => {
      await Promise.all(running.map((process) => process.end()))
      await relay.stop()
      await model.stop()
      await store.remove()
      await folder.remove()
    })

    it('[CL10] does a whole turn through drone, relay and client, and the stored turn reads back', async () => {
      const workspace = join(folder.path, 'workspace')
      const home = join(folder.path, 'home')
      await mkdir(workspace)
      await mkdir(home)
      await writeFile(join(workspace, 'notes.md'), 'one 🚀\ntwo')
      await opencodeConfig(workspace, model.url)
      const drone = new LineProcess({
        command: process.execPath,
        args: [MAIN, 'drone', '--agent', `${OPENCODE} acp`, '--cwd', workspace, '--url', relay.url, '--json'],
        env: { ...opencodeEnv(home), RELAY_KEY: relay.keys.drone },
        isWholeEnv: true,
      })
      running.push(drone)
      await drone.until('the connection', () => drone.errors.some((line) => line.includes('is connected')))

      const chat = commandLine(['chat', 'What do the notes say?', '--json', '--url', relay.url], {
        RELAY_KEY: relay.keys.code,
      })
      running.push(chat)
      expect(await chat.exited).to.deep.equal({ code: 0, signal: null })

      const turnId = String(chat.json().find((line) => 'turnId' in line)?.['turnId'])
      const turn = await relay.turn(turnId)
      expect(turn.status).to.equal('finished')
      const textOf = (mode: string): string =>
        turn.blocks
          .map((block) => (block.mode === mode && typeof block.content === 'string' ? block.content : ''))
          .join('')
      expect(textOf('responding')).to.equal(DEFAULT_REPLIES[1]?.text)
      expect(textOf('thinking')).to.include(DEFAULT_REPLIES[0]?.reasoning)
      expect(turn.toolCalls).to.have.length(1)
      expect(turn.toolCalls[0]).to.include({ name: 'read', response: 'one 🚀\ntwo' })
      expect(turn.stats.toolCallCount).to.equal(1)
    })
  })
}
