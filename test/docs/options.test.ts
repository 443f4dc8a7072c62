import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { envExample, withOptions } from '../../scripts/docs/options.ts'
import { ConfigError, loadConfig } from '../../src/config.ts'

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
}

describe('the options', () => {
  it('[CF1] .env.example has every option at its default', () => {
    expect(read('.env.example'), 'run: npm run docs').to.equal(envExample())
  })

  it('[CF1] README.md has every option', () => {
    const readme = read('README.md')
    expect(readme, 'run: npm run docs').to.equal(withOptions(readme))
  })

  it('[CF2] a flag goes before its variable, and that before the default', () => {
    expect(loadConfig({}).graceMs).to.equal(10_000)
    expect(loadConfig({ GRACE_MS: '5' }).graceMs).to.equal(5)
    expect(loadConfig({ GRACE_MS: '5' }, { graceMs: '7' }).graceMs).to.equal(7)
    expect(loadConfig({ GRACE_MS: '' }).graceMs).to.equal(10_000)
  })

  it('[CF3] every wrong option is named, with what was given', () => {
    const load = (): unknown => loadConfig({ GRACE_MS: 'soon', PORT: '70000', TRANSPORTS: 'pigeon' })
    expect(load).to.throw(ConfigError, /PORT.*70000.*TRANSPORTS.*pigeon.*GRACE_MS.*soon/)
  })
})
