import type { CodeDown } from '../protocol/code-down.ts'
import type { codeUp } from '../protocol/code-up.ts'
import { RelayError } from '../protocol/errors.ts'
import type { ArgsOf } from '../protocol/event.ts'
import type { Manifest } from '../protocol/handshake.ts'
import type { Json } from '../protocol/values.ts'
import { abortTurn } from '../turns/aborting.ts'
import { chooseModel, chooseThinking } from '../turns/choosing.ts'
import { queueMessage, viewOfQueue } from '../turns/message-queue.ts'
import { retryTurn } from '../turns/retrying.ts'
import type { Seat } from '../turns/seat.ts'
import { liveTurnOf } from '../turns/sending.ts'
import { seatOf } from '../turns/session-info.ts'
import type { ChatSessionRecord } from '../turns/turn-store.ts'
import type { CodeWorld } from './code-session.ts'
import { Once } from './once.ts'
import { viewNow } from './session-status.ts'

type Command = NonNullable<Manifest['commands']>[number]
type Executed = ArgsOf<(typeof codeUp)['command:execute']>[0]
type CommandResult = Parameters<CodeDown['command:result']>[0]

/** What is done for a command of the relay's own. */
interface Own {
  readonly description: string
  readonly args?: Json
  readonly run: (session: ChatSessionRecord, wanted: string | undefined) => Promise<Json>
}

/** The word that takes a choice back. */
const CLEAR = 'default'

/** [CO1] The commands of the relay and of drones: what there is, and having one done. */
export class Commands {
  readonly #world: CodeWorld
  readonly #tellUser: (userId: string, commands: Command[]) => void
  /** What each user's clients were told last. */
  readonly #told = new Map<string, string>()
  readonly #once = new Once<{ result?: Json }>()
  readonly #own: Readonly<Record<string, Own>>

  constructor(world: CodeWorld, tellUser: (userId: string, commands: Command[]) => void) {
    this.#world = world
    this.#tellUser = tellUser
    this.#own = this.#ownCommands()
  }

