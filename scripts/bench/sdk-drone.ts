import { join } from 'node:path'
import { DroneClient } from '../../src/client/drone-client.ts'
import type { Work } from '../../src/client/work.ts'
import type { Speaker } from './links.ts'
import type { RelayTarget } from './spec.ts'

export interface BenchDrone {
  readonly droneId: string
  /** Resolves with the first work order. */
  readonly ordered: Promise<Speaker>
  close(): Promise<void>
}

/** Our SDK's drone. Several live in one process here, which an agent's author would not do. */
export async function connectSdkDrone(
  { url, keys, stateDir }: RelayTarget,
  droneId: string,
): Promise<BenchDrone> {
  let onOrder: (work: Speaker) => void = () => undefined
  let onFailed: (error: Error) => void = () => undefined
  const ordered = new Promise<Speaker>((resolve, reject) => {
    onOrder = resolve
    onFailed = reject
  })
  // Nobody may be waiting for the order yet when the relay refuses the drone.
  ordered.catch(() => undefined)
  let client: DroneClient | undefined
  await new Promise<void>((resolve, reject) => {
    client = new DroneClient({
      url,
      token: keys.drone,
      registration: { name: droneId, hostname: 'bench', workspaceId: `workspace-${droneId}`, droneId },
      stateDir: join(stateDir, droneId),
      onConnected: () => resolve(),
      onWorkOrder: (work) => speak(work, onOrder),
      onFinal: (refusal) => {
        reject(refusal)
        onFailed(refusal)
      },
    })
    void client.start()
  })
  return { droneId, ordered, close: () => client?.stop() ?? Promise.resolve() }
}

/** The order is done when its speaker has ended it. */
function speak(work: Work, onOrder: (speaker: Speaker) => void): Promise<void> {
  return new Promise((resolve) => {
    onOrder({
      text: (mode, text) => (mode === 'thinking' ? work.thinking(text) : work.response(text)),
      call: (callId, name, params) => work.toolCall({ callId, name, params }),
      result: (callId, response) => work.toolResult({ callId, response }),
      async end() {
        await work.complete(true)
        resolve()
      },
    })
  })
}
