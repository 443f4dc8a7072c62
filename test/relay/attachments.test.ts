import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { onEveryStore } from '../support/bench.ts'
import type { Bench } from '../support/bench.ts'

const IMAGE = randomBytes(50_000)

async function upload(bench: Bench, name: string, type: string, bytes: Uint8Array, key?: string) {
  const { url, keys } = bench.relay
  const headers = { authorization: `Bearer ${key ?? keys.code}`, 'content-type': type }
  const path = `${url}/api/v1/attachments?name=${encodeURIComponent(name)}`
  const response = await fetch(path, { method: 'POST', headers, body: Uint8Array.from(bytes) })
  return { status: response.status, body: (await response.json()) as { attachmentId: string; code?: string } }
}

onEveryStore('Files that go with a message', (bench) => {
  it('[AT1] are uploaded first, kept once, and given back to their user alone, as a file', async () => {
    await bench().start()
    const { status, body } = await upload(bench(), 'a 😀.png', 'image/png', IMAGE)
    expect(status).to.equal(201)
    expect(body).to.include({ name: 'a 😀.png', mediaType: 'image/png', size: 50_000 })
    expect((await upload(bench(), 'a 😀.png', 'image/png', IMAGE)).body).to.deep.equal(body)
    expect((await upload(bench(), 'b.png', 'image/png', IMAGE)).body.attachmentId).not.to.equal(
      body.attachmentId,
    )
    const path = `/api/v1/attachments/${body.attachmentId}`
    const read = await bench().request(path)
    expect(Buffer.compare(Buffer.from(await read.arrayBuffer()), IMAGE)).to.equal(0)
    expect(read.headers.get('content-type')).to.equal('image/png')
    expect(read.headers.get('content-disposition')).to.match(/^attachment;/)
    expect(read.headers.get('x-content-type-options')).to.equal('nosniff')
    const bob = await bench().relay.keyOf('code', 'bob')
    expect((await bench().request(path, { key: bob })).status).to.equal(404)
  })

  it('[AT2] are in the order of the turn, also after a restart and in a queue, and are named to viewers', async () => {
    await bench().start()
    const viewer = await bench().viewer()
    const image = (await upload(bench(), 'a.png', 'image/png', IMAGE)).body
    const text = (await upload(bench(), 'notes.json', 'application/json', Buffer.from('{"a":1}'))).body
    const attachments = [image.attachmentId, text.attachmentId, image.attachmentId]
    const { chatSessionId, turnId } = await viewer.send('Look.', { attachments })
    const queued = { chatSessionId, messageId: 'q', content: 'And this.', attachments: [text.attachmentId] }
    await viewer.ask('chat:queue', queued)
    await bench().restart()
    const [drone, again] = [await bench().drone(), await bench().viewer()]
    const order = await drone.order()
    expect(order.attachments).to.deep.equal([
      { name: 'a.png', mediaType: 'image/png', base64: IMAGE.toString('base64') },
      {
        name: 'notes.json',
        mediaType: 'application/json',
        base64: Buffer.from('{"a":1}').toString('base64'),
      },
    ])
    const joined = await again.join(chatSessionId)
    expect(joined.turns[0]?.attachments).to.deep.equal([image, text])
    expect(joined.queue[0]?.attachments).to.deep.equal([text])
    expect((await bench().turn(turnId)).attachments).to.deep.equal([image, text])
    await drone.voice(order).complete()
    expect((await drone.order(2)).attachments?.map(({ name }) => name)).to.deep.equal(['notes.json'])
  })

  it('[AT2] are refused whole where one is unknown, somebody else’s, or all are too large', async () => {
    await bench().start({ attachmentsBytes: '60000' })
    const viewer = await bench().viewer()
    const bob = await bench().relay.keyOf('code', 'bob')
    const mine = (await upload(bench(), 'a.png', 'image/png', IMAGE)).body.attachmentId
    const other = (await upload(bench(), 'b.png', 'image/png', IMAGE)).body.attachmentId
    const theirs = (await upload(bench(), 'a.png', 'image/png', IMAGE, bob)).body.attachmentId
    expect(theirs).not.to.equal(mine)
    for (const [attachments, code] of [
      [[mine, 'nowhere'], 'not_found'],
      [[mine, theirs], 'not_found'],
      [[mine, other], 'payload_too_large'],
    ] as const) {
      expect((await viewer.send('Look.', { attachments })).error?.code, code).to.equal(code)
    }
    expect((await viewer.ask('session:list', {}))['sessions']).to.deep.equal([])
    const large = await upload(bench(), 'large', 'text/plain', randomBytes(60_001))
    expect([large.status, large.body.code]).to.deep.equal([413, 'payload_too_large'])
    const nameless = await upload(bench(), '', 'text/plain', IMAGE)
    expect([nameless.status, nameless.body.code]).to.deep.equal([400, 'invalid_payload'])
    const watch = await upload(bench(), 'a.png', 'image/png', IMAGE, bench().relay.keys.watch)
    expect([watch.status, watch.body.code]).to.deep.equal([403, 'forbidden'])
    const nobody = await upload(bench(), 'a.png', 'image/png', IMAGE, 'none')
    expect([nobody.status, nobody.body.code]).to.deep.equal([401, 'unauthorized'])
  })
})
