import { expect } from 'chai'
import { CodeClient } from '../../src/client/code-client.ts'
import type { SurfacePlace } from '../../src/client/code-requests.ts'
import { CommandStage } from '../support/command-stage.ts'
import { STORES } from '../support/stores.ts'
import { until } from '../support/until.ts'

/** Longer than it takes a relay to tell. */
const TOLD_MS = 10_000

interface Plan {
  readonly kind: string
  readonly entries: { readonly content: string; readonly status: string }[]
}

for (const { name, make } of STORES) {
  describe(`the plan of an agent, on the ${name} store`, function () {
    this.timeout(60_000)
    let stage: CommandStage
    let client: CodeClient
    let catalog: readonly (SurfacePlace & { title: string })[] = []
    const shown: Plan[] = []

    beforeEach(async () => {
      stage = await CommandStage.open(make)
      client = new CodeClient({
        url: stage.relay.url,
        token: stage.relay.keys.code,
        onCatalog: (surfaces) => (catalog = surfaces as typeof catalog),
        onSurface: ({ spec }) => shown.push(spec as Plan),
      })
      await client.start()
    })
    afterEach(async () => {
      client.close()
      await stage.close()
    })

    it('[AG65] is a surface of its chat session until another turn begins', async () => {
      await stage.connectedDrone('--permissions', 'allow-all')
      const chat = stage.chat('what is here')
      expect((await chat.exited).code, chat.errors.join('\n')).to.equal(0)
      const turnId = String(chat.json().find((line) => 'turnId' in line)?.['turnId'])
      const { chatSessionId } = await stage.relay.turn(turnId)
      const plan = catalog.find(({ title }) => title === 'Plan')
      if (!plan) throw new Error('no plan is shown')
      expect(plan.chatSessionId).to.equal(chatSessionId)
      const spec = (await client.subscribe(plan)) as unknown as Plan
      expect(spec.kind).to.equal('plan')
      expect(spec.entries.map(({ content, status }) => [content, status])).to.deep.include.members([
        ['Look at the files', 'completed'],
        ['Suggest a change', 'completed'],
      ])
      const again = stage.chat('and now', '--session', chatSessionId)
      expect((await again.exited).code, again.errors.join('\n')).to.equal(0)
      await until('the next plan was ticked off', TOLD_MS, () =>
        Boolean(shown.at(-1)?.entries.every(({ status }) => status === 'completed')),
      )
      // Taken away at the beginning of the turn, then shown step by step.
      expect(shown[0]).to.equal(null)
      expect(shown[1]?.entries.map(({ status }) => status)).to.deep.equal([
        'in_progress',
        ...Array.from({ length: 4 }, () => 'pending'),
      ])
    })
  })
}
