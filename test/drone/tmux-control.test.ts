import { expect } from 'chai'
import { ControlParser, unescaped } from '../../src/drone/terminals/tmux-control.ts'
import type { ControlEvent } from '../../src/drone/terminals/tmux-control.ts'

describe('what a control client of tmux says', () => {
  const heard = (text: string, length = text.length): readonly ControlEvent[] => {
    const parser = new ControlParser()
    const bytes = Buffer.from(text, 'latin1')
    return Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) => [
      ...parser.take(bytes.subarray(n * length, (n + 1) * length)),
    ]).flat()
  }

  it('[AG68] is taken apart wherever it is cut', () => {
    const text = [
      '%begin 1 2 0\n%end 1 2 0\n%output %1 a\\015\\012\\134\xe9 : %\n%begin 3 4 1\n%begin 5 6 1\n',
      '%end 5 6 1\n%end 3 4 0\n%output %1 x\n\n%error 3 4 1\n%extended-output %22 17 x : a : b\n%exit why not\n%out',
    ].join('')
    const events: readonly ControlEvent[] = [
      { kind: 'reply', isOurs: false, isError: false, lines: [] },
      { kind: 'output', pane: '%1', text: 'a\r\n\\\xe9 : %' },
      {
        kind: 'reply',
        isOurs: true,
        isError: true,
        lines: ['%begin 5 6 1', '%end 5 6 1', '%end 3 4 0', '%output %1 x', ''],
      },
      { kind: 'output', pane: '%22', text: 'a : b' },
      { kind: 'notice', name: 'exit', words: ['why', 'not'] },
    ]
    for (const length of [1, 2, 3, 5, 7, 64, text.length]) expect(heard(text, length)).to.deep.equal(events)
  })

  it('[AG68] may be garbage', () => {
    expect(unescaped('\\01\\8\\777\\400\\\\134\\377\\')).to.equal('\\01\\8\\777\\400\\\\\xff\\')
    const garbage =
      'x\n\n%\n%output\n%output 1 a\n%begin\n%begin 1 2\n%begin a b c\n%end 1 2 3\n\x00%exit\n%\xff\n'
    expect(heard(garbage)).to.deep.equal([
      { kind: 'notice', name: 'output', words: [] },
      { kind: 'notice', name: 'output', words: ['1', 'a'] },
      { kind: 'notice', name: 'begin', words: [] },
      { kind: 'notice', name: 'begin', words: ['1', '2'] },
      { kind: 'notice', name: 'begin', words: ['a', 'b', 'c'] },
      { kind: 'notice', name: 'end', words: ['1', '2', '3'] },
    ])
  })

  it('[AG68] is cut off where it has no end', () => {
    const [output] = heard(`%output %1 ${'x'.repeat(5_000_000)}\n`, 65_536)
    expect(output?.kind === 'output' && output.text.length).to.be.within(1_000_000, 1_048_576)
    const long = `%begin 1 2 1\n${`${'y'.repeat(99_999)}\n`.repeat(200)}%end 1 2 1\n`
    const [reply] = heard(long, 65_536)
    expect(reply?.kind === 'reply' && reply.lines.length).to.be.within(80, 84)
  })
})
