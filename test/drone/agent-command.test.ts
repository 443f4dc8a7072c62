import { expect } from 'chai'
import { parseAgentCommand } from '../../src/drone/agent-command.ts'

describe('the text of --agent', () => {
  const cases: [string, string, string[]][] = [
    ['opencode acp', 'opencode', ['acp']],
    ['  gemini   --acp  ', 'gemini', ['--acp']],
    ['"/my apps/agent" --name "my agent"', '/my apps/agent', ['--name', 'my agent']],
    [`agent 'a "b" c' "it's"`, 'agent', ['a "b" c', "it's"]],
    ['agent --x="a b"c ""', 'agent', ['--x=a bc', '']],
    [String.raw`agent "say \"hi\" \\ now"`, 'agent', [String.raw`say "hi" \ now`]],
    [String.raw`C:\bin\agent.exe acp`, String.raw`C:\bin\agent.exe`, ['acp']],
    ['agent $HOME; rm *', 'agent', ['$HOME;', 'rm', '*']],
  ]
  for (const [text, command, args] of cases) {
    it(`[AG60] reads ${text}`, () => expect(parseAgentCommand(text)).to.deep.equal({ command, args }))
  }

  it('[AG60] is refused with words when it is empty or a quote is open', () => {
    expect(() => parseAgentCommand('  ')).to.throw('The agent command is empty')
    expect(() => parseAgentCommand('agent "a b')).to.throw('a quote without its partner at character 7')
  })
})
