import { expect } from 'chai'
import type { KeyKind } from '../../src/turns/turn-store.ts'
import { onEveryStore } from '../support/bench.ts'

interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly retryable: boolean
}

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).to.match(/^application\/problem\+json/)
  const body = (await response.json()) as Problem
  expect(body.status).to.equal(response.status)
  expect(body.title).to.equal(body.code)
  expect(body.detail).to.be.a('string').that.is.not.equal('')
  return body
}

onEveryStore('The HTTP side', (bench) => {
  it('[HT1] says that it is alive and ready, to anybody', async () => {
    const { url } = await bench().start()
    for (const path of ['/healthz', '/readyz']) {
      const response = await fetch(`${url}${path}`)
      expect([response.status, await response.json()]).to.deep.equal([200, { ok: true }])
      expect(response.headers.get('x-powered-by')).to.equal(null)
    }
  })

  it('[HT2] wants a key that is right, and of a kind that may', async () => {
    const { url, keys } = await bench().start()
    const wanted: [string, string, readonly KeyKind[]][] = [
      ['GET', '/drones', ['code', 'watch', 'ops']],
      ['POST', '/drones/x/terminate', ['ops']],
      ['POST', '/drones/x/quarantine', ['ops']],
      ['POST', '/drones/x/release', ['ops']],
      ['POST', '/turns/x/retry', ['code']],
      ['POST', '/turns/x/abort', ['code']],
      ['GET', '/chat-sessions', ['code', 'watch']],
      ['GET', '/chat-sessions/x', ['code', 'watch']],
      ['GET', '/search', ['code', 'watch']],
      ['GET', '/usage', ['code', 'watch']],
      ['GET', '/chat-sessions/x/export', ['code', 'watch']],
      ['GET', '/turns/x/entries', ['code', 'watch']],
      ['POST', '/reload', ['ops']],
      ['POST', '/messages', ['code']],
      ['PATCH', '/chat-sessions/x/queue/y', ['code']],
      ['DELETE', '/chat-sessions/x/queue/y', ['code']],
      ['POST', '/attachments?name=a', ['code']],
      ['GET', '/attachments/x', ['code', 'watch']],
      ['GET', '/permissions', ['code', 'watch']],
      ['POST', '/permissions', ['code']],
      ['GET', '/chat-sessions/x/turns', ['code', 'watch']],
      ['GET', '/turns/x', ['drone', 'code', 'watch', 'ops']],
      ['GET', '/keys', ['ops']],
      ['POST', '/keys', ['ops']],
      ['DELETE', '/keys/x', ['ops']],
    ]
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> }
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
    )
    const named = wanted.map(([method, path]) => `${method} ${path.replace(/\?.*/, '')}`)
    expect(
      documented.map((route) => route.replaceAll(/\{id\}/g, 'x').replace('{messageId}', 'y')).toSorted(),
    ).to.deep.equal(named.toSorted())
    for (const [method, path, kinds] of wanted) {
      const bare = await fetch(`${url}/api/v1${path}`, { method })
      expect((await problem(bare)).code, path).to.equal('unauthorized')
      for (const kind of ['drone', 'code', 'watch', 'ops'] as const) {
        const { status } = await bench().request(`/api/v1${path}`, kind, { method })
        expect(status === 403, `${method} ${path} as ${kind}: ${status}`).to.equal(!kinds.includes(kind))
      }
    }
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${keys.code}`, keys.code]) {
      const response = await fetch(`${url}/api/v1/drones`, { headers: { authorization } })
      expect(response.status).to.equal(401)
    }
    const inAddress = await fetch(
      `${url}/api/v1/drones?token=${keys.code}&authorization=Bearer%20${keys.code}`,
    )
    expect(inAddress.status).to.equal(401)
  })

  it("[HT3] answers what is somebody else's like what is not there", async () => {
    const relay = await bench().start()
    const [drone, viewer] = [await bench().drone(), await bench().viewer()]
    const { turnId, chatSessionId } = await viewer.send()
    await drone.order()
    const bob = { key: await relay.keyOf('code', 'bob') }
    const pairs = [
      [`/api/v1/turns/${turnId}`, '/api/v1/turns/nothing'],
      [`/api/v1/chat-sessions/${chatSessionId}/turns`, '/api/v1/chat-sessions/nothing/turns'],
    ] as const
    for (const [foreign, absent] of pairs) {
      const [one, other] = [
        await problem(await bench().request(foreign, bob)),
        await problem(await bench().request(absent, bob)),
      ]
      expect([one.status, one.code, one.retryable]).to.deep.equal([404, 'not_found', false])
      expect([other.status, other.code]).to.deep.equal([404, 'not_found'])
      expect((await bench().request(foreign)).status).to.equal(200)
    }
    const drones = await (await bench().request('/api/v1/drones', bob)).json()
    const sessions = await (await bench().request('/api/v1/chat-sessions', bob)).json()
    expect([drones, sessions]).to.deep.equal([{ drones: [] }, { sessions: [] }])
    for (const kind of ['code', 'watch', 'drone', 'ops'] as const) {
      expect((await bench().request(`/api/v1/turns/${turnId}`, kind)).status).to.equal(200)
    }
  })

  it('[HT4] lists drones, sessions and keys; a page says where the next begins', async () => {
    await bench().start()
    await bench().drone({ droneId: 'd1', labels: { team: 'a' } })
    const viewer = await bench().viewer()
    for (let number = 0; number < 3; number++) await viewer.send(`${number}`, { workspaceId: 'nowhere' })
    const { drones } = (await (await bench().request('/api/v1/drones')).json()) as { drones: object[] }
    expect(drones[0]).to.deep.include({
      droneId: 'd1',
      state: 'online',
      turns: [],
      labels: { team: 'a' },
      plain: false,
    })
    const listed: string[] = []
    for (let after = ''; ;) {
      const query = `limit=2${after === '' ? '' : `&after=${after}`}`
      const page = (await (await bench().request(`/api/v1/keys?${query}`, 'ops')).json()) as {
        keys: { keyId: string }[]
        next?: string
      }
      listed.push(...page.keys.map(({ keyId }) => keyId))
      expect(JSON.stringify(page)).to.not.match(/hash/)
      if (page.next === undefined) break
      after = encodeURIComponent(page.next)
    }
    expect(new Set(listed).size).to.equal(4)
    const first = (await (await bench().request('/api/v1/chat-sessions?limit=2')).json()) as {
      sessions: object[]
      next: string
    }
    const rest = (await (
      await bench().request(`/api/v1/chat-sessions?limit=2&after=${first.next}`)
    ).json()) as { sessions: object[] }
    expect([first.sessions.length, rest.sessions.length]).to.deep.equal([2, 1])
  })

  it('[HT5] makes a key that opens its doors, and shows it this once', async () => {
    await bench().start()
    const body = JSON.stringify({ kind: 'watch', user: 'ann', label: 'wall' })
    const made = await bench().request('/api/v1/keys', 'ops', { method: 'POST', body })
    expect(made.status).to.equal(201)
    const { keyId, key } = (await made.json()) as { keyId: string; key: string }
    expect((await bench().request('/api/v1/chat-sessions', { key })).status).to.equal(200)
    const text = await (await bench().request('/api/v1/keys?limit=200', 'ops')).text()
    expect(text).to.include(keyId).and.to.include('"label":"wall"')
    expect(text).to.not.include(key)
    expect((await bench().request(`/api/v1/keys/${keyId}`, 'ops', { method: 'DELETE' })).status).to.equal(204)
    expect((await bench().request('/api/v1/chat-sessions', { key })).status).to.equal(401)
  })

  it('[HT6] refuses what is not right with a problem that says what', async () => {
    await bench().start()
    const post = (path: string, body: string) => bench().request(path, 'ops', { method: 'POST', body })
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"kind":"root","user":"a"}',
      '{"kind":"code","user":""}',
      '{"__proto__":{"kind":"ops","user":"a"}}',
    ]
    for (const body of bodies)
      expect((await problem(await post('/api/v1/keys', body))).code, body).to.equal('invalid_payload')
    const huge = await problem(
      await post('/api/v1/keys', JSON.stringify({ kind: 'code', user: 'a'.repeat(2_100_000) })),
    )
    expect([huge.status, huge.code]).to.deep.equal([413, 'payload_too_large'])
    for (const query of ['limit=0', 'limit=x', 'limit=201', 'after=a&after=b', `after=${'a'.repeat(600)}`]) {
      const refused = await problem(await bench().request(`/api/v1/chat-sessions?${query}`))
      expect([refused.status, refused.code], query).to.deep.equal([400, 'invalid_payload'])
    }
    const unknown = [
      '/',
      '/api',
      '/api/v1/nothing',
      '/api/v1/keys/none',
      '/socket.io',
      '/api/v1/turns/%00',
      '/.env',
    ]
    for (const path of unknown) {
      const init = path.endsWith('none') ? { method: 'DELETE' } : {}
      expect((await problem(await bench().request(path, 'ops', init))).code, path).to.equal('not_found')
    }
    expect((await bench().request('/api/v1/turns/%E0%A4%A', 'code')).status).to.equal(400)
    expect((await bench().request('/api/v1/chat-sessions?after=not-a-cursor')).status).to.be.oneOf([200, 400])
    expect((await bench().request('/healthz')).status).to.equal(200)
  })
})
