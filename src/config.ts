import { z } from 'zod'
import { RETRY_POLICIES } from './turns/lifecycle.ts'

/** One option: an environment variable, a flag of `serve`, and a field of `Config`. */
export interface Option<Schema extends z.ZodType = z.ZodType> {
  readonly env: string
  readonly schema: Schema
  /** As text, the way it would be set; an empty one means not set. */
  readonly default: string
  readonly unit: string
  readonly reason: string
}

function option<Schema extends z.ZodType>(
  env: string,
  schema: Schema,
  fallback: string,
  unit: string,
  reason: string,
): Option<Schema> {
  return { env, schema, default: fallback, unit, reason }
}

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)
/** The longest a timer can wait. */
const LONGEST_MS = 2_147_483_647
const ms = z.coerce.number().int().min(1).max(LONGEST_MS)
/** A wait that may be none at all. */
const pause = z.coerce.number().int().min(0).max(LONGEST_MS)
const size = z.coerce.number().int().min(1024)

export const OPTIONS = {
  host: option(
    'HOST',
    z.string().min(1),
    '127.0.0.1',
    'address',
    'where to listen; loopback unless told otherwise',
  ),
  port: option(
    'PORT',
    z.coerce.number().int().min(0).max(65_535),
    '7433',
    'port',
    '0 picks a free one and logs it',
  ),
  dataDir: option('DATA_DIR', z.string().min(1), './data', 'path', 'the embedded store and the first keys'),
  mongodbUri: option('MONGODB_URI', z.string(), '', 'URI', 'keep turns in MongoDB instead of in DATA_DIR'),
  logLevel: option(
    'LOG_LEVEL',
    z.enum(['error', 'warn', 'info', 'debug']),
    'info',
    'level',
    'the least severe lines that are written',
  ),
  routingRules: option(
    'ROUTING_RULES',
    z.string(),
    '',
    'path or JSON',
    'rules that choose a model or drones for a message: docs/operations.md',
  ),
  corsOrigins: option(
    'CORS_ORIGINS',
    list,
    '',
    'origins, by comma',
    'web pages that may connect, beside our own',
  ),
  transports: option(
    'TRANSPORTS',
    list.pipe(z.array(z.enum(['websocket', 'polling'])).min(1)),
    'websocket,polling',
    'names, by comma',
    'websocket alone where several nodes are balanced without stickiness',
  ),
  graceMs: option('GRACE_MS', ms, '10000', 'ms', 'how long a drone that dropped is waited for'),
  heartbeatIntervalMs: option('HEARTBEAT_INTERVAL_MS', ms, '5000', 'ms', 'how often drones name their turns'),
  pingIntervalMs: option(
    'PING_INTERVAL_MS',
    ms,
    '4500',
    'ms',
    'half-open connections are noticed within this ...',
  ),
  pingTimeoutMs: option('PING_TIMEOUT_MS', ms, '3000', 'ms', '... and this'),
  dispatchAckMs: option(
    'DISPATCH_ACK_MS',
    ms,
    '10000',
    'ms',
    'how long a drone may take to acknowledge an order',
  ),
  terminationMs: option(
    'TERMINATION_MS',
    ms,
    '5000',
    'ms',
    'how long a drone may take to answer that it leaves',
  ),
  queuedMs: option('QUEUED_MS', ms, '86400000', 'ms', 'how long a turn may wait for a fitting drone'),
  maxAttempts: option(
    'MAX_ATTEMPTS',
    z.coerce.number().int().min(1).max(100),
    '3',
    'attempts',
    'tries of one turn',
  ),
  retryFirstMs: option(
    'RETRY_FIRST_MS',
    ms,
    '1000',
    'ms',
    'the wait before a second attempt, doubling from there',
  ),
  retryLongestMs: option('RETRY_LONGEST_MS', ms, '30000', 'ms', 'the longest wait before an attempt'),
  retryPolicy: option(
    'RETRY_POLICY',
    z.enum(RETRY_POLICIES),
    'ask',
    'ask, always, never',
    'what follows when a drone is lost after a tool that changes things had started',
  ),
  askMs: option('ASK_MS', ms, '86400000', 'ms', 'how long a turn may wait for the yes to its next attempt'),
  permissionMs: option(
    'PERMISSION_MS',
    ms,
    '86400000',
    'ms',
    'how long a question of an agent may wait for its answer',
  ),
  quarantineAfter: option(
    'QUARANTINE_AFTER',
    z.coerce.number().int().min(1).max(1000),
    '3',
    'crashes',
    'crashes in a row with work in hand, after which a drone gets none',
  ),
  idleMs: option('IDLE_MS', ms, '1800000', 'ms', 'how long a drone may say nothing about its turn'),
  wallMs: option('WALL_MS', ms, '86400000', 'ms', 'how long one attempt may take'),
  turnBytes: option('TURN_BYTES', size, '268435456', 'bytes', 'the most that one attempt may say'),
  turnBlocks: option(
    'TURN_BLOCKS',
    z.coerce.number().int().min(1),
    '100000',
    'blocks',
    'the most blocks that one attempt may have',
  ),
  mergeMs: option(
    'MERGE_MS',
    ms,
    '35',
    'ms',
    'pieces for viewers gather this long; the first after a silence never',
  ),
  checkpointMs: option('CHECKPOINT_MS', ms, '8', 'ms', 'how long words of an open block wait to be stored'),
  checkpointBytes: option(
    'CHECKPOINT_BYTES',
    size,
    '65536',
    'bytes',
    'words of one turn that are stored at once',
  ),
  partBytes: option('PART_BYTES', size, '4096', 'bytes', 'the size at which a stored part is closed'),
  windowBytes: option(
    'WINDOW_BYTES',
    size,
    '1048576',
    'bytes',
    'what a drone may have said that is not stored',
  ),
  terminalRingBytes: option(
    'TERMINAL_RING_BYTES',
    size,
    '262144',
    'bytes',
    'what is kept of each terminal besides its last snapshot',
  ),
  textUnits: option('TEXT_UNITS', size, '32768', 'UTF-16 units', 'the longest text of one entry'),
  toolBytes: option('TOOL_BYTES', size, '262144', 'bytes', 'the most that one tool entry may have'),
  eventBytes: option(
    'EVENT_BYTES',
    size,
    '2097152',
    'bytes',
    'the largest packet: a tool entry with every byte escaped',
  ),
  attachmentsBytes: option(
    'ATTACHMENTS_BYTES',
    size,
    '8388608',
    'bytes',
    'the most that the files of one message may have together',
  ),
  joinEveryMs: option('JOIN_EVERY_MS', pause, '1000', 'ms', 'between two joins of one session by one viewer'),
  viewerBufferBytes: option(
    'VIEWER_BUFFER_BYTES',
    size,
    '1048576',
    'bytes',
    'past this a slow viewer reads the store',
  ),
  frozenMs: option(
    'FROZEN_MS',
    ms,
    '1500',
    'ms',
    'a slow viewer that takes nothing in one such span is cut off',
  ),
  stopMs: option('STOP_MS', ms, '10000', 'ms', 'the longest a clean stop may take'),
} as const

