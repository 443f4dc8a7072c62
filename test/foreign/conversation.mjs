// An IDE client on a plain socket.io-client, of the version that is named: the conversation of docs/guide with the
// guide's drone, seen by two connections. Prints a JSON line for each step; exits with 1 where something differs.
import { randomUUID } from 'node:crypto'

const CLIENTS = {
  '4.0': () => import('socket.io-client-4.0'),
  4.4: () => import('socket.io-client-4.4'),
  4.8: () => import('socket.io-client'),
}
const WAIT_MS = 30_000
const ENDS = new Set(['finished', 'failed', 'aborted'])
const { RELAY_URL: url, RELAY_KEY: token } = process.env
const { io } = await CLIENTS[process.argv[2]]()

const print = (is, more) => console.log(JSON.stringify({ is, ...more }))

/** One connection: what it has heard, and the words of each turn as it folds them. */
class Connection {
  heard = []
  said = new Map() // by turn: { attempt, text }
  #waiting = []

  constructor() {
    this.socket = io(`${url}/code`, { auth: { token, protocol: 1 }, transports: ['websocket'] })
    this.socket.on('connect_error', (error) => fail(`not connected: ${error.message}`))
    this.socket.onAny((name, ...args) => {
      this.#fold(name, args)
      this.heard.push({ name, args })
      this.#waiting = this.#waiting.filter((look) => !look())
    })
  }

  /** The answer to what is asked; a refusal as it is. */
  ask(name, payload) {
    return new Promise((resolve) => this.socket.emit(name, payload, resolve))
  }

  async must(name, payload) {
    const answer = await this.ask(name, payload)
    if (!answer.ok) fail(`${name} was refused: ${JSON.stringify(answer.error)}`)
    return answer
  }

  /** The first event of that name that is right, among all that came and will. */
  until(name, isRight = () => true) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => fail(`no ${name} came`), WAIT_MS)
      const look = () => {
        const found = this.heard.find((event) => event.name === name && isRight(...event.args))
        if (!found) return false
        clearTimeout(timer)
        resolve(found.args[0])
        return true
      }
      if (!look()) this.#waiting.push(look)
    })
  }

  ended(turnId, attempt = 1) {
    const isIt = (news) => news.turnId === turnId && news.attempt === attempt && ENDS.has(news.status)
    return this.until('turn:status', isIt)
  }

  last(name) {
    return this.heard.findLast((event) => event.name === name)?.args[0]
  }

  #fold(name, args) {
    const at = args.at(-1)
    if (!['thinking', 'response', 'toolCall', 'toolResult'].includes(name) || (at.lane ?? '') !== '') return
    const before = this.said.get(at.turnId)
    const turn = before?.attempt === at.attempt ? before : { attempt: at.attempt, text: '' }
    if (name === 'response') turn.text += args[0]
    this.said.set(at.turnId, turn)
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

async function http(path, init = {}) {
  const headers = { authorization: `Bearer ${token}`, ...init.headers }
  const response = await fetch(`${url}/api/v1${path}`, { ...init, headers })
  if (!response.ok) fail(`${path} answered ${response.status}`)
  return response
}

const [first, second] = [new Connection(), new Connection()]
const names = ({ commands }) => commands.map(({ name }) => name)
await first.until('commands:manifest', (manifest) => names(manifest).includes('version'))
await second.until('welcome')
print('commands', { has: ['version'] })

async function end(turnId, attempt) {
  const { status } = await first.ended(turnId, attempt)
  await second.ended(turnId, attempt)
  print('ended', { status, text: first.said.get(turnId)?.text ?? '' })
}
const message = (content, more) => ({ content, messageId: randomUUID(), ...more })

// A prompt, and a question that the other connection answers.
const sent = await first.must('chat:send', message('delete it', { workspaceId: 'guide' }))
const { chatSessionId } = sent
const inSession = (content, more) => message(content, { chatSessionId, ...more })
await second.must('session:join', { chatSessionId, cursors: [] })
const asked = await first.until('permission:request')
const choice = { droneId: asked.droneId, requestId: asked.requestId }
await second.must('permission:respond', { ...choice, optionId: 'yes' })
const resolved = await first.until('permission:resolved')
const late = await first.must('permission:respond', { ...choice, optionId: 'no' })
print('answered', { resolved: resolved.optionId, loser: late.optionId })
await end(sent.turnId)

