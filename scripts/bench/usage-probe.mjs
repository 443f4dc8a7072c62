// Loaded into each measured server by `--import`: answers every message of its parent with what the process has used.
// Plain JavaScript, because the built relay runs without a TypeScript loader.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()

process.on('message', (question) => {
  if (question.gc) globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  const loopP99Ms = delay.percentile(99) / 1e6
  if (question.reset) delay.reset()
  const extra = globalThis.benchExtra?.()
  process.send?.({ id: question.id, cpuUs: user + system, rss, heapUsed, external, loopP99Ms, extra })
})
// The channel must not keep a server alive that wants to end.
process.channel?.unref()
