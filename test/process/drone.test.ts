import { expect } from 'chai'
import { CommandStage } from '../support/command-stage.ts'
import { STORES } from '../support/stores.ts'

for (const { name, make } of STORES) {
  describe(`the reference drone, on the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage

    beforeEach(async () => {
      stage = await CommandStage.open(make, { RETRY_FIRST_MS: '100' })
    })
    afterEach(() => stage.close())

    it('[RC2] is killed in the middle of a turn, started again, and the turn finishes as its next attempt', async () => {
      const first = stage.drone('--permissions', 'allow-all')
      await first.until('the connection', () => first.errors.some((line) => line.includes('is connected')))
      const talking = stage.chat('long 1')
      await talking.until('an answer to have begun', () =>
        talking.json().some(({ kind }) => kind === 'entry'),
      )
      await first.end('SIGKILL')
      stage.drone('--permissions', 'allow-all')
      const started = await talking.event({ kind: 'started', attempt: 2 })
      expect((await talking.exited).code).to.equal(0)
      const turn = await stage.relay.turn(String(started['turnId']))
      expect(turn.status).to.equal('finished')
      expect(turn.attempt).to.equal(2)
    })

    it('[CL8] tells in one line what is wrong with its agent or its key', async () => {
      const noAgent = stage.drone('--agent', 'no-such-agent --acp')
      expect((await noAgent.exited).code).to.equal(2)
      expect(noAgent.errors.join('\n')).to.include('no-such-agent')
      const wrongKey = stage.run(['drone', '--cwd', stage.folder], stage.relay.keys.code)
      expect((await wrongKey.exited).code).to.equal(1)
      expect(wrongKey.errors.join('\n')).to.include('forbidden')
    })

    it('[CL9] finishes what it says before it leaves, and its turn has an end', async () => {
      const worker = stage.drone()
      await worker.until('the connection', () => worker.errors.some((line) => line.includes('is connected')))
      const talking = stage.chat('slow long 50')
      await talking.until('an answer to have begun', () =>
        talking.json().some(({ kind }) => kind === 'entry'),
      )
      expect((await worker.end('SIGTERM')).code).to.equal(143)
      expect((await talking.exited).code).to.equal(1)
      const end = talking.json().findLast(({ kind }) => kind === 'status')
      expect(end).to.include({ status: 'failed', reason: 'The drone was stopped.' })
    })
  })
}
