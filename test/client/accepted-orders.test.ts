import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
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

  it('[DC8] are not accepted where they cannot be written down', async () => {
    await writeFile(join(folder.path, 'state'), 'a file where the folder should be')
    let failure: unknown
    await new AcceptedOrders(path).add(order).catch((error: unknown) => (failure = error))
    expect(failure).to.be.instanceOf(Error)
  })
})
