import { expect } from 'chai'
import { until } from '../support/until.ts'
import { Terminal } from '../../src/client/terminal.ts'
import type { Attached, AttachOptions, TerminalPiece } from '../../src/client/terminal.ts'

const ATTACHED: Attached = { droneId: 'd', from: 0, cols: 80, rows: 24 }

/** A terminal whose relay is the test. */
async function attached(options: AttachOptions = {}) {
  const said: [string, object][] = []
  const asked: object[] = []
  const terminal = new Terminal(
    {
      isUp: () => true,
      attach: (payload, onAnswer) => {
        asked.push(payload)
        onAnswer(ATTACHED)
        return Promise.resolve(ATTACHED)
      },
      askOnce: (event, ...args) => {
        said.push([event, args])
        return Promise.resolve({})
      },
      emit: (event, payload) => said.push([event, payload]),
      onClosed: () => undefined,
    },
    { terminalId: 't' },
    options,
  )
  await terminal.attach()
  const bytes = (offset: number, words: string): void =>
    terminal.heard({ kind: 'bytes', offset, bytes: Buffer.from(words) })
  return { terminal, bytes, said, asked }
}

async function taken(terminal: Terminal): Promise<string> {
  let text = ''
  for await (const piece of terminal) {
    if (piece.kind === 'bytes') text += Buffer.from(piece.bytes).toString()
    else text += `[${piece.kind} ${piece.offset}]`
  }
  return text
}

const END: TerminalPiece = { kind: 'exited', offset: 7, exitCode: 0 }

describe('a terminal of a client', () => {
  it('[TM6] leaves out what it has, and asks anew for what it has missed', async () => {
    const { terminal, bytes, asked, said } = await attached()
    bytes(0, 'one')
    bytes(1, 'ne t')
    bytes(0, 'one')
    expect(asked).to.have.lengthOf(1)
    bytes(6, 'o')
    // Until it is attached anew, what comes is of before.
    bytes(5, 'XX')
    await until('it asks anew', 5000, () => asked.length === 2)
    expect(said).to.deep.equal([['terminal:detach', [{ droneId: 'd', terminalId: 't' }]]])
    expect(asked[1]).to.deep.include({ droneId: 'd', terminalId: 't', after: 5 })
    bytes(5, 'wo')
    terminal.heard(END)
    expect(await taken(terminal)).to.equal('one two[exited 7]')
  })

  it('[TM6] waits for its first answer, and takes nothing that is of before', async () => {
    const asked: object[] = []
    let answer: () => void = () => undefined
    const terminal = new Terminal(
      {
        isUp: () => true,
        attach: (payload, onAnswer) => {
          asked.push(payload)
          return new Promise((resolve) => {
            answer = () => {
              onAnswer(ATTACHED)
              resolve(ATTACHED)
            }
          })
        },
        askOnce: () => Promise.resolve({}),
        emit: () => undefined,
        onClosed: () => undefined,
      },
      { terminalId: 't' },
      {},
    )
    const attaching = terminal.attach()
    terminal.reconnected()
    terminal.heard({ kind: 'bytes', offset: 3, bytes: Buffer.from('late') })
    answer()
    await attaching
    expect(asked).to.have.lengthOf(1)
    terminal.heard({ kind: 'bytes', offset: 0, bytes: Buffer.from('one two') })
    terminal.heard(END)
    expect(await taken(terminal)).to.equal('one two[exited 7]')
  })

  it('[TM6] ends after its last byte, however early the end is heard of', async () => {
    const { terminal, bytes } = await attached()
    bytes(0, 'one')
    terminal.heard(END)
    bytes(3, ' two')
    terminal.heard(END)
    expect(await taken(terminal)).to.equal('one two[exited 7]')
  })

  it('[TM6] says what was taken when that is much, and of every snapshot', async () => {
    const { terminal, bytes, said } = await attached({ windowBytes: 40 })
    const pieces = terminal[Symbol.asyncIterator]()
    bytes(0, 'x'.repeat(9))
    bytes(9, 'x')
    await pieces.next()
    await pieces.next()
    expect(said).to.deep.equal([])
    terminal.heard({ kind: 'snapshot', offset: 500, cols: 80, rows: 24, screen: 's' })
    await pieces.next()
    expect(said).to.deep.equal([['terminal:taken', { droneId: 'd', terminalId: 't', offset: 10 }]])
    bytes(500, 'y')
    await pieces.next()
    expect(said[1]).to.deep.equal(['terminal:taken', { droneId: 'd', terminalId: 't', offset: 500 }])
    await pieces.return(undefined)
  })

  it('[TM6] is bytes for an emulator, which a snapshot clears', async () => {
    const { terminal, bytes } = await attached()
    bytes(0, 'one')
    terminal.heard({ kind: 'snapshot', offset: 5, cols: 90, rows: 24, screen: 'drawn' })
    bytes(5, 'wo')
    expect(terminal.size).to.deep.equal({ cols: 90, rows: 24 })
    terminal.heard(END)
    const read: string[] = []
    for await (const piece of terminal.bytes()) read.push(Buffer.from(piece).toString())
    expect(read).to.deep.equal(['one', '\u001bcdrawn', 'wo'])
  })

  it('[TM6] types in order, and says what could not be', async () => {
    const { terminal, said } = await attached()
    await Promise.all([terminal.write('l'), terminal.write(Buffer.from('s')), terminal.resize(90, 30)])
    // What is typed while something is under way goes together.
    const named = { droneId: 'd', terminalId: 't' }
    expect(said).to.deep.equal([
      ['terminal:input', [named, new Uint8Array(Buffer.from('ls'))]],
      ['terminal:resize', [{ ...named, cols: 90, rows: 30 }]],
    ])
    terminal.end(new Error('over'))
    expect(await taken(terminal).catch(String)).to.equal('Error: over')
  })
})
