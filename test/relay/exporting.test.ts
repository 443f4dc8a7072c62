import { expect } from 'chai'
import type { TurnView } from '../../src/protocol/turn-view.ts'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

interface Line {
  readonly lane: string
  readonly offset: number
  readonly entry: { readonly kind: string; readonly createdAt: number }
}

async function linesOf<Item>(bench: Bench, path: string): Promise<Item[]> {
  const text = await (await bench.request(path)).text()
  expect(text.endsWith('\n')).to.equal(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Item)
}

async function session(bench: Bench) {
  await bench.start()
  const [drone, viewer] = [await bench.drone(), await bench.viewer()]
  const { chatSessionId, turnId } = await viewer.send('What is\nthis?')
  const voice = drone.voice(await drone.order())
  voice.thinking('Hm.\nSo.').call('c1', { name: 'read', params: '{"path":"a"}', detail: { title: 'Read a' } })
  voice.call('sub', { name: 'task' }).thinking('sub hm', 'sub').response('sub says', 'sub')
  voice.result('c1', 'has ```` in it', { durationMs: 12, isError: true }).result('sub', 'done')
  await voice.response('It is **this**.').complete()
  await viewer.ended(turnId)
  const second = await viewer.send('And now?', { chatSessionId, model: undefined })
  await drone.voice(await drone.order(2)).complete(false, 'no idea')
  await viewer.ended(second.turnId)
  return { viewer, chatSessionId, turnIds: [turnId, second.turnId] }
}

onEveryStore('A session to keep', (bench) => {
  it('[EX1] is Markdown for people: prompts, thoughts, tools and answers, oldest first', async () => {
    const { chatSessionId } = await session(bench())
    const response = await bench().request(`/api/v1/chat-sessions/${chatSessionId}/export`)
    expect(response.headers.get('content-type')).to.match(/^text\/markdown/)
    const text = await response.text()
    const parts = [
      '# What is this?\n',
      '\n## 2',
      'What is\nthis?',
      '### Answer\n',
      '> Hm.\n> So.',
      '**Read a** (`read`, failed, 12 ms)\n\n```\n{"path":"a"}\n```\n\n`````\nhas ```` in it\n`````',
      '**task**',
      'It is **this**.',
      '#### Subagent sub',
      '> sub hm',
      'sub says',
      'And now?',
      '### Answer (failed: no idea)',
    ]
    let from = 0
    for (const part of parts) {
      const found = text.indexOf(part, from)
      expect(found, `${part} in ${text}`).to.be.at.least(from)
      from = found + part.length
    }
  })

  it('[EX1] is JSON lines for programs: the session, then each turn as it is read', async () => {
    const { chatSessionId, turnIds } = await session(bench())
    const path = `/api/v1/chat-sessions/${chatSessionId}/export?format=jsonl`
    const [about, ...turns] = await linesOf<{ kind: string; chatSessionId?: string } & TurnView>(
      bench(),
      path,
    )
    expect(about).to.include({ kind: 'session', chatSessionId })
    expect(turns.map(({ id }) => id)).to.deep.equal(turnIds)
    const { kind, ...first } = turns[0] ?? { kind: '' }
    expect(kind).to.equal('turn')
    expect(first).to.deep.equal(await bench().turn(turnIds[0] ?? ''))
  })

  it('[EX2] gives the entries of a turn in the order in which they were said', async () => {
    const { turnIds } = await session(bench())
    const lines = await linesOf<Line>(bench(), `/api/v1/turns/${turnIds[0]}/entries`)
    const times = lines.map(({ entry }) => entry.createdAt)
    expect(times).to.deep.equal(times.toSorted((one, other) => one - other))
    for (const lane of ['', 'sub']) {
      const offsets = lines.filter((line) => line.lane === lane).map(({ offset }) => offset)
      expect(offsets).to.deep.equal(offsets.toSorted((one, other) => one - other))
      expect(offsets[0]).to.equal(0)
    }
    expect(lines.map(({ entry }) => entry.kind).filter((kind) => kind === 'result')).to.have.lengthOf(2)
  })

  it('[EX1] [EX2] is nobody else’s', async () => {
    const { chatSessionId, turnIds } = await session(bench())
    const key = await bench().relay.keyOf('code', 'bob')
    for (const path of [`/chat-sessions/${chatSessionId}/export`, `/turns/${turnIds[0]}/entries`]) {
      expect((await bench().request(`/api/v1${path}`, { key })).status, path).to.equal(404)
    }
    const wrong = await bench().request(`/api/v1/chat-sessions/${chatSessionId}/export?format=pdf`)
    expect(wrong.status).to.equal(400)
  })
})
