import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { basename, join } from 'node:path'
import { DroneClient } from '../client/drone-client.ts'
import type { DroneClientOptions } from '../client/drone-client.ts'
import type { Manifest } from '../protocol/handshake.ts'
import { parseAgentCommand } from '../drone/agent-command.ts'
import type { AgentCommand } from '../drone/agent-command.ts'
import { AgentHost } from '../drone/agent-host.ts'
import { ShownPlans } from '../drone/shown-plans.ts'
import { TmuxTerminals } from '../drone/terminals/tmux-terminals.ts'
import { UserTerminals } from '../drone/terminals/user-terminals.ts'
import { createLogger } from '../log.ts'
import type { DroneFlags } from './drone.ts'
import { EXIT, ExitError, untilStopped } from './exit.ts'
import { keyFor } from './peer-options.ts'
import { selfArgs } from './self.ts'

type Identity = Pick<DroneClientOptions['registration'], 'droneId' | 'name' | 'hostname' | 'workspaceId'>

function commandOf(agent: string): AgentCommand {
  if (agent === 'demo') {
    return { command: process.execPath, args: selfArgs('demo-agent') }
  }
  try {
    return parseAgentCommand(agent)
  } catch (error) {
    throw new ExitError(EXIT.usage, error instanceof Error ? error.message : String(error))
  }
}

/** One folder for each drone, as the relay tells them apart: a second in the same place must not answer for the first. */
function stateDirOf(url: string, { droneId, name, hostname: host, workspaceId }: Identity): string {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  const identity = JSON.stringify([url, droneId ?? [name, host, workspaceId]])
  return join(state, 'drone-relay', createHash('sha256').update(identity).digest('hex').slice(0, 16))
}

export async function runDrone(flags: DroneFlags): Promise<void> {
  const token = await keyFor('drone', flags)
  const cwd = await realpath(flags.cwd).catch(() => {
    throw new ExitError(EXIT.usage, `There is no folder ${flags.cwd} for the agent to work in.`)
  })
  const capacity = Number(flags.capacity)
  if (!Number.isInteger(capacity) || capacity < 1)
    throw new ExitError(EXIT.usage, '--capacity takes a number from 1.')
  const logger = createLogger({ level: flags.logLevel, json: flags.json === true || !process.stderr.isTTY })
  const folder = basename(cwd) === '' ? 'root' : basename(cwd)
  const registration = {
    name: flags.name ?? `${folder} on ${hostname()}`,
    hostname: hostname(),
    workspaceId: flags.workspace ?? `${hostname()}:${cwd}`,
    capacity,
    ...(flags.droneId === undefined ? {} : { droneId: flags.droneId }),
  }

  // Whatever the agent, or a person, runs must not come in as this drone.
  const env = { ...process.env, RELAY_KEY: undefined }
  const userTerminals = new UserTerminals({
    workspace: cwd,
    env,
    show: (shown) => client.openTerminal(shown),
  })
  const tmux =
    flags.tmux === undefined
      ? undefined
      : new TmuxTerminals({
          session: flags.tmux,
          env: process.env,
          show: (shown) => client.openTerminal(shown),
          isTheirs: flags.terminals === 'all',
          logger,
        })
  const host = new AgentHost({
    ...commandOf(flags.agent),
    cwd,
    env,
    logger,
    permissions: flags.permissions,
    terminals: flags.terminals,
    showTerminal: (shown) => client.openTerminal(shown),
    onAgentSession: (chatSessionId, agentSessionId) => client.agentSession(chatSessionId, agentSessionId),
    onManifest: (manifest: Manifest) => client.manifest(manifest),
    onStatus: (text) => client.status(text),
    onPlan: (chatSessionId, entries) => plans.tell(chatSessionId, entries),
    onMode: (mode) => client.workspaceModeChanged(mode),
  })
  let end: (outcome: ExitError | 'left') => void = () => undefined
  const ended = new Promise<ExitError | 'left'>((resolve) => (end = resolve))
  const client = new DroneClient({
    url: flags.url,
    token,
    registration,
    stateDir: flags.stateDir ?? stateDirOf(flags.url, registration),
    onWorkOrder: (work) => {
      logger.info('A turn begins.', { turnId: work.order.turnId, attempt: work.order.attempt })
      void tmux?.worksFor(work.order.chatSessionId)
      return host.work(work)
    },
    ...(flags.terminals === 'all' && { onTerminal: (request) => userTerminals.open(request) }),
    onConnected: ({ droneId }) => logger.info('The drone is connected.', { droneId, url: flags.url }),
    onDisconnected: () => logger.warn('The relay is away; the drone connects again.'),
    onFinal: ({ message }) =>
      end(new ExitError(EXIT.failed, `The relay will not have this drone: ${message}`)),
    onLeft: (reason) => {
      logger.info('The drone has left.', { reason })
      end('left')
    },
  })

  const plans = new ShownPlans(client)

  await host.start().catch((error: unknown) => {
    throw new ExitError(EXIT.usage, error instanceof Error ? error.message : String(error))
  })
  await client.start()
  if (process.connected) process.once('disconnect', () => end('left'))
  const outcome = await Promise.race([untilStopped(), ended])
  userTerminals.close()
  tmux?.close()
  if (!(outcome instanceof ExitError)) await client.stop()
  await host.stop()
  // An open channel keeps this process alive, and this process the one at its other end.
  if (process.connected) process.disconnect()
  if (outcome instanceof ExitError) throw outcome
  if (outcome !== 'left') process.exitCode = outcome === 'SIGINT' ? EXIT.sigint : EXIT.sigterm
}
