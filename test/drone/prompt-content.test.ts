import { expect } from 'chai'
import { promptContent } from '../../src/drone/prompt-content.ts'
import { turnEnd } from '../../src/drone/turn-end.ts'
import { RecordingWork } from './recording-work.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const message = (role: 'user' | 'assistant', content: string) => ({
  role,
  content,
  createdAt: '2026-01-01T00:00:00Z',
})

const texts = (...args: Parameters<typeof promptContent>) =>
  promptContent(...args).map((block) => (block.type === 'text' ? block.text : block.type))

describe('the prompt that an agent gets', () => {
  const { order } = new RecordingWork({
    prompt: 'And now?',
    history: [message('user', 'Hello'), message('assistant', 'Good day')],
    steers: [{ messageId: 'm', text: 'In French, please' }],
  })
  it('[AG17] is the prompt and its steers', () => {
    expect(texts(order, {}, false)).to.deep.equal(['And now?', 'In French, please'])
  })

  it('[AG18] begins with the history, marked as such, in a session without memory', () => {
    const [history, ...rest] = texts(order, {}, true)
    expect(history).to.match(/^<conversation_so_far>\n.*Do not answer it/)
    expect(history).to.contain(
      '<message role="user">\nHello\n</message>\n<message role="assistant">\nGood day',
    )
    expect(rest).to.deep.equal(['And now?', 'In French, please'])
    expect(texts({ ...order, history: [] }, {}, true)).to.have.length(2)
  })

  it('[AG18] keeps the newest of a long history, and says that some is left out', () => {
    const history = Array.from({ length: 100 }, (_, n) => message('user', `${n} ${'x'.repeat(2_000)}`))
    const [text = ''] = texts({ ...order, history }, {}, true)
    expect(text.length).to.be.lessThan(61_000)
    expect(text).to.contain('\n99 xx').and.not.to.contain('\n0 xx')
    expect(text).to.match(/\(\d+ earlier messages are left out\.\)/)
  })

  it('[AG19] tells what earlier attempts had done', () => {
    const earlier = [
      { attempt: 1, reason: 'the drone was lost', toolCalls: [{ name: 'bash', title: 'rm -r build' }] },
    ]
    const [text] = texts({ ...order, earlier }, {}, false)
    expect(text).to.contain('Attempt 1 ended: the drone was lost.').and.to.contain('- bash: rm -r build')
  })

  it('[AG17] gives attachments in the form that the agent takes', () => {
    const attachments = [
      { name: 'a.png', mediaType: 'image/png', base64: base64('png') },
      { name: 'b.json', mediaType: 'application/json', base64: base64('{}') },
      { name: 'c.zip', mediaType: 'application/zip', base64: base64('zip') },
    ]
    const kinds = (abilities: object) =>
      texts({ ...order, attachments, steers: undefined }, abilities, false).slice(1)
    expect(kinds({ image: true, embeddedContext: true })).to.deep.equal(['image', 'resource', 'resource'])
    const [image, json, zip] = kinds({})
    expect(image).to.contain('"a.png", image/png, cannot be given')
    expect(json).to.equal('<attachment name="b.json">\n{}\n</attachment>')
    expect(zip).to.contain('cannot be given')
  })
})

describe('the stop reason of an agent', () => {
  it('[AG27] ends the turn with success only when the agent was done', () => {
    expect(turnEnd('end_turn')).to.deep.equal({ success: true })
    expect(turnEnd('cancelled')).to.deep.equal({ success: false, reason: 'cancelled' })
    for (const reason of ['refusal', 'max_tokens', 'max_turn_requests', 'something new']) {
      expect(turnEnd(reason).success).to.equal(false)
      expect(turnEnd(reason).reason).to.contain('the agent ')
    }
  })
})
