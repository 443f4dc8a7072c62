/** The load generator: a process of its own, so that what it costs is not the server's. Told what to do by its parent. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openSocketioLink, openWsLink } from './forwarder-links.ts'
import { runIdle, runJoins, runSteady, runTurn } from './load-scenarios.ts'
import type { LoadRun } from './load-scenarios.ts'
import type { Link } from './links.ts'
import { inBatches } from './in-batches.ts'
import { openRelayLink } from './relay-links.ts'
import type { FromLoad, LoadReport, LoadSpec, MarkName, ToLoad } from './spec.ts'

/** Links that are being opened at a time: more only wait for each other. */
const OPENED_AT_ONCE = 100

const marked = new Map<MarkName, () => void>()

function tell(message: FromLoad): void {
  process.send?.(message)
}

/** Tells the parent that the measured part begins or ends; resolves when it has looked. */
function mark(name: MarkName): Promise<void> {
  return new Promise((resolve) => {
    marked.set(name, resolve)
    tell({ mark: name })
  })
}

function openLink({ target, run }: LoadSpec, index: number, viewers: number): Promise<Link> {
  const name = `${run}-${index}`
  if (target.kind === 'relay') {
    const keys = target.users?.[index % target.users.length] ?? target.keys
    return openRelayLink({ target: { ...target, keys }, name, viewers })
  }
  const open = target.kind === 'ws' ? openWsLink : openSocketioLink
  return open({ target, name, viewers })
}

function run(scenario: LoadSpec['scenario'], open: LoadRun['open']): Promise<Omit<LoadReport, 'load'>> {
  switch (scenario.kind) {
    case 'steady':
      return runSteady(scenario, { open, mark })
    case 'turn':
      return runTurn(scenario, { open, mark })
    case 'joins':
      return runJoins(scenario, { open, mark })
    case 'idle':
      return runIdle(scenario, { open, mark })
  }
}

async function load(spec: LoadSpec): Promise<LoadReport> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const links: Link[] = []
  const report = await run(spec.scenario, async (count, viewers) => {
    const opened = await inBatches(OPENED_AT_ONCE, count, (index) => openLink(spec, index, viewers))
    links.push(...opened)
    return links
  })
  const { user, system } = process.cpuUsage(cpu)
  const cpuShare = (user + system) / 1000 / (performance.now() - startedAt)
  await Promise.all(links.map((link) => link.close()))
  return { ...report, load: { cpuShare, loopP99Ms: delay.percentile(99) / 1e6 } }
}

process.on('message', (message: ToLoad) => {
  if ('marked' in message) {
    marked.get(message.marked)?.()
    return
  }
  load(message.spec)
    .then((report) => tell({ report }))
    .catch((error: unknown) => tell({ failed: error instanceof Error ? String(error.stack) : String(error) }))
    .finally(() => process.disconnect())
})
// The bench may die first.
process.on('disconnect', () => process.exit())
