/** What the drones of the foreign tests say, and what of it everybody has to end up with. */
const LONG = 'The answer is 42 🎉, said in many small pieces: 世界, 👩‍💻 and 👋🏽. '.repeat(12)

export const SCRIPT: object[] = [
  { thinking: 'Let me think about 👋🏽 and 世界. ' },
  { thinking: 'More thought 👩‍💻.' },
  { response: 'Hello, ' },
  { toolCall: { callId: 'c1', name: 'read', params: '{"path":"a"}', response: '' } },
  { toolResult: { callId: 'c1', response: 'contents 🚀' } },
  { response: LONG },
  { toolCall: { callId: 'agent-1', name: 'task', params: '{}', response: '' } },
  { lane: 'agent-1', thinking: 'sub thinking' },
  { lane: 'agent-1', toolCall: { callId: 's1', name: 'grep', params: '{"q":1}', response: '' } },
  { lane: 'agent-1', toolResult: { callId: 's1', response: 'found' } },
  { lane: 'agent-1', response: 'sub answer 🧪' },
  { toolResult: { callId: 'agent-1', response: 'done' } },
  { response: 'Bye.' },
]

export const PLAIN_SCRIPT: object[] = [
  { thinking: 'Let me think about 👋🏽 and 世界. ' },
  { thinking: 'More thought 👩‍💻.' },
  { response: 'Hello, ' },
  { toolCall: { callId: 'c1', name: 'read', params: '{"path":"a"}', response: '' } },
  { toolCall: { callId: 'c1', name: 'read', params: '{"path":"a"}', response: 'contents 🚀' } },
  { response: LONG },
  { toolCall: { callId: 'agent-1', name: 'task', params: '{}', response: '' } },
  { 'agent:thinking': { agentId: 'agent-1', thinking: 'sub thinking' } },
  { 'agent:tool-call': { agentId: 'agent-1', tool: 'grep', args: { q: 1 }, callId: 's1' } },
  { 'agent:tool-result': { agentId: 'agent-1', tool: 'grep', result: 'found' } },
  { 'agent:response': { agentId: 'agent-1', chunk: 'sub answer 🧪' } },
  { 'agent:complete': { agentId: 'agent-1', response: 'done', subagent: { name: 'helper' } } },
  { response: 'Bye.' },
]

interface Block {
  mode: string
  content: unknown
}

export function expectedLanes(kind: 'at' | 'plain'): { main: Block[]; agent: Block[] } {
  const end = kind === 'at' ? {} : { subagent: { name: 'helper' } }
  return {
    main: [
      { mode: 'thinking', content: 'Let me think about 👋🏽 and 世界. More thought 👩‍💻.' },
      { mode: 'responding', content: 'Hello, ' },
      {
        mode: 'tool',
        content: { callId: 'c1', name: 'read', parameters: '{"path":"a"}', response: 'contents 🚀' },
      },
      { mode: 'responding', content: LONG },
      {
        mode: 'tool',
        content: { callId: 'agent-1', name: 'task', parameters: '{}', response: 'done', ...end },
      },
      { mode: 'responding', content: 'Bye.' },
    ],
    agent: [
      { mode: 'thinking', content: 'sub thinking' },
      { mode: 'tool', content: { callId: 's1', name: 'grep', parameters: '{"q":1}', response: 'found' } },
      { mode: 'responding', content: 'sub answer 🧪' },
    ],
  }
}
