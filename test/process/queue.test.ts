import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { CommandStage } from '../support/command-stage.ts'
import { saidText } from '../support/said-text.ts'
import { STORES } from '../support/stores.ts'

for (const { name, make } of STORES) {
  describe(`messages that come while a turn is live, on the command line and the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage

    beforeEach(async () => {
      stage = await CommandStage.open(make)
      await stage.connectedDrone('--permissions', 'allow-all')
    })
    afterEach(() => stage.close())

    async function talking(prompt: string) {
      const chat = stage.chat(prompt)
      const first = await chat.until('an answer to have begun', () =>
        chat.json().find(({ kind }) => kind === 'entry'),
      )
      const turn = await stage.relay.turn(String(first['turnId']))
      return { chat, session: turn.chatSessionId, turnId: turn.id }
    }

    it('[CQ2] [SR3] wait, steer, and are all answered once though the relay is killed meanwhile', async () => {
      const { chat, session, turnId } = await talking('long 1 first')
      const steer = stage.chat('second of all', '--session', session, '--steer')
      await steer.until('the message to wait', () => steer.json().some(({ kind }) => kind === 'queue'))
      const next = stage.chat('third of all', '--session', session, '--queue')
      await next.until('both to wait', () =>
        next.json().some(({ kind, queue }) => kind === 'queue' && (queue as object[]).length === 2),
      )
      await stage.crashAndRestart()
      for (const process of [chat, steer, next])
        expect((await process.exited).code, process.errors.join('\n')).to.equal(0)
      const first = await stage.relay.turn(turnId)
      expect(saidText(first.blocks)).to.include('This is message 1 of our session.')
      expect(saidText(first.blocks)).to.include(
        'This is message 2 of our session. You wrote: *second of all*',
      )
      expect(first.steers?.map(({ text, as }) => [text, as])).to.deep.equal([['second of all', 'next']])
      const started = next.json().find(({ kind, prompt }) => kind === 'started' && prompt === 'third of all')
      const last = await stage.relay.turn(String(started?.['turnId']))
      expect(saidText(last.blocks)).to.include('This is message 3 of our session. You wrote: *third of all*')
    })

    it('[AT2] take files along', async () => {
      const file = join(stage.folder, 'poem.txt')
      await writeFile(file, 'Penguins stand on ice.')
      const chat = stage.chat('read the poem', '--attach', file)
      expect((await chat.exited).code, chat.errors.join('\n')).to.equal(0)
      const turn = await stage.relay.turn(String(chat.json().find((line) => 'turnId' in line)?.['turnId']))
      expect(turn.attachments).to.have.lengthOf(1)
      expect(turn.attachments?.[0]).to.include({ name: 'poem.txt', mediaType: 'text/plain', size: 22 })
      const missing = stage.chat('read it', '--attach', join(stage.folder, 'nothing'))
      expect((await missing.exited).code).to.equal(2)
    })
  })
}
