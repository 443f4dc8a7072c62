import { z } from 'zod'
import { pick } from './header.ts'
import { seatsOf } from './seat.ts'
import type { Seat, Seats } from './seat.ts'
import type { Message } from './sending.ts'
import type { ChatSessionRecord } from './turn-store.ts'

const labels = z.record(z.string(), z.string())

/** When a rule is meant; all of what it names has to be so. */
const when = z.strictObject({
  /** A regular expression (RE2) that the text has somewhere, whatever its case. */
  text: z.string().max(1000).optional(),
  /** UTF-16 units of the text. */
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  /** Whether files come with it; or the beginning of a media type that one of them has. */
  attachments: z.union([z.boolean(), z.string().min(1)]).optional(),
  user: z.string().optional(),
  workspace: z.string().optional(),
  /** Labels of a drone that is here and could take it. */
  labels: labels.optional(),
})

/** What follows from it. */
const use = z.strictObject({
  model: z.string().min(1).optional(),
  provider: z.string().min(1).optional(),
  thinkingLevel: z.string().min(1).optional(),
  /** Only drones with all of these. */
  labels: labels.optional(),
})

export const routingRule = z.strictObject({
  name: z.string().min(1).max(200),
  when: when.default({}),
  use,
  /** Goes before what the user chose. */
  override: z.boolean().default(false),
})
export type RoutingRule = z.infer<typeof routingRule>

/** Whether the text of a rule is in a message. */
type Pattern = (content: string) => boolean

interface ReadyRule extends RoutingRule {
  readonly pattern: Pattern | undefined
}

/** What a message asks for when the rules are through with it. */
export interface Routed {
  readonly message: Message
  readonly labels?: Readonly<Record<string, string>>
  readonly routing?: { readonly rule: string; readonly reason: string }
}

interface Logger {
  warn(message: string, meta?: object): void
}

/**
 * [RO1] Rules that choose a model, or drones, for a message: the first that is meant. What a rule of `override` says goes
 * before what the user has chosen, and that before any other rule. A rule that is wrong, or that no drone which is here
 * could follow, is passed over and logged: it never keeps a message from being worked on.
 */
export class Routing {
  readonly #seats: Pick<Seats, 'ofUser'>
  readonly #logger: Logger
  #rules: readonly ReadyRule[] = []

  constructor({ seats, logger }: { seats: Pick<Seats, 'ofUser'>; logger: Logger }) {
    this.#seats = seats
    this.#logger = logger
  }

  /** Takes these rules from now on; those that are none are left out. Answers how many there are. */
  async load(rules: readonly unknown[]): Promise<number> {
    const ready = await Promise.all(rules.map((rule, index) => this.#ready(rule, index)))
    this.#rules = ready.filter((rule) => rule !== undefined)
    return this.#rules.length
  }

  route(userId: string, session: ChatSessionRecord, message: Message): Routed {
    const { droneId, workspaceId = session.workspaceId } = message
    const drones = seatsOf(this.#seats, userId, { droneId, workspaceId })
    for (const rule of this.#rules) {
      const reason = reasonOf(rule, userId, session, message, drones)
      if (reason === undefined) continue
      const chosen = this.#apply(rule, session, message)
      if (!drones.some((seat) => follows(seat, rule, chosen))) {
        this.#logger.warn('A routing rule is passed over: no drone that is here could follow it.', {
          rule: rule.name,
        })
        continue
      }
      return {
        message: chosen,
        ...(rule.use.labels ? { labels: rule.use.labels } : {}),
        routing: { rule: rule.name, reason },
      }
    }
    return { message }
  }

  async #ready(rule: unknown, index: number): Promise<ReadyRule | undefined> {
    try {
      const parsed = routingRule.parse(rule)
      const { text } = parsed.when
      return { ...parsed, pattern: text === undefined ? undefined : await patternOf(text) }
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error)
      this.#logger.warn('A routing rule is wrong, and left out.', { index, why })
      return undefined
    }
  }

  #apply({ use: wanted, override }: ReadyRule, session: ChatSessionRecord, message: Message): Message {
    const { model, provider, thinkingLevel } = wanted
    const chosen = { ...pick(session, 'model', 'provider', 'thinkingLevel'), ...message }
    const isFree = override || chosen.model === undefined
    const isFreeLevel = override || chosen.thinkingLevel === undefined
    return {
      ...message,
      ...(model !== undefined && isFree ? { model, ...(provider === undefined ? {} : { provider }) } : {}),
      ...(thinkingLevel !== undefined && isFreeLevel ? { thinkingLevel } : {}),
    }
  }
}

/** RE2 takes time in proportion to the text, whatever the pattern: no rule can hang the relay. Loaded when one has a text. */
async function patternOf(text: string): Promise<Pattern> {
  const { RE2JS } = await import('re2js')
  const pattern = RE2JS.compile(text, RE2JS.CASE_INSENSITIVE)
  return (content) => pattern.matcher(content).find()
}

/** Why a rule is meant, in words for people; undefined where it is not. */
function reasonOf(
  { when: wanted, pattern, override }: ReadyRule,
  userId: string,
  session: ChatSessionRecord,
  message: Message,
  drones: readonly Seat[],
): string | undefined {
  const { content, attachments = [] } = message
  const { minLength, maxLength, user, workspace, labels: wantedLabels } = wanted
  const reasons: (string | false)[] = []
  if (pattern) reasons.push(pattern(content) && `the text has ${wanted.text}`)
  if (minLength !== undefined)
    reasons.push(content.length >= minLength && `it has at least ${minLength} characters`)
  if (maxLength !== undefined)
    reasons.push(content.length <= maxLength && `it has at most ${maxLength} characters`)
  if (typeof wanted.attachments === 'boolean')
    reasons.push(
      attachments.length > 0 === wanted.attachments &&
        (wanted.attachments ? 'it has files' : 'it has no files'),
    )
  if (typeof wanted.attachments === 'string') {
    const type = wanted.attachments
    reasons.push(
      attachments.some(({ mediaType }) => mediaType.startsWith(type)) && `it has a file of ${type}`,
    )
  }
  if (user !== undefined) reasons.push(userId === user && `it is from ${user}`)
  if (workspace !== undefined) {
    const of = message.workspaceId ?? session.workspaceId
    reasons.push(
      (of === workspace || drones.some((seat) => seat.workspaceId === workspace)) && `it is for ${workspace}`,
    )
  }
  if (wantedLabels)
    reasons.push(drones.some((seat) => hasLabels(seat, wantedLabels)) && 'a drone has the labels')
  if (reasons.includes(false)) return undefined
  const why = reasons.length === 0 ? 'it is for every message' : reasons.join(', and ')
  return override ? `${why}; it goes before what was chosen` : why
}

/** It offers what the rule wants, and what the message wants in the end. */
function follows(seat: Seat, { use: wanted }: RoutingRule, { model, agent }: Message): boolean {
  const labels = wanted.labels ? { labels: wanted.labels } : {}
  return [wanted.model, model].every((one) =>
    seat.offers({
      ...(agent === undefined ? {} : { agent }),
      ...(one === undefined ? {} : { model: one }),
      ...labels,
    }),
  )
}

export function hasLabels(seat: Pick<Seat, 'labels'>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([label, value]) => {
    const has = seat.labels[label]
    return (typeof has === 'string' ? has : JSON.stringify(has)) === value
  })
}
