import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { AgentHost } from '../../src/drone/agent-host.ts'
import type { TerminalPolicy } from '../../src/drone/terminals/terminal-policy.ts'
import type { DroneClient } from '../../src/client/drone-client.ts'
import { RecordingLogger } from '../drone/demo-host.ts'
import { SdkStage } from '../support/sdk-stage.ts'
import { STORES } from '../support/stores.ts'
import type { TurnView } from '../../src/protocol/turn-view.ts'
import type { TerminalWish } from '../support/terminal-agent.ts'
import { until } from '../support/until.ts'

const AGENT = fileURLToPath(new URL('../support/terminal-agent.ts', import.meta.url))

describe('what an agent runs in terminals', function () {
  this.timeout(60_000)
  let stage: SdkStage
  let host: AgentHost

  beforeEach(async () => {
    const [first] = STORES
    if (!first) throw new Error('no store')
    stage = await SdkStage.open(first.make)
  })
  afterEach(async () => {
    await host.stop()
    await stage.close()
  })

  async function run(policy: TerminalPolicy, wish: TerminalWish) {
    const show: DroneClient['openTerminal'] = (shown) => drone.openTerminal(shown)
    host = new AgentHost({
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), AGENT],
      cwd: '/',
      logger: new RecordingLogger(),
      terminals: policy,
      showTerminal: show,
    })
    const drone = await stage.drone({ onWorkOrder: (work) => host.work(work) })
    const opened: string[] = []
    const viewer = await stage.viewer({ onTerminal: ({ terminalId }) => opened.push(terminalId) })
    const sent = await viewer.client.send({ messageId: 'm', content: JSON.stringify(wish) }, viewer.see)
    await until('its terminal', 30_000, () => opened.length > 0)
    const terminal = await viewer.client.attachTerminal({ terminalId: opened[0] ?? '' })
    return { sent, terminal }
  }

  it('[AG67] is seen as it runs, takes what people type where they may, and is kept with the turn', async () => {
    const { sent, terminal } = await run('all', { command: 'read word; echo "<$word>"; exit 4' })
    await terminal.write('hello\r')
    let text = ''
    let exitCode: number | null | undefined
    for await (const piece of terminal) {
      if (piece.kind === 'bytes') text += Buffer.from(piece.bytes).toString()
      if (piece.kind === 'exited') ({ exitCode } = piece)
    }
    expect(text).to.include('<hello>')
    expect(exitCode).to.equal(4)
    const url = `${stage.relay.url}/api/v1/turns/${sent.turnId}`
    const headers = { authorization: `Bearer ${stage.relay.keys.code}` }
    let terminals: NonNullable<TurnView['terminals']> = []
    await until('it is kept', 30_000, async () => {
      const turn = (await (await fetch(url, { headers })).json()) as TurnView
      terminals = turn.terminals ?? []
      return turn.status === 'finished' && terminals.length > 0
    })
    expect(terminals).to.have.lengthOf(1)
    expect(terminals[0]).to.include({ exitCode: 4 })
    expect(terminals[0]?.screen).to.include('<hello>')
  })

  it('[AG67] takes nothing from people where only the agent has terminals', async () => {
    const { terminal } = await run('agent', { command: 'echo here; sleep 60', killAfter: 'here' })
    const refused = await terminal.write('x').catch((error: unknown) => error)
    expect(refused).to.have.property('code').that.is.oneOf(['forbidden', 'not_found'])
  })
})
