import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import mime from 'mime'
import { CodeClient } from '../client/code-client.ts'
import type { SessionChange, ViewedSession } from '../client/viewed-session.ts'
import { RelayError } from '../protocol/errors.ts'
import { isEnd } from '../protocol/turn-view.ts'
import type { TurnStatus } from '../protocol/turn-view.ts'
import { Asker } from './asker.ts'
import type { ChatFlags, WatchFlags } from './chat.ts'
import { EXIT, ExitError, untilStopped } from './exit.ts'
import { keyFor } from './peer-options.ts'
import type { PeerOptions } from './peer-options.ts'
import { TurnPrinter } from './turn-printer.ts'

interface Showing {
  readonly client: CodeClient
  /** Shows what happens, and has the person at a terminal answer what agents ask. */
  readonly show: (change: SessionChange) => void
}

/** Connects, does what is asked for, and leaves: by itself, or when told to. */
async function whileConnected(
  flags: PeerOptions & { json?: boolean },
  task: (showing: Showing) => Promise<TurnStatus>,
): Promise<void> {
  const printer = new TurnPrinter({
    json: flags.json === true,
    write: (text) => void process.stdout.write(text),
  })
  const client = new CodeClient({
    url: flags.url,
    token: await keyFor('code', flags),
    client: { name: 'drone-relay' },
    onDisconnected: () => process.stderr.write('(the relay is away; waiting for it)\n'),
  })
  const { stdin: input, stdout: output } = process
  const asker =
    input.isTTY && output.isTTY && !flags.json
      ? new Asker({ client, input, output, note: (text) => printer.note(text) })
      : undefined
  const show = (change: SessionChange): void => {
    printer.show(change)
    asker?.hear(change)
  }
  const run = async (): Promise<TurnStatus> => {
    await client.start()
    return task({ client, show })
  }
  try {
    const outcome = await Promise.race([untilStopped(), run()])
    printer.breakLine()
    if (outcome === 'SIGINT' || outcome === 'SIGTERM') {
      process.exitCode = outcome === 'SIGINT' ? EXIT.sigint : EXIT.sigterm
    } else if (outcome !== 'finished') process.exitCode = EXIT.failed
  } catch (error) {
    if (error instanceof RelayError) throw new ExitError(EXIT.failed, `${error.message} (${error.code})`)
    throw error instanceof ExitError
      ? error
      : new ExitError(EXIT.failed, error instanceof Error ? error.message : String(error))
  } finally {
    asker?.close()
    client.close()
  }
}

/** The message waits: its turn is told when it starts. */
const NO_TURN_YET = ''

/** Resolves with the status of the first turn that `isMeant` and has ended. */
function endOf(isMeant: (turnId: string) => boolean): {
  ended: Promise<TurnStatus>
  see: (change: SessionChange) => void
} {
  let resolve: (status: TurnStatus) => void = () => undefined
  const ended = new Promise<TurnStatus>((done) => (resolve = done))
  const see = (change: SessionChange): void => {
    if (change.kind === 'status' && isEnd(change.turn.status) && isMeant(change.turn.turnId))
      resolve(change.turn.status)
  }
  return { ended, see }
}

async function upload(client: CodeClient, files: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const file of files) {
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new ExitError(EXIT.usage, `The file ${file} cannot be read: ${String(error)}`)
    })
    const mediaType = mime.getType(file) ?? 'application/octet-stream'
    ids.push((await client.attach(basename(file), mediaType, bytes)).attachmentId)
  }
  return ids
}

export async function chat(content: string, flags: ChatFlags): Promise<void> {
  await whileConnected(flags, async ({ client, show }) => {
    const mine: { turnId?: string } = {}
    const { ended, see } = endOf((turnId) => turnId === (mine.turnId ?? turnId))
    const attachments = await upload(client, flags.attach ?? [])
    const message = {
      content,
      ...(attachments.length > 0 ? { attachments } : {}),
      messageId: randomUUID(),
      ...(flags.session === undefined ? {} : { chatSessionId: flags.session }),
      ...(flags.workspace === undefined ? {} : { workspaceId: flags.workspace }),
      ...(flags.drone === undefined ? {} : { droneId: flags.drone }),
      ...(flags.model === undefined ? {} : { model: flags.model }),
    }
    const onChange = (change: SessionChange): void => {
      show(change)
      const isMine =
        (change.kind === 'started' && change.turn.messageId === message.messageId) ||
        (change.kind === 'steered' && change.steer.messageId === message.messageId)
      if (isMine) mine.turnId = change.turn.turnId
      see(change)
    }
    const isPatient = flags.queue === true || flags.steer === true
    const sent = isPatient
      ? await client.queue({ ...message, steer: flags.steer === true }, onChange)
      : await client.send(message, onChange)
    const waits = 'startedTurn' in sent && !sent.startedTurn
    mine.turnId ??= waits ? NO_TURN_YET : (sent.turnId ?? NO_TURN_YET)
    if (!flags.json) process.stderr.write(`(chat session ${sent.view.chatSessionId})\n`)
    return ended
  })
}

export async function watch(session: string | undefined, flags: WatchFlags): Promise<void> {
  await whileConnected(flags, async ({ client, show }) => {
    const chatSessionId = session ?? (await client.list({ limit: 1 })).sessions[0]?.chatSessionId
    if (chatSessionId === undefined)
      throw new ExitError(EXIT.failed, 'There is no chat session yet: start one with chat.')
    const { ended, see } = endOf(() => flags.untilEnd === true)
    // What is stored comes before `resumed`; an end that was there already is told by the join itself. Both may be there
    // before `watch` has resolved.
    const joined: { view?: ViewedSession; isResumed: boolean } = { isResumed: false }
    const seeNewest = (): void => {
      const newest = joined.isResumed ? joined.view?.turns.at(-1) : undefined
      if (newest) see({ kind: 'status', turn: newest, waitingFor: undefined })
    }
    joined.view = await client.watch(chatSessionId, (change) => {
      show(change)
      if (change.kind !== 'resumed') see(change)
      else {
        joined.isResumed = true
        seeNewest()
      }
    })
    seeNewest()
    return ended
  })
}
