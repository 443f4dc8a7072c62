import type { Fleet, OpsDown } from '../protocol/ops.ts'
import { opsUp } from '../protocol/ops.ts'
import type { Rules, SocketSessionOptions } from './socket-session.ts'
import type { Operations } from './operations.ts'
import { SocketSession } from './socket-session.ts'

export interface OpsSessionOptions extends SocketSessionOptions {
  readonly world: Operations
}

const OPS = { allow: ['ops'] } as const
const RULES: Rules<typeof opsUp> = {
  requestTermination: OPS,
  drain: OPS,
  quarantine: OPS,
  release: OPS,
  reload: OPS,
}

/** One operator's connection: the fleet as it is, and the word that a drone is to leave. */
export class OpsSession extends SocketSession<OpsDown> {
  constructor(options: OpsSessionOptions) {
    super(options)
    const { world, identity } = options
    this.listen(opsUp, RULES, {
      requestTermination: async ({ registrationId, mode, reason }) => ({
        success: await world.terminate(identity.userId, registrationId, mode ?? 'now', reason),
      }),
      reload: async () => {
        await world.reload(identity.userId)
        return {}
      },
      quarantine: async ({ registrationId, reason }) => {
        await world.quarantine(identity.userId, registrationId, reason)
        return {}
      },
      release: async ({ registrationId, reason }) => {
        await world.release(identity.userId, registrationId, reason)
        return {}
      },
    })
    this.outlet.emit('fleet', world.fleet())
  }

  changed(fleet: Fleet): void {
    this.outlet.emit('fleet:changed', fleet)
  }

  protected override onDisconnect(): void {
    this.logger.debug('An operator disconnected.')
  }
}