export type Config = { readonly [Name in keyof typeof OPTIONS]: z.output<(typeof OPTIONS)[Name]['schema']> }
export type OptionName = keyof typeof OPTIONS

/** Options that are wrong: the text names each with what it should be. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

export function optionNames(): OptionName[] {
  return Object.keys(OPTIONS) as OptionName[]
}

/** `graceMs` as a flag: `--grace-ms`. */
export function flagOf(name: OptionName): string {
  return `--${OPTIONS[name].env.toLowerCase().replaceAll('_', '-')}`
}

/** Reads every option once: a flag before its variable before its default. */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Partial<Record<OptionName, string>>> = {},
): Config {
  const config: Record<string, unknown> = {}
  const wrong: string[] = []
  for (const name of optionNames()) {
    const { env: variable, schema, default: fallback } = OPTIONS[name]
    const given = flags[name] ?? env[variable]
    const parsed = schema.safeParse(given === undefined || given === '' ? fallback : given)
    if (parsed.success) config[name] = parsed.data
    else
      wrong.push(
        `${variable}: ${parsed.error.issues[0]?.message ?? 'invalid'} (given: ${JSON.stringify(given)})`,
      )
  }
  if (wrong.length > 0) throw new ConfigError(wrong.join('; '))
  return config as Config
}
