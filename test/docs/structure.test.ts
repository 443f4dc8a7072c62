import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'

const SRC = new URL('../../src/', import.meta.url)

/** The files of the server's side whose text matches. */
function filesWith(pattern: RegExp): string[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  const servers = files.filter(
    (file) => /^(relay\.ts|sessions\/|http\/|turns\/)/.test(file) && file.endsWith('.ts'),
  )
  return servers.filter((file) => pattern.test(readFileSync(new URL(file, SRC), 'utf8')))
}

describe('the structure that everything else leans on', () => {
  it('[SE12] only the wrapper hears events of sockets', () => {
    expect(filesWith(/\bsocket\.(on|once|onAny|prependAny|use)\(/)).to.deep.equal([
      'sessions/socket-session.ts',
    ])
  })

  it('[SE13] only the outlet and the rooms write to sockets, and only the outlet closes them', () => {
    expect(filesWith(/socket\.(emit|timeout|disconnect|join|leave)\(/)).to.deep.equal(['sessions/outlet.ts'])
    expect(filesWith(/#namespace\.(local\.)?(to|emit)\(/)).to.deep.equal([])
    expect(filesWith(/\bwriteFrame\((this\.#)?socket,/)).to.have.members([
      'sessions/outlet.ts',
      'sessions/code-rooms.ts',
    ])
  })
})
