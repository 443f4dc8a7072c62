import type { Database } from './database.ts'
import type { DroneHost } from './drone-host.ts'
import { POINTS } from './failpoints.ts'
import type { FaultProxy, LinkMode } from './fault-proxy.ts'
import { GRACE_MS } from './intensity.ts'
import type { Intensity } from './intensity.ts'
import type { Random } from './random.ts'
import type { Recovery } from './recovery.ts'
import type { RelayHost } from './relay-host.ts'
import { endure } from './storm.ts'
import type { Fault, Front } from './storm.ts'

export interface Scene {
  readonly relay: RelayHost
  readonly drones: readonly { readonly host: DroneHost; readonly link: FaultProxy }[]
  readonly viewerLink: FaultProxy
  /** All ways to the relay: cut when it moves to another port. */
  readonly links: readonly FaultProxy[]
  readonly database: Database | undefined
  readonly recovery: Recovery
}

export function frontsOf(scene: Scene, intensity: Intensity): Front[] {
  const { relayMs, droneMs, linkMs, viewerMs, databaseMs } = intensity
  const drones = droneFaults(scene)
  return [
    { name: 'relay', everyMs: relayMs, faults: relayFaults(scene, intensity) },
    { name: 'drones', everyMs: droneMs, faults: intensity.onlyUsurped ? [] : drones },
    { name: 'more drones', everyMs: droneMs, faults: intensity.onlyCuts ? [] : drones },
    { name: 'drone links', everyMs: linkMs, faults: droneLinkFaults(scene, intensity.onlyCuts) },
    { name: 'viewer link', everyMs: viewerMs, faults: viewerLinkFaults(scene) },
    { name: 'database', everyMs: databaseMs, faults: databaseFaults(scene) },
  ]
}

function relayFaults({ relay, links, database, recovery }: Scene, intensity: Intensity): Fault[] {
  const again = async (random: Random, signal: AbortSignal): Promise<void> => {
    if (random.chance(0.5)) await endure(random.between(0, 1500), signal)
    await relay.start()
  }
  const usurp: Fault = {
    name: 'relay frozen and replaced',
    weight: 2,
    async strike(random) {
      const moveOver = (): void => links.forEach((link) => link.cut())
      await relay.usurp(moveOver, random.between(1000, 3000), 1500)
    },
  }
  if (intensity.onlyUsurped) return [usurp]
  return [
    ...(database ? [usurp] : []),
    {
      name: 'relay SIGKILL at a failpoint',
      weight: 16,
      async strike(random, signal) {
        await relay.killAt(random.of(POINTS), random.whole(1, intensity.mostHits), intensity.armedMs)
        await again(random, signal)
      },
    },
    {
      name: 'relay SIGKILL',
      weight: 4,
      async strike(random, signal) {
        await relay.kill()
        await again(random, signal)
      },
    },
    {
      name: 'relay SIGKILL while it begins',
      weight: 2,
      async strike(random, signal) {
        await relay.kill()
        void relay.start()
        await endure(random.between(500, 1500), signal)
        await relay.kill(true)
        await relay.start()
      },
    },
    {
      name: 'relay SIGSTOP',
      weight: 3,
      async strike(random, signal) {
        recovery.excuseAll()
        relay.signal('SIGSTOP')
        await endure(random.between(200, 3500), signal)
        relay.signal('SIGCONT')
      },
    },
    {
      name: 'relay SIGTERM',
      weight: 2,
      async strike(random, signal) {
        await relay.stop()
        await again(random, signal)
      },
    },
  ]
}

function droneFaults({ drones, recovery }: Scene): Fault[] {
  const withOne = async (random: Random, act: (host: DroneHost) => Promise<void>): Promise<void> => {
    const { host } = random.of(drones)
    if (host.busy) return
    host.busy = true
    recovery.excuseDrone(host.droneId)
    await act(host)
    host.busy = false
  }
  const frozen = (name: string, weight: number, leastMs: number, mostMs: number): Fault => ({
    name,
    weight,
    strike: (random, signal) =>
      withOne(random, async (host) => {
        host.stop()
        await endure(random.between(leastMs, mostMs), signal)
        host.continue()
      }),
  })
  return [
    {
      name: 'drone SIGKILL',
      weight: 6,
      strike: (random, signal) =>
        withOne(random, async (host) => {
          await host.kill()
          await endure(random.between(0, 2000), signal)
          host.start()
        }),
    },
    frozen('drone SIGSTOP', 3, 200, 2500),
    frozen('drone SIGSTOP past its grace', 2, GRACE_MS + 500, GRACE_MS + 4000),
  ]
}

function linkFaults(
  withLink: (random: Random, isLong: boolean, act: (link: FaultProxy) => Promise<void>) => Promise<void>,
  where: string,
): Fault[] {
  const lasting = (
    name: string,
    weight: number,
    isLong: boolean,
    modeOf: (random: Random) => LinkMode,
  ): Fault => ({
    name: `${where} ${name}`,
    weight,
    strike: (random, signal) =>
      withLink(random, isLong, async (link) => {
        link.mode = modeOf(random)
        await endure(random.between(300, isLong ? 5000 : 3000), signal)
        link.heal()
      }),
  })
  const cut: Fault = {
    name: `${where} cut`,
    weight: 5,
    strike: (random) =>
      withLink(random, false, async (link) => {
        link.cut()
      }),
  }
  return [
    cut,
    lasting('slow', 2, false, (random) => ({ is: 'slow', ms: random.between(20, 400) })),
    lasting('stalled', 2, true, () => ({ is: 'stalled' })),
    lasting('half open', 2, true, (random) => ({
      is: 'lost',
      direction: random.chance(0.5) ? 'up' : 'down',
    })),
  ]
}

function droneLinkFaults({ drones, recovery }: Scene, onlyCuts: boolean): Fault[] {
  const faults = linkFaults(async (random, isLong, act) => {
    const { host, link } = random.of(drones)
    recovery.excuseDrone(host.droneId)
    if (isLong) host.mark('link fault')
    await act(link)
    if (isLong) host.mark('link healed')
  }, 'drone link')
  return onlyCuts ? faults.slice(0, 1) : faults
}

function viewerLinkFaults({ viewerLink, recovery }: Scene): Fault[] {
  return linkFaults(async (_random, _isLong, act) => {
    recovery.excuseViews('shaky')
    await act(viewerLink)
  }, 'viewer link')
}

function databaseFaults({ database, recovery }: Scene): Fault[] {
  if (!database) return []
  const links = linkFaults((_random, _isLong, act) => act(database.link), 'database link')
  const frozen = (name: string, weight: number, leastMs: number, mostMs: number): Fault => ({
    name,
    weight,
    async strike(random, signal) {
      database.signal('SIGSTOP')
      await endure(random.between(leastMs, mostMs), signal)
      database.signal('SIGCONT')
    },
  })
  const faults: Fault[] = [
    ...links.map((fault) => ({ ...fault, weight: fault.weight / 4 })),
    {
      name: 'database SIGKILL',
      weight: 4,
      async strike(random, signal) {
        await database.kill()
        await endure(random.between(0, 2500), signal)
        await database.start()
      },
    },
    frozen('database SIGSTOP', 3, 200, 4000),
    // After 10 s without an answer the relay makes its client anew.
    frozen('database SIGSTOP for long', 1, 11_000, 16_000),
  ]
  return faults.map((fault) => ({
    name: fault.name,
    weight: fault.weight,
    strike(random, signal) {
      recovery.excuseAll()
      return fault.strike(random, signal)
    },
  }))
}
