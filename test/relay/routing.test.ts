import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'
import type { RawViewer } from '../support/raw-viewer.ts'
import { tempDir } from '../support/temp-dir.ts'

const OFFERS = { models: [{ id: 'large' }, { id: 'small' }, { id: 'eyes' }], thinkingLevels: ['low', 'high'] }

const RULES = [
  { name: 'broken', when: { text: '(' }, use: { model: 'small' } },
  { name: 'nobody can', when: { text: 'hard' }, use: { model: 'huge' } },
  { name: 'hard things', when: { text: '\\bHARD\\b' }, use: { model: 'large', thinkingLevel: 'high' } },
  { name: 'pictures', when: { attachments: 'image/' }, use: { model: 'eyes' } },
  { name: 'long ones', when: { minLength: 50, user: 'ann' }, use: { labels: { gpu: 'yes' } } },
  { name: 'cheap for bob', when: { user: 'bob' }, use: { model: 'small' }, override: true },
]

async function routed(bench: Bench, rules: readonly object[] | string = RULES) {
  await bench.start({ routingRules: typeof rules === 'string' ? rules : JSON.stringify(rules) })
  return { drone: await bench.drone({ droneId: 'd1', capacity: 9, ...OFFERS }), viewer: await bench.viewer() }
}

function routing(viewer: RawViewer, chatSessionId: string): unknown {
  const infos = viewer
    .all('session:info')
    .map(([info]) => info as { chatSessionId: string; routing?: object })
  return infos.findLast((info) => info.chatSessionId === chatSessionId)?.routing
}

onEveryStore('Routing', (bench) => {
  it('[RO1] takes the first rule that is meant and that a drone can follow, and says which and why', async () => {
    const { drone, viewer } = await routed(bench())
    const { chatSessionId } = await viewer.send('Something hard, please.')
    const order = await drone.order()
    expect(order).to.include({ model: 'large', thinkingLevel: 'high' })
    await viewer.until('the rule', () => routing(viewer, chatSessionId))
    expect(routing(viewer, chatSessionId)).to.deep.equal({
      rule: 'hard things',
      reason: 'the text has \\bHARD\\b',
    })
    await drone.voice(order).complete()
    await viewer.ended(order.turnId)
    const plain = await viewer.send('Easy.', { chatSessionId })
    expect(await drone.order(2)).to.not.have.any.keys('model', 'thinkingLevel')
    await drone.voice({ turnId: plain.turnId, attempt: 1 }).complete()
    await viewer.until('no rule', () => routing(viewer, chatSessionId) === undefined)
  })

  it('[RO2] goes after what the user has chosen, but for a rule that overrides it', async () => {
    const { drone, viewer } = await routed(bench())
    await viewer.send('Something hard.', { model: 'small' })
    expect(await drone.order()).to.include({ model: 'small', thinkingLevel: 'high' })
    const bob = await bench().viewer({}, await bench().relay.keyOf('code', 'bob'))
    const key = await bench().relay.keyOf('drone', 'bob')
    const theirs = await bench().drone({ name: 'other', ...OFFERS }, key)
    await bob.send('Something hard.', { model: 'large' })
    expect(await theirs.order()).to.include({ model: 'large', thinkingLevel: 'high' })
    await theirs.voice(await theirs.order()).complete()
    await bob.send('Easy.', { model: 'large' })
    expect(await theirs.order(2)).to.include({ model: 'small' })
  })

  it('[RO2] can want drones of a kind, also for later attempts, and look at files', async () => {
    const { drone, viewer } = await routed(bench())
    const long = 'x'.repeat(60)
    await viewer.send(long)
    await drone.order()
    const strong = await bench().drone({ droneId: 'd2', name: 'strong', labels: { gpu: 'yes' } })
    const { turnId } = await viewer.send(`${long}!`)
    expect((await strong.order()).turnId).to.equal(turnId)
    const { url, keys } = bench().relay
    const headers = { authorization: `Bearer ${keys.code}`, 'content-type': 'image/png' }
    const path = `${url}/api/v1/attachments?name=a.png`
    const upload = await fetch(path, { method: 'POST', headers, body: 'png' })
    const { attachmentId } = (await upload.json()) as { attachmentId: string }
    await viewer.send('Look.', { attachments: [attachmentId], droneId: 'd1' })
    expect(await drone.order(2)).to.include({ model: 'eyes' })
  })

  it('[RO1] never keeps a message from being worked on', async () => {
    for (const rules of ['{', '[1, {"name": "x"}]', '/no/such/file']) {
      const { drone, viewer } = await routed(bench(), rules)
      await viewer.send('Something hard.')
      expect(await drone.order()).to.not.have.any.keys('model')
      await bench().relay.stop()
    }
    const evil = [{ name: 'evil', when: { text: '(a+)+$' }, use: { model: 'small' } }]
    const { drone, viewer } = await routed(bench(), evil)
    await viewer.send(`${'a'.repeat(50_000)}!`)
    expect(await drone.order()).to.not.have.any.keys('model')
  })

  it('[RO3] is read anew when an operator says so, and everybody hears', async () => {
    const dir = await tempDir('rules')
    try {
      const file = join(dir.path, 'rules.json')
      await writeFile(file, '[]')
      const { drone, viewer } = await routed(bench(), file)
      await writeFile(file, JSON.stringify([{ name: 'all', use: { model: 'small' } }]))
      const ops = await bench().ops()
      expect(await ops.ask('reload', {})).to.deep.equal({ ok: true })
      expect((await viewer.event('system:reload'))[0]).to.deep.equal({ what: ['rules', 'keys'] })
      await viewer.send('Easy.')
      expect(await drone.order()).to.include({ model: 'small' })
      const answer = await bench().request('/api/v1/reload', 'ops', { method: 'POST' })
      expect(await answer.json()).to.deep.equal({ what: ['rules', 'keys'] })
    } finally {
      await dir.remove()
    }
  })
})
