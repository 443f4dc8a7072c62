import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { CommandStage } from '../support/command-stage.ts'
import { MAIN } from '../support/relay-process.ts'
import { STORES } from '../support/stores.ts'

const PROMPT = 'ask before you look for penguins'

for (const { name, make } of STORES) {
  describe(`what an agent asks, on the command line and the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage

    beforeEach(async () => {
      stage = await CommandStage.open(make)
      await stage.connectedDrone()
    })
    afterEach(() => stage.close())

    it('[CL13] is shown, waits, and is answered by another command, once', async () => {
      const chat = stage.chat(PROMPT)
      const answered = new Set<string>()
      const isNew = (line: Record<string, unknown>): boolean =>
        line['kind'] === 'asked' && !answered.has(String(line['requestId']))
      for (let ended = false; !ended;) {
        const next = await chat.until('a question, or the end', () => {
          const lines = chat.json()
          return (
            lines.find(isNew) ?? lines.find(({ kind, status }) => kind === 'status' && status === 'finished')
          )
        })
        ended = next['kind'] !== 'asked'
        if (ended) break
        const [droneId, requestId] = [String(next['droneId']), String(next['requestId'])]
        answered.add(requestId)
        const answer = stage.run(['answer', droneId, requestId, 'once', '--json'], stage.relay.keys.code)
        expect(await answer.exited).to.deep.equal({ code: 0, signal: null })
        expect(answer.json()).to.deep.equal([{ optionId: 'once', by: 'local' }])
        const late = stage.run(['answer', droneId, requestId, 'no'], stage.relay.keys.code)
        expect((await late.exited).code).to.equal(0)
        expect(late.lines).to.deep.equal(['local chose once.'])
      }
      expect((await chat.exited).code).to.equal(0)
      expect(answered.size).to.be.greaterThan(0)
      const turn = await stage.relay.turn(String(chat.json().find((line) => 'turnId' in line)?.['turnId']))
      expect(turn.permissions?.map(({ answer }) => answer?.optionId)).to.deep.equal(
        [...answered].map(() => 'once'),
      )
    })

    it('[CL13] is nothing that can be answered otherwise than it may be', async () => {
      const chat = stage.chat(PROMPT)
      const asked = await chat.until('a question', () => chat.json().find(({ kind }) => kind === 'asked'))
      const wrong = stage.run(
        ['answer', String(asked['droneId']), String(asked['requestId']), 'maybe'],
        stage.relay.keys.code,
      )
      expect((await wrong.exited).code).to.equal(1)
      expect(wrong.errors.join('\n')).to.match(/has no option maybe\. \(invalid_payload\)/)
      const unknown = stage.run(['answer', 'nobody', 'nothing', 'once'], stage.relay.keys.code)
      expect((await unknown.exited).code).to.equal(1)
      expect(unknown.errors.join('\n')).to.match(/not_found/)
    })

    it('[CL13] is asked of the person at a terminal, who types a number', async function () {
      if (process.platform !== 'linux') this.skip()
      const words = [process.execPath, MAIN, 'chat', PROMPT, '--url', stage.relay.url]
      const command = words.map((word) => `'${word}'`).join(' ')
      const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
        env: { ...process.env, RELAY_KEY: stage.relay.keys.code },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      let shown = ''
      let asked = 0
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text
        const prompts = shown.split('your choice').length - 1
        // The first is no number of an option, and is asked for again.
        for (; asked < prompts; asked++) terminal.stdin.write(asked === 0 ? '9\n' : '1\n')
      })
      const code = await new Promise((resolve) => terminal.once('close', resolve))
      expect(code).to.equal(0)
      expect(asked).to.be.greaterThan(1)
      expect(shown).to.match(/\? Read .*\r?\n\s+1\) Allow once/)
      expect(shown).to.include('local chose Allow once')
    })
  })
}
