import { join } from 'node:path'
import type { ToolCallUpdate } from '@agentclientprotocol/sdk'
import type { DemoTurnOptions } from './demo-turn.ts'

/** Characters of a file worth putting into a diff. */
const DIFF_CHARS = 4_000

/** Suggests a line for the readme. Even when it is allowed nothing is written: the agent only shows how it is asked. */
export async function proposeEdit({ tools, voice, workspace }: DemoTurnOptions): Promise<void> {
  const path = join(workspace.root, 'README.md')
  const oldText = await workspace.read(path)
  const newText = `${(oldText ?? '# Workspace\n').slice(0, DIFF_CHARS).trimEnd()}\n\nSeen by the demo agent. 👀\n`
  const title = 'Add a line to README.md'
  const toolCallId = await tools.start({ name: 'edit_file', title, kind: 'edit', input: { path }, path })
  const content: ToolCallUpdate['content'] = [
    { type: 'diff', path, oldText: oldText?.slice(0, DIFF_CHARS) ?? null, newText },
  ]
  await tools.update(toolCallId, { content })
  if (await tools.mayDo({ toolCallId, title, kind: 'edit', content })) {
    await tools.end(toolCallId, 'Allowed. The demo agent only shows the change: nothing was written.')
    await voice.answer('\nThank you. I would add that line now. ✍️\n')
  } else {
    await tools.end(toolCallId, 'Refused: nothing was changed.', 'failed')
    await voice.answer('\nI may not change files here, so I leave it at the suggestion. 👍\n')
  }
}
