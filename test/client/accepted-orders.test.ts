import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { AcceptedOrders } from '../../src/client/accepted-orders.ts'
import { tempDir } from '../support/temp-dir.ts'

const order = { turnId: 'turn-1', attempt: 1, workspaceId: 'w', chatSessionId: 'chat 😀', instanceId: 'i' }

describe('the orders that a drone has accepted', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>
  let path: string
  beforeEach(async () => {
    folder = await tempDir('orders')
    path = join(folder.path, 'state', 'of', 'drone')
  })
  afterEach(() => folder.remove())

  it('[DC8] are read back by the next process, the latest attempt of each', async () => {
    const orders = new AcceptedOrders(path)
    expect(await orders.list()).to.deep.equal([])
    await orders.add(order)
    await orders.add({ ...order, turnId: 'turn-2' })
    await orders.add({ ...order, attempt: 2 })
    const found = (await new AcceptedOrders(path).list()).toSorted((a, b) => a.turnId.localeCompare(b.turnId))
    expect(found).to.deep.equal([
      { ...order, attempt: 2 },
      { ...order, turnId: 'turn-2' },
    ])
    const [file = ''] = await readdir(path)
    expect((await stat(join(path, file))).mode & 0o777).to.equal(0o600)
  })

  it('[DC8] are gone once removed, however often', async () => {
    const orders = new AcceptedOrders(path)
    await orders.add(order)
    await orders.remove('turn-1')
    await orders.remove('turn-1')
    expect(await orders.list()).to.deep.equal([])
    expect(await readdir(path)).to.deep.equal([])
  })

  it('[DC8] are read past files that are none', async () => {
    const orders = new AcceptedOrders(path)
    await orders.add(order)
    const garbage: Record<string, string> = {
      'empty.order.json': '',
      'half.order.json': JSON.stringify(order).slice(0, 20),
      'list.order.json': '[]',
      'escape.order.json': JSON.stringify({ ...order, turnId: '../../etc' }),
      'zero.order.json': JSON.stringify({ ...order, attempt: 0 }),
      'turn-9.order.json.draft': JSON.stringify({ ...order, turnId: 'turn-9' }),
      'notes.txt': 'hello',
    }
    for (const [name, content] of Object.entries(garbage)) await writeFile(join(path, name), content)
    await mkdir(join(path, 'folder.order.json'))
    expect(await orders.list()).to.deep.equal([order])
    expect((await readdir(path)).length).to.equal(9)
  })

  it('[DC8] leave nothing behind of a write that a crash cut short, and spare one that is under way', async () => {
    const orders = new AcceptedOrders(path)
    await orders.add(order)
    const uuid = '3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a'
    const [old, fresh] = [`turn-1.order.json.${uuid}`, `turn-2.order.json.${uuid}`]
    for (const draft of [old, fresh]) await writeFile(join(path, draft), '{"tur')
    await utimes(join(path, old), 1000, 1000)
    expect(await orders.list()).to.deep.equal([order])
    expect((await readdir(path)).toSorted()).to.deep.equal(['turn-1.order.json', fresh])
  })

  it('[DC8] are gone when they are over before they are written down', async () => {
    const orders = new AcceptedOrders(path)
    await Promise.all([orders.add(order), orders.remove('turn-1')])
    expect(await orders.list()).to.deep.equal([])
    const next = { ...order, attempt: 2 }
    await Promise.all([orders.add(order), orders.remove('turn-1'), orders.add(next)])
    expect(await orders.list()).to.deep.equal([next])
    void orders.add(order)
    await orders.settled()
    expect(await orders.list()).to.deep.equal([order])
  })

  it('[DC8] never become a path that somebody else has chosen', async () => {
    const orders = new AcceptedOrders(path)
    await orders.add(order)
    await writeFile(join(path, '..', 'other.order.json'), 'kept')
    const turnId = '../other'
    const outcomes = await Promise.allSettled([orders.add({ ...order, turnId }), orders.remove(turnId)])
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    expect(await readdir(join(path, '..'))).to.include('other.order.json')
  })

  it('[DC8] are not accepted where they cannot be written down', async () => {
    await writeFile(join(folder.path, 'state'), 'a file where the folder should be')
    let failure: unknown
    await new AcceptedOrders(path).add(order).catch((error: unknown) => (failure = error))
    expect(failure).to.be.instanceOf(Error)
  })
})
