import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asyncApiSpecs from '@asyncapi/specs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect } from 'chai'
import { codeDown } from '../../src/protocol/code-down.ts'
import { codeUp } from '../../src/protocol/code-up.ts'
import { droneDown } from '../../src/protocol/drone-down.ts'
import { droneUp } from '../../src/protocol/drone-up.ts'
import { opsDown, opsUp } from '../../src/protocol/ops.ts'
import { startRelay } from '../support/running-relay.ts'
import type { RunningRelay } from '../support/running-relay.ts'
import { STORES } from '../support/stores.ts'
import type { TestStore } from '../support/stores.ts'

const TESTS = fileURLToPath(new URL('..', import.meta.url))
const TABLES = { drone: [droneUp, droneDown], code: [codeUp, codeDown], ops: [opsUp, opsDown] } as const

/** Events that the relay does not know yet: docs/protocol.md says so. */
const TO_COME = /^(terminal:|auth:refresh$|drain$)/

interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly messages: Readonly<Record<string, { name: string }>> }>
  >
}

async function testSources(): Promise<string> {
  const names = await readdir(TESTS, { recursive: true })
  const sources = names.filter((name) => /\.(ts|py)$/.test(name) && !name.includes('interfaces.test'))
  return (await Promise.all(sources.map((name) => readFile(join(TESTS, name), 'utf8')))).join('\n')
}

describe('what the relay says of itself', () => {
  let store: TestStore
  let relay: RunningRelay

  before(async () => {
    const [first] = STORES
    if (!first) throw new Error('no store')
    store = await first.make()
    relay = await startRelay(store)
  })
  after(async () => {
    await relay.stop()
    await store.remove()
  })

  const document = async (path: string): Promise<object> => {
    const response = await fetch(`${relay.url}${path}`)
    expect(response.status).to.equal(200)
    return (await response.json()) as object
  }

  it('[DO1] is valid OpenAPI, and names every route', async () => {
    const openApi = (await document('/openapi.json')) as { paths: Record<string, Record<string, object>> }
    const { valid, errors } = await new Validator().validate(openApi)
    expect(valid, JSON.stringify(errors)).to.equal(true)
    const routes = Object.entries(openApi.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(routes).to.include.members(['post /api/v1/messages', 'get /api/v1/turns/{id}'])
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ')
      const url = `${relay.url}${path.replaceAll(/\{\w+\}/g, 'x')}`
      const { status } = await fetch(url, { method: method.toUpperCase() })
      expect(status, route).to.equal(401)
    }
    const broken = { ...openApi, paths: { x: 1 } }
    expect((await new Validator().validate(broken)).valid, 'control').to.equal(false)
  })

  it('[DO2] is valid AsyncAPI, and names every event of both sides', async () => {
    const asyncApi = (await document('/asyncapi.json')) as AsyncApi
    const ajv = new Ajv({ strict: false, allErrors: false })
    addFormats.default(ajv)
    const validate = ajv.compile(asyncApiSpecs.schemasWithoutId['3.0.0'] as object)
    expect(validate(asyncApi), JSON.stringify(validate.errors)).to.equal(true)
    expect(validate({ ...asyncApi, channels: 1 }), 'control').to.equal(false)
    for (const [namespace, tables] of Object.entries(TABLES)) {
      const named = Object.values(asyncApi.channels[namespace]?.messages ?? {}).map(({ name }) => name)
      expect(named.toSorted()).to.deep.equal(tables.flatMap((table) => Object.keys(table)).toSorted())
    }
  })

  it('[DO2] has no event that no test says or hears', async () => {
    const sources = await testSources()
    const events = Object.values(TABLES).flatMap((tables) => tables.flatMap((table) => Object.keys(table)))
    const isTested = (event: string): boolean =>
      [`'${event}'`, `"${event}"`, `\`${event}\``].some((name) => sources.includes(name))
    expect(isTested('no:such-event'), 'control').to.equal(false)
    const untested = new Set(events.filter((event) => !TO_COME.test(event) && !isTested(event)))
    expect([...untested]).to.deep.equal([])
  })

  it('[DO3] shows people what there is, without a script and from nowhere else', async () => {
    const response = await fetch(`${relay.url}/docs`)
    expect(response.headers.get('content-type')).to.match(/^text\/html/)
    expect(response.headers.get('content-security-policy')).to.match(/default-src 'self'/)
    const html = await response.text()
    for (const part of ['/api/v1/messages', 'chat:queue', 'turn:steered', '/openapi.json'])
      expect(html).to.include(part)
    expect(html).to.not.match(/<script|https?:\/\//)
  })
})
