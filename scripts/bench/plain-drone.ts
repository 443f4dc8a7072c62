import type { WorkOrder } from '../../src/protocol/drone-down.ts'
import { PROTOCOL_VERSION } from '../../src/protocol/handshake.ts'
import { connected } from './connected.ts'
import type { BenchDrone } from './sdk-drone.ts'
import type { RelayTarget } from './spec.ts'

/** A drone of the original: a bare socket that says one event a token and no position. */
export async function connectPlainDrone({ url, keys }: RelayTarget, name: string): Promise<BenchDrone> {
  // Without `droneId` it is known by its name; it is asked for by its workspace then, so it gives one all the same.
  const registration = { name, hostname: 'bench', workspaceId: `workspace-${name}`, droneId: name }
  const auth = { token: keys.drone, protocol: PROTOCOL_VERSION, registration }
  const socket = connected(`${url}/drone`, auth, (why) => console.error(`plain drone ${name} ${why}`))
  const ordered = new Promise<WorkOrder>((resolve) => socket.once('processWorkOrder', resolve))
  await new Promise<void>((resolve) => socket.once('welcome', () => resolve()))
  return {
    droneId: name,
    ordered: ordered.then(({ turnId }) => ({
      text: (mode, text) => void socket.emit(mode === 'thinking' ? 'thinking' : 'response', text),
      call: (callId, tool, params) => void socket.emit('toolCall', callId, tool, params, ''),
      result: (callId, response) => void socket.emit('toolResult', callId, response),
      async end() {
        await socket.emitWithAck('workOrderComplete', turnId, true, null)
      },
    })),
    async close() {
      socket.disconnect()
    },
  }
}