// Messages that wait, are edited and taken back, and one that goes into the turn.
const waiting = await first.must('chat:queue', inSession('wait for me'))
const [later, never] = [inSession('later'), inSession('never')]
await first.must('chat:queue', later)
await first.must('chat:queue', never)
await first.must('queue:edit', { chatSessionId, messageId: later.messageId, content: 'later on' })
await first.must('queue:cancel', { chatSessionId, messageId: never.messageId })
await second.until('queue:changed', ({ queue }) => queue.length === 1 && queue[0].content === 'later on')
print('queue', { contents: second.last('queue:changed').queue.map(({ content }) => content) })
await first.must('chat:queue', inSession('here I am', { steer: true }))
const steered = await first.until('turn:steered')
print('steered', { text: steered.text, as: steered.as })
await end(waiting.turnId)
const next = await first.until('turn:started', ({ prompt }) => prompt === 'later on')
await end(next.turnId)

// What the drone offers, and what it does not.
const refused = await first.ask('set:model', { chatSessionId, model: 'huge' })
print('refused', { code: refused.error.code, allowed: refused.error.details.allowed })
await first.must('set:model', { chatSessionId, model: 'large' })
print('model', { model: (await second.until('session:info', ({ model }) => model === 'large')).model })

// A file.
const upload = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'one' }
const { attachmentId } = await (await http('/attachments?name=notes.txt', upload)).json()
const reading = await first.must('chat:queue', inSession('read this', { attachments: [attachmentId] }))
await end(reading.turnId)
const { attachments } = await (await http(`/turns/${reading.turnId}`)).json()
print('attached', { names: attachments.map(({ name }) => name) })

// Stopped, and tried again.
const stopped = await first.must('chat:send', inSession('wait and be stopped'))
await first.until('turn:started', ({ turnId }) => turnId === stopped.turnId)
await first.must('abort', { chatSessionId, turnId: stopped.turnId })
await end(stopped.turnId)
await first.must('retry', { turnId: stopped.turnId })
const isAgain = ({ turnId, attempt }) => turnId === stopped.turnId && attempt === 2
const { attempt } = await first.until('turn:started', isAgain)
await first.must('chat:queue', inSession('go on', { steer: true }))
await end(stopped.turnId, 2)
print('retried', { attempt })

// A command, a surface, usage, search, export.
const command = { requestId: randomUUID(), command: 'version', args: 'short', chatSessionId }
const { result } = await first.must('command:execute', command)
const told = await second.until('command:result', ({ requestId }) => requestId === command.requestId)
print('command', { result, heard: told.result })
const { spec } = await first.must('surface:subscribe', { surfaceId: 'session-metrics', chatSessionId })
print('metrics', { turns: spec.usage.turns })
print('usage', { turns: (await (await http('/usage')).json()).days[0].turns })
let hits = []
while (hits.length === 0) ({ hits } = await first.must('search', { query: 'read*' }))
print('found', { places: hits.map(({ place }) => place) })
const exported = await (await http(`/chat-sessions/${chatSessionId}/export?format=jsonl`)).text()
const lines = exported.trimEnd().split('\n')
print('exported', { kinds: lines.map((line) => JSON.parse(line).kind) })
const { sessions } = await first.must('session:list', {})
print('listed', { has: sessions.some((session) => session.chatSessionId === chatSessionId) })

// What both hold is what is stored.
for (const [turnId, { text }] of first.said) {
  const { blocks } = await (await http(`/turns/${turnId}`)).json()
  const said = blocks.filter(({ mode }) => mode === 'responding').map(({ content }) => content)
  if (said.join('') !== text || second.said.get(turnId)?.text !== text) fail(`turn ${turnId} differs`)
}
print('equal', { turns: first.said.size })
for (const { socket } of [first, second]) socket.close()
