import { attachmentViewSchema } from './attachment.ts'
import type { AttachmentViewDocument } from './attachment.ts'

/** What a message asks for beside its words: of a turn, and of one that waits to become a turn. */
export interface MessageDocument {
  messageId: string
  droneId?: string
  workspaceId?: string
  agent?: string
  model?: string
  provider?: string
  thinkingLevel?: string
  cwd?: string
  attachments?: AttachmentViewDocument[]
}

export const MESSAGE_FIELDS = {
  messageId: String,
  droneId: String,
  workspaceId: String,
  agent: String,
  model: String,
  provider: String,
  thinkingLevel: String,
  cwd: String,
  // Without a default: what a message does not have, its document does not.
  attachments: { type: [attachmentViewSchema], default: undefined },
}
