import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { AuditEntry, DroneRecord, KeyRecord, Page, PageRequest } from '../../../src/turns/turn-store.ts'
import type { StoreUnderTest } from '../turn-store-acceptance.ts'

function aDrone(fields: Partial<DroneRecord> = {}): DroneRecord {
  return {
    registrationId: randomUUID(),
    userId: 'ann',
    droneId: 'drone 😀',
    registration: {
      name: 'n',
      hostname: 'h',
      workspaceId: 'w',
      instanceId: 'i',
      capacity: 2,
      labels: { 'a.b': 1, $c: [[null]] },
      commands: [{ name: 'go', args: { $x: 1 } }],
      models: [{ id: 'm', provider: 'p' }],
      agents: [],
    },
    firstSeenAt: 1,
    lastSeenAt: 2,
    replacedInstances: ['old'],
    ...fields,
  }
}

function aKey(fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    keyId: randomUUID(),
    kind: 'drone',
    userId: 'ann',
    label: '',
    hash: 'ab'.repeat(32),
    createdAt: 1,
    ...fields,
  }
}

async function allPages<Item>(list: (page: PageRequest) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = []
  for (let after: string | undefined, more = true; more; more = after !== undefined) {
    const page = await list({ limit: 2, ...(after ? { after } : {}) })
    expect(page.items.length).to.be.lessThan(3)
    items.push(...page.items)
    after = page.next
  }
  return items
}

export function acceptRegistry(under: StoreUnderTest): void {
  describe('drones, keys and the audit', () => {
    it('[ST14] reads a drone as it was saved last', async () => {
      const drone = aDrone()
      await under.store.saveDrone(drone)
      expect(await under.store.readDrone(drone.registrationId)).to.deep.equal(drone)
      const { labels: _, ...registration } = drone.registration
      const later = { ...drone, registration, lastSeenAt: 3, replacedInstances: ['old', 'i'] }
      await under.store.saveDrone(later)
      expect(await under.store.readDrone(drone.registrationId)).to.deep.equal(later)
      expect(await under.store.readDrone('nobody')).to.equal(undefined)
    })

    it('[ST14] lists drones and keys page by page, each once', async () => {
      const drones = Array.from({ length: 5 }, () => aDrone())
      for (const drone of drones) await under.store.saveDrone(drone)
      const keys = Array.from({ length: 5 }, () => aKey())
      for (const key of keys) await under.store.insertKey(key)
      const listedDrones = await allPages((page) => under.store.listDrones(page))
      const listedKeys = await allPages((page) => under.store.listKeys(page))
      expect(listedDrones).to.deep.include.members(drones)
      expect(listedKeys).to.deep.include.members(keys)
      expect(new Set(listedKeys.map(({ keyId }) => keyId)).size).to.equal(listedKeys.length)
    })

    it('[ST14] keeps the first revocation of a key, also when it is inserted or revoked again', async () => {
      const key = aKey()
      await under.store.insertKey(key)
      expect(await under.store.findKey(key.keyId)).to.deep.equal(key)
      expect(await under.store.revokeKey(key.keyId, 7)).to.deep.equal({ ...key, revokedAt: 7 })
      expect(await under.store.revokeKey(key.keyId, 8)).to.deep.equal({ ...key, revokedAt: 7 })
      await under.store.insertKey(key)
      expect(await under.store.findKey(key.keyId)).to.deep.equal({ ...key, revokedAt: 7 })
      expect(await under.store.revokeKey('nobody', 7)).to.equal(undefined)
    })

    it('[ST14] lists the audit newest first, and an entry appended again once', async () => {
      const prefix = randomUUID()
      const entries = [1, 2, 3, 4, 5].map((at): AuditEntry => ({
        auditId: `~${prefix}-${at}`,
        at,
        by: 'ops',
        action: 'terminate',
        subject: 'd😀',
      }))
      for (const entry of [...entries, ...entries]) await under.store.appendAudit(entry)
      const listed = await allPages((page) => under.store.listAudit(page))
      expect(listed.slice(0, 5)).to.deep.equal(entries.toReversed())
      expect(new Set(listed.map(({ auditId }) => auditId)).size).to.equal(listed.length)
    })

    it('takes reads and writes', async () => {
      await under.store.ping()
    })
  })
}
