import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readWorkspaceFile } from '../../src/drone/workspace-files.ts'

const words = (text: string) => text.replace(/"[^"]*"/, '')

describe('files that an agent reads through the drone', () => {
  let home: string
  let workspace: string

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'drone-files-'))
    workspace = join(home, 'workspace')
    await mkdir(join(workspace, 'inner'), { recursive: true })
    await mkdir(join(home, 'workspace-secret'))
    await writeFile(join(workspace, 'inner', 'a.txt'), 'one\ntwo\nthree\n')
    await writeFile(join(home, 'secret.txt'), 'secret')
    await writeFile(join(home, 'workspace-secret', 'b.txt'), 'secret')
    await symlink(join(home, 'secret.txt'), join(workspace, 'link.txt'))
    await symlink(home, join(workspace, 'up'))
    await symlink(join(workspace, 'inner', 'a.txt'), join(workspace, 'good.txt'))
  })
  after(() => rm(home, { recursive: true }))

  async function refusal(path: string): Promise<string> {
    return readWorkspaceFile(workspace, { sessionId: 's', path }).then(
      ({ content }) => `read: ${content}`,
      (error: Error) => error.message,
    )
  }

  it('[AG32] are given, whole or in part, and through links within the workspace', async () => {
    const path = join(workspace, 'inner', 'a.txt')
    const read = (more: object) => readWorkspaceFile(workspace, { sessionId: 's', path, ...more })
    expect(await read({})).to.deep.equal({ content: 'one\ntwo\nthree\n' })
    expect(await read({ line: 2, limit: 1 })).to.deep.equal({ content: 'two' })
    expect(await refusal(join(workspace, 'good.txt'))).to.equal('read: one\ntwo\nthree\n')
  })

  it('[AG33] are refused outside of the workspace, by whichever way', async () => {
    const paths = [
      join(home, 'secret.txt'),
      `${workspace}/inner/../../secret.txt`,
      '../secret.txt',
      join(workspace, 'link.txt'),
      join(workspace, 'up', 'secret.txt'),
      join(home, 'workspace-secret', 'b.txt'),
      '/etc/passwd',
      '/proc/self/environ',
    ]
    for (const path of paths)
      expect(await refusal(path), path).to.contain('is no file or folder of the workspace')
  })

  it('[AG33] get the same refusal as files that are not there', async () => {
    const absent = await refusal(join(home, 'absent.txt'))
    expect(words(await refusal(join(home, 'secret.txt')))).to.equal(words(absent))
  })

  it('[AG33] are files: a folder is refused', async () => {
    expect(await refusal(join(workspace, 'inner'))).to.contain('is not a file')
  })
})