  /** The relay's own, and what the user's drones offer besides; the first of a name counts. */
  of(userId: string): Command[] {
    const own = Object.entries(this.#own).map(([name, { description, args }]): Command => ({
      name,
      description,
      ...(args === undefined ? {} : { args }),
    }))
    const offered = [...this.#world.directory.ofUser(userId)].flatMap(
      ({ manifest }) => manifest.commands ?? [],
    )
    const byName = new Map<string, Command>()
    for (const command of [...own, ...offered])
      if (!byName.has(command.name)) byName.set(command.name, command)
    return [...byName.values()]
  }

  /** What a connection that is welcome is told: its user's others know as much, or hear of it in a moment. */
  forWelcome(userId: string): Command[] {
    const commands = this.of(userId)
    if (!this.#told.has(userId)) this.#told.set(userId, JSON.stringify(commands))
    return commands
  }

  /** A drone of the user came, went, or offers other commands. */
  changed(userId: string): void {
    const commands = this.of(userId)
    const text = JSON.stringify(commands)
    if (this.#told.get(userId) === text) return
    this.#told.set(userId, text)
    this.#tellUser(userId, commands)
  }

  /** [CO2] Does a command, once for each `requestId`; its result is the answer, and is told to all who watch the session. */
  execute(userId: string, executed: Executed): Promise<{ result?: Json }> {
    return this.#once.do(JSON.stringify([userId, executed.requestId]), async () => {
      const result = await this.#run(userId, executed)
      const answer = result === undefined ? {} : { result }
      const { requestId, chatSessionId } = executed
      if (chatSessionId !== undefined) {
        const told: CommandResult = {
          chatSessionId,
          requestId,
          command: nameOf(executed),
          by: userId,
          ...answer,
        }
        this.#world.feed.publish(chatSessionId, { kind: 'live', name: 'command:result', args: [told] })
      }
      return answer
    })
  }

  async #run(userId: string, executed: Executed): Promise<Json | undefined> {
    const { chatSessionId, args } = executed
    const command = nameOf(executed)
    const own = Object.hasOwn(this.#own, command) ? this.#own[command] : undefined
    const session =
      chatSessionId === undefined ? undefined : await this.#world.sessions.of(userId, chatSessionId)
    if (command === 'help') return { commands: this.of(userId) as Json }
    const offering = this.#offering(userId, session, command)
    if (!own && !offering) throw unknownCommand(command)
    if (own && !(command === 'compact' && offering)) {
      if (!session)
        throw new RelayError('invalid_payload', `The command ${command} is about a chat session: name it.`)
      return own.run(session, typeof args === 'string' && args.trim() !== '' ? args.trim() : undefined)
    }
    return offering ? this.#byDrone(userId, session, offering, executed) : undefined
  }

  /** The session's drone, or else any of the user's, that offers a command. */
  #offering(
    userId: string,
    session: ChatSessionRecord | undefined,
    command: string,
  ): { seat: Seat; command: Command } | undefined {
    const { directory } = this.#world
    const own = session && seatOf(directory, session)
    const seats = own ? [own] : [...directory.ofUser(userId)]
    for (const seat of seats) {
      const found = seat.manifest.commands?.find(({ name }) => name === command)
      if (found) return { seat, command: found }
    }
    return undefined
  }

  /** A command that is a prompt becomes a message; any other is the drone's to do. */
  async #byDrone(
    userId: string,
    session: ChatSessionRecord | undefined,
    { seat, command }: { seat: Seat; command: Command },
    { requestId, args }: Executed,
  ): Promise<Json | undefined> {
    const { chatSessionId } = session ?? {}
    if (!command.prompt) {
      const place = chatSessionId === undefined ? {} : { chatSessionId }
      return seat.execute({
        requestId,
        ...place,
        command: command.name,
        ...(args === undefined ? {} : { args }),
      })
    }
    const words = typeof args === 'string' ? ` ${args}` : args === undefined ? '' : ` ${JSON.stringify(args)}`
    const message = {
      content: `/${command.name}${words}`,
      messageId: `command ${requestId}`.slice(0, 512),
      droneId: seat.droneId,
      ...(chatSessionId === undefined ? {} : { chatSessionId }),
    }
    return { ...(await queueMessage(this.#world, userId, message)) }
  }

  #ownCommands(): Record<string, Own> {
    const world = this.#world
    return {
      help: { description: 'what there is', run: () => Promise.resolve(null) },
      model: {
        description: `the model from the next turn on; "${CLEAR}" leaves it to the drone`,
        args: { hint: 'model' },
        run: async (session, wanted) => {
          const { userId, chatSessionId } = session
          if (wanted !== undefined)
            await chooseModel(world, userId, chatSessionId, wanted === CLEAR ? undefined : wanted)
          const { model = null } = await world.sessions.of(userId, chatSessionId)
          const allowed = seatOf(world.directory, session)?.manifest.models ?? []
          return { model, allowed: allowed.map(({ id }) => id) }
        },
      },
      thinking: {
        description: `how much the agent thinks from the next turn on; "${CLEAR}" leaves it to the drone`,
        args: { hint: 'level' },
        run: async (session, wanted) => {
          const { userId, chatSessionId } = session
          if (wanted !== undefined)
            await chooseThinking(world, userId, chatSessionId, wanted === CLEAR ? undefined : wanted)
          const { thinkingLevel = null } = await world.sessions.of(userId, chatSessionId)
          const allowed = seatOf(world.directory, session)?.manifest.thinkingLevels ?? []
          return { thinkingLevel, allowed }
        },
      },
      abort: {
        description: 'ends the live turn',
        run: async (session) => {
          const live = await liveTurnOf(world, session)
          if (live === undefined)
            throw new RelayError('not_found', `Chat session ${session.chatSessionId} has no live turn.`)
          return abortTurn(world, session.userId, live)
        },
      },
      retry: {
        description: 'tries the last turn again, or says yes to one that waits for it',
        run: async (session) => {
          const { items } = await world.store.turnsOfSession(session.chatSessionId, { limit: 1 })
          const [last] = items
          if (!last) throw new RelayError('not_found', `Chat session ${session.chatSessionId} has no turn.`)
          return { turnId: last.turnId, ...(await retryTurn(world, session.userId, last.turnId)) }
        },
      },
      status: {
        description: 'how the session stands, and what it has used',
        run: async (session) => {
          const view = await viewNow(world.store, session)
          return { ...view, queue: viewOfQueue(session.queue) } as unknown as Json
        },
      },
      compact: {
        description: 'makes the conversation shorter, where the drone can',
        run: () => Promise.reject(unknownCommand('compact')),
      },
    }
  }
}

/** With or without the slash that people type. */
function nameOf({ command }: Executed): string {
  return command.startsWith('/') ? command.slice(1) : command
}

function unknownCommand(command: string): RelayError {
  return new RelayError('not_found', `There is no command ${command} here: help names those that there are.`)
}
