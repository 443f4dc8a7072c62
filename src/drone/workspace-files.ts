import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { RequestError } from '@agentclientprotocol/sdk'
import type { ReadTextFileRequest, ReadTextFileResponse } from '@agentclientprotocol/sdk'

/** Bytes of a file that an agent may read through the drone; source files are far smaller. */
const FILE_BYTES = 10 * 1024 * 1024

/** Answers fs/read_text_file. Neither `..` nor a symbolic link leads out of the workspace. */
export async function readWorkspaceFile(
  workspace: string,
  { path, line, limit }: ReadTextFileRequest,
): Promise<ReadTextFileResponse> {
  const text = await readText(await insideWorkspace(workspace, path), path)
  const first = Math.max((line ?? 1) - 1, 0)
  const end = typeof limit === 'number' ? first + limit : undefined
  if (first === 0 && end === undefined) return { content: text }
  return { content: text.split('\n').slice(first, end).join('\n') }
}

/** The real path behind `path`, which must exist and be within the workspace. */
export async function insideWorkspace(workspace: string, path: string): Promise<string> {
  const root = await realpath(workspace)
  const real = await realpath(resolve(root, path)).catch(() => undefined)
  // One answer for both, so that nobody learns what exists elsewhere.
  if (real === undefined || !isWithin(root, real)) {
    throw RequestError.invalidParams({ path }, `"${path}" is no file or folder of the workspace ${workspace}`)
  }
  return real
}

function isWithin(root: string, path: string): boolean {
  const rest = relative(root, path)
  return rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest)
}

async function readText(real: string, path: string): Promise<string> {
  // A link put there since is not followed, and a pipe does not block.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw RequestError.invalidParams({ path }, `"${path}" is not a file`)
    if (stat.size > FILE_BYTES) {
      throw RequestError.invalidParams(
        { path },
        `"${path}" has more than ${FILE_BYTES} bytes: read a part with a tool`,
      )
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
