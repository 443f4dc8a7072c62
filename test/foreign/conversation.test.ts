import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { CommandStage } from '../support/command-stage.ts'
import { guideProgram, removeGuidePrograms } from '../support/guide-program.ts'
import { LineProcess } from '../support/lines.ts'
import { realPart } from '../support/real-parts.ts'
import { STORES } from '../support/stores.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const PYTHON = realPart('the clients in Python', 'FOREIGN_PYTHON')

const node = (version: string) => ({
  name: `socket.io-client ${version}`,
  command: process.execPath,
  args: ['conversation.mjs', version],
})
const CLIENTS = [
  ...['4.0', '4.4', '4.8'].map(node),
  ...(PYTHON === undefined
    ? []
    : [{ name: 'python-socketio', command: PYTHON, args: ['-u', 'conversation.py'] }]),
]

/** What each of them prints, but for what grows with those before it. */
const TURNS = 5
const CONVERSATION = [
  { is: 'commands', has: ['version'] },
  { is: 'answered', resolved: 'yes', loser: 'yes' },
  { is: 'ended', status: 'finished', text: 'You said "delete it"; I am small.' },
  { is: 'queue', contents: ['later on'] },
  { is: 'steered', text: 'here I am', as: 'now' },
  { is: 'ended', status: 'finished', text: 'You said "wait for me", then "here I am"; I am small.' },
  { is: 'ended', status: 'finished', text: 'You said "later on"; I am small.' },
  { is: 'refused', code: 'invalid_payload', allowed: ['small', 'large'] },
  { is: 'model', model: 'large' },
  { is: 'ended', status: 'finished', text: 'You said "read this"; I am large.' },
  { is: 'attached', names: ['notes.txt'] },
  { is: 'ended', status: 'aborted', text: '' },
  { is: 'ended', status: 'finished', text: 'You said "wait and be stopped", then "go on"; I am large.' },
  { is: 'retried', attempt: 2 },
  {
    is: 'command',
    result: { command: 'version', args: 'short' },
    heard: { command: 'version', args: 'short' },
  },
  { is: 'metrics', turns: TURNS },
  { is: 'usage' },
  { is: 'found' },
  { is: 'exported', kinds: ['session', ...Array.from({ length: TURNS }, () => 'turn')] },
  { is: 'listed', has: true },
  { is: 'equal', turns: TURNS },
]

for (const { name, make } of STORES) {
  describe(`a conversation without our SDK, on the ${name} store`, function () {
    this.timeout(120_000)
    let stage: CommandStage
    const running: LineProcess[] = []

    before(async () => {
      stage = await CommandStage.open(make)
      const { url, keys } = stage.relay
      const env = { RELAY_URL: url, RELAY_KEY: keys.drone, STATE_DIR: join(stage.folder, 'state') }
      const drone = await guideProgram('drone.md', env)
      running.push(drone)
      await drone.until('the connection', () => drone.lines.includes('connected'))
    })
    after(async () => {
      await Promise.all(running.map((process) => process.end('SIGKILL')))
      await stage.close()
      await removeGuidePrograms()
    })

    for (const [index, { name: client, command, args }] of CLIENTS.entries()) {
      it(`[FC5] is held by ${client}, and two connections see what is stored`, async () => {
        const env = { RELAY_URL: stage.relay.url, RELAY_KEY: stage.relay.keys.code }
        const ide = new LineProcess({ command, args, env, cwd: HERE })
        running.push(ide)
        expect((await ide.exited).code, [...ide.lines, ...ide.errors].join('\n')).to.equal(0)
        const said = ide.json() as { is: string; turns?: number; places?: string[] }[]
        const usage = said.find(({ is }) => is === 'usage')
        const found = said.find(({ is }) => is === 'found')
        expect(usage?.turns).to.equal(TURNS * (index + 1))
        expect(new Set(found?.places)).to.deep.equal(new Set(['prompt']))
        expect(said.map((line) => (line === usage || line === found ? { is: line.is } : line))).to.deep.equal(
          CONVERSATION,
        )
      })
    }
  })
}
