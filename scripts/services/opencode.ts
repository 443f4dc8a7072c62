import { execFile } from 'node:child_process'
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = '1.18.33'
/** Milliseconds for npm to fetch and unpack 350 MB; seconds here, minutes on a slow line. */
const INSTALL_MS = 540_000
/** Milliseconds for `--version`, which answers within a second. */
const VERSION_MS = 30_000

/** Searching is denied because opencode would fetch ripgrep for it. */
const PERMISSIONS = {
  '*': 'ask',
  read: 'allow',
  task: 'allow',
  todowrite: 'allow',
  glob: 'deny',
  grep: 'deny',
  webfetch: 'deny',
  websearch: 'deny',
}

const run = promisify(execFile)

/** Path of a binary that runs here, installed into a cache folder outside the project when it is missing. */
export async function installOpencode(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? tmpdir(), 'drone-relay-services')
  const home = join(cache, `opencode-${VERSION}`)
  const installed = await access(home).then(
    () => true,
    () => false,
  )
  if (!installed) await install(cache, home)
  return findBinary(home)
}

async function install(cache: string, home: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  // A folder of its own, then a rename: an interrupted install must not pass for one.
  const fresh = `${home}.${process.pid}`
  const args = [
    'install',
    '--prefix',
    fresh,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `opencode-ai@${VERSION}`,
  ]
  try {
    await mkdir(fresh)
    await run('npm', args, { timeout: INSTALL_MS })
    // Another install that came first is as good.
    await rename(fresh, home).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } catch (cause) {
    throw new Error(`opencode cannot be installed. Run "npm ${args.join(' ')}" to see why.`, { cause })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** The package's own command needs its postinstall script, so its platform packages are tried one by one. */
async function findBinary(home: string): Promise<string> {
  const modules = join(home, 'node_modules')
  const platforms = (await readdir(modules)).filter((name) => /^opencode-(?!ai$)/.test(name)).toSorted()
  for (const name of platforms) {
    const binary = join(modules, name, 'bin', process.platform === 'win32' ? 'opencode.exe' : 'opencode')
    const options = { timeout: VERSION_MS, env: opencodeEnv(join(home, 'home')) }
    const runs = await run(binary, ['--version'], options).then(
      () => true,
      () => false,
    )
    if (runs) return binary
  }
  throw new Error(`No opencode binary in ${modules} runs here. Remove ${home} and try again.`)
}

/** Writes a workspace's opencode.json, which knows no model but the one at `baseUrl`. */
export async function opencodeConfig(dir: string, baseUrl: string): Promise<void> {
  const fake = {
    name: 'Fake',
    reasoning: true,
    tool_call: true,
    limit: { context: 100_000, output: 10_000 },
  }
  const config = {
    autoupdate: false,
    share: 'disabled',
    enabled_providers: ['fake'],
    model: 'fake/fake',
    small_model: 'fake/fake',
    provider: {
      fake: {
        npm: '@ai-sdk/openai-compatible',
        name: 'Fake',
        options: { baseURL: baseUrl, apiKey: 'none' },
        models: { fake, other: { ...fake, name: 'Other' } },
      },
    },
    permission: PERMISSIONS,
  }
  await writeFile(join(dir, 'opencode.json'), JSON.stringify(config, null, 2))
}

/**
 * The whole environment of an opencode that keeps its state in `home` and asks for nothing beyond its model:
 * what a developer has set (keys, proxies, a configuration) would change what it does.
 */
export function opencodeEnv(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_SHARE: '1',
    // At each start it installs its plugin package into its configuration folder, which nothing here uses.
    npm_config_offline: 'true',
  }
}
