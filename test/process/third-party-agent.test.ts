import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { DEFAULT_REPLIES, startFakeOpenai } from '../../scripts/services/fake-openai.ts'
import type { FakeOpenai } from '../../scripts/services/fake-openai.ts'
import type { FakeReply } from '../../scripts/services/fake-reply.ts'
import { opencodeConfig, opencodeEnv } from '../../scripts/services/opencode.ts'
import { CodeClient } from '../../src/client/code-client.ts'
import { isEnd } from '../../src/protocol/turn-view.ts'
import { LineProcess } from '../support/lines.ts'
import { realPart } from '../support/real-parts.ts'
import { RelayProcess, commandLine } from '../support/relay-process.ts'
import { saidText } from '../support/said-text.ts'
import { SdkViewer } from '../support/sdk-stage.ts'
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
    let clients: CodeClient[]

    beforeEach(async () => {
      store = await make()
      folder = await tempDir('opencode')
      running = []
      clients = []
      relay = await RelayProcess.start(store.env)
    })

    afterEach(async () => {
      for (const client of clients) client.close()
      await Promise.all(running.map((process) => process.end()))
      await relay.stop()
      await model.stop()
      await store.remove()
      await folder.remove()
    })

    /** Somebody who watches with the SDK. */
    async function watcher(): Promise<SdkViewer> {
      const client = new CodeClient({ url: relay.url, token: relay.keys.code })
      clients.push(client)
      await client.start()
      return new SdkViewer(client)
    }

    /** Resolves with the first text of a turn. */
    async function textOf(viewer: SdkViewer, turnId: string): Promise<void> {
      for (;;) {
        const { turn, entry } = await viewer.next('entry')
        if (turn.turnId === turnId && entry.kind === 'text') return
      }
    }

    async function endOf(viewer: SdkViewer, turnId: string): Promise<string> {
      for (;;) {
        const { turn } = await viewer.next('status')
        if (turn.turnId === turnId && isEnd(turn.status)) return turn.status
      }
    }

    /** The drone with the agent, when it is connected; `replies` are the model's, one for each request. */
    async function hosted(replies?: FakeReply[]): Promise<string> {
      model = await startFakeOpenai({ deltaMs: 2, ...(replies ? { replies } : {}) })
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
      return workspace
    }

    it('[CL14] is prompted, asked, steered, stopped, tried again and given another model, by two who watch', async () => {
      const long = 'A long answer, said slowly. '.repeat(40)
      const workspace = await hosted([
        { tools: [{ name: 'write', args: { filePath: 'out.md', content: 'written' } }] },
        { text: long },
        { text: 'Voilà.' },
        { text: long, hangs: true },
        { text: 'At last.' },
        { text: 'Said by the other.' },
      ])
      const [one, other] = await Promise.all([watcher(), watcher()])
      const sent = await one.client.send({ content: 'Write it down.', messageId: 'm1' }, one.see)
      const { chatSessionId } = sent.view
      const view = await other.client.watch(chatSessionId, other.see)
      const { permission } = await other.next('asked')
      const allow = permission.options.find(({ kind }) => kind === 'allow_once')
      const { droneId, requestId } = permission
      expect(await other.client.choose(droneId, requestId, allow?.optionId ?? '')).to.include({
        optionId: allow?.optionId,
      })
      expect((await one.next('answered')).by).to.equal('local')
      await textOf(one, sent.turnId)
      const steer = { chatSessionId, messageId: 's1', content: 'In French.', steer: true }
      await one.client.queue(steer, one.see)
      expect((await other.next('steered')).steer).to.include({ text: 'In French.', as: 'next' })
      expect(await endOf(one, sent.turnId)).to.equal('finished')
      expect(await readFile(join(workspace, 'out.md'), 'utf8')).to.equal('written')

      const second = await other.client.send({ chatSessionId, content: 'Again.', messageId: 'm2' }, other.see)
      await textOf(other, second.turnId)
      await one.client.abort(chatSessionId)
      expect(await endOf(other, second.turnId)).to.equal('aborted')
      expect(await one.client.retry(second.turnId)).to.include({ attempt: 2 })
      expect(await endOf(one, second.turnId)).to.equal('finished')

      await one.client.setModel(chatSessionId, 'fake/other')
      const third = await one.client.send({ chatSessionId, content: 'And now?', messageId: 'm3' }, one.see)
      expect(await endOf(one, third.turnId)).to.equal('finished')
      await endOf(other, third.turnId)
      expect(model.requests.at(-1)).to.include({ model: 'other' })

      for (const { turnId } of [sent, second, third]) {
        const stored = await relay.turn(turnId)
        for (const seen of [sent.view, view])
          expect(saidText(seen.turn(turnId)?.blocks() ?? []), turnId).to.equal(saidText(stored.blocks))
      }
      const first = await relay.turn(sent.turnId)
      expect(first.steers?.map(({ text }) => text)).to.deep.equal(['In French.'])
      expect(first.permissions?.[0]?.answer).to.include({ by: 'local' })
      expect(first.usage?.input).to.be.greaterThan(0)
      expect((await relay.turn(second.turnId)).earlier?.map(({ attempt }) => attempt)).to.deep.equal([1])
      while (view.info?.usage?.turns !== 3) await other.next('info')
      expect(view.info).to.deep.include({ model: 'fake/other' })
    })

    it('[CL10] does a whole turn through drone, relay and client, and the stored turn reads back', async () => {
      await hosted()

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
