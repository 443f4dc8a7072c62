import { expect } from 'chai'
import { CommandStage } from '../support/command-stage.ts'
import { saidText } from '../support/said-text.ts'
import { STORES } from '../support/stores.ts'
import { until } from '../support/until.ts'

for (const { name, make } of STORES) {
  describe(`what can be kept, on the command line and the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage

    beforeEach(async () => {
      stage = await CommandStage.open(make)
      await stage.connectedDrone('--permissions', 'allow-all')
    })
    afterEach(() => stage.close())

    it('[EX1] [EX2] is listed, exported, counted and shown again', async () => {
      const chat = stage.chat('what is here')
      expect((await chat.exited).code).to.equal(0)
      const turnId = String(chat.json().find((line) => 'turnId' in line)?.['turnId'])
      const turn = await stage.relay.turn(turnId)
      const run = async (...args: string[]) => {
        const command = stage.run(args, stage.relay.keys.code)
        expect((await command.exited).code, command.errors.join('\n')).to.equal(0)
        return command
      }
      const [listed] = (await run('sessions', '--json')).json() as { sessions: { chatSessionId: string }[] }[]
      expect(listed?.sessions[0]?.chatSessionId).to.equal(turn.chatSessionId)
      const markdown = (await run('export', turn.chatSessionId)).lines.join('\n')
      expect(markdown).to.include('# what is here').and.to.include('### Answer')
      const lines = (await run('export', turn.chatSessionId, '--format', 'jsonl')).json()
      expect(lines.map(({ kind }) => kind)).to.deep.equal(['session', 'turn'])
      const [usage] = (await run('usage', '--json')).json() as { days: { turns: number }[] }[]
      expect(usage?.days[0]?.turns).to.equal(1)
      await until('the turn is found', 10_000, async () => {
        const [found] = (await run('search', 'wha*', 'here', '--json')).json() as {
          hits: { turnId: string }[]
        }[]
        return found?.hits[0]?.turnId === turnId
      })
      expect((await run('search', 'here')).lines.join('\n')).to.match(/finished.*\n {4}prompt: what is here$/)
      expect((await run('search', 'nowhere')).lines).to.deep.equal(['Nothing was found.'])
      const again = (await run('watch', '--replay', turnId, '--speed', '1000', '--json')).json()
      const said = again.flatMap(({ kind, lane, entry }) => {
        const { text } = (entry ?? {}) as { text?: string }
        return kind === 'entry' && lane === '' ? [text ?? ''] : []
      })
      expect(said.join('')).to.equal(saidText(turn.blocks))
      expect(again.at(-1)).to.include({ kind: 'status', status: 'finished' })
      const wrong = stage.run(['watch', '--replay', turnId, '--speed', 'fast'], stage.relay.keys.code)
      expect((await wrong.exited).code).to.equal(2)
    })
  })
}
