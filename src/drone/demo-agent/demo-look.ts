import { GIT_LOOKS, gitLook } from './demo-git.ts'
import type { DemoTools } from './demo-tools.ts'
import { textContent } from './demo-tools.ts'
import type { DemoWishes } from './demo-wishes.ts'
import type { DemoWorkspace, Match } from './demo-workspace.ts'

/** Names of files shown of a listing. */
const LISTED = 60
/** Lines of a file shown in an answer. */
const SHOWN_LINES = 12

export interface Shown {
  readonly path: string
  readonly text: string
}

export interface DemoLook {
  readonly tools: DemoTools
  readonly workspace: DemoWorkspace
  readonly wishes: DemoWishes
}

export async function lookAtFiles({ tools, workspace }: DemoLook): Promise<string[]> {
  const call = await tools.start({
    name: 'list_files',
    title: 'List the workspace',
    kind: 'read',
    input: { path: '.' },
    path: workspace.root,
  })
  const files = await workspace.list()
  const names = files.slice(0, LISTED).map((path) => workspace.relative(path))
  const more = files.length > LISTED ? `\n… and ${files.length - LISTED} more` : ''
  await tools.end(call, names.join('\n') + more || 'The workspace is empty.')
  return files
}

export async function lookForWords(
  { tools, workspace, wishes }: DemoLook,
  files: readonly string[],
): Promise<Match[]> {
  const { words } = wishes
  if (words.length === 0) return []
  const title = `Search for ${words.join(', ')}`
  const call = await tools.start({ name: 'search', title, kind: 'search', input: { words } })
  const matches: Match[] = []
  const text = () => matches.map((m) => `${workspace.relative(m.path)}:${m.line}: ${m.text}`).join('\n')
  for await (const match of workspace.search(files, words)) {
    matches.push(match)
    const locations = matches.map(({ path, line }) => ({ path, line }))
    await tools.update(call, { content: [textContent(text())], locations })
  }
  await tools.end(call, text() || 'Nothing found.')
  return matches
}

export async function lookAtGit(
  { tools, workspace }: DemoLook,
  signal: AbortSignal,
): Promise<string | undefined> {
  let status: string | undefined
  for (const look of ['status', 'log'] as const) {
    const title = `git ${GIT_LOOKS[look].join(' ')}`
    const call = await tools.start({ name: `git_${look}`, title, kind: 'execute', input: { command: title } })
    const output = await gitLook(workspace.root, look, signal)
    await tools.end(
      call,
      output ?? 'There is no git repository here.',
      output === undefined ? 'failed' : 'completed',
    )
    if (output === undefined) return undefined
    status ??= output
  }
  return status
}

/** Reads a file worth showing: the first match, else a readme, else any. */
export async function lookInside(
  { tools, workspace, wishes }: DemoLook,
  files: readonly string[],
  matches: readonly Match[],
): Promise<Shown | undefined> {
  const [match] = matches
  const path = match?.path ?? files.find((file) => /readme/i.test(file)) ?? files[0]
  if (path === undefined) return undefined
  const name = workspace.relative(path)
  const toolCall = {
    name: 'read_file',
    title: `Read ${name}`,
    kind: 'read',
    input: { path: name },
    path,
  } as const
  const call = await tools.start(toolCall)
  if (wishes.ask && !(await tools.mayDo({ toolCallId: call, title: toolCall.title, kind: 'read' }))) {
    await tools.end(call, 'Reading was refused.', 'failed')
    return undefined
  }
  const lines = (await workspace.read(path))?.split('\n')
  const first = Math.max((match?.line ?? 1) - 3, 0)
  const text = lines?.slice(first, first + SHOWN_LINES).join('\n')
  await tools.end(
    call,
    text ?? `${name} is too large, or no text.`,
    text === undefined ? 'failed' : 'completed',
  )
  return text === undefined ? undefined : { path: name, text }
}
